#include "net/vote_routes.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "engine/claim_rule.h"
#include "engine/visibility.h"
#include "net/concat.h"
#include "net/status_to_http.h"
#include "net/wire_json_answer.h"
#include "net/wire_text.h"
#include "storage/check.h"

namespace tallyd {
namespace {

constexpr std::string_view kJsonHeaderLines =
    "Content-Type: application/json\r\nCache-Control: no-store\r\n";

// Pending::word of this file.
enum : std::uint64_t { kCastWord, kMineWord, kReceiptWord };

// The seq of If-Match: "<seq>".
std::optional<Seq> ParseSeqTag(std::string_view header) {
  EntityTags tags(header);
  const auto tag = tags.Next();
  if (!tag || tag->weak || tags.Next() || tags.malformed()) return std::nullopt;
  const auto seq = ParseDecimal(tag->opaque);
  return seq && *seq >= 1 && *seq <= kSeqMax ? seq : std::nullopt;
}

// Where the poll looks at bursts: by which network the vote came, if anybody knows. It goes as far
// as the writer's memory.
void NameNetwork(const HttpRequest& request, Command& command) {
  if (!request.client.known()) return;
  if (command.act == nullptr) command.act = std::make_unique<Act>(VoteExtras{});
  const std::string_view name = request.client.Network();
  ClientNetwork& network = std::get<VoteExtras>(*command.act).network.emplace();
  TALLYD_CHECK(name.size() <= network.bytes.size());
  std::copy(name.begin(), name.end(), network.bytes.begin());
  network.size = static_cast<std::uint8_t>(name.size());
}

// By the claims of the voter's own token; false: 403 was answered. Whoever may name voters vouches
// for them.
bool MayVote(const HttpRequest& request, const Identity& identity, const PollView& poll,
             Responder& responder) {
  if (poll.definition.claims.empty() || identity.VouchesForVoters()) return true;
  const std::string_view missing = MissingClaim(poll.definition.claims, identity.claims);
  if (missing.empty()) return true;
  SendProblem(std::move(responder), request, ProblemCode::kForbidden,
              Concat("this poll is for voters whose token has a certain ", missing,
                     ": see eligible.claims of the poll"));
  return false;
}

// The ballot as such was refused, by the state of the poll as the writer knew it.
bool BlamesBallot(OutcomeCode code) {
  return code == OutcomeCode::kOptionUnknown || code == OutcomeCode::kOptionWithdrawn ||
         code == OutcomeCode::kBallotInvalid;
}

}  // namespace

VoterChoice ChooseVoter(std::string_view identity_voter, std::string_view body_voter) {
  if (!identity_voter.empty() && !IsVoter(identity_voter)) {
    return {{}, ProblemCode::kVoterInvalid};
  }
  if (identity_voter.empty() && body_voter.empty()) return {{}, ProblemCode::kVoterMissing};
  if (identity_voter.empty()) return {body_voter, std::nullopt};
  if (!body_voter.empty() && identity_voter != body_voter) {
    return {{}, ProblemCode::kVoterMismatch};
  }
  return {identity_voter, std::nullopt};
}

void VoteRoutes::AddTo(Router& router) {
  router.Add(Method::kPost, "/v1/polls/{poll}/votes", kPublicListener, BodyPolicy::Small(),
             [this](const HttpRequest& request, Responder responder) {
               Cast(request, std::move(responder));
             });
  router.Add(Method::kGet, "/v1/polls/{poll}/votes/me", kPublicListener, BodyPolicy::None(),
             [this](const HttpRequest& request, Responder responder) {
               AskForMine(request, std::move(responder), CommandKind::kLookUp);
             });
  router.Add(Method::kDelete, "/v1/polls/{poll}/votes/me", kPublicListener, BodyPolicy::None(),
             [this](const HttpRequest& request, Responder responder) {
               AskForMine(request, std::move(responder), CommandKind::kWithdraw);
             });
  router.Add(Method::kGet, "/v1/receipts/{receipt}", kPublicListener, BodyPolicy::None(),
             [this](const HttpRequest& request, Responder responder) {
               AskForReceipt(request, std::move(responder));
             });
}

void VoteRoutes::Cast(const HttpRequest& request, Responder responder) {
  const auto identity = context_.auth.RequireAny(kVotingScopes, request, responder);
  if (!identity || !RequireQueries(request, {}, responder)) return;
  // A vote for a draft is told that the poll is not open: whoever votes knows the id.
  const auto poll = FindPoll(context_, request, responder, true);
  if (poll == nullptr || !RequireMediaType(request, "application/json", responder)) return;
  if (!MayVote(request, *identity, *poll, responder)) return;

  if (context_.engine.storage_full()) {
    SendProblem(std::move(responder), request, ProblemCode::kStorageFull);
    return;
  }
  EngineGateway& gateway = context_.Gateway(responder);
  DecodedVote vote;
  BodyError error;
  if (!gateway.vote_decoder().Decode(request.body, *poll, VoteDecoder::Form::kSingle, vote,
                                     error)) {
    SendBodyErrors(std::move(responder), request.accept_language, {&error, 1});
    return;
  }
  Command command;
  command.kind = CommandKind::kVote;
  if (!FillVoter(request, *identity, {vote.voter, vote.ballot_no, vote.day}, *poll, command,
                 responder))
    return;
  if (poll->definition.fraud.network_burst.is_given()) NameNetwork(request, command);
  command.ballot = std::move(vote.ballot);
  if (poll->rules.weight_max != 0 && !Weigh(request, *identity, *poll, command, responder)) return;
  gateway.Send(std::move(command), {.handler = this,
                                    .responder = std::move(responder),
                                    .poll = poll,
                                    .word = kCastWord,
                                    .german = PrefersGerman(request.accept_language),
                                    .callback = {}});
}

// Only a voter's own token says what the voter weighs; what it says when the ballot is cast counts.
bool VoteRoutes::Weigh(const HttpRequest& request, const Identity& identity, const PollView& poll,
                       Command& command, Responder& responder) {
  std::optional<std::uint64_t> weight;
  for (const auto& [claim, value] : identity.claims) {
    if (claim != poll.definition.weight.claim || identity.VouchesForVoters()) continue;
    if (weight) {  // several values are none
      weight.reset();
      break;
    }
    weight = ParseDecimal(value);
    if (!weight) break;
  }
  if (!weight || *weight < 1 || *weight > poll.rules.weight_max) {
    SendProblem(
        std::move(responder), request, ProblemCode::kWeightMissing,
        Concat("the claim ", poll.definition.weight.claim,
               " of the voter's own token must be a weight from 1 to ", poll.rules.weight_max));
    return false;
  }
  command.ballot = PackWeighted(static_cast<std::uint32_t>(*weight), command.ballot.view());
  return true;
}

bool VoteRoutes::FillVoter(const HttpRequest& request, const Identity& identity,
                           const BallotName& name, const PollView& poll, Command& command,
                           Responder& responder) {
  const VoterChoice choice = ChooseVoter(identity.voter.view(), name.voter);
  if (choice.error) {
    SendProblem(std::move(responder), request, *choice.error);
    return false;
  }
  if (!poll.voter_key) {
    SendProblem(std::move(responder), request, WhyKeyless(poll));
    return false;
  }
  command.poll = poll.number;
  NameBallot(poll, choice.voter, name.ballot_no, name.day, &command);
  if (request.idempotency_key.data() != nullptr) {
    const auto key = ParseIdempotencyKey(request.idempotency_key);
    if (!key) {
      SendProblem(std::move(responder), request, ProblemCode::kHeaderInvalid,
                  "Idempotency-Key must be 1 to 64 printable ASCII characters");
      return false;
    }
    command.idempotency_print = poll.voter_key->MakeIdempotencyPrint(command.tag, *key);
  }
  if (request.if_match.data() != nullptr && HidesTurnout(poll.definition.visibility, poll.state)) {
    // Guessing one's own seq would tell how many voted before.
    SendProblem(std::move(responder), request, ProblemCode::kHeaderInvalid,
                "this poll hides its turnout, so it takes no If-Match");
    return false;
  }
  if (request.if_match.data() != nullptr) {
    const auto seq = ParseSeqTag(request.if_match);
    if (!seq) {
      SendProblem(std::move(responder), request, ProblemCode::kHeaderInvalid,
                  "If-Match must be the seq in force, in quotes");
      return false;
    }
    command.seq = *seq;
  }
  return true;
}

std::optional<VoteRoutes::BallotName> VoteRoutes::ReadBallotName(const HttpRequest& request,
                                                                 const PollView& poll,
                                                                 Responder& responder) {
  const BallotsPerVoter& ballots = poll.definition.ballots_per_voter;
  BallotName name;
  const auto number = request.Query("ballot_no");
  const auto day = request.Query("day");
  if (!number && ballots.count > 1) {
    SendProblem(std::move(responder), request, ProblemCode::kBallotNoRequired);
    return std::nullopt;
  }
  if (number) {
    const auto parsed = ParseDecimal(*number);
    if (!parsed || *parsed < 1 || *parsed > ballots.count) {
      SendProblem(std::move(responder), request, ProblemCode::kParameterInvalid,
                  Concat("ballot_no must be from 1 to ", ballots.count));
      return std::nullopt;
    }
    name.ballot_no = static_cast<std::uint32_t>(*parsed);
  }
  if (ballots.per_day() && day) name.day = ParseBallotDay(*day, ballots.day_zone);
  if (ballots.per_day() != name.day.has_value() || day.has_value() != name.day.has_value()) {
    SendProblem(std::move(responder), request, ProblemCode::kParameterInvalid,
                ballots.per_day() ? "day must be the day of the ballot, such as 2026-05-01"
                                  : "ballots are not per day in this poll");
    return std::nullopt;
  }
  return name;
}

void VoteRoutes::AskForMine(const HttpRequest& request, Responder responder, CommandKind kind) {
  constexpr std::array<std::string_view, 2> kQueries = {"ballot_no", "day"};
  const auto identity = context_.auth.RequireAny(kVotingScopes, request, responder);
  if (!identity || !RequireQueries(request, kQueries, responder)) return;
  const auto poll = FindPoll(context_, request, responder, false);
  if (poll == nullptr) return;
  if (kind == CommandKind::kWithdraw && context_.engine.storage_full()) {
    SendProblem(std::move(responder), request, ProblemCode::kStorageFull);
    return;
  }
  Command command;
  command.kind = kind;
  const auto name = ReadBallotName(request, *poll, responder);
  if (!name || !FillVoter(request, *identity, *name, *poll, command, responder)) return;
  EngineGateway& gateway = context_.Gateway(responder);
  gateway.Send(std::move(command), {.handler = this,
                                    .responder = std::move(responder),
                                    .poll = poll,
                                    .word = kMineWord,
                                    .german = PrefersGerman(request.accept_language),
                                    .callback = {}});
}

void VoteRoutes::AskForReceipt(const HttpRequest& request, Responder responder) {
  if (!RequireQueries(request, {}, responder)) return;
  EngineGateway& gateway = context_.Gateway(responder);
  if (gateway.receipts() == nullptr) {
    SendProblem(std::move(responder), request, ProblemCode::kKeyMissing);
    return;
  }
  const auto name = gateway.receipts()->Decode(request.Param("receipt"));
  const auto poll = name ? context_.engine.polls().Find(name->poll) : nullptr;
  const Epoch present = context_.engine.epoch();
  if (poll == nullptr || poll->EpochOf(name->seq, present) != name->epoch) {
    // Of another epoch and not kept: a restore has cut that ballot off.
    const bool cut_off = name && name->epoch != present;
    SendProblem(std::move(responder), request,
                cut_off ? ProblemCode::kEpochChanged : ProblemCode::kReceiptNotFound);
    return;
  }
  Command command;
  command.kind = CommandKind::kReceipt;
  command.poll = name->poll;
  command.seq = name->seq;
  gateway.Send(std::move(command), {.handler = this,
                                    .responder = std::move(responder),
                                    .poll = poll,
                                    .word = kReceiptWord,
                                    .german = PrefersGerman(request.accept_language),
                                    .callback = {}});
}

void VoteRoutes::OnRefused(Pending&& pending) {
  std::move(pending.responder).Send(OverloadedResponse(pending.german));
}

void VoteRoutes::OnOutcome(Outcome&& outcome, Pending&& pending) {
  HttpMapping mapping = MapOutcome(outcome.code, outcome.ballot_error);
  if (mapping.problem) {
    const std::string_view language = pending.german ? "de" : "en";
    if (!BlamesBallot(outcome.code)) {
      std::move(pending.responder).Send(ProblemResponse(*mapping.problem, {}, {}, language));
      return;
    }
    const BallotType type = pending.poll->definition.ballot.type;
    const BodyError error{Concat("/", BallotMemberName(type)), *mapping.problem, ""};
    std::move(pending.responder).Send(ProblemResponse(*mapping.problem, {}, {&error, 1}, language));
    return;
  }
  AnswerVote(mapping, outcome, std::move(pending));
}

void VoteRoutes::AnswerVote(const HttpMapping& mapping, const Outcome& outcome, Pending&& pending) {
  // Kept by the thread, so that an answer costs no allocation.
  thread_local std::string head;
  thread_local std::string body;
  head = kJsonHeaderLines;
  body.clear();
  char receipt_bytes[kReceiptLength];
  std::string_view receipt;
  ReceiptCodec* codec = context_.Gateway(pending.responder).receipts();
  const bool names_ballot = outcome.code != OutcomeCode::kWithdrawn || pending.word == kReceiptWord;
  if (codec != nullptr && names_ballot) {
    const Epoch epoch = pending.poll->EpochOf(outcome.seq, context_.engine.epoch());
    codec->Encode({epoch, pending.poll->number, outcome.seq}, receipt_bytes);
    receipt = {receipt_bytes, kReceiptLength};
  }
  if (pending.word == kReceiptWord) {
    AppendReceiptAnswer(receipt, mapping.word, pending.poll->definition.id,
                        ShownSeq(*pending.poll, outcome.seq), body);
  } else if (outcome.code == OutcomeCode::kFound) {
    AppendOwnBallot(*pending.poll, outcome, receipt, body);
  } else {
    // That a withdrawal is no ballot in force goes without saying, unless it is one of an old key.
    const bool in_force = outcome.in_force || outcome.code == OutcomeCode::kWithdrawn;
    AppendVoteAnswer({.word = mapping.word,
                      .poll = pending.poll->definition.id,
                      .seq = ShownSeq(*pending.poll, outcome.seq),
                      .receipt = receipt,
                      .replaces = ShownSeq(*pending.poll, outcome.replaces),
                      .in_force = in_force},
                     body);
    if (!receipt.empty()) {
      head += "Location: /v1/receipts/";
      head += receipt;
      head += "\r\n";
    }
  }
  std::move(pending.responder).SendRaw(mapping.status, head, body);
}

}  // namespace tallyd
