#include "tools/client/retrying_connection.h"

#include <algorithm>
#include <thread>

namespace tallyd {

absl::StatusOr<ClientAnswer> RetryingConnection::Send(const ClientRequest& request) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kPauseMax{1'000};
  const Clock::time_point deadline = Clock::now() + give_up_after_;
  std::chrono::milliseconds pause{20};
  for (;;) {
    auto answer = connection_.Send(request);
    const bool again = answer.ok() ? answer->status == 503 || answer->status == 429
                                   : absl::IsUnavailable(answer.status()) ||
                                         absl::IsDeadlineExceeded(answer.status());
    if (!again) return answer;
    if (Clock::now() + pause > deadline) {
      const std::string last = answer.ok() ? "status " + std::to_string(answer->status)
                                           : std::string(answer.status().message());
      return absl::UnavailableError("gave up after " +
                                    std::to_string(give_up_after_.count() / 1'000) + " s: " + last);
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, kPauseMax);
  }
}

}  // namespace tallyd
