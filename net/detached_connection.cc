#include "net/detached_connection.h"

#include "net/http_response.h"

namespace tallyd {

std::unique_ptr<DetachedConnection> ResponseSink::Detach(std::uint64_t, int, std::string_view) {
  return nullptr;
}

std::unique_ptr<DetachedConnection> Responder::Detach(int status, std::string_view header_lines) {
  auto connection = sink_->Detach(ticket_, status, header_lines);
  if (connection != nullptr) sink_.reset();
  return connection;
}

}  // namespace tallyd
