#pragma once

// One-time codes as a page to print and cut up: each code in letters and as a QR code.
//
// HTML with inline SVG, nothing loaded from anywhere; A4 with four columns. A browser prints it or
// saves it as PDF.

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tallyd {

struct CodeSheetOptions {
  std::string title;
  std::string url_prefix;  // what a QR code holds is this and the code
};

// InvalidArgument: a text is too long for a QR code.
absl::StatusOr<std::string> CodeSheet(const std::vector<std::string>& codes,
                                      const CodeSheetOptions& options);

}  // namespace tallyd
