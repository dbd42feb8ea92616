#include "net/wire_json_vote.h"

#include <algorithm>
#include <string>
#include <vector>

#include <boost/json/basic_parser_impl.hpp>

#include "net/concat.h"
#include "net/wire_json_document.h"
#include "net/wire_json_vote_handler.h"

namespace tallyd {
namespace {

namespace json = boost::json;
using enum ProblemCode;
using BallotMember = vote_json::Member;
using vote_json::VoteHandler;

constexpr std::size_t kVoteDepthMax = 8;

json::parse_options VoteParseOptions() {
  json::parse_options options;
  options.max_depth = kVoteDepthMax;
  return options;
}

}  // namespace

struct VoteDecoder::Impl {
  Impl() : parser(VoteParseOptions()) {}

  bool Parse(std::string_view body, BodyError& error);
  bool ReadChannel(const PollView& poll, DecodedVote& vote);
  bool ReadNumber(const PollView& poll, DecodedVote& vote);

  // One ballot of one of the simple types: all of it, or the answer to one question.
  struct Part {
    const BallotDefinition& rules;
    QuestionIndex question = 0;
    bool in_survey = false;
    absl::Span<OptionIndex> options;
    absl::Span<std::int64_t> points;  // beside the options, where they have values

    std::string pointer(const VoteHandler& handler) const {
      return in_survey ? handler.PointerToAnswer(question) : std::string();
    }
  };
  bool Check(const PollView& poll, const Part& part);
  bool CheckRepeats(const PollView& poll, const Part& part);
  bool CheckSize(const PollView& poll, const Part& part);
  bool CheckPoints(const PollView& poll, const Part& part);
  PackedBallot Pack(const Part& part);
  // Checks the ballot's own rules and packs it.
  bool CheckAndPack(const PollView& poll, PackedBallot& ballot);
  bool CheckAndPackSurvey(const PollView& poll, PackedBallot& ballot);

  json::basic_parser<VoteHandler> parser;
  std::vector<OptionIndex> sorted;
  std::vector<OptionValue> values;
};

namespace {

BodyError NotJson(std::size_t at, std::string_view what) {
  return {"", kNotJson, Concat("at byte ", at, ": ", what)};
}

}  // namespace

bool VoteDecoder::Impl::Parse(std::string_view body, BodyError& error) {
  parser.reset();
  json::error_code ec;
  const std::size_t consumed = parser.write_some(false, body.data(), body.size(), ec);
  VoteHandler& handler = parser.handler();
  if (handler.syntax_fault()) {
    error = std::move(handler.fault());
  } else if (ec == json::error::too_deep) {
    error = {"", kJsonTooDeep, Concat("more than ", kVoteDepthMax, " levels")};
  } else if (ec) {
    error = NotJson(consumed, ec.message());
  } else if (consumed < body.size()) {
    error = NotJson(consumed, "text after the end of the document");
  } else {
    return true;
  }
  return false;
}

// Which of the voter's ballots it is.
bool VoteDecoder::Impl::ReadNumber(const PollView& poll, DecodedVote& vote) {
  VoteHandler& handler = parser.handler();
  const BallotsPerVoter& ballots = poll.definition.ballots_per_voter;
  vote.ballot_no = 1;
  vote.day.reset();
  if (handler.ballot_no) {
    if (*handler.ballot_no > ballots.count) {
      handler.Fault(kMemberInvalid, "/ballot_no",
                    Concat("a voter has ", ballots.count, " in this poll"));
    }
    vote.ballot_no = static_cast<std::uint32_t>(*handler.ballot_no);
  } else if (ballots.count > 1) {
    handler.Fault(kBallotNoRequired, "/ballot_no", Concat("from 1 to ", ballots.count));
  }
  if (handler.day.empty() == ballots.per_day()) {
    handler.Fault(ballots.per_day() ? kDayRequired : kMemberInvalid, "/day",
                  ballots.per_day() ? "the day of the vote, such as 2026-05-01"
                                    : "ballots are not per day in this poll");
  }
  if (ballots.per_day() && !handler.faulty()) {
    vote.day = ParseBallotDay(handler.day, ballots.day_zone);
    if (!vote.day) handler.Fault(kMemberInvalid, "/day", "not a day such as 2026-05-01");
  }
  return !handler.faulty();
}

bool VoteDecoder::Impl::ReadChannel(const PollView& poll, DecodedVote& vote) {
  VoteHandler& handler = parser.handler();
  vote.channel = handler.channel;
  vote.box = 0;
  if (handler.channel == Channel::kOnline) {
    if (handler.has_box) handler.Fault(kMemberInvalid, "/box", "an online vote has no box");
  } else if (!handler.has_box) {
    handler.Fault(kMemberMissing, "/box", "a paper vote names its box");
  } else if (const auto box = poll.FindBox(handler.box_id)) {
    vote.box = *box;
  } else {
    handler.Fault(kBoxUnknown, "/box", "");
  }
  return !handler.faulty();
}

// An option named twice; where options are members that is a member named twice, which is a 400.
bool VoteDecoder::Impl::CheckRepeats(const PollView& poll, const Part& part) {
  VoteHandler& handler = parser.handler();
  sorted.assign(part.options.begin(), part.options.end());
  std::sort(sorted.begin(), sorted.end());
  const auto twin = std::adjacent_find(sorted.begin(), sorted.end());
  if (twin == sorted.end()) return true;
  const BallotMember member = vote_json::MemberOf(part.rules.type);
  std::string pointer = Concat(part.pointer(handler), "/", BallotMemberName(part.rules.type));
  if (vote_json::HasValues(member)) {
    AppendPointer(poll.definition.options[*twin].id, pointer);
    handler.Fault(kJsonDuplicateMember, std::move(pointer), "this member is named twice");
    return false;
  }
  // The first place where an option comes again.
  for (std::size_t i = 1; i < part.options.size(); ++i) {
    const auto before = part.options.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(part.options.begin(), before, *before) != before) {
      AppendTo(&pointer, "/", i);
      handler.Fault(kOptionRepeated, std::move(pointer), "");
      return false;
    }
  }
  return false;
}

