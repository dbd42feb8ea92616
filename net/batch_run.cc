#include "net/batch_run.h"

#include <utility>

#include "engine/visibility.h"
#include "net/batch_route.h"
#include "net/problem_response.h"
#include "net/vote_routes.h"

namespace tallyd {
namespace {

constexpr std::size_t kPushCommands = 256;

}  // namespace

std::shared_ptr<BatchRun> BatchRun::Start(EngineGateway& gateway, Responder responder,
                                          Options options) {
  auto run = std::make_shared<BatchRun>(gateway, std::move(responder), std::move(options));
  run->self_ = run;
  return run;
}

BatchRun::BatchRun(EngineGateway& gateway, Responder responder, Options options)
    : gateway_(gateway),
      responder_(std::move(responder)),
      options_(std::move(options)),
      report_(options_.results,
              HidesTurnout(options_.poll->definition.visibility, options_.poll->state)) {
  if (options_.gzip) inflater_ = std::make_unique<GzipInflater>();
  commands_.reserve(kPushCommands);
}

void BatchRun::OnChunk(std::string_view chunk, absl::AnyInvocable<void()> resume) {
  if (over_) {
    resume();
    return;
  }
  chunk_ = chunk;
  resume_ = std::move(resume);
  Pump();
}

void BatchRun::OnEnd() {
  body_ended_ = true;
  if (!over_) Pump();
}

void BatchRun::OnAbort() {
  if (over_) return;
  Discard();
  responder_ = Responder();
  AnswerIfDone();
}

void BatchRun::OnRoom() {
  if (!over_) Pump();
}

void BatchRun::OnRefused(Pending&& pending) {
  // Batches push for themselves and wait instead of being refused.
  --in_flight_;
  report_.Refuse(static_cast<std::uint32_t>(pending.word), ProblemCode::kOverloaded);
  AnswerIfDone();
}

void BatchRun::OnOutcome(Outcome&& outcome, Pending&& pending) {
  --in_flight_;
  report_.Record(static_cast<std::uint32_t>(pending.word), outcome);
  AnswerIfDone();
}

bool BatchRun::HasRoom() const {
  return in_flight_ < BatchRoute::kInFlightMax && gateway_.HasRoom();
}

void BatchRun::Pump() {
  const auto keep_alive = shared_from_this();
  while (true) {
    if (!Push() || !HasRoom()) {
      gateway_.WaitForRoom(this);
      return;
    }
    if (text_.empty() && !NextText()) break;
    TakeLines();
    if (over_) return;
  }
  if (over_) return;
  if (resume_) {
    auto resume = std::move(resume_);
    resume_ = nullptr;
    resume();
    return;  // whatever comes next comes by OnChunk or OnEnd, perhaps already has
  }
  if (!body_ended_) return;
  FinishText();
  if (over_) return;
  if (!Push()) {
    gateway_.WaitForRoom(this);
    return;
  }
  AnswerIfDone();
}

bool BatchRun::NextText() {
  if (inflater_ == nullptr) {
    text_ = std::exchange(chunk_, {});
  } else {
    const GzipInflater::Step step = inflater_->Next(chunk_, text_);
    if (step == GzipInflater::Step::kBroken) {
      RefuseAll(ProblemCode::kEncodingInvalid);
      return false;
    }
  }
  text_bytes_ += text_.size();
  if (text_bytes_ > BatchRoute::kBodyBytesMax) {
    RefuseAll(ProblemCode::kBodyTooLarge);
    return false;
  }
  return !text_.empty();
}

void BatchRun::TakeLines() {
  while (!over_ && commands_.size() < kPushCommands && HasRoom()) {
    const auto line = splitter_.Next(text_);
    if (!line) return;
    TakeLine(*line);
  }
}

void BatchRun::TakeLine(const LineSplitter::Line& line) {
  if (line.number > BatchRoute::kLinesMax) {
    RefuseAll(ProblemCode::kTooManyLines);
    return;
  }
  if (line.too_long) {
    report_.Refuse(line.number, ProblemCode::kBodyTooLarge);
    return;
  }
  if (line.is_blank()) return;
  const PollView& poll = *options_.poll;
  DecodedVote vote;
  BodyError error;
  const bool decoded =
      gateway_.vote_decoder().Decode(line.text, poll, VoteDecoder::Form::kBatchLine, vote, error);
  report_.KeepRef(line.number, vote.ref);
  if (!decoded) {
    report_.Refuse(line.number, error.code);
    return;
  }
  const VoterChoice choice = ChooseVoter(options_.voter, vote.voter);
  if (choice.error) {
    report_.Refuse(line.number, *choice.error);
    return;
  }
  if (vote.channel == Channel::kPaper && !options_.paper_allowed) {
    report_.Refuse(line.number, ProblemCode::kChannelNotAllowed);
    return;
  }
  if (poll.rules.weight_max != 0) {
    // Only a voter's own token says what the voter weighs; a card weighs 1.
    if (vote.channel != Channel::kPaper) {
      report_.Refuse(line.number, ProblemCode::kWeightMissing);
      return;
    }
    vote.ballot = PackWeighted(1, vote.ballot.view());
  }
  Command command;
  command.kind = CommandKind::kVote;
  command.poll = poll.number;
  command.channel = vote.channel;
  command.box = vote.box;
  NameBallot(poll, choice.voter, vote.ballot_no, vote.day, &command);
  command.ballot = std::move(vote.ballot);
  gateway_.Reserve(command, {.handler = this,
                             .responder = {},
                             .poll = nullptr,
                             .word = line.number,
                             .german = false,
                             .callback = {}});
  ++in_flight_;
  commands_.push_back(std::move(command));
}

bool BatchRun::Push() {
  if (sent_ < commands_.size()) {
    sent_ += gateway_.TrySend(absl::MakeSpan(commands_).subspan(sent_));
  }
  if (sent_ < commands_.size()) return false;
  commands_.clear();
  sent_ = 0;
  return true;
}

void BatchRun::FinishText() {
  if (text_ended_) return;
  text_ended_ = true;
  if (inflater_ != nullptr && !inflater_->complete()) {
    RefuseAll(ProblemCode::kEncodingInvalid);
    return;
  }
  if (const auto line = splitter_.Finish()) TakeLine(*line);
}

void BatchRun::RefuseAll(ProblemCode code) {
  Discard();
  std::move(responder_).Send(ProblemResponse(code, {}, {}, options_.german ? "de" : "en"));
  AnswerIfDone();
}

// Forgets what did not reach the queue; what did is counted and comes back.
void BatchRun::Discard() {
  over_ = true;
  gateway_.ForgetWaiter(this);
  for (std::size_t i = sent_; i < commands_.size(); ++i) {
    gateway_.Cancel(commands_[i].cookie);
    --in_flight_;
  }
  commands_.clear();
  sent_ = 0;
  chunk_ = text_ = {};
  if (resume_) {
    auto resume = std::move(resume_);
    resume_ = nullptr;
    resume();
  }
}

void BatchRun::AnswerIfDone() {
  if (in_flight_ != 0) return;
  if (over_) {
    self_.reset();
    return;
  }
  if (!text_ended_ || sent_ < commands_.size()) return;
  over_ = true;
  HttpResponse response;
  response.content_type = "application/json";
  response.body = report_.Finish();
  std::move(responder_).Send(std::move(response));
  self_.reset();
}

}  // namespace tallyd
