#include "tests/lint/code_rules.h"

#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "tests/lint/source_tree.h"

namespace tallyd::lint {
namespace {

SourceTree One(std::string path, std::string text) {
  return {{std::move(path), std::move(text)}};
}

std::string Repeat(const std::string& line, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) {
    text += line;
  }
  return text;
}

TEST(BlankedText, KeepsLinesAndDropsCommentsAndLiterals) {
  EXPECT_EQ(WithoutCommentsAndLiterals("a // b\nc"), "a     \nc");
  EXPECT_EQ(WithoutCommentsAndLiterals("a /* {\n */ b"), "a     \n    b");
  EXPECT_EQ(WithoutCommentsAndLiterals("f(\"{\\\"{\", '{')"), "f(      ,    )");
  EXPECT_EQ(WithoutCommentsAndLiterals("x = R\"a({)\")a\" + 1"), "x =            + 1");
  EXPECT_EQ(WithoutCommentsAndLiterals("n = 1'000'000 + y;"), "n = 1'000'000 + y;");
}

TEST(FileLengthRule, CatchesLongFiles) {
  EXPECT_TRUE(CheckFileLength(One("engine/x.cc", Repeat("int a;\n", kFileLinesMax))).empty());
  EXPECT_EQ(CheckFileLength(One("engine/x.cc", Repeat("int a;\n", kFileLinesMax + 1))).size(), 1U);
  EXPECT_EQ(CheckFileLength(One("cmake/x.cmake", Repeat("set(a b)\n", 501))).size(), 1U);
}

TEST(FunctionLengthRule, CatchesLongFunctions) {
  const std::string fits = Repeat("  f();\n", kFunctionLinesMax - 2);
  const std::string too_long = fits + "  f();\n";
  for (const char* head : {"void G() {\n", "template <class T>\nvoid G(T t) {\n", "TEST(A, B) {\n",
                           "A::A() : b_{1} {\n", "class A {\n public:\n  void G() const {\n",
                           "namespace a {\nint G(int b) {\n"}) {
    const std::string open(head);
    const bool wrapped = StartsWith(open, "class") || StartsWith(open, "namespace");
    const std::string close = wrapped ? "}\n};\n" : "}\n";
    EXPECT_EQ(CheckFunctionLength(One("x.cc", open + too_long + "  f();\n" + close)).size(), 1U)
        << head;
  }
  EXPECT_TRUE(CheckFunctionLength(One("x.cc", "void G() {\n" + fits + "}\n")).empty());
  EXPECT_EQ(CheckFunctionLength(One("x.cc", "void G() {\n" + too_long + "}\n")).size(), 1U);
}

TEST(FunctionLengthRule, DoesNotTakeContainersForFunctions) {
  const std::string many = Repeat("  int a;\n", kFunctionLinesMax * 2);
  for (const char* head :
       {"namespace a {\n", "class A final : public B<int()> {\n", "struct alignas(64) S {\n",
        "template <typename T>\nstruct S {\n", "enum class E : int {\n",
        "constexpr int kTable[] = {\n", "extern \"C\" {\n"}) {
    EXPECT_EQ(Describe(CheckFunctionLength(One("x.cc", head + many + "}\n"))), "") << head;
  }
}

TEST(FunctionLengthRule, IsNotFooledByBracesInTextAndMacros) {
  const std::string many = Repeat("  int a;\n", kFunctionLinesMax);
  EXPECT_EQ(
      CheckFunctionLength(One("x.cc", "void G() {\n  f(\"}\");  // }\n" + many + "}\n")).size(),
      1U);
  EXPECT_EQ(
      CheckFunctionLength(One("x.cc", "#define A \\\n  }\nvoid G() {\n" + many + "\n}\n")).size(),
      1U);
}

TEST(LineRule, CatchesLongLinesTabsAndTrailingBlanks) {
  EXPECT_TRUE(CheckLines(One("x.h", std::string(kColumnsMax, 'a') + "\n")).empty());
  EXPECT_EQ(CheckLines(One("x.h", std::string(kColumnsMax + 1, 'a') + "\n")).size(), 1U);
  EXPECT_EQ(CheckLines(One("x.h", "\tint a;\n")).size(), 1U);
  EXPECT_EQ(CheckLines(One("x.h", "int a; \n")).size(), 1U);
  EXPECT_EQ(CheckLines(One("x.h", "int a;\r\n")).size(), 1U);
  EXPECT_TRUE(CheckLines(One("x.h", "// " + Repeat("ä", 97) + "\n")).empty());
}

TEST(NameRule, CatchesNamesThatSayNothing) {
  for (const char* path :
       {"utils/x.h", "net/http_util.h", "engine/common.h", "net/session-manager.cc",
        "storage/helpers.h", "docs/misc.md", "engine/Helper.h"}) {
    EXPECT_EQ(CheckBannedNames(One(path, "")).size(), 1U) << path;
  }
  EXPECT_TRUE(CheckBannedNames(One("net/communication.h", "")).empty());
}

TEST(OpenWorkRule, CatchesWorkWithoutAnIssue) {
  EXPECT_EQ(CheckOpenWork(One("x.cc",
                              "// TO"
                              "DO: later\n"))
                .size(),
            1U);
  EXPECT_EQ(CheckOpenWork(One("x.cmake",
                              "# FIX"
                              "ME\n"))
                .size(),
            1U);
  EXPECT_EQ(CheckOpenWork(One("a",
                              "#!/usr/bin/env bash\n# TO"
                              "DO(me): later\n"))
                .size(),
            1U);
  EXPECT_TRUE(CheckOpenWork(One("x.cc",
                                "// TO"
                                "DO(#12): later\n"))
                  .empty());
}

TEST(SilencedTidyRule, CatchesMissingReasons) {
  EXPECT_EQ(CheckSilencedTidy(One("x.cc",
                                  "f();  // NO"
                                  "LINT\n"))
                .size(),
            1U);
  EXPECT_EQ(CheckSilencedTidy(One("x.cc",
                                  "f();  // NO"
                                  "LINT(bugprone-x)\n"))
                .size(),
            1U);
  EXPECT_EQ(CheckSilencedTidy(One("x.cc",
                                  "// NO"
                                  "LINTNEXTLINE(bugprone-x): why\n"))
                .size(),
            1U);
  EXPECT_TRUE(CheckSilencedTidy(One("x.cc",
                                    "// NO"
                                    "LINT(bugprone-x): the C API wants it\n"))
                  .empty());
}

TEST(ShellRule, CatchesScriptsThatGoOnAfterErrors) {
  EXPECT_EQ(CheckShellPrologue(One("tools/x", "#!/usr/bin/env bash\necho\n")).size(), 1U);
  EXPECT_EQ(CheckShellPrologue(One("x.sh", "# a\nset -e\n")).size(), 1U);
  EXPECT_EQ(CheckShellPrologue(One("tools/x", "#!/bin/sh\n")).size(), 1U);
  EXPECT_TRUE(CheckShellPrologue(One("tools/x", "#!/usr/bin/env bash\n# a\n\nset -euo pipefail\n"))
                  .empty());
  EXPECT_TRUE(CheckShellPrologue(One("tools/x", "#!/usr/bin/env python3\nimport sys\n")).empty());
}

TEST(SharedOwnershipRule, CatchesMoreThanTheBudget) {
  const SourceTree tree = One("net/x.h",
                              "std::shared_ptr<A> a;  // shared_ptr in words is free\n"
                              "auto b = std::make_shared<B>();\n");
  EXPECT_EQ(CheckSharedOwnership(tree, {{"net", 1}}).size(), 1U);
  EXPECT_TRUE(CheckSharedOwnership(tree, {{"net", 2}}).empty());
}

}  // namespace
}  // namespace tallyd::lint
