#pragma once

// A connection that its session has let go of, for an answer that has no end: a stream of events, a
// WebSocket.
//
//   if (auto connection = responder.Detach(200, header_lines)) feed.Add(std::move(connection));
//   else ... the responder is still there and answers something else ...
//
// Whoever has it reads, writes and closes, on the io thread it came from, and bounds how many there
// are: it does not count among the connections of its listener any more.

#include <string>

#include "net/byte_stream.h"

namespace tallyd {

class IoThread;

struct DetachedConnection {
  ByteStream stream;
  IoThread& io_thread;
  std::string head;  // status line and headers, not yet sent
};

}  // namespace tallyd
