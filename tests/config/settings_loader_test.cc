#include "config/settings_loader.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

namespace tallyd {
namespace {

class SettingsLoaderTest : public testing::Test {
 protected:
  SettingsLoaderTest() {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    path_ = (std::filesystem::temp_directory_path() /
             ("tallyd_settings_" + std::string(info->name()) + "_" + std::to_string(getpid())))
                .string() +
            ".toml";
  }
  ~SettingsLoaderTest() override { std::remove(path_.c_str()); }

  std::string Write(const std::string& text) {
    std::ofstream(path_) << text;
    return path_;
  }

  std::string FaultOf(const SettingsInput& input) {
    const auto loaded = LoadSettings(input);
    EXPECT_FALSE(loaded.ok());
    return std::string(loaded.status().message());
  }

  std::string path_;
};

std::string SourceOf(const LoadedSettings& loaded, std::string_view key) {
  for (std::size_t i = 0; i < AllSettings().size(); ++i) {
    if (AllSettings()[i].key == key) return loaded.sources[i];
  }
  return "no such key";
}

TEST_F(SettingsLoaderTest, NothingGivenIsTheDefaults) {
  const auto loaded = LoadSettings({});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->values, Settings{});
  EXPECT_EQ(SourceOf(*loaded, "listen"), "default");
}

TEST_F(SettingsLoaderTest, FlagsBeatTheEnvironmentAndThatBeatsTheFile) {
  const std::string file = Write("io_threads = 2\nqueue_slots = 2048\nlog_level = \"error\"\n");
  const auto loaded =
      LoadSettings({.config_file = file,
                    .environment = {{"TALLYD_QUEUE_SLOTS", "4096"}, {"TALLYD_LOG_LEVEL", "debug"}},
                    .flags = {{"log_level", "warning"}}});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->values.io_threads, 2);
  EXPECT_EQ(loaded->values.queue_slots, 4096);
  EXPECT_EQ(loaded->values.log_level, "warning");
  EXPECT_EQ(SourceOf(*loaded, "io_threads"), file + ":1");
  EXPECT_EQ(SourceOf(*loaded, "queue_slots"), "TALLYD_QUEUE_SLOTS");
  EXPECT_EQ(SourceOf(*loaded, "log_level"), "--log-level");
}

TEST_F(SettingsLoaderTest, EverySettingCanComeFromEveryLayer) {
  for (const SettingSpec& spec : AllSettings()) {
    const std::string value = ValueToml(spec, Settings{});
    const std::string file = Write(std::string(spec.key) + " = " + value + "\n");
    std::string text = value;
    if (text.front() == '"') text = text.substr(1, text.size() - 2);
    // A list of several is written with commas.
    if (spec.rule == SettingRule::kOrigins) text = "https://example.org";
    if (spec.rule == SettingRule::kAddressRanges) text = "192.0.2.0/24,::1";
    const auto from_file = LoadSettings({.config_file = file});
    ASSERT_TRUE(from_file.ok()) << from_file.status();
    EXPECT_EQ(SourceOf(*from_file, spec.key), file + ":1");
    const auto from_env = LoadSettings({.environment = {{EnvironmentName(spec.key), text}}});
    ASSERT_TRUE(from_env.ok()) << from_env.status();
    EXPECT_EQ(SourceOf(*from_env, spec.key), EnvironmentName(spec.key));
    const auto from_flag = LoadSettings({.flags = {{std::string(spec.key), text}}});
    ASSERT_TRUE(from_flag.ok()) << from_flag.status();
    EXPECT_EQ(SourceOf(*from_flag, spec.key), FlagName(spec.key));
  }
}

TEST_F(SettingsLoaderTest, TheEffectiveSettingsReadBackEqual) {
  SettingsInput input;
  input.flags = {{"cors_origins", "https://a.example,http://localhost:3000"},
                 {"data_dir", "/srv/a \"quoted\" dir"},
                 {"commit_overlap", "false"}};
  const auto loaded = LoadSettings(input);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const auto again = LoadSettings({.config_file = Write(EffectiveToml(*loaded))});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->values, loaded->values);
  EXPECT_EQ(again->values.cors_origins.size(), 2u);
}

TEST_F(SettingsLoaderTest, UnknownKeyIsNamedWithLineAndTheKeyThatWasMeant) {
  const std::string file = Write("io_threads = 1\n\nlisen = \"127.0.0.1:1\"\n");
  EXPECT_EQ(FaultOf({.config_file = file}),
            file + ":3: unknown key \"lisen\"; did you mean \"listen\"?");
  const std::string far = Write("completely_else = 1\n");
  EXPECT_EQ(FaultOf({.config_file = far}), far + ":1: unknown key \"completely_else\"");
}

TEST_F(SettingsLoaderTest, AllFaultsAreReportedTogether) {
  const std::string file = Write("io_threads = 0\nqueue_slots = 1000\n[server]\nx = 1\n");
  const std::string fault = FaultOf({.config_file = file, .flags = {{"idle_ms_max", "soon"}}});
  EXPECT_NE(fault.find(file + ":1: io_threads = 0 is refused: it must be a whole number from 1"),
            std::string::npos)
      << fault;
  EXPECT_NE(fault.find(file + ":2: queue_slots = 1000 is refused: it must be a power of two"),
            std::string::npos)
      << fault;
  EXPECT_NE(fault.find(file + ":3: unknown key \"server\""), std::string::npos) << fault;
  EXPECT_NE(fault.find("--idle-ms-max: idle_ms_max = \"soon\" is refused"), std::string::npos)
      << fault;
}

