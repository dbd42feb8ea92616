#include "net/wire_ballot_rows.h"

#include <vector>

#include "net/concat.h"
#include "net/wire_json_vote.h"

namespace tallyd {
namespace {

constexpr char kBase32[] = "0123456789abcdefghjkmnpqrstvwxyz";  // Crockford, lower case

std::string_view ActName(BallotAct act) {
  switch (act) {
    case BallotAct::kCast:
      return "cast";
    case BallotAct::kReplace:
      return "replace";
    case BallotAct::kWithdraw:
      return "withdraw";
  }
  return "cast";
}

std::string_view ChannelName(Channel channel) {
  return channel == Channel::kPaper ? "paper" : "online";
}

std::string_view BoxId(const PollView& poll, BoxIndex box) {
  const auto& boxes = poll.definition.boxes;
  return box == 0 || box > boxes.size() ? std::string_view() : boxes[box - 1].id;
}

}  // namespace

void AppendPseudonym(const VoterTag& pseudonym, std::string& out) {
  std::uint32_t bits = 0;
  int held = 0;
  for (const std::uint8_t byte : pseudonym.bytes) {
    bits = bits << 8 | byte;
    for (held += 8; held >= 5; held -= 5) out += kBase32[bits >> (held - 5) & 31];
  }
  out += kBase32[bits << (5 - held) & 31];
}

void AppendBallotLine(const PollView& poll, Position commit, const LoggedBallot& ballot,
                      std::string& out) {
  out += "{\"ballot\":\"";
  AppendPseudonym(ballot.pseudonym, out);
  AppendTo(&out, "\",\"version\":", ballot.version_no, ",\"act\":\"", ActName(ballot.act),
           "\",\"commit\":", commit, ",\"channel\":\"", ChannelName(ballot.channel), "\"");
  if (ballot.box != 0) AppendTo(&out, ",\"box\":\"", BoxId(poll, ballot.box), "\"");
  if (ballot.act != BallotAct::kWithdraw) {
    out += ',';
    AppendBallotMember(poll, PackedBallot(ballot.payload), out);
  }
  out += "}\n";
}

void AppendBallotCsvHeader(const PollView& poll, CsvDialect dialect, std::string& out) {
  out += CsvPrologue(dialect);
  const char separator = CsvSeparator(dialect);
  for (const std::string_view name : {"ballot", "version", "act", "commit", "channel", "box"}) {
    out += name;
    out += separator;
  }
  if (poll.rules.weight_max != 0) {
    out += "weight";
    out += separator;
  }
  if (poll.is_survey()) {
    out += "question";
    out += separator;
  }
  AppendTo(&out, "option", std::string_view(&separator, 1), "value\r\n");
}

void AppendBallotCsvRows(const PollView& poll, Position commit, const LoggedBallot& ballot,
                         CsvDialect dialect, std::string& out) {
  const char separator = CsvSeparator(dialect);
  const std::string_view comma(&separator, 1);
  std::string head;
  AppendPseudonym(ballot.pseudonym, head);
  AppendTo(&head, comma, ballot.version_no, comma, ActName(ballot.act), comma, commit, comma,
           ChannelName(ballot.channel), comma);
  AppendCsvText(BoxId(poll, ballot.box), separator, head);
  head += separator;
  if (poll.rules.weight_max != 0) {
    if (ballot.act != BallotAct::kWithdraw) {
      AppendTo(&head, WeightOf(poll.rules, ballot.payload));
    }
    head += separator;
  }

  bool named = false;
  const auto add = [&](BallotType type, const std::vector<OptionValue>& values) {
    std::uint32_t place = 0;
    for (const OptionValue& value : values) {
      const OptionDefinition& option = poll.definition.options[value.option];
      named = true;
      ++place;
      out += head;
      if (poll.is_survey()) {
        AppendCsvText(poll.definition.questions[option.question].id, separator, out);
        out += separator;
      }
      AppendCsvText(option.id, separator, out);
      const std::int64_t shown = type == BallotType::kChoose ? 1
                                 : type == BallotType::kRank ? std::int64_t{place}
                                                             : value.points;
      AppendTo(&out, comma, shown, "\r\n");
    }
  };
  const std::string_view marks = MarksOf(poll.rules, ballot.payload);
  if (ballot.act == BallotAct::kWithdraw) {
    // No option; the row below says that it happened.
  } else if (poll.is_survey()) {
    const auto answers = UnpackSurvey(poll.rules, marks);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      add(poll.definition.questions[i].ballot.type, answers[i]);
    }
  } else {
    const BallotType type = poll.definition.ballot.type;
    add(type, UnpackBallot(type, marks));
  }
  if (!named) AppendTo(&out, head, poll.is_survey() ? comma : "", comma, "\r\n");
}

}  // namespace tallyd
