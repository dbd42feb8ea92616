#include "storage/poll_definition_codec.h"

#include <string>
#include <utility>
#include <vector>

#include "storage/fraud_entry_codec.h"

namespace tallyd {
namespace {

constexpr std::uint8_t kPollOpens = 0x01;
constexpr std::uint8_t kPollCloses = 0x02;
constexpr std::uint8_t kPollWithdraw = 0x04;
constexpr std::uint8_t kPollOnline = 0x08;
constexpr std::uint8_t kPollPaper = 0x10;
constexpr std::uint8_t kPollPaperConfirm = 0x20;
constexpr std::uint8_t kPollExtended = 0x40;  // extensions follow
constexpr std::uint8_t kPollFlagsKnown = 0x7f;

// Extensions of a poll's definition, by rising number; each is there only if it says something.
enum class PollExtension : std::uint8_t {
  kQuestions = 1,
  kBallotsPerVoter = 2,
  kSelection = 3,
  kPaperRules = 4,
  kEligible = 5,
  kWeight = 6,
  kOptionFates = 8,
  kClaims = 10,
  kFraud = 11,
  kVisibility = 12,
};

constexpr std::uint8_t kPaperBlind = 0x01;
constexpr std::uint8_t kEligibleRoll = 0x01;

constexpr std::uint8_t kOptionWithdrawn = 0x01;

void EncodeBallotRules(const BallotDefinition& ballot, ByteWriter* writer) {
  writer->U8(static_cast<std::uint8_t>(ballot.type));
  writer->Varint(ballot.min);
  writer->Varint(ballot.max);
  writer->Varint(ballot.points_total);
  writer->Varint(ballot.points_per_option_max);
  writer->U8(static_cast<std::uint8_t>(ballot.scoring));
}

std::string EncodeQuestions(const PollDefinition& poll) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.Varint(poll.questions.size());
  for (const QuestionDefinition& question : poll.questions) {
    writer.String(question.id);
    EncodeBallotRules(question.ballot, &writer);
    writer.String(question.display);
  }
  for (const OptionDefinition& option : poll.options) writer.Varint(option.question);
  return bytes;
}

std::string EncodeSelection(const SelectionDefinition& selection) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.U8(static_cast<std::uint8_t>(selection.rule));
  writer.Varint(selection.count);
  writer.SignedVarint(selection.budget);
  writer.SignedVarint(selection.threshold);
  return bytes;
}

std::string EncodeVisibility(const VisibilityDefinition& visibility) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.U8(static_cast<std::uint8_t>(visibility.rule));
  writer.U8(static_cast<std::uint8_t>(visibility.from));
  writer.Varint(visibility.coarse_k);
  writer.U8(visibility.turnout_hidden ? 1 : 0);
  return bytes;
}

std::string EncodeBallotsPerVoter(const BallotsPerVoter& ballots) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.Varint(ballots.count);
  writer.String(ballots.day_zone);
  return bytes;
}

// Of the options whose votes are not where they were cast.
std::string EncodeOptionFates(const PollDefinition& poll) {
  std::string bytes;
  ByteWriter writer(&bytes);
  for (OptionIndex i = 0; i < poll.options.size(); ++i) {
    const OptionDefinition& option = poll.options[i];
    if (option.fate == OptionFate::kKept) continue;
    writer.Varint(i);
    writer.U8(static_cast<std::uint8_t>(option.fate));
    if (option.fate == OptionFate::kMoved) writer.Varint(option.counts_for);
  }
  return bytes;
}

std::string EncodeClaims(const std::vector<ClaimRule>& claims) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.Varint(claims.size());
  for (const ClaimRule& claim : claims) {
    writer.String(claim.name);
    writer.Varint(claim.values.size());
    for (const std::string& value : claim.values) writer.String(value);
  }
  return bytes;
}

