#pragma once

// Certificate and key of one listener, and the TLS connections begun with them.
//
//   TlsAcceptor tls({.certificate_file = ..., .key_file = ...});
//   if (absl::Status status = tls.Reload(); !status.ok()) ... what is wrong, with the file's name
//   std::unique_ptr<TlsStream> stream = tls.Accept(descriptor);
//
// TLS 1.3 and nothing else: no older version, no compression, no renegotiation, no session tickets,
// no early data (a vote's request replayed by somebody else is a vote to be decided again);
// http/1.1 by ALPN (docs/decisions/0024-tls-in-process.md). A pair that does not load changes
// nothing: connections go on being begun with the one before. Those that are open keep theirs.
// Refused: a key that others may read or that has a passphrase, a certificate that others may
// write, that has ended or is not the key's, keys weaker than 112 bits.
// Any thread; Accept() takes a short lock. One Reload() at a time.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

#include "net/tls_stream.h"

struct ssl_ctx_st;

namespace tallyd {

// Both empty: no TLS.
struct TlsFiles {
  std::string certificate_file;  // PEM: its own first, then those between it and the root
  std::string key_file;          // PEM, mode 0600

  bool given() const { return !certificate_file.empty(); }
};

class TlsAcceptor {
 public:
  explicit TlsAcceptor(TlsFiles files);
  ~TlsAcceptor();
  TlsAcceptor(const TlsAcceptor&) = delete;
  TlsAcceptor& operator=(const TlsAcceptor&) = delete;

  absl::Status Reload();
  // Null: out of memory, or nothing was ever loaded.
  std::unique_ptr<TlsStream> Accept(int descriptor) const;
  // When the certificate in force ends, in seconds since 1970; 0 before the first Reload().
  std::int64_t certificate_ends_s() const { return ends_s_.load(std::memory_order_relaxed); }

 private:
  struct FreeContext {
    void operator()(ssl_ctx_st* context) const;
  };
  using Context = std::unique_ptr<ssl_ctx_st, FreeContext>;

  absl::Status LoadPair(ssl_ctx_st* context, std::int64_t& ends_s) const;

  const TlsFiles files_;
  mutable absl::Mutex mutex_;
  Context context_ ABSL_GUARDED_BY(mutex_);
  std::atomic<std::int64_t> ends_s_{0};
};

}  // namespace tallyd
