#include "tools/tallyctl/code_sheet.h"

#include <qrencode.h>

#include <memory>
#include <string_view>

namespace tallyd {
namespace {

constexpr std::string_view kStyle =
    "@page{size:A4;margin:12mm}body{font-family:sans-serif;margin:0}h1{font-size:14pt}"
    "main{display:grid;grid-template-columns:repeat(4,1fr)}"
    "figure{border:1px dashed #888;margin:0;padding:4mm;text-align:center;break-inside:avoid}"
    "svg{width:30mm;height:30mm}figcaption{font:11pt monospace;margin-top:2mm}";

std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '&') {
      escaped += "&amp;";
    } else if (c == '<') {
      escaped += "&lt;";
    } else if (c == '>') {
      escaped += "&gt;";
    } else if (c == '"') {
      escaped += "&quot;";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

// One path of squares, with the quiet zone that readers want.
std::string Svg(const QRcode& code) {
  constexpr int kQuiet = 4;
  const std::string size = std::to_string(code.width + 2 * kQuiet);
  std::string path;
  for (int y = 0; y < code.width; ++y) {
    for (int x = 0; x < code.width; ++x) {
      if ((code.data[y * code.width + x] & 1) == 0) continue;
      path += "M" + std::to_string(x + kQuiet) + " " + std::to_string(y + kQuiet) + "h1v1h-1z";
    }
  }
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + size + " " + size +
         "\" shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h" + size + "v" + size +
         "H0z\"/><path d=\"" + path + "\"/></svg>";
}

}  // namespace

absl::StatusOr<std::string> CodeSheet(const std::vector<std::string>& codes,
                                      const CodeSheetOptions& options) {
  const std::string title = Escaped(options.title);
  std::string html = "<!doctype html>\n<meta charset=\"utf-8\">\n<title>" + title +
                     "</title>\n<style>" + std::string(kStyle) + "</style>\n";
  if (!title.empty()) html += "<h1>" + title + "</h1>\n";
  html += "<main>\n";
  for (const std::string& code : codes) {
    const std::unique_ptr<QRcode, void (*)(QRcode*)> qr(
        QRcode_encodeString((options.url_prefix + code).c_str(), 0, QR_ECLEVEL_M, QR_MODE_8, 1),
        QRcode_free);
    if (qr == nullptr) return absl::InvalidArgumentError("too long for a QR code: " + code);
    html += "<figure>" + Svg(*qr) + "<figcaption>" + Escaped(code) + "</figcaption></figure>\n";
  }
  html += "</main>\n";
  return html;
}

}  // namespace tallyd