std::vector<std::pair<PollExtension, std::string>> EncodeExtensions(const PollDefinition& poll) {
  std::vector<std::pair<PollExtension, std::string>> extensions;
  if (!poll.questions.empty()) {
    extensions.emplace_back(PollExtension::kQuestions, EncodeQuestions(poll));
  }
  if (poll.ballots_per_voter != BallotsPerVoter{}) {
    extensions.emplace_back(PollExtension::kBallotsPerVoter,
                            EncodeBallotsPerVoter(poll.ballots_per_voter));
  }
  if (poll.selection != SelectionDefinition{}) {
    extensions.emplace_back(PollExtension::kSelection, EncodeSelection(poll.selection));
  }
  if (poll.paper_blind) {
    extensions.emplace_back(PollExtension::kPaperRules,
                            std::string(1, static_cast<char>(kPaperBlind)));
  }
  if (poll.roll) {
    extensions.emplace_back(PollExtension::kEligible,
                            std::string(1, static_cast<char>(kEligibleRoll)));
  }
  if (poll.weight.is_given()) {
    std::string bytes;
    ByteWriter writer(&bytes);
    writer.String(poll.weight.claim);
    writer.Varint(poll.weight.max);
    extensions.emplace_back(PollExtension::kWeight, std::move(bytes));
  }
  if (std::string fates = EncodeOptionFates(poll); !fates.empty()) {
    extensions.emplace_back(PollExtension::kOptionFates, std::move(fates));
  }
  if (!poll.claims.empty()) {
    extensions.emplace_back(PollExtension::kClaims, EncodeClaims(poll.claims));
  }
  if (poll.fraud.is_given()) {
    std::string bytes;
    ByteWriter writer(&bytes);
    EncodeFraud(poll.fraud, &writer);
    extensions.emplace_back(PollExtension::kFraud, std::move(bytes));
  }
  if (poll.visibility != VisibilityDefinition{}) {
    extensions.emplace_back(PollExtension::kVisibility, EncodeVisibility(poll.visibility));
  }
  return extensions;
}

void DecodeOptions(ByteReader* reader, std::vector<OptionDefinition>* options) {
  const std::uint64_t count = reader->Varint();
  if (count > reader->remaining()) reader->Fail();  // each takes more than a byte
  for (std::uint64_t i = 0; i < count && reader->ok(); ++i) {
    OptionDefinition& option = options->emplace_back();
    option.id = reader->String();
    option.cost = reader->SignedVarint();
    const std::uint8_t flags = reader->U8();
    if ((flags & ~kOptionWithdrawn) != 0) reader->Fail();
    option.withdrawn = flags != 0;
    option.display = reader->String();
  }
}

void DecodeBoxes(ByteReader* reader, std::vector<BoxDefinition>* boxes) {
  const std::uint64_t count = reader->Varint();
  if (count > reader->remaining()) reader->Fail();
  for (std::uint64_t i = 0; i < count && reader->ok(); ++i) {
    BoxDefinition& box = boxes->emplace_back();
    box.id = reader->String();
    box.display = reader->String();
  }
}

void DecodeBallotRules(ByteReader* reader, BallotType last, BallotDefinition* ballot) {
  ballot->type = DecodeEnum(reader, BallotType::kChoose, last);
  ballot->min = reader->Varint32();
  ballot->max = reader->Varint32();
  ballot->points_total = reader->Varint32();
  ballot->points_per_option_max = reader->Varint32();
  ballot->scoring = DecodeEnum(reader, RankScoring::kBorda, RankScoring::kBordaBallot);
}

void DecodeQuestions(ByteReader* reader, PollDefinition* poll) {
  const std::uint64_t count = reader->Varint();
  if (count == 0 || count > reader->remaining()) reader->Fail();
  for (std::uint64_t i = 0; i < count && reader->ok(); ++i) {
    QuestionDefinition& question = poll->questions.emplace_back();
    question.id = reader->String();
    DecodeBallotRules(reader, BallotType::kUpDown, &question.ballot);
    question.display = reader->String();
  }
  for (OptionDefinition& option : poll->options) {
    option.question = reader->Varint32();
    if (option.question >= count) reader->Fail();
  }
}

