#pragma once

// The only place that includes Asio: what the transport uses of it, and our names for it.
//
// Sockets and timers carry the concrete executor of an io_context: the type-erased default costs a
// virtual call and sometimes an allocation per operation.

#include <chrono>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>

namespace tallyd {

namespace asio = boost::asio;

using ErrorCode = boost::system::error_code;
using IoExecutor = asio::io_context::executor_type;
// TCP and Unix sockets alike: the protocol is a value, which costs nothing when bytes move.
using StreamProtocol = asio::generic::stream_protocol;
using StreamSocket = asio::basic_stream_socket<StreamProtocol, IoExecutor>;
using StreamAcceptor = asio::basic_socket_acceptor<StreamProtocol, IoExecutor>;
using SteadyTimer =
    asio::basic_waitable_timer<std::chrono::steady_clock,
                               asio::wait_traits<std::chrono::steady_clock>, IoExecutor>;

}  // namespace tallyd
