#pragma once

// Content codings of answers (RFC 9110 8.4): which one a client prefers, and the encoders.
//
//   const Coding coding = ChooseCoding(request.accept_encoding, kRankingCodings);
//   if (const auto smaller = Encode(body, coding)) ...
//
// Any thread; each has its own encoders, which are kept.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/types/span.h"

namespace tallyd {

enum class Coding : std::uint8_t { kIdentity, kGzip, kBrotli, kZstd };
inline constexpr std::size_t kCodings = 4;
// As in Content-Encoding; "" for kIdentity.
std::string_view CodingName(Coding coding);

// What is offered where, best first. Rankings go to browsers and their caches; exports are large
// and go to programs.
inline constexpr std::array kRankingCodings = {Coding::kBrotli, Coding::kGzip};
inline constexpr std::array kExportCodings = {Coding::kZstd, Coding::kGzip};
inline constexpr std::array kPageCodings = {Coding::kGzip};

// The one of `offered` with the highest weight in Accept-Encoding, the first of equals; kIdentity
// if none is accepted, if the header prefers it by name, or if there is no header.
Coding ChooseCoding(std::string_view accept_encoding, absl::Span<const Coding> offered);

// Below this size an encoding costs more than it saves.
inline constexpr std::size_t kEncodeBytesMin = 512;
// From this size on speed counts for more than the last percent: an io thread waits for it.
inline constexpr std::size_t kEncodeFastBytesMin = std::size_t{256} << 10;

// nullptr: kIdentity, too small, or it does not get smaller.
std::shared_ptr<const std::string> Encode(std::string_view bytes, Coding coding);

}  // namespace tallyd
