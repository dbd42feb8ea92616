#pragma once

// Strict reading of JSON documents (polls, projects, transitions): a tree, and readers that collect
// every fault of it instead of stopping at the first.
//
//   DocumentErrors errors;
//   auto document = ParseDocument(body, errors);           // syntax, duplicates, depth
//   ObjectReader reader(*document, "", errors);
//   auto project = reader.RequireString("project", 1, 63);
//   reader.RefuseUnknown();                                 // last: what nobody asked for
//   if (!errors.empty()) ... errors.list() ...
//
// Only wire_json_*.cc include this. Refused by the parser: what is not JSON in UTF-8, trailing
// text, numbers that are not integers or need more than 64 bits, a member named twice, more than 16
// levels. Cost: a tree, about ten times the text; the vote path has its own decoder.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include <boost/json/value.hpp>

#include "net/problem_response.h"

namespace tallyd {

// The faults of a document, in the order they were found; the rest beyond kErrorsMax is dropped.
class DocumentErrors {
 public:
  static constexpr std::size_t kErrorsMax = 20;
  void Add(std::string_view pointer, ProblemCode code, std::string_view detail);
  bool empty() const { return list_.empty(); }
  const std::vector<BodyError>& list() const { return list_; }
  std::vector<BodyError> Take() { return std::move(list_); }

 private:
  std::vector<BodyError> list_;
};

// nullopt: refused, and `errors` says why.
std::optional<boost::json::value> ParseDocument(std::string_view text, DocumentErrors& errors);

// Appends "/name" to a JSON Pointer, escaped (RFC 6901).
void AppendPointer(std::string_view name, std::string& pointer);

// Reads the members of one object and remembers which were asked for. The value must outlive it.
// Every getter returns nullopt if the member is absent or faulty; a fault is added to the errors.
class ObjectReader {
 public:
  ObjectReader(const boost::json::value& value, std::string pointer, DocumentErrors& errors);

  bool is_object() const { return object_ != nullptr; }
  bool Has(std::string_view name) const;
  // The raw member; null if absent.
  const boost::json::value* Find(std::string_view name);
  const boost::json::value* Require(std::string_view name);

  std::optional<std::string_view> String(std::string_view name, std::size_t bytes_min,
                                         std::size_t bytes_max);
  std::optional<std::string_view> RequireString(std::string_view name, std::size_t bytes_min,
                                                std::size_t bytes_max);
  std::optional<std::int64_t> Integer(std::string_view name, std::int64_t min, std::int64_t max);
  std::optional<bool> Bool(std::string_view name);

  template <typename Enum>
  using Names = absl::Span<const std::pair<std::string_view, Enum>>;
  template <typename Enum>
  std::optional<Enum> OneOf(std::string_view name, Names<Enum> names) {
    const auto text = String(name, 1, 64);
    if (!text) return std::nullopt;
    for (const auto& [known, value] : names) {
      if (known == *text) return value;
    }
    Fault(name, ProblemCode::kMemberInvalid, "not one of the values known here");
    return std::nullopt;
  }

  void Fault(std::string_view name, ProblemCode code, std::string_view detail);
  std::string PointerTo(std::string_view name) const;
  void RefuseUnknown();

 private:
  const boost::json::object* object_ = nullptr;
  std::string pointer_;
  DocumentErrors& errors_;
  absl::InlinedVector<std::string_view, 24> known_;
};

}  // namespace tallyd
