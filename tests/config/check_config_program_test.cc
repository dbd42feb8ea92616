// `tallyd check-config` as an operator meets it: what is refused, with which words and exit code.

#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/tallyd_process.h"
#include "tests/support/temp_directory.h"

namespace tallyd {
namespace {

struct BadConfig {
  const char* name;
  const char* file;  // content of the TOML file
  std::vector<std::string> flags;
  const char* message;  // part of what stderr says
};

class BadConfigTest : public testing::TestWithParam<BadConfig> {};

TEST_P(BadConfigTest, Exits78AndSaysWhy) {
  const TempDirectory temp;
  const std::string path = temp.File("tallyd.toml");
  std::ofstream(path) << GetParam().file;
  for (const char* command : {"check-config", "serve"}) {
    std::vector<std::string> arguments = {command, "--config", path, "--data-dir",
                                          temp.File("data")};
    arguments.insert(arguments.end(), GetParam().flags.begin(), GetParam().flags.end());
    const ToolResult result = RunTallyd(arguments);
    EXPECT_EQ(result.exit, 78) << command;
    EXPECT_EQ(result.out, "") << command;
    EXPECT_NE(result.err.find(GetParam().message), std::string::npos) << command << result.err;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadConfigTest,
    testing::Values(
        BadConfig{"UnknownKey",
                  "io_threads = 1\nlisten_adress = \"127.0.0.1:1\"\n",
                  {},
                  "tallyd.toml:2: unknown key \"listen_adress\""},
        BadConfig{"NearMiss",
                  "comit_overlap = true\n",
                  {},
                  "tallyd.toml:1: unknown key \"comit_overlap\"; did you mean \"commit_overlap\"?"},
        BadConfig{"Table", "[listen]\nport = 1\n", {}, "tallyd.toml:1: listen = "},
        BadConfig{"WrongType",
                  "io_threads = \"two\"\n",
                  {},
                  "tallyd.toml:1: io_threads = \"two\" is refused: it must be a whole number"},
        BadConfig{"Fraction", "io_threads = 1.5\n", {}, "io_threads = 1.5 is refused"},
        BadConfig{"OutOfRange", "io_threads = 65\n", {}, "from 1 to 64"},
        BadConfig{"NotAPowerOfTwo", "queue_slots = 65000\n", {}, "a power of two from 1024"},
        BadConfig{"NoPort", "listen = \"127.0.0.1\"\n", {}, "it must be address:port"},
        BadConfig{"LogLevel", "log_level = \"loud\"\n", {}, "one of \"error\", \"warning\""},
        BadConfig{"Origin", "cors_origins = [\"*\"]\n", {}, "it must be a list of origins"},
        BadConfig{"OriginList", "cors_origins = \"https://a\"\n", {}, "a list of origins"},
        BadConfig{
            "TwiceTheSameKey", "io_threads = 1\nio_threads = 2\n", {}, "tallyd.toml:2: not TOML"},
        BadConfig{"Flag", "", {"--io-threads", "0"}, "--io-threads: io_threads = \"0\" is refused"},
        BadConfig{"NoAuthOnTheOpenNet",
                  "insecure_no_auth = true\n",
                  {"--listen", "0.0.0.0:0"},
                  "tallyd.toml:1: insecure_no_auth: refused because listen = \"0.0.0.0:0\" is not "
                  "loopback"},
        BadConfig{"NoAuthAdmin",
                  "",
                  {"--insecure-no-auth", "--admin-listen", "[::]:0"},
                  "--insecure-no-auth: insecure_no_auth: refused because admin_listen"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(CheckConfigTest, PrintsWhatIsInForceAndWhereItCameFrom) {
  const TempDirectory temp;
  const std::string path = temp.File("tallyd.toml");
  std::ofstream(path) << "io_threads = 2\n";
  const ToolResult result =
      RunTallyd({"check-config", "--config", path, "--commit-overlap=false", "--insecure-no-auth"});
  EXPECT_EQ(result.exit, 0) << result.err;
  const auto line_of = [&](const std::string& key) {
    const std::size_t at = result.out.find(key + " = ");
    return at == std::string::npos ? "" : result.out.substr(at, result.out.find('\n', at) - at);
  };
  EXPECT_TRUE(line_of("io_threads").ends_with("  # " + path + ":1")) << result.out;
  EXPECT_TRUE(line_of("commit_overlap").starts_with("commit_overlap = false"));
  EXPECT_TRUE(line_of("insecure_no_auth").starts_with("insecure_no_auth = true"));
  EXPECT_TRUE(line_of("insecure_no_auth").ends_with("# --insecure-no-auth"));
  EXPECT_TRUE(line_of("listen").ends_with("# default"));
}

TEST(CheckConfigTest, AMissingFileIsBadConfigAnUnknownFlagIsUsage) {
  const ToolResult missing = RunTallyd({"check-config", "--config", "/nowhere/tallyd.toml"});
  EXPECT_EQ(missing.exit, 78);
  EXPECT_NE(missing.err.find("/nowhere/tallyd.toml: cannot be read"), std::string::npos);
  EXPECT_EQ(RunTallyd({"check-config", "--no-such-flag"}).exit, 2);
  EXPECT_EQ(RunTallyd({}).exit, 2);
  EXPECT_EQ(RunTallyd({"serve", "--help"}).exit, 0);
}

}  // namespace
}  // namespace tallyd
