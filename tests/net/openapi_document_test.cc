#include "net/openapi_document.h"

#include <map>
#include <set>
#include <string>

#include "boost/json.hpp"
#include "gtest/gtest.h"

#include "net/problem_catalog.h"

namespace tallyd {
namespace {

namespace json = boost::json;

class OpenApiDocument : public ::testing::Test {
 protected:
  void SetUp() override { document_ = json::parse(OpenApiJson()); }

  const json::value& At(const char* pointer) const { return document_.at_pointer(pointer); }

  json::value document_;
};

TEST_F(OpenApiDocument, IsOpenApi31) {
  EXPECT_TRUE(At("/openapi").as_string().starts_with("3.1."));
  EXPECT_EQ(At("/info/title").as_string(), "tallyd");
}

TEST_F(OpenApiDocument, ListsTheProblemCodesOfTheCatalog) {
  std::map<std::string, std::int64_t> documented;
  for (const auto& member : At("/components/schemas/ProblemCode/x-status").as_object()) {
    documented.emplace(member.key(), member.value().as_int64());
  }
  std::set<std::string> listed;
  for (const json::value& name : At("/components/schemas/ProblemCode/enum").as_array()) {
    EXPECT_TRUE(listed.emplace(name.as_string()).second) << name << " is listed twice";
  }

  std::map<std::string, std::int64_t> known;
  std::set<std::string> names;
  for (const Problem& problem : AllProblems()) {
    known.emplace(problem.name, problem.status);
    names.emplace(problem.name);
  }
  EXPECT_EQ(documented, known);
  EXPECT_EQ(listed, names);
}

TEST_F(OpenApiDocument, EveryOperationHasANameOfItsOwn) {
  std::set<std::string> seen;
  for (const auto& path : At("/paths").as_object()) {
    for (const auto& member : path.value().as_object()) {
      if (member.key() == "parameters") continue;
      const json::value* id = member.value().as_object().if_contains("operationId");
      ASSERT_NE(id, nullptr) << path.key() << ' ' << member.key();
      EXPECT_TRUE(seen.emplace(id->as_string()).second) << *id << " is there twice";
    }
  }
  EXPECT_FALSE(seen.empty());
}

}  // namespace
}  // namespace tallyd