bool VoteDecoder::Impl::CheckSize(const PollView& poll, const Part& part) {
  VoteHandler& handler = parser.handler();
  const BallotDefinition& rules = part.rules;
  if (rules.type == BallotType::kPoints) return CheckPoints(poll, part);
  if (rules.type == BallotType::kUpDown) return true;
  const std::size_t count = part.options.size();
  if (count >= rules.min && count <= rules.max) return true;
  std::string pointer = Concat(part.pointer(handler), "/", BallotMemberName(rules.type));
  if (count > rules.max) {
    handler.Fault(kTooManyChoices, std::move(pointer), Concat("at most ", rules.max));
  } else {
    handler.Fault(kTooFewChoices, std::move(pointer), Concat("at least ", rules.min));
  }
  return false;
}

bool VoteDecoder::Impl::CheckPoints(const PollView& poll, const Part& part) {
  VoteHandler& handler = parser.handler();
  const BallotDefinition& rules = part.rules;
  std::int64_t total = 0;
  for (std::size_t i = 0; i < part.points.size(); ++i) {
    total += part.points[i];
    if (part.points[i] <= rules.points_per_option_max) continue;
    std::string pointer = part.pointer(handler) + "/points";
    AppendPointer(poll.definition.options[part.options[i]].id, pointer);
    handler.Fault(kPointsExceeded, std::move(pointer),
                  Concat("at most ", rules.points_per_option_max, " for one option"));
    return false;
  }
  if (total > rules.points_total) {
    handler.Fault(kPointsExceeded, part.pointer(handler) + "/points",
                  Concat("at most ", rules.points_total, " in all"));
    return false;
  }
  return true;
}

bool VoteDecoder::Impl::Check(const PollView& poll, const Part& part) {
  return CheckRepeats(poll, part) && CheckSize(poll, part);
}

PackedBallot VoteDecoder::Impl::Pack(const Part& part) {
  switch (part.rules.type) {
    case BallotType::kChoose:
      return PackChoose(part.options);
    case BallotType::kRank:
      return PackRank(part.options);
    case BallotType::kPoints:
    case BallotType::kUpDown:
      break;
    case BallotType::kSurvey:
      return {};
  }
  values.clear();
  for (std::size_t i = 0; i < part.options.size(); ++i) {
    values.push_back({part.options[i], part.points[i]});
  }
  return part.rules.type == BallotType::kPoints ? PackPoints(absl::MakeSpan(values))
                                                : PackUpDown(absl::MakeSpan(values));
}

