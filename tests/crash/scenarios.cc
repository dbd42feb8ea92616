#include "tests/crash/scenarios.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include "boost/json/object.hpp"
#include "boost/json/serialize.hpp"

#include "tests/crash/crash_harness.h"
#include "tests/crash/fault_plan.h"
#include "tests/crash/power_cut.h"
#include "tests/support/poll_fixtures.h"

namespace tallyd {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

HarnessOptions OptionsOf(const ScenarioSetup& setup) {
  HarnessOptions options{.data_directory = setup.directory + "/data",
                         .program = setup.program,
                         .seed = setup.seed,
                         .arguments = {"--watermark-interval-us=20000",
                                       "--checkpoint-interval-us=100000", "--free-bytes-min=0"},
                         .environment = setup.environment};
  // Deciding while a commit syncs is where more can go wrong.
  options.environment.emplace_back("TALLYD_COMMIT_OVERLAP", "true");
  return options;
}

std::string Result(const Violations& violations) {
  return violations.empty() ? "" : violations.Text();
}

FaultPlan JournalFault(const ScenarioSetup& setup, const std::string& action,
                       const std::string& operation, std::int64_t number) {
  return {.action = action,
          .operation = operation,
          .number = number,
          .directory = setup.directory + "/data",
          .path = "/journal/",
          .mark = setup.directory + "/mark",
          .hold_ms = 250};
}

// The write-ahead logs of the journal, the one with the most in it first.
std::vector<std::filesystem::path> LogsOf(const std::string& data) {
  std::vector<std::filesystem::path> logs;
  for (const auto& entry : std::filesystem::directory_iterator(data + "/journal")) {
    if (entry.path().extension() == ".log") logs.push_back(entry.path());
  }
  std::sort(logs.begin(), logs.end(), [](const auto& a, const auto& b) {
    return std::filesystem::file_size(a) > std::filesystem::file_size(b);
  });
  return logs;
}

// Votes, ends properly, and harms the directory with `harm`; then it must not serve less.
template <class Harm>
std::string Harmed(const ScenarioSetup& setup, Harm harm) {
  CrashHarness harness(OptionsOf(setup));
  if (!harness.Start()) return kCannotRun + "does not start: " + harness.server().Log();
  harness.LoadFor(milliseconds(200));
  harness.EndLoad();
  harness.server().Terminate();
  harness.server().Wait();
  const std::string data = harness.data_directory();
  std::filesystem::remove_all(data + "/ballots");
  std::filesystem::remove(data + "/tally.checkpoint");
  const auto logs = LogsOf(data);
  if (logs.empty() || std::filesystem::file_size(logs[0]) < 1'000)
    return kCannotRun + "no log to harm";
  harm(logs[0]);
  if (!harness.Start()) {
    const int exit = harness.server().Wait();
    return exit == 65 ? "" : "refuses with " + std::to_string(exit) + ", 65 expected";
  }
  harness.CheckServing();
  harness.CheckAllReceipts();
  return harness.violations().empty() ? "served a harmed journal without noticing"
                                      : harness.violations().Text();
}

// One connection that sends everything at once and only then reads.
struct Flood {
  std::set<std::int64_t> seqs;
  std::int64_t counted = 0;
  std::int64_t refused = 0;
  std::string wrong;

  void Run(std::uint16_t port, const std::string& prefix) {
    constexpr int kVotes = 3'000;
    std::string bytes;
    for (int i = 0; i < kVotes; ++i) {
      bytes += Render(VoteCall("full", ChoicesBody(prefix + std::to_string(i), {"alpha"})));
    }
    HttpClient client(port, /*record=*/false);
    client.SendBytes(bytes);
    for (int i = 0; i < kVotes && wrong.empty(); ++i) {
      const HttpAnswer answer = client.ReadAnswer();
      if (answer.status == 201) {
        ++counted;
        seqs.insert(answer.Json().at("seq").to_number<std::int64_t>());
      } else if (answer.status == 503 && !answer.Header("retry-after").empty()) {
        ++refused;
      } else {
        wrong = "answer " + std::to_string(answer.status) + ": " + answer.body;
      }
    }
  }
};

}  // namespace

std::string HeldDeath(const ScenarioSetup& setup) {
  CrashHarness harness(OptionsOf(setup));
  std::mt19937_64 random(setup.seed);
  for (int life = 0; life < 4 && harness.violations().empty(); ++life) {
    // The first writes of a life are RocksDB's own, at opening.
    const FaultPlan plan =
        JournalFault(setup, "kill", life % 2 == 0 ? "write" : "sync",
                     (life % 2 == 0 ? 60 : 40) + static_cast<std::int64_t>(random() % 100));
    if (!harness.Start(plan.Environment()))
      return kCannotRun + "does not start: " + harness.server().Log();
    harness.LoadFor(std::chrono::seconds(20));
    if (harness.server().Wait(std::chrono::seconds(5)) != -9) {
      return kCannotRun + "was not killed: " + harness.server().Log();
    }
    harness.EndLoad();
    harness.Recover();
    harness.Kill();
  }
  return Result(harness.violations());
}

std::string FailedSync(const ScenarioSetup& setup) {
  CrashHarness harness(OptionsOf(setup));
  const FaultPlan plan = JournalFault(setup, "late", "sync", 60);
  if (!harness.Start(plan.Environment()))
    return kCannotRun + "does not start: " + harness.server().Log();
  harness.LoadFor(std::chrono::seconds(3));
  if (harness.server().Running()) {
    harness.violations().Add("went on after a failed sync");
    harness.Kill();
  } else if (harness.server().Wait() != 74) {
    harness.violations().Add("ended with " + std::to_string(harness.server().Wait()));
  }
  harness.EndLoad();
  harness.Recover();
  return Result(harness.violations());
}

std::string CleanRestart(const ScenarioSetup& setup) {
  CrashHarness harness(OptionsOf(setup));
  if (!harness.Start()) return kCannotRun + "does not start: " + harness.server().Log();
  for (int life = 0; life < 3 && harness.violations().empty(); ++life) {
    harness.LoadFor(milliseconds(150));
    harness.server().Terminate();
    const int exit = harness.server().Wait();
    harness.EndLoad();
    if (exit != 0) harness.violations().Add("SIGTERM: ended with " + std::to_string(exit));
    harness.Recover();
  }
  return Result(harness.violations());
}

std::string LostEnd(const ScenarioSetup& setup) {
  return Harmed(setup, [](const std::filesystem::path& log) {
    std::filesystem::resize_file(log, std::filesystem::file_size(log) / 2);
  });
}

std::string FlippedByte(const ScenarioSetup& setup) {
  return Harmed(setup, [](const std::filesystem::path& log) {
    std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
    const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(log) / 2);
    file.seekg(middle);
    const char byte = static_cast<char>(file.get() ^ 0x10);
    file.seekp(middle);
    file.put(byte);
  });
}

