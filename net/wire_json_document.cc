#include "net/wire_json_document.h"

#include <algorithm>
#include <limits>

#include "absl/container/flat_hash_set.h"
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>

#include "net/concat.h"
#include "net/wire_text.h"

namespace tallyd {
namespace {

namespace json = boost::json;

constexpr std::size_t kDocumentDepthMax = 16;

// Builds the tree and refuses on the way what a tree cannot show any more.
class DocumentHandler {
 public:
  // NOLINTBEGIN(readability-identifier-naming): Boost.JSON asks for these names
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();
  // NOLINTEND(readability-identifier-naming)

  bool refused() const { return refused_; }
  BodyError TakeRefusal() { return std::move(refusal_); }
  json::value Release() { return stack_.release(); }

  bool on_document_begin(json::error_code&) {
    stack_.reset();
    return true;
  }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) {
    levels_.push_back({true, 0, {}, {}});
    return true;
  }
  bool on_object_end(std::size_t n, json::error_code&) {
    levels_.pop_back();
    stack_.push_object(n);
    CountValue();
    return true;
  }
  bool on_array_begin(json::error_code&) {
    levels_.push_back({false, 0, {}, {}});
    return true;
  }
  bool on_array_end(std::size_t n, json::error_code&) {
    levels_.pop_back();
    stack_.push_array(n);
    CountValue();
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t, json::error_code& ec) {
    text_.append(part.data(), part.size());
    Level& level = levels_.back();
    level.key = text_;
    stack_.push_key(text_);
    text_.clear();
    if (level.names.insert(level.key).second) return true;
    return Refuse(ProblemCode::kJsonDuplicateMember, "this member is named twice", ec);
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool on_string(json::string_view part, std::size_t, json::error_code&) {
    text_.append(part.data(), part.size());
    stack_.push_string(text_);
    text_.clear();
    CountValue();
    return true;
  }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t number, json::string_view, json::error_code&) {
    stack_.push_int64(number);
    CountValue();
    return true;
  }
  bool on_uint64(std::uint64_t, json::string_view, json::error_code& ec) {
    return Refuse(ProblemCode::kMemberInvalid, "the number is too large", ec);
  }
  bool on_double(double, json::string_view, json::error_code& ec) {
    return Refuse(ProblemCode::kMemberInvalid, "numbers are integers of at most 64 bits here", ec);
  }
  bool on_bool(bool value, json::error_code&) {
    stack_.push_bool(value);
    CountValue();
    return true;
  }
  bool on_null(json::error_code&) {
    stack_.push_null();
    CountValue();
    return true;
  }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  struct Level {
    bool is_object;
    std::size_t index;  // of the value being read, in an array
    std::string key;    // of the value being read, in an object
    absl::flat_hash_set<std::string> names;
  };

  void CountValue() {
    if (!levels_.empty()) ++levels_.back().index;
  }

  bool Refuse(ProblemCode code, std::string_view detail, json::error_code& ec) {
    refused_ = true;
    refusal_.code = code;
    refusal_.detail = std::string(detail);
    for (const Level& level : levels_) {
      AppendPointer(level.is_object ? level.key : Concat(level.index), refusal_.pointer);
    }
    ec = json::error::syntax;
    return false;
  }

  json::value_stack stack_;
  std::vector<Level> levels_;
  std::string text_;
  BodyError refusal_{};
  bool refused_ = false;
};

}  // namespace

void DocumentErrors::Add(std::string_view pointer, ProblemCode code, std::string_view detail) {
  if (list_.size() >= kErrorsMax) return;
  list_.push_back({std::string(pointer), code, std::string(detail)});
}

std::optional<json::value> ParseDocument(std::string_view text, DocumentErrors& errors) {
  json::parse_options options;
  options.max_depth = kDocumentDepthMax;
  json::basic_parser<DocumentHandler> parser(options);
  json::error_code ec;
  const std::size_t consumed = parser.write_some(false, text.data(), text.size(), ec);
  if (parser.handler().refused()) {
    BodyError refusal = parser.handler().TakeRefusal();
    errors.Add(refusal.pointer, refusal.code, refusal.detail);
    return std::nullopt;
  }
  if (ec == json::error::too_deep) {
    errors.Add("", ProblemCode::kJsonTooDeep, Concat("more than ", kDocumentDepthMax, " levels"));
    return std::nullopt;
  }
  if (ec) {
    errors.Add("", ProblemCode::kNotJson, Concat("at byte ", consumed, ": ", ec.message()));
    return std::nullopt;
  }
  if (consumed < text.size()) {
    errors.Add("", ProblemCode::kNotJson,
               Concat("at byte ", consumed, ": text after the end of the document"));
    return std::nullopt;
  }
  return parser.handler().Release();
}

