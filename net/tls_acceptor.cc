#include "net/tls_acceptor.h"

#include <array>
#include <ctime>
#include <utility>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "net/concat.h"
#include "net/credential_file.h"

namespace tallyd {
namespace {

// Fast first; a client without AES in hardware gets ChaCha20.
constexpr char kCipherSuites[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr int kSecurityLevel = 2;  // 112 bits
constexpr int kChainCertificatesMax = 8;
constexpr std::string_view kHttp11("\x08http/1.1", 9);

template <auto Free>
struct FreeWith {
  template <typename T>
  void operator()(T* thing) const {
    Free(thing);
  }
};
using Bio = std::unique_ptr<BIO, FreeWith<BIO_free>>;
using Certificate = std::unique_ptr<X509, FreeWith<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;

std::string OpenSslReason() {
  const auto code = ERR_peek_last_error();
  const char* const reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "not understood" : reason;
}

absl::Status Refused(const std::string& path, std::string_view what) {
  return absl::InvalidArgumentError(Concat(path, ": ", what));
}

// A server has nobody to ask.
int NoPassphrase(char*, int, int, void*) {
  return -1;
}

// A client that offers protocols and not ours is told so (RFC 7301, 3.2), and does not talk
// HTTP/2 to a server that hears HTTP/1.1.
int SelectProtocol(SSL*, const unsigned char** out, unsigned char* out_size,
                   const unsigned char* offered, unsigned int offered_size, void*) {
  unsigned char* chosen = nullptr;
  const int result = SSL_select_next_proto(
      &chosen, out_size, reinterpret_cast<const unsigned char*>(kHttp11.data()),
      static_cast<unsigned int>(kHttp11.size()), offered, offered_size);
  *out = chosen;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// What does not depend on the files; false: this OpenSSL cannot do it.
bool SetRules(SSL_CTX* context) {
  std::array<int, 3> groups = {NID_X25519, NID_X9_62_prime256v1, NID_secp384r1};
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  // Without a session of its own nobody resumes, so nobody has early data either.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);  // one read(2) for a record, not two
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_alpn_select_cb(context, SelectProtocol, nullptr);
  SSL_CTX_set_security_level(context, kSecurityLevel);
  return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_ciphersuites(context, kCipherSuites) == 1 &&
         SSL_CTX_set1_groups(context, groups.data(), groups.size()) == 1 &&
         SSL_CTX_set_num_tickets(context, 0) == 1 && SSL_CTX_set_max_early_data(context, 0) == 1;
}

// Seconds since 1970; -1 if the date makes no sense.
std::int64_t EndOf(const X509* certificate) {
  std::tm end{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) return -1;
  return timegm(&end);
}

absl::Status LoadChain(const std::string& path, SSL_CTX* context, std::int64_t& ends_s) {
  const auto text = ReadCredentialFile(path, false);
  if (!text.ok()) return text.status();
  const Bio bio(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
  const Certificate own(PEM_read_bio_X509_AUX(bio.get(), nullptr, NoPassphrase, nullptr));
  if (own == nullptr) {
    ERR_clear_error();
    return Refused(path, "holds no certificate in PEM");
  }
  ends_s = EndOf(own.get());
  if (ends_s < std::time(nullptr)) return Refused(path, "the certificate has ended");
  if (SSL_CTX_use_certificate(context, own.get()) != 1) return Refused(path, OpenSslReason());
  for (int i = 0;; ++i) {
    Certificate next(PEM_read_bio_X509(bio.get(), nullptr, NoPassphrase, nullptr));
    if (next == nullptr) break;
    if (i == kChainCertificatesMax) return Refused(path, "holds too many certificates");
    if (SSL_CTX_add0_chain_cert(context, next.get()) != 1) return Refused(path, OpenSslReason());
    static_cast<void>(next.release());  // the context has it now
  }
  // The end of the file is the one fault that is none.
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
    return Refused(path, OpenSslReason());
  }
  ERR_clear_error();
  return absl::OkStatus();
}

absl::Status LoadKey(const std::string& path, const std::string& certificate_path,
                     SSL_CTX* context) {
  auto text = ReadCredentialFile(path, true);
  if (!text.ok()) return text.status();
  const Bio bio(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr));
  OPENSSL_cleanse(text->data(), text->size());
  if (key == nullptr) {
    ERR_clear_error();
    return Refused(path, "holds no private key in PEM without a passphrase");
  }
  // Also compares it with the certificate.
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    return Refused(path,
                   Concat("is not the key of ", certificate_path, " (", OpenSslReason(), ")"));
  }
  return absl::OkStatus();
}

}  // namespace

void TlsAcceptor::FreeContext::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

TlsAcceptor::TlsAcceptor(TlsFiles files) : files_(std::move(files)) {}

TlsAcceptor::~TlsAcceptor() = default;

absl::Status TlsAcceptor::LoadPair(ssl_ctx_st* context, std::int64_t& ends_s) const {
  if (absl::Status status = LoadChain(files_.certificate_file, context, ends_s); !status.ok()) {
    return status;
  }
  return LoadKey(files_.key_file, files_.certificate_file, context);
}

absl::Status TlsAcceptor::Reload() {
  Context context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr || !SetRules(context.get())) {
    return absl::InternalError(Concat("OpenSSL cannot do TLS 1.3: ", OpenSslReason()));
  }
  std::int64_t ends_s = 0;
  if (absl::Status status = LoadPair(context.get(), ends_s); !status.ok()) return status;
  ends_s_.store(ends_s, std::memory_order_relaxed);
  absl::MutexLock lock(&mutex_);
  context_.swap(context);
  return absl::OkStatus();
}

std::unique_ptr<TlsStream> TlsAcceptor::Accept(int descriptor) const {
  SSL* session = nullptr;
  {
    absl::MutexLock lock(&mutex_);
    if (context_ != nullptr) session = SSL_new(context_.get());  // keeps the context alive
  }
  if (session == nullptr) return nullptr;
  auto stream = std::make_unique<TlsStream>(session);
  SSL_set_accept_state(session);
  if (SSL_set_fd(session, descriptor) != 1) return nullptr;
  return stream;
}

}  // namespace tallyd