std::string TimedClosing(const ScenarioSetup& setup) {
  TallydProcess server({.program = setup.program,
                        .data_directory = setup.directory + "/data",
                        .environment = setup.environment});
  if (!server.WaitReady()) return kCannotRun + "does not start: " + server.Log();
  HttpClient admin(server.admin_port(), /*record=*/false);
  json::object poll = PollBody();
  const auto now = std::chrono::system_clock::now();
  const std::time_t closes = std::chrono::system_clock::to_time_t(now) + 2;
  char text[32];
  std::tm parts{};
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&closes, &parts));
  poll["closes"] = text;
  const HttpAnswer made = admin.Send(
      JsonCall("PUT", "/v1/polls/timed", json::serialize(poll), {{"If-None-Match", "*"}}));
  if (made.status != 201) return kCannotRun + "no poll: " + made.body;
  HttpClient client(server.public_port(), /*record=*/false);
  for (int i = 0; i < 10'000; ++i) {
    const HttpAnswer answer =
        client.Send(VoteCall("timed", ChoicesBody("v" + std::to_string(i), {"alpha"})));
    if (answer.status == 409) {
      const HttpAnswer shown = client.Send({"GET", "/v1/polls/timed", {}, {}});
      const std::string state(shown.Json().at("state").as_string());
      return state == "closed" ? "" : "refuses votes while its state is " + state;
    }
    if (answer.status != 201) return "vote: " + answer.body;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return "never closed";
}

std::string FullQueue(const ScenarioSetup& setup) {
  TallydProcess server({.program = setup.program,
                        .data_directory = setup.directory + "/data",
                        .arguments = {"--queue-slots=1024", "--batch-commands-max=16",
                                      "--pipelined-requests-max=10000"},
                        .environment = setup.environment});
  if (!server.WaitReady()) return kCannotRun + "does not start: " + server.Log();
  HttpClient admin(server.admin_port(), /*record=*/false);
  const HttpAnswer made = admin.Send(JsonCall(
      "PUT", "/v1/polls/full", json::serialize(json::value(PollBody())), {{"If-None-Match", "*"}}));
  if (made.status != 201) return kCannotRun + "no poll: " + made.body;
  std::vector<Flood> floods(4);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < floods.size(); ++i) {
    threads.emplace_back([&server, &floods, i] {
      floods[i].Run(server.public_port(), "c" + std::to_string(i) + "-");
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::int64_t> seqs;
  std::int64_t counted = 0;
  std::int64_t refused = 0;
  for (const Flood& flood : floods) {
    if (!flood.wrong.empty()) return flood.wrong;
    seqs.insert(flood.seqs.begin(), flood.seqs.end());
    counted += flood.counted;
    refused += flood.refused;
  }
  HttpClient reader(server.public_port(), /*record=*/false);
  const HttpAnswer ranking = reader.Send({"GET", "/v1/polls/full/ranking", {}, {}});
  const auto shown = ranking.Json().at("totals").at("ballots").to_number<std::int64_t>();
  if (shown == counted && static_cast<std::int64_t>(seqs.size()) == counted) {
    return refused > 0 ? "" : kCannotRun + "the queue was never full";
  }
  return std::to_string(counted) + " acknowledged under " + std::to_string(seqs.size()) +
         " seqs, " + std::to_string(shown) + " counted";
}

std::string PowerCuts(const ScenarioSetup& setup, CuttableDisk* disk, int cuts) {
  CrashHarness harness(OptionsOf(setup));
  std::mt19937_64 random(setup.seed);
  if (!harness.Start()) return kCannotRun + "does not start: " + harness.server().Log();
  for (int cut = 0; cut < cuts && harness.violations().empty(); ++cut) {
    harness.LoadFor(milliseconds(50 + random() % 200));
    harness.crowd().StopListening();
    if (!disk->Cut()) return kCannotRun + "the disk cannot be cut";
    harness.Kill();
    harness.EndLoad();
    if (!disk->Restore()) return kCannotRun + "the disk cannot be mounted again";
    if (!harness.Recover()) break;
  }
  return Result(harness.violations());
}

}  // namespace tallyd
