#pragma once

// What a server asks of its process before it starts: signals, descriptors, no core dumps.
//
//   Signals signals;                // before any thread: they are ours from here on
//   PrepareProcess();
//   ...
//   while (signals.Wait() == Signals::Kind::kReload) ReadFilesAgain();
//
// The main thread only.

namespace tallyd {

// SIGTERM, SIGINT (stop; a second one exits at once) and SIGHUP (read the files again) as something
// to wait for. There can be one of it.
class Signals {
 public:
  enum class Kind : bool { kStop, kReload };

  Signals();
  // Stopping comes first; several SIGHUPs that nobody has waited for yet are one.
  Kind Wait();
  // One to stop has come already.
  bool StopPending() const;
};

// SIGPIPE is ignored (a client that left is an error of its write); as many descriptors as the hard
// limit allows; no core dumps, which would hold the voter key. A release build does not look for
// deadlocks at each lock.
void PrepareProcess();

}  // namespace tallyd
