#include "tests/storage/random_entries.h"

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <utility>

namespace tallyd {

std::uint64_t TestSeed() {
  const char* set = std::getenv("TALLYD_TEST_SEED");
  const std::uint64_t seed =
      set != nullptr ? std::strtoull(set, nullptr, 10) : std::random_device()();
  std::printf("TALLYD_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

std::uint64_t RandomEntries::Number() {
  return random_() >> Below(64);
}

std::string RandomEntries::Text(std::size_t bytes_max) {
  std::string text(Below(bytes_max + 1), '\0');
  for (char& byte : text) byte = static_cast<char>(Below(256));
  return text;
}

std::string_view RandomEntries::Payload() {
  return arena_.emplace_back(Text(Coin() ? 3 : 200));
}

VoterTag RandomEntries::Tag() {
  VoterTag tag;
  for (std::uint8_t& byte : tag.bytes) byte = static_cast<std::uint8_t>(Below(256));
  return tag;
}

Seq RandomEntries::NextSeq(PollNumber poll) {
  const auto [at, fresh] = seqs_.try_emplace(poll, 1 + Number() % (kSeqMax / 2));
  return fresh ? at->second : ++at->second;
}

SupersededBallot RandomEntries::Superseded() {
  SupersededBallot was;
  was.seq = 1 + Number() % kSeqMax;
  if (Coin()) {
    was.channel = Channel::kPaper;
    was.box = static_cast<BoxIndex>(Number());
  }
  was.payload = Payload();
  return was;
}

BallotEntry RandomEntries::Ballot() {
  BallotEntry entry;
  // Few polls and many: both ways the builder finds a poll's row.
  entry.poll = static_cast<PollNumber>(1 + Below(Coin() ? 3 : 500));
  if (Below(20) == 0) entry.poll = kPollNumberMax;
  entry.seq = NextSeq(entry.poll);
  entry.tag = Tag();
  if (Coin()) {
    entry.channel = Channel::kPaper;
    entry.box = static_cast<BoxIndex>(Number());
  }
  if (Coin()) entry.version_no = static_cast<std::uint32_t>(Number());
  if (Coin()) entry.idempotency_print = Number();
  if (Coin()) entry.supersedes = Superseded();
  entry.payload = Payload();
  return entry;
}

WithdrawalEntry RandomEntries::Withdrawal() {
  WithdrawalEntry entry;
  entry.poll = static_cast<PollNumber>(1 + Below(3));
  entry.seq = NextSeq(entry.poll);
  entry.tag = Tag();
  entry.version_no = static_cast<std::uint32_t>(Number());
  if (Coin()) entry.idempotency_print = Number();
  entry.supersedes = Superseded();
  return entry;
}

ProjectEntry RandomEntries::Project() {
  return {Text(40), Text(300), Text(20)};
}

BallotDefinition RandomEntries::BallotRules(std::uint64_t type) {
  BallotDefinition ballot;
  ballot.type = static_cast<BallotType>(type);
  ballot.min = static_cast<std::uint32_t>(Number());
  ballot.max = static_cast<std::uint32_t>(Number());
  ballot.points_total = static_cast<std::uint32_t>(Number());
  ballot.points_per_option_max = static_cast<std::uint32_t>(Number());
  ballot.scoring = static_cast<RankScoring>(Below(2));
  return ballot;
}

BurstRule RandomEntries::Burst() {
  return {.ballots = static_cast<std::uint32_t>(1 + Below(100'000)),
          .window_s = static_cast<std::uint32_t>(1 + Below(100'000))};
}

FraudDefinition RandomEntries::Fraud() {
  FraudDefinition fraud;
  if (Coin()) fraud.network_burst = Burst();
  if (Coin()) fraud.poll_burst = Burst();
  return fraud;
}

PollEntry RandomEntries::Poll() {
  PollEntry entry;
  entry.number = static_cast<PollNumber>(1 + Number() % kPollNumberMax);
  for (std::uint8_t& byte : entry.key_salt) byte = static_cast<std::uint8_t>(Below(256));
  for (std::uint8_t& byte : entry.key_check) byte = static_cast<std::uint8_t>(Below(256));
  entry.actor = Text(20);
  PollDefinition& poll = entry.definition;
  poll.id = Text(40);
  poll.project = Text(40);
  poll.ballot = BallotRules(1 + Below(5));
  if (poll.ballot.type == BallotType::kSurvey) {
    for (std::uint64_t i = 1 + Below(4); i > 0; --i) {
      poll.questions.push_back({Text(30), BallotRules(1 + Below(4)), Text(60)});
    }
  }
  for (std::uint64_t i = Below(20); i > 0; --i) {
    poll.options.push_back({Text(30), static_cast<std::int64_t>(random_()), Coin(), Text(100), 0});
  }
  for (OptionDefinition& option : poll.options) {
    if (!poll.questions.empty()) {
      option.question = static_cast<QuestionIndex>(Below(poll.questions.size()));
    }
    if (!option.withdrawn || Coin()) continue;
    option.fate = OptionFate::kReleased;
    const auto into = static_cast<OptionIndex>(Below(poll.options.size()));
    if (&poll.options[into] == &option) continue;
    option.fate = OptionFate::kMoved;
    option.counts_for = into;
  }
  if (Coin()) {
    poll.ballots_per_voter = {.count = static_cast<std::uint32_t>(1 + Below(9)),
                              .day_zone = Text(20)};
  }
  if (Coin()) {
    poll.selection = {.rule = static_cast<SelectionRule>(Below(5)),
                      .count = static_cast<std::uint32_t>(Number()),
                      .budget = static_cast<std::int64_t>(Number()),
                      .threshold = static_cast<std::int64_t>(Number())};
  }
  poll.visibility.rule = static_cast<Visibility>(Below(3));
  if (poll.visibility.rule == Visibility::kSealed) {
    poll.visibility.from = Coin() ? VisibleFrom::kClosed : VisibleFrom::kFinal;
    poll.visibility.turnout_hidden = Coin();
  } else if (poll.visibility.rule == Visibility::kCoarse) {
    poll.visibility.coarse_k = static_cast<std::uint32_t>(1 + Below(1'000'000));
  }
  poll.fraud = Fraud();
  for (std::uint64_t i = Below(5); i > 0; --i) poll.boxes.push_back({Text(30), Text(50)});
  if (Coin()) poll.opens = static_cast<TimeUs>(random_());
  if (Coin()) poll.closes = static_cast<TimeUs>(Number());
  poll.revote = static_cast<RevoteRule>(Below(2));
  poll.changes_max = static_cast<std::uint32_t>(Number());
  poll.withdraw = Coin();
  poll.online = Coin();
  poll.paper = Coin();
  poll.channel_rule = static_cast<ChannelRule>(Below(3));
  poll.paper_confirm = Coin();
  poll.paper_blind = Coin();
  poll.roll = Coin();
  for (std::uint64_t i = Coin() ? 1 + Below(3) : 0; i > 0; --i) {
    ClaimRule& claim = poll.claims.emplace_back();
    claim.name = std::to_string(9 - i) + Text(20);  // rising
    for (std::uint64_t v = 1 + Below(4); v > 0; --v) claim.values.push_back(Text(30));
  }
  if (Coin()) {
    poll.weight = {.claim = "w" + Text(20), .max = static_cast<std::uint32_t>(1 + Below(1000))};
  }
  poll.display = Text(500);
  return entry;
}

PollStateEntry RandomEntries::PollState() {
  PollStateEntry entry;
  entry.poll = static_cast<PollNumber>(1 + Number() % kPollNumberMax);
  entry.to = static_cast<tallyd::PollState>(Below(5));
  entry.cause = static_cast<StateCause>(Below(2));
  entry.actor = Text(20);
  return entry;
}

PaperFigures RandomEntries::Figures() {
  PaperFigures figures;
  figures.cards = static_cast<std::uint32_t>(Number());
  figures.invalid = static_cast<std::uint32_t>(Below(figures.cards / 2 + 1));
  figures.blank = static_cast<std::uint32_t>(Below(figures.cards / 2 + 1));
  const std::uint32_t valid = figures.cards - figures.invalid - figures.blank;
  OptionIndex option = static_cast<OptionIndex>(Below(3));
  for (std::uint64_t i = valid == 0 ? 0 : Below(10); i > 0; --i) {
    figures.counts.push_back({.option = option,
                              .ballots = static_cast<std::uint32_t>(1 + Below(valid)),
                              .score = static_cast<std::int64_t>(random_())});
    option += static_cast<OptionIndex>(1 + Below(1000));
  }
  return figures;
}

PaperBatchEntry RandomEntries::PaperBatch() {
  PaperBatchEntry entry;
  entry.poll = static_cast<PollNumber>(1 + Number() % kPollNumberMax);
  entry.batch.id = Text(40);
  entry.batch.box = static_cast<BoxIndex>(Number());
  if (Coin()) entry.batch.opened_at = static_cast<TimeUs>(random_());
  for (std::uint64_t i = Below(4); i > 0; --i) entry.batch.counted_by.push_back(Text(30));
  entry.batch.seal = Text(20);
  entry.batch.by_cards = Coin();
  entry.batch.figures = Figures();
  entry.counts = Coin();
  entry.actor = Text(20);
  return entry;
}

PaperConfirmEntry RandomEntries::PaperConfirm() {
  PaperConfirmEntry entry;
  entry.poll = static_cast<PollNumber>(1 + Number() % kPollNumberMax);
  entry.batch = Text(40);
  entry.blind = Coin();
  entry.figures = Figures();
  entry.actor = Text(20);
  return entry;
}

PaperVoidEntry RandomEntries::PaperVoid() {
  PaperVoidEntry entry;
  entry.poll = static_cast<PollNumber>(1 + Number() % kPollNumberMax);
  entry.batch = Text(40);
  entry.reason = Text(100);
  if (Coin()) entry.reverses = Figures();
  entry.actor = Text(20);
  return entry;
}

OptionFateEntry RandomEntries::FateOfOption() {
  OptionFateEntry entry;
  entry.poll = static_cast<PollNumber>(1 + Number() % kPollNumberMax);
  entry.option = static_cast<OptionIndex>(Number());
  entry.fate = static_cast<OptionFate>(Below(3));
  if (entry.fate == OptionFate::kMoved) {
    entry.into = entry.option ^ 1;
    entry.overlap = {.ballots = Number(),
                     .online = static_cast<std::int64_t>(random_()),
                     .paper = static_cast<std::int64_t>(Number())};
  }
  entry.reason = Text(30);
  entry.actor = Text(20);
  return entry;
}

PaperCardsEntry RandomEntries::PaperCards() {
  PaperCardsEntry entry;
  entry.poll = static_cast<PollNumber>(1 + Number() % kPollNumberMax);
  entry.batch = Text(40);
  for (std::uint64_t i = Below(9); i > 0; --i) entry.cards.push_back({Tag(), Text(40)});
  entry.figures = Figures();
  entry.actor = Text(20);
  return entry;
}

IdeaEntry RandomEntries::Idea() {
  return {.number = static_cast<IdeaNumber>(1 + Number() % 1'000'000),
          .project = Text(40),
          .submitter = Tag(),
          .idempotency_print = 1 + Number() / 2,
          .display = Text(300),
          .text = Text(300)};
}

IdeaDecisionEntry RandomEntries::DecisionOnIdea() {
  IdeaDecisionEntry entry;
  entry.number = static_cast<IdeaNumber>(1 + Number() % 1'000'000);
  entry.decision = static_cast<IdeaDecision>(1 + Below(3));
  if (entry.decision != IdeaDecision::kRejected) {
    entry.poll = static_cast<PollNumber>(1 + Number() % kPollNumberMax);
    entry.option = static_cast<OptionIndex>(Number());
  }
  entry.reason_code = Text(20);
  entry.actor = Text(20);
  return entry;
}

PaperCardsCountEntry RandomEntries::PaperCardsCount() {
  PaperCardsCountEntry entry;
  entry.poll = static_cast<PollNumber>(1 + Number() % kPollNumberMax);
  entry.batch = Text(40);
  entry.blind = Coin();
  entry.at_once = Coin();
  entry.rest = RestOf(Figures());
  for (std::uint64_t i = Below(9); i > 0; --i) {
    const auto result = static_cast<CardResult>(Below(5));
    const Seq seq = result <= CardResult::kBeatsOnline ? 1 + Number() % kSeqMax : 0;
    entry.outcomes.push_back({result, seq});
  }
  entry.actor = Text(20);
  return entry;
}

RollEntry RandomEntries::Roll() {
  RollEntry entry;
  entry.poll = static_cast<PollNumber>(1 + Number() % kPollNumberMax);
  entry.batch = Text(40);
  for (std::uint64_t i = Below(9); i > 0; --i) entry.tags.push_back(Tag());
  entry.actor = Text(20);
  return entry;
}

ProjectQuotaEntry RandomEntries::QuotaOfProject() {
  return {.project = Text(40),
          .ballots_per_voter = static_cast<std::uint32_t>(Number()),
          .actor = Text(20)};
}

QuotaUseEntry RandomEntries::UseOfQuota() {
  return {.spent_in = static_cast<PollNumber>(1 + Number() % kPollNumberMax),
          .project_tag = Tag(),
          .given_back = Coin()};
}

OnlineAfterPaperEntry RandomEntries::OnlineAfterPaper() {
  OnlineAfterPaperEntry entry;
  entry.poll = static_cast<PollNumber>(1 + Number() % kPollNumberMax);
  entry.on_paper = 1 + Number() % kSeqMax;
  return entry;
}

KeySealedEntry RandomEntries::KeySealed() {
  KeySealedEntry entry;
  entry.owner = static_cast<KeyOwner>(Below(3));
  if (entry.owner == KeyOwner::kPoll) {
    entry.of_poll = static_cast<PollNumber>(1 + Number() % kPollNumberMax);
  }
  if (entry.owner == KeyOwner::kProject) entry.of_project = "p" + Text(40);
  for (std::uint8_t& byte : entry.root_check) byte = static_cast<std::uint8_t>(Below(256));
  for (std::uint8_t& byte : entry.nonce) byte = static_cast<std::uint8_t>(Below(256));
  entry.sealed.resize(entry.owner == KeyOwner::kReceipts ? kSealedReceiptKeyBytes
                                                         : kSealedVoterKeyBytes);
  for (char& byte : entry.sealed) byte = static_cast<char>(Below(256));
  return entry;
}

KeyDestroyedEntry RandomEntries::KeyDestroyed() {
  KeyDestroyedEntry entry{.reason = Text(60), .actor = Text(20)};
  if (Coin()) {
    entry.poll = static_cast<PollNumber>(1 + Number() % kPollNumberMax);
  } else {
    entry.project = "p" + Text(40);
  }
  return entry;
}

FlagOpenedEntry RandomEntries::FlagOpened() {
  FlagOpenedEntry entry;
  entry.poll = static_cast<PollNumber>(1 + Number() % kPollNumberMax);
  entry.group = static_cast<FlagGroupNumber>(1 + Below(1'000));
  entry.rule = static_cast<FlagRule>(Below(2));
  entry.burst = Burst();
  for (std::uint64_t i = 1 + Below(9); i > 0; --i) entry.voters.push_back(Tag());
  return entry;
}

FlagJoinedEntry RandomEntries::FlagJoined() {
  return {.poll = static_cast<PollNumber>(1 + Number() % kPollNumberMax),
          .group = static_cast<FlagGroupNumber>(1 + Below(1'000)),
          .voter = Tag()};
}

FlagDecisionEntry RandomEntries::FlagDecision() {
  FlagDecisionEntry entry;
  entry.poll = static_cast<PollNumber>(1 + Number() % kPollNumberMax);
  entry.group = static_cast<FlagGroupNumber>(1 + Below(1'000));
  entry.to = static_cast<FlagState>(1 + Below(3));
  do {
    entry.was = static_cast<FlagState>(Below(4));
  } while (entry.was == entry.to);
  entry.figures.ballots = 1 + Number() % 10'000;
  entry.figures.blank = Below(entry.figures.ballots + 1);
  OptionIndex option = 0;
  for (std::uint64_t i = Below(5); i > 0; --i) {
    option += static_cast<OptionIndex>(Below(300));
    entry.figures.counts.push_back({.option = option++,
                                    .ballots = 1 + Below(entry.figures.ballots),
                                    .score = static_cast<std::int64_t>(Number())});
  }
  entry.reason = Text(40);
  entry.actor = Text(20);
  return entry;
}

HeldBallotEntry RandomEntries::HeldBallot() {
  HeldBallotEntry entry;
  entry.poll = static_cast<PollNumber>(1 + Number() % kPollNumberMax);
  entry.seq = 1 + Number() % kSeqMax;
  entry.state = Coin() ? FlagState::kQuarantined : FlagState::kVoided;
  entry.put_back = Coin();
  entry.payload = arena_.emplace_back(1 + Below(20), 'x');
  return entry;
}

Entry RandomEntries::Any() {
  switch (Below(27)) {
    case 0:
      return Project();
    case 1:
      return Poll();
    case 2:
      return PollState();
    case 3:
      return Withdrawal();
    case 4:
      return PaperBatch();
    case 5:
      return PaperConfirm();
    case 6:
      return PaperVoid();
    case 7:
      return FateOfOption();
    case 8:
      return Idea();
    case 9:
      return DecisionOnIdea();
    case 10:
      return PaperCards();
    case 11:
      return PaperCardsCount();
    case 12:
      return Roll();
    case 13:
      return QuotaOfProject();
    case 14:
      return UseOfQuota();
    case 15:
      return OnlineAfterPaper();
    case 16:
      return KeySealed();
    case 17:
      return KeyDestroyed();
    case 18:
      return FlagOpened();
    case 19:
      return FlagJoined();
    case 20:
      return FlagDecision();
    case 21:
      return HeldBallot();
    default:
      return Ballot();
  }
}

void AddEntry(const Entry& entry, RecordBuilder* builder) {
  if (const auto* ballot = std::get_if<BallotEntry>(&entry)) builder->AddBallot(*ballot);
  if (const auto* taken = std::get_if<WithdrawalEntry>(&entry)) builder->AddWithdrawal(*taken);
  if (const auto* project = std::get_if<ProjectEntry>(&entry)) builder->AddProject(*project);
  if (const auto* poll = std::get_if<PollEntry>(&entry)) builder->AddPoll(*poll);
  if (const auto* state = std::get_if<PollStateEntry>(&entry)) builder->AddPollState(*state);
  if (const auto* batch = std::get_if<PaperBatchEntry>(&entry)) builder->AddPaperBatch(*batch);
  if (const auto* sign = std::get_if<PaperConfirmEntry>(&entry)) builder->AddPaperConfirm(*sign);
  if (const auto* taken = std::get_if<PaperVoidEntry>(&entry)) builder->AddPaperVoid(*taken);
  if (const auto* fate = std::get_if<OptionFateEntry>(&entry)) builder->AddOptionFate(*fate);
  if (const auto* idea = std::get_if<IdeaEntry>(&entry)) builder->AddIdea(*idea);
  if (const auto* quota = std::get_if<ProjectQuotaEntry>(&entry)) builder->AddProjectQuota(*quota);
  if (const auto* use = std::get_if<QuotaUseEntry>(&entry)) builder->AddQuotaUse(*use);
  if (const auto* tried = std::get_if<OnlineAfterPaperEntry>(&entry)) {
    builder->AddOnlineAfterPaper(*tried);
  }
  if (const auto* sealed = std::get_if<KeySealedEntry>(&entry)) builder->AddKeySealed(*sealed);
  if (const auto* end = std::get_if<KeyDestroyedEntry>(&entry)) builder->AddKeyDestroyed(*end);
  if (const auto* made = std::get_if<IdeaDecisionEntry>(&entry)) builder->AddIdeaDecision(*made);
  if (const auto* cards = std::get_if<PaperCardsEntry>(&entry)) builder->AddPaperCards(*cards);
  if (const auto* sum = std::get_if<PaperCardsCountEntry>(&entry))
    builder->AddPaperCardsCount(*sum);
  if (const auto* roll = std::get_if<RollEntry>(&entry)) builder->AddRoll(*roll);
  if (const auto* flag = std::get_if<FlagOpenedEntry>(&entry)) builder->AddFlagOpened(*flag);
  if (const auto* flag = std::get_if<FlagJoinedEntry>(&entry)) builder->AddFlagJoined(*flag);
  if (const auto* flag = std::get_if<FlagDecisionEntry>(&entry)) builder->AddFlagDecision(*flag);
  if (const auto* held = std::get_if<HeldBallotEntry>(&entry)) builder->AddHeldBallot(*held);
}

std::size_t EncodedSizeMaxOf(const Entry& entry) {
  return std::visit([](const auto& one) { return EncodedSizeMax(one); }, entry);
}

}  // namespace tallyd