void DecodeOptionFates(ByteReader* reader, std::vector<OptionDefinition>* options) {
  if (reader->remaining() == 0) reader->Fail();
  std::uint64_t next = 0;
  while (reader->ok() && reader->remaining() > 0) {
    const std::uint32_t index = reader->Varint32();
    if (index < next || index >= options->size() || !(*options)[index].withdrawn) {
      return reader->Fail();
    }
    next = std::uint64_t{index} + 1;
    OptionDefinition& option = (*options)[index];
    option.fate = DecodeEnum(reader, OptionFate::kMoved, OptionFate::kReleased);
    if (option.fate != OptionFate::kMoved) continue;
    option.counts_for = reader->Varint32();
    if (option.counts_for >= options->size() || option.counts_for == index) reader->Fail();
  }
}

void DecodeVisibility(ByteReader* reader, VisibilityDefinition* visibility) {
  visibility->rule = DecodeEnum(reader, Visibility::kLive, Visibility::kSealed);
  visibility->from = DecodeEnum(reader, VisibleFrom::kOpen, VisibleFrom::kFinal);
  visibility->coarse_k = reader->Varint32();
  const std::uint8_t turnout_hidden = reader->U8();
  if (turnout_hidden > 1) reader->Fail();
  visibility->turnout_hidden = turnout_hidden == 1;
  if ((visibility->rule == Visibility::kCoarse) != (visibility->coarse_k > 0)) reader->Fail();
  if ((visibility->rule == Visibility::kSealed) != (visibility->from != VisibleFrom::kOpen)) {
    reader->Fail();
  }
}

void DecodeClaims(ByteReader* reader, std::vector<ClaimRule>* claims) {
  const std::uint64_t count = reader->Varint();
  if (count == 0 || count > reader->remaining()) reader->Fail();
  for (std::uint64_t i = 0; i < count && reader->ok(); ++i) {
    ClaimRule claim{.name = std::string(reader->String()), .values = {}};
    if (!claims->empty() && claim.name <= claims->back().name) reader->Fail();
    const std::uint64_t values = reader->Varint();
    if (values == 0 || values > reader->remaining()) reader->Fail();
    for (std::uint64_t v = 0; v < values && reader->ok(); ++v) {
      claim.values.emplace_back(reader->String());
    }
    claims->push_back(std::move(claim));
  }
}

void DecodeExtension(PollExtension extension, ByteReader* reader, PollDefinition* poll) {
  switch (extension) {
    case PollExtension::kQuestions:
      DecodeQuestions(reader, poll);
      return;
    case PollExtension::kBallotsPerVoter:
      poll->ballots_per_voter.count = reader->Varint32();
      poll->ballots_per_voter.day_zone = reader->String();
      if (poll->ballots_per_voter.count == 0) reader->Fail();
      return;
    case PollExtension::kSelection:
      poll->selection.rule =
          DecodeEnum(reader, SelectionRule::kNone, SelectionRule::kGreedyThreshold);
      poll->selection.count = reader->Varint32();
      poll->selection.budget = reader->SignedVarint();
      poll->selection.threshold = reader->SignedVarint();
      return;
    case PollExtension::kOptionFates:
      return DecodeOptionFates(reader, &poll->options);
    case PollExtension::kPaperRules:
      if (reader->U8() != kPaperBlind) reader->Fail();
      poll->paper_blind = true;
      return;
    case PollExtension::kEligible:
      if (reader->U8() != kEligibleRoll) reader->Fail();
      poll->roll = true;
      return;
    case PollExtension::kWeight:
      poll->weight.claim = reader->String();
      poll->weight.max = reader->Varint32();
      if (poll->weight.claim.empty() || poll->weight.max == 0) reader->Fail();
      return;
    case PollExtension::kClaims:
      DecodeClaims(reader, &poll->claims);
      return;
    case PollExtension::kFraud:
      DecodeFraud(reader, &poll->fraud);
      return;
    case PollExtension::kVisibility:
      DecodeVisibility(reader, &poll->visibility);
      return;
  }
  reader->Fail();
}

