#include "net/analysis_thread.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "net/io_thread.h"
#include "net/problem_response.h"

namespace tallyd {
namespace {

constexpr int kNiceness = 10;

}  // namespace

AnalysisThread::AnalysisThread() {
  thread_ = std::thread([this] { Run(); });
  pthread_setname_np(thread_.native_handle(), "tallyd-analysis");
}

bool AnalysisThread::Submit(Responder& responder, bool german, Work work) {
  absl::MutexLock lock(&mutex_);
  if (!keep_on() || jobs_.size() >= kWaitingMax) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  IoThread* io_thread = &responder.io_thread();
  jobs_.push_back({std::move(responder), io_thread, german, std::move(work)});
  return true;
}

std::size_t AnalysisThread::waiting() const {
  absl::MutexLock lock(&mutex_);
  return jobs_.size();
}

void AnalysisThread::Send(Job job, HttpResponse response) {
  IoThread* io_thread = job.io_thread;
  io_thread->Post([responder = std::move(job.responder), response = std::move(response)]() mutable {
    std::move(responder).Send(std::move(response));
  });
}

void AnalysisThread::Run() {
  // Linux keeps niceness by thread. Without the right to change it the thread is as it was.
  setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), kNiceness);
  const auto something_to_do = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return !jobs_.empty() || ended_;
  };
  for (;;) {
    Job job;
    {
      absl::MutexLock lock(&mutex_);
      at_work_ = false;
      mutex_.Await(absl::Condition(&something_to_do));
      if (jobs_.empty()) return;
      at_work_ = true;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    HttpResponse response =
        keep_on() ? job.work()
                  : ProblemResponse(ProblemCode::kDraining, {}, {}, job.german ? "de" : "en");
    done_.fetch_add(1, std::memory_order_relaxed);
    Send(std::move(job), std::move(response));
  }
}

AnalysisThread::~AnalysisThread() {
  Stop();
  {
    absl::MutexLock lock(&mutex_);
    ended_ = true;
  }
  thread_.join();
}

void AnalysisThread::Stop() {
  const auto idle = [this]()
                        ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return jobs_.empty() && !at_work_; };
  absl::MutexLock lock(&mutex_);
  stopping_ = true;
  mutex_.Await(absl::Condition(&idle));
}

}  // namespace tallyd
