#pragma once

// One batch on its way: bytes in, commands out, outcomes back, one answer.
//
// Lives on one io thread. Keeps itself alive until its last command has come back, also after the
// client left: what was submitted is counted.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/batch_report.h"
#include "net/engine_gateway.h"
#include "net/gzip_inflater.h"
#include "net/http_response.h"
#include "net/line_splitter.h"

namespace tallyd {

class BatchRun final : public OutcomeHandler,
                       public EngineGateway::RoomWaiter,
                       public std::enable_shared_from_this<BatchRun> {
 public:
  struct Options {
    std::shared_ptr<const PollView> poll;
    BatchReport::Results results = BatchReport::Results::kErrors;
    bool gzip = false;
    bool paper_allowed = false;
    bool german = false;
    std::string voter;  // from outside of the lines; "" = none
  };

  static std::shared_ptr<BatchRun> Start(EngineGateway& gateway, Responder responder,
                                         Options options);
  BatchRun(EngineGateway& gateway, Responder responder, Options options);

  void OnChunk(std::string_view chunk, absl::AnyInvocable<void()> resume);
  void OnEnd();
  void OnAbort();

  void OnOutcome(Outcome&& outcome, Pending&& pending) override;
  void OnRefused(Pending&& pending) override;
  void OnRoom() override;

 private:
  void Pump();
  // Makes lines out of what arrived; false: nothing left, or the batch was refused.
  bool NextText();
  void TakeLines();
  void TakeLine(const LineSplitter::Line& line);
  bool Push();
  void FinishText();
  void RefuseAll(ProblemCode code);
  void Discard();
  void AnswerIfDone();
  bool HasRoom() const;

  EngineGateway& gateway_;
  Responder responder_;
  const Options options_;
  BatchReport report_;
  LineSplitter splitter_;
  std::unique_ptr<GzipInflater> inflater_;
  std::uint64_t text_bytes_ = 0;

  std::string_view chunk_;  // not yet decompressed
  std::string_view text_;   // not yet cut into lines
  absl::AnyInvocable<void()> resume_;
  std::vector<Command> commands_;  // reserved, not yet in the queue: from sent_ on
  std::size_t sent_ = 0;
  std::size_t in_flight_ = 0;
  bool body_ended_ = false;
  bool text_ended_ = false;
  bool over_ = false;  // answered, refused or left: no more lines are taken
  std::shared_ptr<BatchRun> self_;
};

}  // namespace tallyd
