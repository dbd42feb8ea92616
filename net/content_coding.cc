#include "net/content_coding.h"

#include <brotli/encode.h>
#include <libdeflate.h>
#include <zstd.h>

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"

#include "net/wire_text.h"
#include "storage/check.h"

namespace tallyd {
namespace {

// Levels are the usual ones; the fast ones are for large bodies. No measurement chose them.
constexpr int kGzipLevel = 6;
constexpr int kGzipLevelFast = 1;
constexpr int kBrotliQuality = 5;
constexpr int kBrotliQualityFast = 1;
constexpr int kBrotliWindowBits = 18;
constexpr int kZstdLevel = 3;

constexpr std::uint32_t kWeightOne = 1'000;

struct FreeEncoder {
  void operator()(libdeflate_compressor* encoder) const { libdeflate_free_compressor(encoder); }
  void operator()(ZSTD_CCtx* encoder) const { ZSTD_freeCCtx(encoder); }
};

bool IsNamed(std::string_view item, std::string_view name) {
  const std::string_view token = StripBlanks(item.substr(0, item.find(';')));
  return std::equal(token.begin(), token.end(), name.begin(), name.end(), [](char a, char b) {
    return absl::ascii_tolower(static_cast<unsigned char>(a)) == b;
  });
}

// "0.5" in thousandths (RFC 9110 12.4.2); what is malformed does not count as a wish.
std::uint32_t ParseWeight(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1') || text.size() > 5) return 0;
  std::uint32_t weight = text[0] == '1' ? kWeightOne : 0;
  if (text.size() > 1 && text[1] != '.') return 0;
  std::uint32_t unit = kWeightOne / 10;
  for (const char c : text.substr(text.size() > 1 ? 2 : 1)) {
    if (c < '0' || c > '9') return 0;
    weight += unit * static_cast<std::uint32_t>(c - '0');
    unit /= 10;
  }
  return weight <= kWeightOne ? weight : 0;
}

// What Accept-Encoding says of `name`; nothing if it does not list it.
std::optional<std::uint32_t> WeightOf(std::string_view accept_encoding, std::string_view name) {
  while (!accept_encoding.empty()) {
    const std::size_t comma = accept_encoding.find(',');
    const std::string_view item = accept_encoding.substr(0, comma);
    accept_encoding = comma == std::string_view::npos ? "" : accept_encoding.substr(comma + 1);
    if (!IsNamed(item, name)) continue;
    const std::size_t semicolon = item.find(';');
    if (semicolon == std::string_view::npos) return kWeightOne;
    const std::string_view weight = StripBlanks(item.substr(semicolon + 1));
    return weight.starts_with("q=") || weight.starts_with("Q=") ? ParseWeight(weight.substr(2)) : 0;
  }
  return std::nullopt;
}

std::size_t EncodeGzip(std::string_view bytes, int level, std::string& out) {
  thread_local const std::unique_ptr<libdeflate_compressor, FreeEncoder> thorough(
      libdeflate_alloc_compressor(kGzipLevel));
  thread_local const std::unique_ptr<libdeflate_compressor, FreeEncoder> fast(
      libdeflate_alloc_compressor(kGzipLevelFast));
  TALLYD_CHECK(thorough != nullptr && fast != nullptr);
  return libdeflate_gzip_compress(level == kGzipLevel ? thorough.get() : fast.get(), bytes.data(),
                                  bytes.size(), out.data(), out.size());
}

std::size_t EncodeBrotli(std::string_view bytes, int quality, std::string& out) {
  std::size_t size = out.size();
  const BROTLI_BOOL fits =
      BrotliEncoderCompress(quality, kBrotliWindowBits, BROTLI_MODE_TEXT, bytes.size(),
                            reinterpret_cast<const std::uint8_t*>(bytes.data()), &size,
                            reinterpret_cast<std::uint8_t*>(out.data()));
  return fits == BROTLI_TRUE ? size : 0;
}

std::size_t EncodeZstd(std::string_view bytes, std::string& out) {
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeEncoder> encoder(ZSTD_createCCtx());
  TALLYD_CHECK(encoder != nullptr);
  const std::size_t size = ZSTD_compressCCtx(encoder.get(), out.data(), out.size(), bytes.data(),
                                             bytes.size(), kZstdLevel);
  return ZSTD_isError(size) != 0 ? 0 : size;
}

}  // namespace

std::string_view CodingName(Coding coding) {
  switch (coding) {
    case Coding::kIdentity:
      return "";
    case Coding::kGzip:
      return "gzip";
    case Coding::kBrotli:
      return "br";
    case Coding::kZstd:
      return "zstd";
  }
  return "";
}

Coding ChooseCoding(std::string_view accept_encoding, absl::Span<const Coding> offered) {
  if (accept_encoding.empty()) return Coding::kIdentity;
  const std::uint32_t any = WeightOf(accept_encoding, "*").value_or(0);
  Coding best = Coding::kIdentity;
  std::uint32_t best_weight = WeightOf(accept_encoding, "identity").value_or(0);
  bool better_than_plain = false;
  for (const Coding coding : offered) {
    const std::uint32_t weight = WeightOf(accept_encoding, CodingName(coding)).value_or(any);
    // Of equal weight an encoding is better than none, and the earlier of two.
    if (weight == 0 || weight < best_weight) continue;
    if (weight == best_weight && better_than_plain) continue;
    best = coding;
    best_weight = weight;
    better_than_plain = true;
  }
  return best;
}

std::shared_ptr<const std::string> Encode(std::string_view bytes, Coding coding) {
  if (coding == Coding::kIdentity || bytes.size() < kEncodeBytesMin) return nullptr;
  const bool fast = bytes.size() >= kEncodeFastBytesMin;
  auto encoded = std::make_shared<std::string>(bytes.size(), '\0');
  // 0: it would not fit into as many bytes as it has, so it is not worth it.
  std::size_t size = 0;
  if (coding == Coding::kGzip) {
    size = EncodeGzip(bytes, fast ? kGzipLevelFast : kGzipLevel, *encoded);
  } else if (coding == Coding::kBrotli) {
    size = EncodeBrotli(bytes, fast ? kBrotliQualityFast : kBrotliQuality, *encoded);
  } else {
    size = EncodeZstd(bytes, *encoded);
  }
  if (size == 0) return nullptr;
  encoded->resize(size);
  encoded->shrink_to_fit();
  return encoded;
}

}  // namespace tallyd
