#pragma once

// A reader of a ranking's stream of events or WebSocket, byte by byte over a RawClient.

#include <optional>
#include <string>

#include "boost/json.hpp"

#include "tests/net/merge_patch.h"
#include "tests/net/raw_client.h"

namespace tallyd {

struct LiveEvent {
  std::string name;
  std::string id;
  boost::json::value data;
};

class LiveClient {
 public:
  enum class Kind { kEvents, kWebSocket };

  // Sends the request; status() is that of the answer, 0 if there was none.
  LiveClient(std::uint16_t port, Kind kind, const std::string& poll,
             const std::string& more_lines = "", int receive_buffer_bytes = 0)
      : client_(port, receive_buffer_bytes), kind_(kind) {
    std::string request = "GET /v1/polls/" + poll + "/ranking/";
    if (kind == Kind::kEvents) {
      request += "stream HTTP/1.1\r\n";
    } else {
      request +=
          "ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
          "Sec-WebSocket-Protocol: tallyd.ranking.v1\r\n";
    }
    client_.set_timeout(std::chrono::seconds(20));
    client_.Send(request + "Host: localhost\r\n" + more_lines + "\r\n");
    head_ = client_.Read();
  }

  int status() const { return head_ ? head_->status : 0; }
  const RawAnswer& head() const { return *head_; }
  RawClient& raw() { return client_; }

  // The next message; nullopt at the end or after 20 s. Heartbeats are counted and skipped.
  std::optional<LiveEvent> Next() { return kind_ == Kind::kEvents ? NextEvent() : NextFrame(); }
  // Reads on until the version is `id`; keeps `live` up to date.
  bool FollowTo(const std::string& id) {
    while (version != id) {
      if (!Take()) return false;
    }
    return true;
  }
  bool Take() {
    const auto event = Next();
    if (!event) return false;
    last_name = event->name;
    if (event->name == "bye") return true;
    live = event->name == "delta" ? MergePatch(live, event->data) : event->data;
    version = event->id;
    return true;
  }

  boost::json::value live;
  std::string version;
  std::string last_name;
  int heartbeats = 0;
  int close_code = 0;  // of the server's close frame

 private:
  std::optional<LiveEvent> NextEvent() {
    for (;;) {
      const auto block = client_.ReadUntil("\n\n");
      if (!block) return std::nullopt;
      LiveEvent event;
      std::string rest = *block;
      while (!rest.empty()) {
        const std::size_t end = rest.find('\n');
        const std::string line = rest.substr(0, end);
        rest = end == std::string::npos ? "" : rest.substr(end + 1);
        if (line == ": hb") ++heartbeats;
        if (line.starts_with("event: ")) event.name = line.substr(7);
        if (line.starts_with("id: ")) event.id = line.substr(4);
        if (line.starts_with("data: ")) event.data = boost::json::parse(line.substr(6));
      }
      if (!event.name.empty()) return event;
    }
  }

  std::optional<LiveEvent> NextFrame() {
    for (;;) {
      const auto begin = client_.ReadBytes(2);
      if (!begin) return std::nullopt;
      std::size_t size = static_cast<unsigned char>((*begin)[1]);
      const int size_bytes = size == 126 ? 2 : size == 127 ? 8 : 0;
      if (size_bytes > 0) {
        const auto more = client_.ReadBytes(static_cast<std::size_t>(size_bytes));
        if (!more) return std::nullopt;
        size = 0;
        for (const char c : *more) size = size << 8U | static_cast<unsigned char>(c);
      }
      const auto payload = client_.ReadBytes(size);
      if (!payload) return std::nullopt;
      const int opcode = (*begin)[0] & 0x0f;
      if (opcode == 9) ++heartbeats;
      if (opcode == 10) pongs += *payload;
      if (opcode == 8) {
        close_code = static_cast<unsigned char>((*payload)[0]) << 8 |
                     static_cast<unsigned char>((*payload)[1]);
        return std::nullopt;
      }
      if (opcode != 1) continue;
      const auto message = boost::json::parse(*payload);
      return LiveEvent{std::string(message.at("event").as_string()),
                       std::string(message.at("id").as_string()), message.at("data")};
    }
  }

 public:
  std::string pongs;

 private:
  RawClient client_;
  const Kind kind_;
  std::optional<RawAnswer> head_;
};

}  // namespace tallyd
