#include "tools/tallyload/load_plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "storage/check.h"

namespace tallyd {
namespace {

constexpr std::size_t kVoterDigits = 16;
constexpr char kVoterHole[] = "0000000000000000";

// SplitMix64 (Steele, Lea, Flood 2014): a well-mixed function of a counter.
std::uint64_t Mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

double UnitInterval(std::uint64_t bits) {
  return static_cast<double>(bits >> 11) * (1.0 / 9007199254740992.0);
}

// Every voter's digits differ in all places, as real ids do.
void PutVoter(std::uint64_t voter, char* at) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::uint64_t bits = Mix(voter);
  for (std::size_t i = 0; i < kVoterDigits; ++i) {
    at[i] = kDigits[bits & 15];
    bits >>= 4;
  }
}

}  // namespace

LoadPlan::LoadPlan(LoadPlanOptions options)
    : options_(std::move(options)), next_voter_(options_.first_voter), random_(options_.seed) {
  if (!options_.get_target.empty()) {
    get_request_ =
        absl::StrCat("GET ", options_.get_target, " HTTP/1.1\r\nHost: ", options_.host, "\r\n",
                     AuthorizationLine(), options_.if_none_match.empty() ? "" : "If-None-Match: ",
                     options_.if_none_match, options_.if_none_match.empty() ? "" : "\r\n", "\r\n");
    return;
  }
  TALLYD_CHECK(!options_.polls.empty());
  double sum = 0;
  for (std::size_t i = 0; i < options_.polls.size(); ++i) {
    const LoadPoll& poll = options_.polls[i];
    TALLYD_CHECK(!poll.options.empty());
    std::vector<Template> forms;
    for (const std::string& option : poll.options) forms.push_back(MakeTemplate(poll, option));
    forms_.push_back(std::move(forms));
    invalid_forms_.push_back(MakeTemplate(poll, "no-such-option"));
    sum += 1.0 / static_cast<double>(i + 1);
    poll_limits_.push_back(sum);
  }
  for (double& limit : poll_limits_) limit /= sum;
}

std::string LoadPlan::AuthorizationLine() const {
  const std::string& token =
      options_.voter_tokens.empty() ? options_.token : options_.voter_tokens.front();
  return token.empty() ? "" : absl::StrCat("Authorization: Bearer ", token, "\r\n");
}

LoadPlan::Template LoadPlan::MakeTemplate(const LoadPoll& poll, const std::string& option) const {
  Template form;
  const bool token_names_voter = !options_.voter_tokens.empty();
  const std::string voter =
      token_names_voter ? "" : absl::StrCat("\"voter\":\"", kVoterHole, "\",");
  const std::string body = absl::StrCat("{", voter, "\"choices\":[\"", option, "\"]}");
  form.request = absl::StrCat(
      "POST /v1/polls/", poll.id, "/votes HTTP/1.1\r\nHost: ", options_.host, "\r\n",
      AuthorizationLine(), "Content-Type: application/json\r\nContent-Length: ", body.size(),
      "\r\n\r\n", body);
  form.voter_at = form.request.find(token_names_voter ? options_.voter_tokens.front() : kVoterHole);
  form.line = body + "\n";
  form.line_voter_at = form.line.find(kVoterHole);
  return form;
}

void LoadPlan::PutWho(std::uint64_t voter, char* at) const {
  if (options_.voter_tokens.empty()) return PutVoter(voter, at);
  const std::string& token = options_.voter_tokens[voter - options_.first_voter];
  std::copy(token.begin(), token.end(), at);
}

LoadPlan::Pick LoadPlan::PickOf(std::uint64_t voter) const {
  const std::uint64_t bits = Mix(voter ^ options_.seed << 32);
  Pick pick{.poll = 0, .option = 0};
  if (options_.polls.size() > 1) {
    const auto limit =
        std::lower_bound(poll_limits_.begin(), poll_limits_.end(), UnitInterval(Mix(bits)));
    pick.poll = static_cast<std::size_t>(limit - poll_limits_.begin());
  }
  if (options_.hot > 0 && UnitInterval(bits) < options_.hot) return pick;
  pick.option = static_cast<std::size_t>(Mix(bits + 1) % forms_[pick.poll].size());
  return pick;
}

LoadKind LoadPlan::DrawKind() {
  const LoadMix& mix = options_.mix;
  if (mix.fresh == 100 || next_voter_ == options_.first_voter) return LoadKind::kNew;
  const int draw = static_cast<int>(random_() % 100);
  if (draw < mix.fresh) return LoadKind::kNew;
  if (draw < mix.fresh + mix.retry) return LoadKind::kRetry;
  if (draw < mix.fresh + mix.retry + mix.change) return LoadKind::kChange;
  return LoadKind::kInvalid;
}

LoadPlan::Vote LoadPlan::NextVote() {
  const LoadKind kind = DrawKind();
  if (kind == LoadKind::kNew || kind == LoadKind::kInvalid) {
    const std::uint64_t voter = next_voter_++;
    const Pick pick = PickOf(voter);
    const Template& form =
        kind == LoadKind::kInvalid ? invalid_forms_[pick.poll] : forms_[pick.poll][pick.option];
    return {&form, voter, kind};
  }
  const std::uint64_t voter =
      options_.first_voter + random_() % (next_voter_ - options_.first_voter);
  Pick pick = PickOf(voter);
  if (kind == LoadKind::kChange) pick.option = (pick.option + 1) % forms_[pick.poll].size();
  return {&forms_[pick.poll][pick.option], voter, kind};
}

LoadKind LoadPlan::AppendNext(std::string* out) {
  if (!get_request_.empty()) {
    out->append(get_request_);
    return LoadKind::kGet;
  }
  if (options_.batch_lines > 0) {
    AppendBatch(out);
    return LoadKind::kNew;
  }
  const Vote vote = NextVote();
  const std::size_t begin = out->size();
  out->append(vote.form->request);
  PutWho(vote.voter, out->data() + begin + vote.form->voter_at);
  return vote.kind;
}

void LoadPlan::AppendBatch(std::string* out) {
  lines_.clear();
  for (std::uint32_t i = 0; i < options_.batch_lines; ++i) {
    const Vote vote = NextVote();
    const std::size_t begin = lines_.size();
    lines_.append(vote.form->line);
    PutVoter(vote.voter, lines_.data() + begin + vote.form->line_voter_at);
  }
  absl::StrAppend(
      out, "POST /v1/polls/", options_.polls[0].id,
      "/votes/batch?results=none HTTP/1.1\r\nHost: ", options_.host, "\r\n", AuthorizationLine(),
      "Content-Type: application/x-ndjson\r\nContent-Length: ", lines_.size(), "\r\n\r\n", lines_);
}

}  // namespace tallyd
