#include "tests/crash/crash_harness.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "boost/json/object.hpp"
#include "boost/json/parse.hpp"
#include "boost/json/serialize.hpp"

#include "tests/support/poll_fixtures.h"

namespace tallyd {
namespace {

namespace json = boost::json;

constexpr const char* kPolls[] = {"fixed", "changing"};

std::map<std::string, std::int64_t> ScoresOf(const json::value& poll) {
  std::map<std::string, std::int64_t> scores;
  for (const auto& [option, figures] : poll.at("options").as_object()) {
    scores[std::string(option)] = figures.at("score").to_number<std::int64_t>();
  }
  return scores;
}

std::string Show(const std::map<std::string, std::int64_t>& tally) {
  std::string text;
  for (const auto& [option, score] : tally) text += option + "=" + std::to_string(score) + " ";
  return text;
}

std::map<std::string, std::int64_t> WithAllOptions(std::map<std::string, std::int64_t> tally) {
  for (const std::string& option : CrowdOptions()) tally.emplace(option, 0);
  return tally;
}

}  // namespace

CrashHarness::CrashHarness(HarnessOptions options)
    : options_(std::move(options)),
      crowd_(options_.threads, options_.seed, &violations_, options_.oracle_directory) {}

CrashHarness::~CrashHarness() {
  if (server_ != nullptr) server_->Kill();
  EndLoad();
}

bool CrashHarness::Start(const std::vector<std::pair<std::string, std::string>>& environment) {
  std::vector<std::pair<std::string, std::string>> variables = options_.environment;
  variables.insert(variables.end(), environment.begin(), environment.end());
  server_ = std::make_unique<TallydProcess>(TallydOptions{.program = options_.program,
                                                          .data_directory = options_.data_directory,
                                                          .log_file = options_.log_file,
                                                          .arguments = options_.arguments,
                                                          .environment = variables});
  if (!server_->WaitReady()) return false;
  return polls_exist_ || CreatePolls();
}

bool CrashHarness::CreatePolls() {
  HttpClient admin(server_->admin_port(), /*record=*/false);
  for (const char* poll : kPolls) {
    json::object body = PollBody();
    if (std::string(poll) == "changing") body["revote"] = "replace";
    const HttpAnswer answer = admin.Send(JsonCall("PUT", std::string("/v1/polls/") + poll,
                                                  json::serialize(body), {{"If-None-Match", "*"}}));
    // 412: an earlier attempt came to the disk, although nobody was told.
    if (answer.status != 201 && answer.status != 412) return false;
  }
  polls_exist_ = true;
  return true;
}

void CrashHarness::BeginLoad() {
  crowd_.Begin(server_->public_port());
  stop_watching_ = false;
  watcher_ = std::thread([this, port = server_->public_port()] { Watch(port); });
}

void CrashHarness::EndLoad() {
  crowd_.End();
  stop_watching_ = true;
  if (watcher_.joinable()) watcher_.join();
}

void CrashHarness::LoadFor(std::chrono::milliseconds time) {
  BeginLoad();
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end && server_->Running()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

// A reader beside the voters: versions must not go back for it.
void CrashHarness::Watch(std::uint16_t port) {
  HttpClient client(port, /*record=*/false);
  while (!stop_watching_) {
    for (const char* poll : kPolls) {
      const HttpAnswer answer =
          client.Send({"GET", std::string("/v1/polls/") + poll + "/ranking", {}, {}});
      if (answer.status == 0 || crowd_.deaf()) return;
      if (answer.status == 200) NoteRanking(poll, answer.body);
    }
  }
}

void CrashHarness::NoteRanking(const std::string& poll, const std::string& body) {
  boost::system::error_code error;
  const json::value ranking = json::parse(body, error);
  std::uint64_t epoch = 0;
  std::uint64_t position = 0;
  if (error || std::sscanf(ranking.at("version").as_string().c_str(), "e%" SCNu64 "-%" SCNu64,
                           &epoch, &position) != 2) {
    return violations_.Add(poll + ": not a ranking: " + body);
  }
  Seen& seen = seen_[poll];
  if (std::pair(epoch, position) < std::pair(seen.epoch, seen.position)) {
    violations_.Add(poll + ": version e" + std::to_string(epoch) + "-" + std::to_string(position) +
                    " after e" + std::to_string(seen.epoch) + "-" + std::to_string(seen.position));
    return;
  }
  if (epoch == seen.epoch && position == seen.position && body != seen.body) {
    violations_.Add(poll + ": two rankings of one version: " + body + " and " + seen.body);
  }
  seen = {.epoch = epoch, .position = position, .body = body};
}

bool CrashHarness::CheckStopped() {
  const ToolResult verify =
      RunTallyctl({"verify", "--json", "--data-dir=" + options_.data_directory});
  if (verify.exit != 0) {
    violations_.Add("tallyctl verify ended with " + std::to_string(verify.exit) + ": " +
                    verify.out + verify.err);
    return false;
  }
  recounted_.clear();
  boost::system::error_code error;
  const json::value report = json::parse(verify.out, error);
  if (error) {
    violations_.Add("tallyctl verify said " + verify.out);
    return false;
  }
  for (const json::value& poll : report.at("polls").as_array()) {
    recounted_[std::string(poll.at("poll").as_string())] = ScoresOf(poll);
  }
  return true;
}

bool CrashHarness::ReadRanking(const std::string& poll, std::string* body) {
  HttpClient client(server_->public_port(), /*record=*/false);
  const HttpAnswer answer = client.Send({"GET", "/v1/polls/" + poll + "/ranking", {}, {}});
  if (answer.status != 200) {
    violations_.Add(poll + ": ranking answered " + std::to_string(answer.status));
    return false;
  }
  *body = answer.body;
  return true;
}

void CrashHarness::CheckBounds(const std::string& poll, const Tally& shown) {
  const TallyBounds bounds = crowd_.bounds(poll);
  const Tally least = WithAllOptions(bounds.least);
  const Tally most = WithAllOptions(bounds.most);
  for (const auto& [option, score] : shown) {
    if (score < least.at(option) || score > most.at(option)) {
      violations_.Add(poll + ": shows " + Show(shown) + "; acknowledged " + Show(least) +
                      "; attempted " + Show(most));
      return;
    }
  }
}

void CrashHarness::CheckSelfRecount() {
  HttpClient admin(server_->admin_port(), /*record=*/false);
  admin.WaitUpTo(std::chrono::seconds(300));  // it reads the whole journal
  const HttpAnswer answer = admin.Send({"POST", "/v1/admin/verify", {}, std::string()});
  boost::system::error_code error;
  const json::value report = json::parse(answer.body, error);
  if (answer.status != 200 || error || !report.at("ok").as_bool()) {
    violations_.Add("POST /v1/admin/verify: " + std::to_string(answer.status) + " " + answer.body);
  }
}

bool CrashHarness::CheckServing() {
  for (const int pass : {0, 1}) {
    for (const char* poll : kPolls) {
      std::string body;
      if (!ReadRanking(poll, &body)) return false;
      NoteRanking(poll, body);
      boost::system::error_code error;
      const json::value ranking = json::parse(body, error);
      if (error) return false;
      const Tally shown = ScoresOf(ranking);
      // Before anything new comes the ranking is what the other program has counted.
      if (pass == 0 && !recounted_.empty() && shown != WithAllOptions(recounted_[poll])) {
        violations_.Add(std::string(poll) + ": serves " + Show(shown) + ", recounted " +
                        Show(recounted_[poll]));
      }
      CheckBounds(poll, shown);
      std::int64_t sum = 0;
      for (const auto& [option, score] : shown) sum += score;
      if (ranking.at("totals").at("ballots").to_number<std::int64_t>() != sum) {
        violations_.Add(std::string(poll) + ": totals do not fit its options: " + body);
      }
    }
    if (pass == 0) crowd_.Resolve(server_->public_port());
  }
  CheckSelfRecount();
  CheckReceipts(200);
  return true;
}

bool CrashHarness::Recover() {
  CheckStopped();
  if (!Start()) {
    violations_.Add("does not serve again: " + server_->Log());
    return false;
  }
  return CheckServing();
}

void CrashHarness::CheckAllReceipts() {
  CheckReceipts(crowd_.acknowledged_count());
}

// Every receipt still says what its ballot became, with the same seq.
void CrashHarness::CheckReceipts(std::size_t newest) {
  std::vector<AcknowledgedBallot> ballots = crowd_.acknowledged();
  if (ballots.size() > newest) {
    // The newest of each thread lie at the ends of their lists: take evenly spread ones instead.
    std::vector<AcknowledgedBallot> some;
    const std::size_t step = ballots.size() / newest + 1;
    for (std::size_t i = 0; i < ballots.size(); i += step) some.push_back(ballots[i]);
    ballots = std::move(some);
  }
  HttpClient client(server_->public_port(), /*record=*/false);
  constexpr std::size_t kAtOnce = 64;
  for (std::size_t from = 0; from < ballots.size(); from += kAtOnce) {
    const std::size_t to = std::min(ballots.size(), from + kAtOnce);
    std::vector<HttpCall> calls;
    for (std::size_t i = from; i < to; ++i) {
      calls.push_back({"GET", "/v1/receipts/" + ballots[i].receipt, {}, {}});
    }
    const std::vector<HttpAnswer> answers = client.Pipeline(calls);
    for (std::size_t i = from; i < to; ++i) {
      const std::string what = ballots[i].poll + ", " + ballots[i].voter + ": receipt ";
      if (i - from >= answers.size() || answers[i - from].status != 200) {
        violations_.Add(what + "is not known");
        continue;
      }
      const json::value said = answers[i - from].Json();
      if (said.at("seq").to_number<std::int64_t>() != ballots[i].seq ||
          said.at("status").as_string() != (ballots[i].in_force ? "counted" : "superseded")) {
        violations_.Add(what + "says " + answers[i - from].body);
      }
    }
  }
}

void CrashHarness::Finish() {
  CheckAllReceipts();
  if (!options_.oracle_directory.empty() &&
      ReadOracles(options_.oracle_directory) != crowd_.acknowledged()) {
    violations_.Add("the clients' files do not tell what the clients know");
  }
  server_->Terminate();
  const int exit = server_->Wait();
  if (exit != 0) violations_.Add("SIGTERM: ended with " + std::to_string(exit));
  if (!CheckStopped()) return;
  for (const char* poll : kPolls) CheckBounds(poll, WithAllOptions(recounted_[poll]));
}

}  // namespace tallyd
