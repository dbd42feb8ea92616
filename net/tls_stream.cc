#include "net/tls_stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace tallyd {
namespace {

constexpr std::size_t kTlsRecordBytesMax = SSL3_RT_MAX_PLAIN_LENGTH;

// The queue of errors belongs to the thread: what another connection left there is not ours.
void ForgetOldErrors() {
  ERR_clear_error();
  errno = 0;
}

bool IsEndWithoutNotice() {
  return ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

}  // namespace

TlsStream::~TlsStream() {
  SSL_free(session_);
}

TlsStream::Step TlsStream::Handshake() {
  ForgetOldErrors();
  const int result = SSL_do_handshake(session_);
  if (result == 1) {
    established_ = true;
    may_have_more_ = true;  // the first request may have come with the end of the handshake
    return Step::kDone;
  }
  switch (SSL_get_error(session_, result)) {
    case SSL_ERROR_WANT_READ:
      return Step::kWantRead;
    case SSL_ERROR_WANT_WRITE:
      return Step::kWantWrite;
    case SSL_ERROR_SSL:
      failed_ = true;
      return IsEndWithoutNotice() ? Step::kGone : Step::kRefused;
    default:
      failed_ = true;
      return Step::kGone;
  }
}

ErrorCode TlsStream::ErrorOf(int result) {
  switch (SSL_get_error(session_, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return asio::error::would_block;
    case SSL_ERROR_ZERO_RETURN:
      return asio::error::eof;
    case SSL_ERROR_SSL:
      failed_ = true;
      return IsEndWithoutNotice()
                 ? ErrorCode(asio::error::connection_aborted)
                 : boost::system::errc::make_error_code(boost::system::errc::protocol_error);
    default:
      failed_ = true;
      return errno == 0 ? ErrorCode(asio::error::connection_aborted)
                        : ErrorCode(errno, boost::system::system_category());
  }
}

std::size_t TlsStream::Read(char* data, std::size_t size, ErrorCode& error) {
  ForgetOldErrors();
  std::size_t bytes = 0;
  const int result = SSL_read_ex(session_, data, size, &bytes);
  wants_write_to_read_ = false;
  if (result == 1) {
    error.clear();
    may_have_more_ = SSL_has_pending(session_) == 1;
    return bytes;
  }
  may_have_more_ = false;
  wants_write_to_read_ = SSL_want_write(session_);
  error = ErrorOf(result);
  return 0;
}

std::size_t TlsStream::Write(const std::string_view* views, std::size_t count, ErrorCode& error) {
  std::string_view bytes = views[0];
  // Small pieces share a record: each costs 22 bytes and a system call.
  std::array<char, kTlsRecordBytesMax> joined;
  if (count > 1 && bytes.size() < joined.size()) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < count && size < joined.size(); ++i) {
      const std::size_t taken = std::min(views[i].size(), joined.size() - size);
      std::memcpy(joined.data() + size, views[i].data(), taken);
      size += taken;
    }
    bytes = {joined.data(), size};
  }
  ForgetOldErrors();
  std::size_t written = 0;
  const int result = SSL_write_ex(session_, bytes.data(), bytes.size(), &written);
  if (result == 1) {
    error.clear();
    return written;
  }
  error = ErrorOf(result);
  return 0;
}

void TlsStream::SayGoodbye(ErrorCode& error) {
  error.clear();
  if (!established_ || failed_ || said_goodbye_) return;
  ForgetOldErrors();
  const int result = SSL_shutdown(session_);  // 0: sent, and the peer's has not come
  said_goodbye_ = result >= 0;
  if (!said_goodbye_) error = ErrorOf(result);
}

}  // namespace tallyd
