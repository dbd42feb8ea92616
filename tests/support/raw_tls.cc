#include "tests/support/raw_tls.h"

#include <cstdlib>

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace tallyd {
namespace {

int OnTicket(SSL* session, SSL_SESSION*) {
  static_cast<RawTls*>(SSL_get_app_data(session))->CountTicket();
  return 0;
}

}  // namespace

bool TestsRunOverTls() {
  const char* const asked = std::getenv("TALLYD_TEST_TLS");
  return asked != nullptr && std::string_view(asked) == "1";
}

RawTls::RawTls(const RawTlsOptions& options)
    : context_(SSL_CTX_new(TLS_client_method())), session_(nullptr) {
  SSL_CTX_set_min_proto_version(context_, options.version);
  SSL_CTX_set_max_proto_version(context_, options.version);
  SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(context_, OnTicket);
  session_ = SSL_new(context_);
  if (session_ == nullptr) std::abort();
  SSL_set_app_data(session_, reinterpret_cast<char*>(this));
  std::string protocols;
  for (const std::string& name : options.protocols) {
    protocols += static_cast<char>(name.size());
    protocols += name;
  }
  if (!protocols.empty()) {
    SSL_set_alpn_protos(session_, reinterpret_cast<const unsigned char*>(protocols.data()),
                        static_cast<unsigned>(protocols.size()));
  }
  SSL_set_bio(session_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_connect_state(session_);
}

RawTls::~RawTls() {
  SSL_free(session_);
  SSL_CTX_free(context_);
}

RawTls::State RawTls::Handshake() {
  if (state_ != State::kHandshake) return state_;
  ERR_clear_error();
  const int result = SSL_do_handshake(session_);
  if (result == 1) {
    state_ = State::kOpen;
  } else if (SSL_get_error(session_, result) != SSL_ERROR_WANT_READ) {
    state_ = State::kFailed;
  }
  return state_;
}

void RawTls::Received(std::string_view wire) {
  BIO_write(SSL_get_rbio(session_), wire.data(), static_cast<int>(wire.size()));
}

std::string RawTls::TakeOutgoing() {
  BIO* const out = SSL_get_wbio(session_);
  std::string wire(BIO_ctrl_pending(out), '\0');
  if (!wire.empty()) BIO_read(out, wire.data(), static_cast<int>(wire.size()));
  return wire;
}

bool RawTls::Encrypt(std::string_view text) {
  ERR_clear_error();
  return text.empty() || SSL_write(session_, text.data(), static_cast<int>(text.size())) ==
                             static_cast<int>(text.size());
}

RawTls::State RawTls::Decrypt(std::string& text) {
  char bytes[16'384];
  for (;;) {
    ERR_clear_error();
    const int size = SSL_read(session_, bytes, sizeof bytes);
    if (size > 0) {
      text.append(bytes, static_cast<std::size_t>(size));
      continue;
    }
    switch (SSL_get_error(session_, size)) {
      case SSL_ERROR_WANT_READ:
        return state_;
      case SSL_ERROR_ZERO_RETURN:
        return state_ = State::kEnded;
      default:
        return state_ = State::kFailed;
    }
  }
}

void RawTls::SayGoodbye() {
  SSL_shutdown(session_);
}

bool RawTls::AskForNewKeys() {
  return SSL_key_update(session_, SSL_KEY_UPDATE_REQUESTED) == 1 && SSL_do_handshake(session_) == 1;
}

std::string RawTls::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(session_, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string RawTls::certificate() const {
  X509* const peer = SSL_get0_peer_certificate(session_);
  if (peer == nullptr) return "";
  char name[256] = {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(peer), NID_commonName, name, sizeof name);
  return name;
}

std::string RawTls::version() const {
  return SSL_get_version(session_);
}

}  // namespace tallyd
