#include "net/client_gate.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "net/problem_response.h"

namespace tallyd {
namespace {

// Who has less than this share left is told so in time.
constexpr std::uint32_t kTellBelowPercent = 20;

std::int64_t Microseconds(IoThread::TimePoint now) {
  return std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
}

HttpResponse TooManyRequests(std::uint32_t wait_s, std::string_view language) {
  HttpResponse response = ProblemResponse(ProblemCode::kTooManyRequests, {}, {}, language);
  for (auto& [name, value] : response.headers) {
    if (name == "Retry-After") value = std::to_string(std::max(1U, wait_s));
  }
  return response;
}

RateLimitNote NoteOf(BudgetKind kind, const Budget& budget, const ClientBudgets::Verdict& verdict) {
  const auto quota = static_cast<std::uint32_t>(budget.burst);
  const auto window =
      static_cast<std::uint32_t>(std::max<std::int64_t>(1, budget.burst / budget.requests_per_s));
  return {BudgetName(kind), quota, window, verdict.remaining, verdict.whole_s};
}

}  // namespace

RequestGate::Pass ClientGate::Charge(BudgetKind kind, std::string_view client, std::int64_t now_us,
                                     const HttpRequest& request) {
  const ClientBudgets::Verdict verdict = budgets_.Charge(kind, client, now_us);
  if (!verdict.limited) return {};
  const Budget& budget = budgets_.budget(kind);
  Pass pass;
  if (!verdict.allowed) pass.refusal = TooManyRequests(verdict.wait_s, request.accept_language);
  if (!verdict.allowed || std::uint64_t{verdict.remaining} * 100 <
                              static_cast<std::uint64_t>(budget.burst) * kTellBelowPercent) {
    pass.note = NoteOf(kind, budget, verdict);
  }
  return pass;
}

RequestGate::Pass ClientGate::Admit(HttpRequest& request, const ClientAddress& peer,
                                    IoThread::TimePoint now) {
  const bool forwarded = proxies_.header == ProxyOptions::Header::kForwarded;
  request.client =
      FindClient(peer, proxies_, forwarded ? request.forwarded : request.x_forwarded_for);
  const ClientAddress& client = request.client;
  const std::int64_t now_us = Microseconds(now);
  if (!request.authorization.empty() && !auth_.believes_everybody()) {
    const bool spent =
        client.known() && budgets_.IsSpent(BudgetKind::kRefusedToken, client.Network(), now_us);
    auth_.Identify(request, spent ? TokenEffort::kCheap : TokenEffort::kAny);
    if (request.identity) {
      const Identity& identity = *request.identity;
      if (identity.VouchesForVoters()) {
        return Charge(BudgetKind::kFrontend, identity.actor.view(), now_us, request);
      }
      const auto& subject = identity.voter.empty() ? identity.actor : identity.voter;
      return Charge(BudgetKind::kToken, subject.view(), now_us, request);
    }
    if (client.known()) {
      Pass pass = Charge(BudgetKind::kRefusedToken, client.Network(), now_us, request);
      if (pass.refusal) return pass;
    }
  }
  if (!client.known()) return {};
  return Charge(BudgetKind::kAddress, client.Network(), now_us, request);
}

bool ClientGate::AdmitHandshake(const ClientAddress& peer, IoThread::TimePoint now) {
  const bool has_address = peer.bits() > 0;
  if (!has_address || proxies_.Believes(peer)) return true;
  return budgets_.Charge(BudgetKind::kHandshake, peer.Network(), Microseconds(now)).allowed;
}

}  // namespace tallyd
