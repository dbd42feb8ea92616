#pragma once

// The files of web/, embedded in the program: plain and compressed once, at build time.
//
// Made by cmake/embed_pages.py; nothing is read or compressed at run time. Pages (*.html) name
// their assets by /assets/<version>/<name>; the version is a hash of all assets, so what is behind
// such an address never changes. Any thread; free.

#include <string_view>

#include "absl/types/span.h"

namespace tallyd {

struct EmbeddedPage {
  std::string_view name;  // "citizens.html"
  std::string_view content_type;
  std::string_view tag;  // hash of the content, for the ETag
  std::string_view plain;
  std::string_view gzip;
};

std::string_view EmbeddedPagesVersion();
absl::Span<const EmbeddedPage> EmbeddedPages();

}  // namespace tallyd
