// tallyload: sends votes to a tallyd as fast as asked for, and says what became of them and how
// long they took.

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "boost/json.hpp"

#include "tools/client/client_connection.h"
#include "tools/exit_code.h"
#include "tools/tallyload/load_loop.h"
#include "tools/tallyload/load_plan.h"

namespace tallyd {
namespace {

struct Arguments {
  std::string token_file;
  std::string voter_tokens_file;
  std::string url = "http://127.0.0.1:8080";
  std::string admin = "http://127.0.0.1:8081";
  std::vector<std::string> polls = {"load"};
  std::uint32_t create_options = 0;
  std::uint32_t assume_options = 0;
  std::string mix = "new=100";
  LoadOptions load;
  LoadPlanOptions plan;
  bool json = false;
  std::string hgrm_file;
};

void AddFlags(CLI::App* app, Arguments* arguments) {
  app->add_option("--url", arguments->url, "Public listener to send to")->capture_default_str();
  app->add_option("--admin", arguments->admin, "Private listener, for --create")
      ->capture_default_str();
  app->add_option("--poll", arguments->polls,
                  "Poll, or several (drawn with weights 1, 1/2, 1/3 ...)")
      ->delimiter(',')
      ->capture_default_str();
  app->add_option("--create", arguments->create_options,
                  "Create the polls first where they are missing, each with so many options, open");
  app->add_option("--assume-options", arguments->assume_options,
                  "Do not ask the server for the polls: they have option-0 up to one less than so "
                  "many. For servers that are no tallyd, in a comparison");
  app->add_option("--get", arguments->plan.get_target,
                  "No votes: GET this path instead; \"counted\" are answers 200 and 304");
  app->add_option("--if-none-match", arguments->plan.if_none_match, "ETag to send with --get");
  app->add_option(
      "--token-file", arguments->token_file,
      "File with an API key or token (scope vote:on-behalf) to show with every request");
  app->add_option("--voter-tokens", arguments->voter_tokens_file,
                  "File with a voter's token (scope vote) a line, all of one length: each vote "
                  "shows the next one and names no voter; the run ends with the last");
  app->add_option("-c,--connections", arguments->load.connections,
                  "Connections, all from one thread")
      ->check(CLI::Range(1, 50'000))
      ->capture_default_str();
  app->add_option("-p,--pipeline", arguments->load.pipeline,
                  "Requests in flight on each connection")
      ->check(CLI::Range(1, 128))
      ->capture_default_str();
  app->add_option("-s,--seconds", arguments->load.seconds, "How long to measure")
      ->capture_default_str();
  app->add_option("--warmup", arguments->load.warmup_seconds, "Seconds before that")
      ->capture_default_str();
  app->add_option("-r,--rate", arguments->load.rate,
                  "Open loop: requests a second, latency from when each was due. 0: closed loop")
      ->capture_default_str();
  app->add_option("--give-up-ms", arguments->load.give_up_ms,
                  "Open loop: a request that finds no free connection for so long is never sent. "
                  "0: it waits for ever")
      ->capture_default_str();
  app->add_option("-n,--requests", arguments->load.requests_max, "Stop after so many requests");
  app->add_option("-b,--batch", arguments->plan.batch_lines, "Send NDJSON batches of so many votes")
      ->check(CLI::Range(0, 100'000));
  app->add_option("--mix", arguments->mix, "Shares in percent of new, retry, change, invalid")
      ->capture_default_str();
  app->add_option("--hot", arguments->plan.hot, "This share of the votes goes to the first option")
      ->check(CLI::Range(0.0, 1.0));
  app->add_option("--seed", arguments->plan.seed, "Same seed, same votes")->capture_default_str();
  app->add_option("--first-voter", arguments->plan.first_voter,
                  "Number of the first voter; another one for another run against the same polls");
  app->add_flag("--json", arguments->json, "One JSON object on stdout");
  app->add_option("--hgrm", arguments->hgrm_file, "Write the latencies as a .hgrm file");
  app->footer(
      "Example: 256 connections, one vote a request, every vote another voter:\n"
      "  tallyload --create 10 --poll load -c 256 -s 10\n"
      "Latencies are per request, in milliseconds.");
}

bool ParseMix(const std::string& text, LoadMix* mix) {
  *mix = {.fresh = 0, .retry = 0, .change = 0, .invalid = 0};
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    const std::vector<std::string> pair = absl::StrSplit(part, '=');
    int share = 0;
    if (pair.size() != 2 || !absl::SimpleAtoi(pair[1], &share) || share < 0) return false;
    if (pair[0] == "new") {
      mix->fresh = share;
    } else if (pair[0] == "retry") {
      mix->retry = share;
    } else if (pair[0] == "change") {
      mix->change = share;
    } else if (pair[0] == "invalid") {
      mix->invalid = share;
    } else {
      return false;
    }
  }
  return mix->fresh + mix->retry + mix->change + mix->invalid == 100;
}

absl::Status CreatePolls(const Arguments& arguments) {
  const auto address = ParseServerUrl(arguments.admin);
  if (!address.ok()) return address.status();
  ClientConnection connection(*address);
  std::vector<std::pair<std::string, std::string>> headers = {{"Content-Type", "application/json"},
                                                              {"If-None-Match", "*"}};
  if (!arguments.plan.token.empty()) {
    headers.emplace_back("Authorization", absl::StrCat("Bearer ", arguments.plan.token));
  }
  boost::json::array options;
  for (std::uint32_t i = 0; i < arguments.create_options; ++i) {
    options.push_back(
        {{"id", absl::StrCat("option-", i)}, {"title", {{"en", absl::StrCat("Option ", i)}}}});
  }
  for (const std::string& poll : arguments.polls) {
    const boost::json::object document = {{"title", {{"en", "Load"}}},
                                          {"project", "load"},
                                          {"state", "open"},
                                          {"ballot", {{"type", "choose"}, {"min", 1}, {"max", 1}}},
                                          {"options", options}};
    const auto answer = connection.Send({.method = "PUT",
                                         .target = absl::StrCat("/v1/polls/", poll),
                                         .headers = headers,
                                         .body = boost::json::serialize(document)});
    if (!answer.ok()) return answer.status();
    if (answer->status != 201 && answer->status != 412) {
      return absl::FailedPreconditionError(absl::StrCat("create poll ", poll, ": ", answer->body));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadPolls(const ServerAddress& address, Arguments* arguments) {
  if (!arguments->plan.get_target.empty()) return absl::OkStatus();
  if (arguments->assume_options > 0) {
    for (const std::string& id : arguments->polls) {
      LoadPoll poll{.id = id, .options = {}};
      for (std::uint32_t i = 0; i < arguments->assume_options; ++i) {
        poll.options.push_back(absl::StrCat("option-", i));
      }
      arguments->plan.polls.push_back(std::move(poll));
    }
    return absl::OkStatus();
  }
  ClientConnection connection(address);
  for (const std::string& id : arguments->polls) {
    const auto answer = connection.Send({.target = absl::StrCat("/v1/polls/", id)});
    if (!answer.ok()) return answer.status();
    boost::system::error_code error;
    const boost::json::value document = boost::json::parse(answer->body, error);
    if (answer->status != 200 || error || !document.is_object()) {
      return absl::NotFoundError(
          absl::StrCat("poll ", id, ": status ", answer->status, " ", answer->body));
    }
    LoadPoll poll{.id = id, .options = {}};
    for (const auto& option : document.as_object().at("options").as_array()) {
      poll.options.emplace_back(option.as_object().at("id").as_string());
    }
    if (poll.options.empty())
      return absl::FailedPreconditionError(absl::StrCat(id, " has no options"));
    arguments->plan.polls.push_back(std::move(poll));
  }
  return absl::OkStatus();
}

constexpr double kPercentiles[] = {50, 90, 99, 99.9, 99.99};

std::string ToJson(const Arguments& arguments, const LoadResult& result) {
  boost::json::object latency = {{"max", static_cast<double>(result.latency.max_ns()) / 1e6},
                                 {"mean", result.latency.mean_ns() / 1e6}};
  boost::json::object accepted = {{"max", static_cast<double>(result.accepted.max_ns()) / 1e6}};
  boost::json::object lateness = {{"max", static_cast<double>(result.lateness.max_ns()) / 1e6}};
  for (const double percentile : kPercentiles) {
    const std::string name = absl::StrCat("p", percentile);
    latency[name] = static_cast<double>(result.latency.PercentileNs(percentile)) / 1e6;
    accepted[name] = static_cast<double>(result.accepted.PercentileNs(percentile)) / 1e6;
    lateness[name] = static_cast<double>(result.lateness.PercentileNs(percentile)) / 1e6;
  }
  const LoadCounts& counts = result.counts;
  const boost::json::object report = {
      {"connections", arguments.load.connections},
      {"pipeline", arguments.load.pipeline},
      {"batch", arguments.plan.batch_lines},
      {"rate", arguments.load.rate},
      {"seconds", result.seconds},
      {"requests", result.requests},
      {"requests_per_second", static_cast<double>(result.requests) / result.seconds},
      {"votes_per_second", static_cast<double>(result.votes()) / result.seconds},
      {"counted", counts.counted},
      {"duplicate", counts.duplicate},
      {"replaced", counts.replaced},
      {"refused", counts.refused},
      {"shed", counts.shed},
      {"shed_by_retry_after", boost::json::value_from(counts.shed_by_retry_after)},
      {"unknown", counts.unknown},
      {"given_up", result.given_up},
      {"connections_lost", result.connections_lost},
      {"latency_ms", latency},
      {"accepted_latency_ms", accepted},
      {"lateness_ms", lateness},
      {"generator_cpu_seconds", result.cpu_seconds}};
  return boost::json::serialize(report);
}

std::string ToText(const Arguments& arguments, const LoadResult& result) {
  const LoadCounts& counts = result.counts;
  std::string text = absl::StrFormat(
      "%s, %u connections, %u in flight on each%s\n"
      "%10.0f votes/s   %.0f requests/s over %.2f s\n"
      "  counted %d  duplicate %d  replaced %d  refused %d  shed %d  unknown %d\n",
      arguments.load.rate > 0 ? absl::StrFormat("open loop at %g requests/s", arguments.load.rate)
                              : std::string("closed loop"),
      arguments.load.connections, arguments.load.pipeline,
      arguments.plan.batch_lines > 0
          ? absl::StrFormat(", batches of %u", arguments.plan.batch_lines)
          : std::string(),
      static_cast<double>(result.votes()) / result.seconds,
      static_cast<double>(result.requests) / result.seconds, result.seconds, counts.counted,
      counts.duplicate, counts.replaced, counts.refused, counts.shed, counts.unknown);
  absl::StrAppend(&text, "  latency ms ");
  for (const double percentile : kPercentiles) {
    absl::StrAppendFormat(&text, "  p%g %.3f", percentile,
                          static_cast<double>(result.latency.PercentileNs(percentile)) / 1e6);
  }
  absl::StrAppendFormat(&text, "  max %.3f\n", static_cast<double>(result.latency.max_ns()) / 1e6);
  if (arguments.load.rate > 0) {
    absl::StrAppendFormat(&text, "  left late ms  p50 %.3f  p99 %.3f  max %.3f\n",
                          static_cast<double>(result.lateness.PercentileNs(50)) / 1e6,
                          static_cast<double>(result.lateness.PercentileNs(99)) / 1e6,
                          static_cast<double>(result.lateness.max_ns()) / 1e6);
  }
  if (counts.shed > 0) {
    absl::StrAppendFormat(&text,
                          "  accepted ms  p50 %.3f  p99 %.3f  max %.3f; shed without "
                          "Retry-After %d; given up unsent %d\n",
                          static_cast<double>(result.accepted.PercentileNs(50)) / 1e6,
                          static_cast<double>(result.accepted.PercentileNs(99)) / 1e6,
                          static_cast<double>(result.accepted.max_ns()) / 1e6,
                          counts.shed_by_retry_after[0], result.given_up);
  }
  absl::StrAppendFormat(&text, "  generator used %.2f of a core\n",
                        result.cpu_seconds / result.seconds);
  return text;
}

ExitCode Fail(ExitCode code, const absl::Status& status) {
  std::cerr << "tallyload: " << std::string(status.message()) << "\n";
  return code;
}

absl::Status ReadToken(Arguments* arguments) {
  if (arguments->token_file.empty()) return absl::OkStatus();
  std::ifstream file(arguments->token_file);
  if (std::getline(file, arguments->plan.token)) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat(arguments->token_file, ": holds no token"));
}

absl::Status ReadVoterTokens(Arguments* arguments) {
  if (arguments->voter_tokens_file.empty()) return absl::OkStatus();
  std::vector<std::string>& tokens = arguments->plan.voter_tokens;
  std::ifstream file(arguments->voter_tokens_file);
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || (!tokens.empty() && line.size() != tokens.front().size())) {
      return absl::InvalidArgumentError(absl::StrCat(
          arguments->voter_tokens_file, ":", tokens.size() + 1, ": tokens must be of one length"));
    }
    tokens.push_back(std::move(line));
  }
  if (tokens.empty()) {
    return absl::NotFoundError(absl::StrCat(arguments->voter_tokens_file, ": holds no token"));
  }
  if (arguments->plan.batch_lines > 0 || arguments->plan.mix.fresh != 100 ||
      !arguments->token_file.empty()) {
    return absl::InvalidArgumentError(
        "--voter-tokens: not together with --batch, --mix or --token-file");
  }
  return absl::OkStatus();
}

ExitCode Run(Arguments arguments) {
  if (absl::Status read = ReadToken(&arguments); !read.ok()) return Fail(kExitUsage, read);
  if (!ParseMix(arguments.mix, &arguments.plan.mix)) {
    return Fail(kExitUsage, absl::InvalidArgumentError(
                                "--mix: shares of new, retry, change, invalid that add up to "
                                "100, e.g. new=90,retry=8,change=1,invalid=1"));
  }
  if (absl::Status read = ReadVoterTokens(&arguments); !read.ok()) return Fail(kExitUsage, read);
  const auto address = ParseServerUrl(arguments.url);
  if (!address.ok()) return Fail(kExitUsage, address.status());
  if (address->tls || !address->unix_path.empty()) {
    return Fail(kExitUsage,
                absl::InvalidArgumentError("the load goes over plain TCP: --url http://host:port"));
  }
  if (arguments.create_options > 0) {
    if (absl::Status created = CreatePolls(arguments); !created.ok())
      return Fail(kExitFailure, created);
  }
  if (absl::Status read = ReadPolls(*address, &arguments); !read.ok())
    return Fail(kExitFailure, read);
  arguments.load.host = address->host;
  arguments.load.port = address->port;
  arguments.plan.host = address->host;
  if (arguments.load.requests_max > 0) arguments.load.warmup_seconds = 0;
  if (isatty(STDERR_FILENO) != 0) {
    arguments.load.progress = [](const std::string& line) { std::cerr << line << "\n"; };
  }
  LoadPlan plan(arguments.plan);
  const auto result = RunLoad(arguments.load, &plan);
  if (!result.ok()) return Fail(kExitFailure, result.status());
  std::cout << (arguments.json ? ToJson(arguments, *result) + "\n" : ToText(arguments, *result));
  if (!arguments.hgrm_file.empty()) {
    std::ofstream file(arguments.hgrm_file);
    file << result->latency.ToHgrm();
    if (!file.flush()) {
      return Fail(kExitIo, absl::UnavailableError(arguments.hgrm_file + ": cannot be written"));
    }
  }
  return result->counts.unknown == 0 ? kExitOk : kExitFailure;
}

void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);  // if it fails, connecting says so
}

int Main(int argc, char** argv) {
  CLI::App app("Sends votes to a tallyd and measures it.", "tallyload");
  Arguments arguments;
  AddFlags(&app, &arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? kExitOk : kExitUsage;
  }
  RaiseFileLimit();
  return Run(std::move(arguments));
}

}  // namespace
}  // namespace tallyd

int main(int argc, char** argv) try {
  return tallyd::Main(argc, argv);
} catch (const std::exception& error) {
  std::fprintf(stderr, "tallyload: %s\n", error.what());
  return tallyd::kExitFailure;
} catch (...) {
  std::fputs("tallyload: an exception of an unknown kind\n", stderr);
  return tallyd::kExitFailure;
}