TEST_F(SettingsLoaderTest, ANearMissInTheEnvironmentIsRefusedAForeignNameIsNot) {
  EXPECT_EQ(FaultOf({.environment = {{"TALLYD_LISTN", "x"}}}),
            "TALLYD_LISTN: unknown variable; did you mean \"TALLYD_LISTEN\"?");
  EXPECT_TRUE(
      LoadSettings({.environment = {{"TALLYD_SERVICE_HOST", "10.0.0.1"}, {"PATH", "/bin"}}}).ok());
}

TEST_F(SettingsLoaderTest, NoAuthIsRefusedOffLoopback) {
  const auto with = [](const std::string& listen, const std::string& admin) {
    return LoadSettings({.flags = {{"insecure_no_auth", "true"},
                                   {"listen", listen},
                                   {"admin_listen", admin}}})
        .ok();
  };
  EXPECT_TRUE(with("127.0.0.1:0", "[::1]:0"));
  EXPECT_TRUE(with("127.3.2.1:0", "off"));
  EXPECT_FALSE(with("0.0.0.0:8080", "127.0.0.1:8081"));
  EXPECT_FALSE(with("127.0.0.1:8080", "192.168.1.5:8081"));
  EXPECT_FALSE(with("[::]:8080", "127.0.0.1:8081"));
}

TEST_F(SettingsLoaderTest, AFileThatIsNotTomlOrNotThereIsRefused) {
  const std::string file = Write("listen = \"a\nb\"\n");
  EXPECT_TRUE(FaultOf({.config_file = file}).starts_with(file + ":1: not TOML: "));
  EXPECT_EQ(FaultOf({.config_file = "/nowhere/tallyd.toml"}),
            "/nowhere/tallyd.toml: cannot be read");
}

TEST(SettingsTest, FileModes) {
  EXPECT_EQ(ParseFileMode("0660"), 0660U);
  EXPECT_EQ(ParseFileMode("0000"), 0U);
  for (const char* bad : {"", "660", "00660", "0668", "1660", "-660", "066 ", "rw--"}) {
    EXPECT_FALSE(ParseFileMode(bad).has_value()) << bad;
  }
}

TEST_F(SettingsLoaderTest, ACertificateNeedsAKeyAndTheOtherWayRound) {
  for (const char* key : {"tls_certificate_file", "tls_key_file", "admin_tls_certificate_file",
                          "admin_tls_key_file"}) {
    const std::string fault = FaultOf({.flags = {{key, "/some/file"}}});
    EXPECT_NE(fault.find(std::string(key) + ": needs "), std::string::npos) << fault;
  }
}

TEST_F(SettingsLoaderTest, WithoutAuthenticationAlsoOnUnixSockets) {
  const auto loaded = LoadSettings({.flags = {{"listen", "unix:/run/tallyd/public.sock"},
                                              {"admin_listen", "unix:/run/tallyd/admin.sock"},
                                              {"trusted_proxies", "unix,10.0.0.0/8"},
                                              {"insecure_no_auth", "true"}}});
  EXPECT_TRUE(loaded.ok()) << loaded.status();
}

TEST(SettingsTest, Endpoints) {
  EXPECT_EQ(ParseEndpoint("127.0.0.1:80")->port, 80);
  EXPECT_EQ(ParseEndpoint("[::1]:0")->address, "::1");
  EXPECT_TRUE(ParseEndpoint("localhost:1")->local);
  EXPECT_FALSE(ParseEndpoint("10.0.0.1:1")->local);
  EXPECT_EQ(ParseEndpoint("unix:/run/tallyd/public.sock")->unix_path, "/run/tallyd/public.sock");
  EXPECT_TRUE(ParseEndpoint("unix:/a")->local);
  EXPECT_TRUE(ParseEndpoint("unix:/" + std::string(106, 'a')).has_value());
  EXPECT_FALSE(ParseEndpoint("unix:/" + std::string(107, 'a')).has_value());
  for (const char* bad : {"", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:80",
                          "unix:", "unix:a", "unix:/", "unix:/a/", "unix://run/", "[127.0.0.1]:80",
                          "example.org:80", "127.0.0.1:80x", "127.0.0.1:-1"}) {
    EXPECT_FALSE(ParseEndpoint(bad).has_value()) << bad;
  }
}

// The example is generated: `tallyd check-config --example > config/tallyd.example.toml`.
TEST(ExampleTest, TheExampleFileIsWhatTheTableSays) {
  const std::string path = TALLYD_SOURCE_DIR "/config/tallyd.example.toml";
  std::stringstream content;
  content << std::ifstream(path).rdbuf();
  EXPECT_EQ(content.str(), ExampleToml());
  const auto loaded = LoadSettings({.config_file = path});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->values, Settings{});
  for (std::size_t i = 0; i < AllSettings().size(); ++i) {
    EXPECT_NE(loaded->sources[i], "default") << AllSettings()[i].key << " is not in the example";
  }
}

}  // namespace
}  // namespace tallyd
