#pragma once

// A message about a ranking, as a stream of events and as a WebSocket carry it. Pure functions.

#include <cstdint>
#include <string>
#include <string_view>

#include "net/live_reader.h"

namespace tallyd {

// `name`: snapshot, delta, final, bye; `data`: one line of JSON.
std::string LiveMessage(LiveReader::Kind kind, std::string_view name, std::string_view version,
                        std::string_view data);
// What keeps a connection open while there is nothing to say.
std::string_view LiveHeartbeat(LiveReader::Kind kind);
// The server goes away; the client comes back after `retry_ms`.
std::string LiveBye(LiveReader::Kind kind, std::string_view version, std::uint32_t retry_ms);
// The last bytes of the connection, after the last message.
std::string LiveEnd(LiveReader::Kind kind);

}  // namespace tallyd