void DecodeExtensions(ByteReader* reader, PollDefinition* poll) {
  const std::uint64_t count = reader->Varint();
  std::uint8_t before = 0;
  for (std::uint64_t i = 0; i < count && reader->ok(); ++i) {
    const std::uint8_t extension = reader->U8();
    if (extension <= before) reader->Fail();
    before = extension;
    ByteReader inside(reader->String());
    DecodeExtension(static_cast<PollExtension>(extension), &inside, poll);
    if (!inside.finished()) reader->Fail();
  }
}

}  // namespace

void EncodeDefinition(const PollDefinition& poll, ByteWriter* writer) {
  const auto extensions = EncodeExtensions(poll);
  writer->String(poll.id);
  writer->String(poll.project);
  EncodeBallotRules(poll.ballot, writer);
  writer->Varint(poll.options.size());
  for (const OptionDefinition& option : poll.options) {
    writer->String(option.id);
    writer->SignedVarint(option.cost);
    writer->U8(option.withdrawn ? kOptionWithdrawn : 0);
    writer->String(option.display);
  }
  writer->Varint(poll.boxes.size());
  for (const BoxDefinition& box : poll.boxes) {
    writer->String(box.id);
    writer->String(box.display);
  }
  writer->U8(static_cast<std::uint8_t>(
      (poll.opens ? kPollOpens : 0) | (poll.closes ? kPollCloses : 0) |
      (poll.withdraw ? kPollWithdraw : 0) | (poll.online ? kPollOnline : 0) |
      (poll.paper ? kPollPaper : 0) | (poll.paper_confirm ? kPollPaperConfirm : 0) |
      (extensions.empty() ? 0 : kPollExtended)));
  if (poll.opens) writer->I64(*poll.opens);
  if (poll.closes) writer->I64(*poll.closes);
  writer->U8(static_cast<std::uint8_t>(poll.revote));
  writer->Varint(poll.changes_max);
  writer->U8(static_cast<std::uint8_t>(poll.channel_rule));
  writer->String(poll.display);
  if (extensions.empty()) return;
  writer->Varint(extensions.size());
  for (const auto& [extension, bytes] : extensions) {
    writer->U8(static_cast<std::uint8_t>(extension));
    writer->String(bytes);
  }
}

void DecodeDefinition(ByteReader* reader, PollDefinition* poll) {
  poll->id = reader->String();
  poll->project = reader->String();
  DecodeBallotRules(reader, BallotType::kSurvey, &poll->ballot);
  DecodeOptions(reader, &poll->options);
  DecodeBoxes(reader, &poll->boxes);
  const std::uint8_t flags = reader->U8();
  if ((flags & ~kPollFlagsKnown) != 0) reader->Fail();
  poll->withdraw = (flags & kPollWithdraw) != 0;
  poll->online = (flags & kPollOnline) != 0;
  poll->paper = (flags & kPollPaper) != 0;
  poll->paper_confirm = (flags & kPollPaperConfirm) != 0;
  if ((flags & kPollOpens) != 0) poll->opens = reader->I64();
  if ((flags & kPollCloses) != 0) poll->closes = reader->I64();
  poll->revote = DecodeEnum(reader, RevoteRule::kRefuse, RevoteRule::kReplace);
  poll->changes_max = reader->Varint32();
  poll->channel_rule = DecodeEnum(reader, ChannelRule::kFirst, ChannelRule::kList);
  poll->display = reader->String();
  if ((flags & kPollExtended) != 0) DecodeExtensions(reader, poll);
  if ((poll->ballot.type == BallotType::kSurvey) == poll->questions.empty()) reader->Fail();
}

}  // namespace tallyd
