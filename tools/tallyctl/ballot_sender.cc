#include "tools/tallyctl/ballot_sender.h"

#include <algorithm>
#include <thread>

#include "absl/time/time.h"
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "tools/tallyctl/control.h"

namespace tallyd {
namespace {

namespace json = boost::json;

std::int64_t NumberOf(const json::object& object, const char* member) {
  const json::value* value = object.if_contains(member);
  boost::system::error_code error;
  const std::int64_t number = value == nullptr ? 0 : value->to_number<std::int64_t>(error);
  return error ? 0 : number;
}

std::string CodeOf(const json::value& value) {
  const json::value* code = value.is_object() ? value.as_object().if_contains("code") : nullptr;
  return code != nullptr && code->is_string() ? std::string(code->as_string()) : "";
}

}  // namespace

absl::StatusOr<SendResult> BallotSender::Run(
    const std::function<void(std::size_t done)>& progress) {
  std::vector<std::thread> threads;
  {
    absl::MutexLock lock(&mutex_);
    working_ = options_.connections;
  }
  for (int i = 0; i < options_.connections; ++i) threads.emplace_back([this] { Work(); });
  {
    absl::MutexLock lock(&mutex_);
    const auto finished = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return working_ == 0; };
    while (!mutex_.AwaitWithTimeout(absl::Condition(&finished), absl::Milliseconds(200))) {
      progress(done_.load(std::memory_order_relaxed));
    }
  }
  for (std::thread& thread : threads) thread.join();
  absl::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  std::sort(result_.refused.begin(), result_.refused.end(),
            [](const auto& a, const auto& b) { return a.line < b.line; });
  return std::move(result_);
}

void BallotSender::Work() {
  RetryingConnection private_connection(options_.private_server, options_.give_up_after);
  RetryingConnection public_connection(options_.public_server, options_.give_up_after);
  const std::size_t step = options_.single ? 1 : options_.batch_lines;
  absl::Status status;
  while (status.ok()) {
    const std::size_t begin = next_.fetch_add(step, std::memory_order_relaxed);
    if (begin >= file_.votes.size()) break;
    const std::size_t end = std::min(begin + step, file_.votes.size());
    if (options_.single && !file_.votes[begin].paper) {
      status = SendSingle(public_connection, file_.votes[begin]);
    } else {
      Votes votes;
      for (std::size_t i = begin; i < end; ++i) votes.push_back(&file_.votes[i]);
      status = SendBatch(private_connection, std::move(votes));
    }
    done_.fetch_add(end - begin, std::memory_order_relaxed);
  }
  absl::MutexLock lock(&mutex_);
  if (!status.ok()) {
    next_.store(file_.votes.size(), std::memory_order_relaxed);  // the others stop, too
    if (failure_.ok()) failure_ = status;
  }
  --working_;
}

absl::Status BallotSender::SendBatch(RetryingConnection& connection, Votes votes) {
  using SteadyClock = std::chrono::steady_clock;
  const SteadyClock::time_point deadline = SteadyClock::now() + options_.give_up_after;
  std::chrono::milliseconds pause{10};
  for (;;) {
    ClientRequest request;
    request.method = "POST";
    request.target = "/v1/polls/" + EncodeSegment(plan_.poll) + "/votes/batch?results=errors";
    request.headers.emplace_back("Content-Type", "application/x-ndjson");
    AddIdentity(options_.actor, options_.token, request);
    for (const PabulibVote* vote : votes) request.body += VoteLine(file_, plan_, *vote, true);
    const auto answer = connection.Send(request);
    if (!answer.ok()) return answer.status();
    auto again = TakeBatchAnswer(*answer, votes);
    if (!again.ok()) return again.status();
    if (again->empty()) return absl::OkStatus();
    if (SteadyClock::now() > deadline) {
      return absl::UnavailableError("the server keeps refusing ballots for now: gave up after " +
                                    std::to_string(options_.give_up_after.count()) + " s");
    }
    votes = *std::move(again);
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::milliseconds(1'000));
  }
}

absl::StatusOr<BallotSender::Votes> BallotSender::TakeBatchAnswer(const ClientAnswer& answer,
                                                                  const Votes& votes) {
  if (answer.status != 200) {
    return absl::FailedPreconditionError("a batch was refused: " + DescribeProblem(answer));
  }
  const auto body = ParseJson(answer.body);
  const json::object* sums = body.ok() ? body->if_object() : nullptr;
  const json::value* items = sums == nullptr ? nullptr : sums->if_contains("items");
  if (items == nullptr || !items->is_array()) {
    return absl::InternalError("the answer to a batch cannot be read");
  }
  Votes again;
  std::vector<RefusedBallot> refused;
  for (const json::value& item : items->as_array()) {
    const std::int64_t line = item.is_object() ? NumberOf(item.as_object(), "line") : 0;
    if (line < 1 || static_cast<std::size_t>(line) > votes.size()) {
      return absl::InternalError("the answer to a batch names a line that was not sent");
    }
    const PabulibVote* vote = votes[static_cast<std::size_t>(line - 1)];
    const json::value* retryable = item.as_object().if_contains("retryable");
    if (retryable != nullptr && retryable->is_bool() && retryable->as_bool()) {
      again.push_back(vote);
    } else {
      refused.push_back(
          {vote->line, static_cast<int>(NumberOf(item.as_object(), "status")), CodeOf(item)});
    }
  }
  const std::int64_t counted = NumberOf(*sums, "counted");
  const std::int64_t duplicate = NumberOf(*sums, "duplicate");
  const std::int64_t replaced = NumberOf(*sums, "replaced");
  const auto listed = static_cast<std::int64_t>(items->as_array().size());
  if (counted + duplicate + replaced + listed != static_cast<std::int64_t>(votes.size())) {
    return absl::InternalError("the answer to a batch does not account for every line");
  }
  absl::MutexLock lock(&mutex_);
  result_.counted += static_cast<std::uint64_t>(counted);
  result_.duplicate += static_cast<std::uint64_t>(duplicate);
  result_.replaced += static_cast<std::uint64_t>(replaced);
  result_.refused.insert(result_.refused.end(), refused.begin(), refused.end());
  return again;
}

absl::Status BallotSender::SendSingle(RetryingConnection& connection, const PabulibVote& vote) {
  ClientRequest request;
  request.method = "POST";
  request.target = "/v1/polls/" + EncodeSegment(plan_.poll) + "/votes";
  request.headers.emplace_back("Content-Type", "application/json");
  AddIdentity("", options_.token, request);
  request.body = VoteLine(file_, plan_, vote, false);
  const auto answer = connection.Send(request);
  if (!answer.ok()) return answer.status();
  if (answer->status >= 500 || answer->status == 404 || answer->status == 401 ||
      answer->status == 403) {
    return absl::FailedPreconditionError("line " + std::to_string(vote.line) + ": " +
                                         DescribeProblem(*answer));
  }
  const auto body = ParseJson(answer->body);
  const json::object* members = body.ok() ? body->if_object() : nullptr;
  if (members == nullptr) return absl::InternalError("the answer to a vote cannot be read");
  absl::MutexLock lock(&mutex_);
  if (answer->status == 201) {
    ++result_.counted;
  } else if (answer->status != 200) {
    result_.refused.push_back({vote.line, answer->status, CodeOf(*body)});
  } else if (const json::value* status = members->if_contains("status");
             status != nullptr && *status == "replaced") {
    ++result_.replaced;
  } else {
    ++result_.duplicate;
  }
  return absl::OkStatus();
}

}  // namespace tallyd
