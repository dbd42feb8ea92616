#pragma once

// The one thread that reads the past for analysts: exports, history, time travel, what-if.
//
// Such work reads the journal or the ballot store for milliseconds to minutes; it must hold up
// neither an io thread nor the writer. One job after another at low priority, at most kWaitingMax
// waiting. A job is handed the thread and gives up when it is stopping.
//
// Submit, waiting, counters from any thread; Stop by the one that made it, before the io threads
// end.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"

#include "net/http_response.h"

namespace tallyd {

class AnalysisThread {
 public:
  static constexpr std::size_t kWaitingMax = 16;
  using Work = absl::AnyInvocable<HttpResponse()>;

  AnalysisThread();
  ~AnalysisThread();

  // The answer goes out on the responder's io thread. False: too many wait, nothing was touched.
  bool Submit(Responder& responder, bool german, Work work);
  // Who waits is answered `draining`; returns when the job at work has ended. Nothing is taken any
  // more; the thread itself ends with the object.
  void Stop();
  bool keep_on() const { return !stopping_.load(std::memory_order_relaxed); }

  std::size_t waiting() const;
  std::uint64_t done() const { return done_.load(std::memory_order_relaxed); }
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  struct Job {
    Responder responder;
    IoThread* io_thread = nullptr;
    bool german = false;
    Work work;
  };
  void Run();
  static void Send(Job job, HttpResponse response);

  mutable absl::Mutex mutex_;
  std::deque<Job> jobs_ ABSL_GUARDED_BY(mutex_);
  bool at_work_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> done_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::thread thread_;
};

}  // namespace tallyd
