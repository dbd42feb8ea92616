#include "net/engine_gateway.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "net/asio.h"
#include "net/problem_response.h"
#include "storage/broken_build.h"
#include "storage/check.h"

namespace tallyd {
namespace {

constexpr auto kRoomRetryInterval = std::chrono::milliseconds(1);

}  // namespace

// Wakes the waiters when the queue is full of other threads' commands, so that no outcome of ours
// will.
struct EngineGateway::RetryTimer {
  explicit RetryTimer(asio::io_context& context) : timer(context) {}
  SteadyTimer timer;
  bool armed = false;
};

EngineGateway::EngineGateway(Engine& engine, IoThread& io_thread, std::size_t pending_max)
    : engine_(engine),
      io_thread_(io_thread),
      pending_max_(pending_max),
      retry_timer_(std::make_unique<RetryTimer>(io_thread.context())) {
  TALLYD_CHECK(pending_max < (std::size_t{1} << 32));
  if (engine.receipt_key()) receipts_ = std::make_unique<ReceiptCodec>(*engine.receipt_key());
  sink_ = engine.RegisterSink(this);
}

EngineGateway::~EngineGateway() = default;

void EngineGateway::Send(Command&& command, Pending&& pending) {
  if (pending_count_ >= pending_max_) {
    pending.handler->OnRefused(std::move(pending));
    return;
  }
  command.sink = sink_;
  command.cookie = Take(std::move(pending));
  votes_.push_back(std::move(command));
  ScheduleFlush();
}

void EngineGateway::SendAct(Act&& act, PollNumber poll, Pending&& pending) {
  Command command;
  command.kind = CommandKind::kAct;
  command.poll = poll;
  command.sink = sink_;
  command.act = std::make_unique<Act>(std::move(act));
  // Acts are few and come through the private listener: they may exceed the table's bound.
  command.cookie = Take(std::move(pending));
  acts_.push_back(std::move(command));
  ScheduleFlush();
}

void EngineGateway::Reserve(Command& command, Pending&& pending) {
  command.sink = sink_;
  command.cookie = Take(std::move(pending));
}

void EngineGateway::Cancel(std::uint64_t cookie) {
  Release(cookie);
}

std::size_t EngineGateway::TrySend(absl::Span<Command> commands) {
  return engine_.Submit(commands, Engine::Lane::kVote);
}

void EngineGateway::WaitForRoom(RoomWaiter* waiter) {
  if (std::find(waiters_.begin(), waiters_.end(), waiter) == waiters_.end()) {
    waiters_.push_back(waiter);
  }
  if (retry_timer_->armed) return;
  retry_timer_->armed = true;
  retry_timer_->timer.expires_after(kRoomRetryInterval);
  retry_timer_->timer.async_wait([this](const ErrorCode& error) {
    if (error) return;
    retry_timer_->armed = false;
    WakeWaiters();
  });
}

void EngineGateway::ForgetWaiter(RoomWaiter* waiter) {
  std::erase(waiters_, waiter);
}

void EngineGateway::Deliver(std::vector<Outcome> outcomes) {
  io_thread_.Post([this, outcomes = std::move(outcomes)]() mutable { OnOutcomes(outcomes); });
}

std::uint64_t EngineGateway::Take(Pending&& pending) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  Slot& slot = slots_[index];
  slot.taken = true;
  slot.pending = std::move(pending);
  ++pending_count_;
  return std::uint64_t{slot.generation} << 32 | index;
}

Pending EngineGateway::Release(std::uint64_t cookie) {
  const auto index = static_cast<std::uint32_t>(cookie);
  // An outcome for a slot that does not wait for it would answer somebody else's request.
  TALLYD_CHECK(index < slots_.size() && slots_[index].taken &&
               slots_[index].generation == cookie >> 32);
  Slot& slot = slots_[index];
  slot.taken = false;
  ++slot.generation;
  --pending_count_;
  free_.push_back(index);
  return std::move(slot.pending);
}

void EngineGateway::Refuse(std::uint64_t cookie) {
  Pending pending = Release(cookie);
  if (pending.handler != nullptr) {
    pending.handler->OnRefused(std::move(pending));
    return;
  }
  std::move(pending.responder).Send(OverloadedResponse(pending.german));
}

void EngineGateway::ScheduleFlush() {
  if (flush_scheduled_) return;
  flush_scheduled_ = true;
  io_thread_.AtEndOfRound([this] {
    flush_scheduled_ = false;
    Flush();
  });
}

void EngineGateway::Flush() {
  FlushLane(acts_, Engine::Lane::kReserved);
  FlushLane(votes_, Engine::Lane::kVote);
}

void EngineGateway::FlushLane(std::vector<Command>& commands, Engine::Lane lane) {
  if (commands.empty()) return;
  const std::size_t taken = engine_.Submit(absl::MakeSpan(commands), lane);
  for (std::size_t i = taken; i < commands.size(); ++i) {
    if (TALLYD_BROKEN("M10-full-queue-answers-counted") && lane == Engine::Lane::kVote) {
      Outcome invented;
      invented.code = OutcomeCode::kCounted;
      invented.poll = commands[i].poll;
      invented.seq = 1;
      Pending pending = Release(commands[i].cookie);
      pending.handler->OnOutcome(std::move(invented), std::move(pending));
      continue;
    }
    Refuse(commands[i].cookie);
  }
  commands.clear();
}

void EngineGateway::OnOutcomes(std::vector<Outcome>& outcomes) {
  for (Outcome& outcome : outcomes) {
    Pending pending = Release(outcome.cookie);
    if (pending.handler != nullptr) {
      pending.handler->OnOutcome(std::move(outcome), std::move(pending));
    } else {
      auto callback = std::move(pending.callback);
      callback(std::move(outcome), std::move(pending));
    }
  }
  WakeWaiters();
}

void EngineGateway::WakeWaiters() {
  if (waiters_.empty()) return;
  const std::vector<RoomWaiter*> woken = std::exchange(waiters_, {});
  for (RoomWaiter* waiter : woken) waiter->OnRoom();
}

HttpResponse OverloadedResponse(bool german) {
  return ProblemResponse(ProblemCode::kOverloaded, {}, {}, german ? "de" : "en");
}

}  // namespace tallyd