// A question without an answer is answered blank, where its rules allow that.
bool VoteDecoder::Impl::CheckAndPackSurvey(const PollView& poll, PackedBallot& ballot) {
  VoteHandler& handler = parser.handler();
  const auto options = absl::MakeSpan(handler.options);
  const auto points = absl::MakeSpan(handler.points);
  std::vector<PackedBallot> packed;
  for (QuestionIndex i = 0; i < poll.definition.questions.size(); ++i) {
    Part part{.rules = poll.definition.questions[i].ballot,
              .question = i,
              .in_survey = true,
              .options = {},
              .points = {}};
    const auto answer =
        std::find_if(handler.answers.begin(), handler.answers.end(),
                     [i](const vote_json::AnswerRange& range) { return range.question == i; });
    if (answer != handler.answers.end()) {
      part.options = options.subspan(answer->begin, answer->end - answer->begin);
      part.points = points.subspan(answer->begin, answer->end - answer->begin);
    }
    if (!Check(poll, part)) return false;
    packed.push_back(Pack(part));
  }
  ballot = PackSurvey(packed);
  return true;
}

bool VoteDecoder::Impl::CheckAndPack(const PollView& poll, PackedBallot& ballot) {
  if (poll.is_survey()) return CheckAndPackSurvey(poll, ballot);
  VoteHandler& handler = parser.handler();
  const Part part{.rules = poll.definition.ballot,
                  .question = 0,
                  .in_survey = false,
                  .options = absl::MakeSpan(handler.options),
                  .points = absl::MakeSpan(handler.points)};
  if (!Check(poll, part)) return false;
  ballot = Pack(part);
  return true;
}

VoteDecoder::VoteDecoder() : impl_(std::make_unique<Impl>()) {}
VoteDecoder::~VoteDecoder() = default;

bool VoteDecoder::Decode(std::string_view body, const PollView& poll, Form form, DecodedVote& vote,
                         BodyError& error) {
  VoteHandler& handler = impl_->parser.handler();
  handler.Begin(poll, form);
  const bool parsed = impl_->Parse(body, error);
  vote.voter = handler.voter;
  vote.ref = handler.ref;
  if (!parsed) return false;
  const BallotType type = poll.definition.ballot.type;
  if (!handler.faulty() && !handler.Saw(vote_json::MemberOf(type))) {
    handler.Fault(kMemberMissing, Concat("/", BallotMemberName(type)), "the ballot is missing");
  }
  if (!handler.faulty() && form == Form::kCardLine && !handler.Saw(vote_json::Member::kCard)) {
    handler.Fault(kMemberMissing, "/card", "the code of the card is missing");
  }
  if (handler.faulty() || !impl_->ReadNumber(poll, vote) ||
      !impl_->CheckAndPack(poll, vote.ballot) || !impl_->ReadChannel(poll, vote)) {
    error = std::move(handler.fault());
    return false;
  }
  return true;
}

namespace {

void AppendOne(const PollView& poll, BallotType type, const std::vector<OptionValue>& values,
               std::string& out) {
  const bool with_values = vote_json::HasValues(vote_json::MemberOf(type));
  AppendTo(&out, "\"", BallotMemberName(type), with_values ? "\":{" : "\":[");
  bool first = true;
  for (const OptionValue& value : values) {
    // A view older than the ballot may not know the newest options yet.
    if (value.option >= poll.definition.options.size()) continue;
    if (!first) out += ',';
    first = false;
    AppendJsonString(poll.definition.options[value.option].id, out);
    if (with_values) AppendTo(&out, ":", value.points);
  }
  out += with_values ? '}' : ']';
}

}  // namespace

void AppendBallotMember(const PollView& poll, const PackedBallot& ballot, std::string& out) {
  const std::string_view marks = MarksOf(poll.rules, ballot.view());
  if (poll.rules.weight_max != 0) {
    AppendTo(&out, "\"weight\":", WeightOf(poll.rules, ballot.view()), ",");
  }
  if (!poll.is_survey()) {
    const BallotType type = poll.definition.ballot.type;
    AppendOne(poll, type, UnpackBallot(type, marks), out);
    return;
  }
  out += "\"answers\":{";
  const auto answers = UnpackSurvey(poll.rules, marks);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (i != 0) out += ',';
    AppendJsonString(poll.definition.questions[i].id, out);
    out += ":{";
    AppendOne(poll, poll.definition.questions[i].ballot.type, answers[i], out);
    out += '}';
  }
  out += '}';
}

std::string_view BallotMemberName(BallotType type) {
  switch (type) {
    case BallotType::kChoose:
      return "choices";
    case BallotType::kPoints:
      return "points";
    case BallotType::kRank:
      return "ranking";
    case BallotType::kUpDown:
      return "votes";
    case BallotType::kSurvey:
      return "answers";
  }
  return "choices";
}

}  // namespace tallyd
