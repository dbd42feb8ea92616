#pragma once

// Listening sockets that systemd opened for us (sd_listen_fds(3), without its library).
//
//   auto sockets = TakeInheritedSockets();   // LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES
//   if (sockets.ok() && sockets->public_descriptor >= 0) ... instead of the setting listen
//
// Called once, before any thread and any child: the variables are taken out of the environment and
// the descriptors are closed in children. Variables for another process are left alone.
// InvalidArgument: a name that is neither `public` nor `admin`, one of them twice, or nonsense.

#include "absl/status/statusor.h"

namespace tallyd {

struct InheritedSockets {
  int public_descriptor = -1;  // -1: none was passed
  int admin_descriptor = -1;
};

absl::StatusOr<InheritedSockets> TakeInheritedSockets();

// Whether only this machine reaches a socket: a Unix one, or one bound to loopback.
bool IsLocalSocket(int descriptor);

}  // namespace tallyd
