#pragma once

// What the shell around the decisions (IngestLoop, Committer) takes from the world: threads, locks,
// sleeping, and the two companions that have threads of their own. In production it is this one;
// tests/sim has another, where one seed decides who runs when and what fails. The shell is a
// template over it, so that nothing virtual is called on the way of a vote.

#include <pthread.h>

#include <atomic>
#include <thread>
#include <utility>

#include "absl/synchronization/mutex.h"

#include "engine/keeper.h"
#include "engine/materialiser.h"
#include "engine/wakeup.h"

namespace tallyd {

struct SystemRuntime {
  template <class T>
  using Atomic = std::atomic<T>;
  using Mutex = absl::Mutex;
  using MutexLock = absl::MutexLock;
  using Wakeup = tallyd::Wakeup;
  using Keeper = tallyd::Keeper;
  using Materialiser = tallyd::Materialiser;
  using Thread = std::thread;

  template <class Body>
  static Thread StartThread(const char* name, Body body) {
    std::thread thread(std::move(body));
    pthread_setname_np(thread.native_handle(), name);
    return thread;
  }
};

}  // namespace tallyd
