#include "net/wire_json_flat.h"

#include <limits>
#include <utility>

#include <boost/json/basic_parser_impl.hpp>

namespace tallyd {
namespace {

namespace json = boost::json;

// Depth 1 are the members, depth 2 what is in a list of a known member.
class FlatHandler {
 public:
  // NOLINTBEGIN(readability-identifier-naming): Boost.JSON asks for these names
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();
  // NOLINTEND(readability-identifier-naming)

  void Begin() {
    depth_ = 0;
    member_ = nullptr;
    text_.clear();
    for (FlatJson::Member& member : members) {
      member.kind = FlatJson::Kind::kAbsent;
      member.texts_count = 0;
    }
  }

  std::vector<FlatJson::Member> members;

  // The parser's events; false stops it.
  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) {
    Open(FlatJson::Kind::kOther);
    return true;
  }
  bool on_object_end(std::size_t, json::error_code&) { return Close(); }
  bool on_array_begin(json::error_code& ec) {
    if (depth_ == 0) return Stop(ec);
    Open(FlatJson::Kind::kTexts);
    return true;
  }
  bool on_array_end(std::size_t, json::error_code&) { return Close(); }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    if (depth_ == 1) text_.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t, json::error_code& ec) {
    if (depth_ != 1) return true;
    text_.append(part.data(), part.size());
    member_ = nullptr;
    for (FlatJson::Member& member : members) {
      if (member.name != text_) continue;
      if (member.kind != FlatJson::Kind::kAbsent) return Stop(ec);
      member_ = &member;
      break;
    }
    text_.clear();
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
    if (member_ != nullptr && depth_ <= 2) text_.append(part.data(), part.size());
    return true;
  }
  bool on_string(json::string_view part, std::size_t, json::error_code& ec) {
    if (depth_ == 0) return Stop(ec);
    if (member_ == nullptr || depth_ > 2) return true;
    text_.append(part.data(), part.size());
    const bool kept = depth_ == 1 ? KeepText() : KeepItem(ec);
    text_.clear();
    return kept;
  }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t number, json::string_view, json::error_code& ec) {
    if (depth_ == 1 && member_ != nullptr) {
      member_->kind = FlatJson::Kind::kNumber;
      member_->number = number;
      return true;
    }
    return Other(ec);
  }
  bool on_uint64(std::uint64_t, json::string_view, json::error_code& ec) { return Other(ec); }
  bool on_double(double, json::string_view, json::error_code& ec) { return Other(ec); }
  bool on_bool(bool, json::error_code& ec) { return Other(ec); }
  bool on_null(json::error_code& ec) { return Other(ec); }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  static bool Stop(json::error_code& ec) {
    ec = json::error::syntax;
    return false;
  }
  void Open(FlatJson::Kind kind) {
    // A list that holds anything but texts is of no use to anyone here.
    if (member_ != nullptr) member_->kind = depth_ == 1 ? kind : FlatJson::Kind::kOther;
    ++depth_;
  }
  bool Close() {
    --depth_;
    if (depth_ == 1) member_ = nullptr;
    return true;
  }
  bool Other(json::error_code& ec) {
    if (depth_ == 0) return Stop(ec);
    if (member_ != nullptr) member_->kind = FlatJson::Kind::kOther;
    return true;
  }
  bool KeepText() {
    member_->kind = FlatJson::Kind::kText;
    member_->text = text_;
    return true;
  }
  bool KeepItem(json::error_code& ec) {
    if (member_->kind != FlatJson::Kind::kTexts) return true;
    if (member_->texts_count == FlatJson::kTextsMax) return Stop(ec);
    if (member_->texts.size() == member_->texts_count) member_->texts.emplace_back();
    member_->texts[member_->texts_count++] = text_;
    return true;
  }

  FlatJson::Member* member_ = nullptr;  // whose value is being read, if it is a known one
  int depth_ = 0;
  std::string text_;
};

json::parse_options FlatOptions() {
  json::parse_options options;
  options.max_depth = FlatJson::kDepthMax;
  return options;
}

}  // namespace

struct FlatJson::Impl {
  Impl() : parser(FlatOptions()) {}
  json::basic_parser<FlatHandler> parser;
};

FlatJson::FlatJson(std::vector<std::string> names) : impl_(std::make_unique<Impl>()) {
  for (std::string& name : names) {
    impl_->parser.handler().members.emplace_back().name = std::move(name);
  }
}

FlatJson::~FlatJson() = default;

bool FlatJson::Read(std::string_view text) {
  impl_->parser.reset();
  impl_->parser.handler().Begin();
  json::error_code ec;
  const std::size_t consumed = impl_->parser.write_some(false, text.data(), text.size(), ec);
  return !ec && consumed == text.size();
}

const FlatJson::Member& FlatJson::member(std::size_t index) const {
  return impl_->parser.handler().members[index];
}

std::size_t FlatJson::size() const {
  return impl_->parser.handler().members.size();
}

}  // namespace tallyd