void AppendPointer(std::string_view name, std::string& pointer) {
  pointer += '/';
  for (const char c : name) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
}

ObjectReader::ObjectReader(const json::value& value, std::string pointer, DocumentErrors& errors)
    : object_(value.if_object()), pointer_(std::move(pointer)), errors_(errors) {
  if (object_ == nullptr) {
    errors_.Add(pointer_, ProblemCode::kMemberInvalid, "must be an object");
  }
}

bool ObjectReader::Has(std::string_view name) const {
  return object_ != nullptr && object_->if_contains({name.data(), name.size()}) != nullptr;
}

const json::value* ObjectReader::Find(std::string_view name) {
  known_.push_back(name);
  return object_ == nullptr ? nullptr : object_->if_contains({name.data(), name.size()});
}

const json::value* ObjectReader::Require(std::string_view name) {
  const json::value* value = Find(name);
  if (value == nullptr && object_ != nullptr) {
    Fault(name, ProblemCode::kMemberMissing, "this member is required");
  }
  return value;
}

std::optional<std::string_view> ObjectReader::String(std::string_view name, std::size_t bytes_min,
                                                     std::size_t bytes_max) {
  const json::value* value = Find(name);
  if (value == nullptr) return std::nullopt;
  const json::string* text = value->if_string();
  if (text == nullptr) {
    Fault(name, ProblemCode::kMemberInvalid, "must be a string");
    return std::nullopt;
  }
  const std::string_view view(text->data(), text->size());
  if (view.size() < bytes_min || view.size() > bytes_max) {
    Fault(name, ProblemCode::kMemberInvalid,
          Concat("must have ", bytes_min, " to ", bytes_max, " bytes"));
    return std::nullopt;
  }
  if (!IsText(view)) {
    Fault(name, ProblemCode::kMemberInvalid, "must not hold control characters");
    return std::nullopt;
  }
  return view;
}

std::optional<std::string_view> ObjectReader::RequireString(std::string_view name,
                                                            std::size_t bytes_min,
                                                            std::size_t bytes_max) {
  if (!Has(name)) {
    Require(name);
    return std::nullopt;
  }
  return String(name, bytes_min, bytes_max);
}

std::optional<std::int64_t> ObjectReader::Integer(std::string_view name, std::int64_t min,
                                                  std::int64_t max) {
  const json::value* value = Find(name);
  if (value == nullptr) return std::nullopt;
  const std::int64_t* number = value->if_int64();
  if (number == nullptr) {
    Fault(name, ProblemCode::kMemberInvalid, "must be an integer");
    return std::nullopt;
  }
  if (*number < min || *number > max) {
    Fault(name, ProblemCode::kMemberInvalid, Concat("must be from ", min, " to ", max));
    return std::nullopt;
  }
  return *number;
}

std::optional<bool> ObjectReader::Bool(std::string_view name) {
  const json::value* value = Find(name);
  if (value == nullptr) return std::nullopt;
  const bool* flag = value->if_bool();
  if (flag == nullptr) {
    Fault(name, ProblemCode::kMemberInvalid, "must be true or false");
    return std::nullopt;
  }
  return *flag;
}

void ObjectReader::Fault(std::string_view name, ProblemCode code, std::string_view detail) {
  errors_.Add(PointerTo(name), code, detail);
}

std::string ObjectReader::PointerTo(std::string_view name) const {
  std::string pointer = pointer_;
  AppendPointer(name, pointer);
  return pointer;
}

void ObjectReader::RefuseUnknown() {
  if (object_ == nullptr) return;
  for (const auto& member : *object_) {
    const std::string_view name(member.key().data(), member.key().size());
    if (std::find(known_.begin(), known_.end(), name) == known_.end()) {
      Fault(name, ProblemCode::kJsonUnknownMember, "this member is not known here");
    }
  }
}

}  // namespace tallyd
