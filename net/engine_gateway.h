#pragma once

// The door between one io thread and the engine: commands out, outcomes back.
//
//   gateway.Send(std::move(command), {.handler = &handler, .responder = ..., .poll = ...});
//
// What a read round enqueues is pushed together at its end; outcomes come back with one wake-up per
// commit. Each command waits in a slot of a bounded table until its outcome comes; the cookie names
// slot and generation, so that nothing is ever answered twice. Table or queue full: the handler's
// OnRefused, nothing happened (503 overloaded). A batch, which must not be refused any more, pushes
// by itself with TrySend and is woken when there may be room again.
//
// Threads: Deliver() is the engine's; everything else belongs to the io thread. Nothing is
// allocated per vote once warm. The engine keeps a pointer to this sink: drain the engine before
// the gateway goes.

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/types/span.h"

#include "engine/command.h"
#include "engine/engine.h"
#include "engine/poll_view.h"
#include "engine/receipt.h"
#include "net/http_response.h"
#include "net/io_thread.h"
#include "net/wire_json_vote.h"

namespace tallyd {

class OutcomeHandler;

// What is needed to answer once the outcome is there.
struct Pending {
  OutcomeHandler* handler = nullptr;  // outlives the outcome
  Responder responder;
  std::shared_ptr<const PollView> poll;
  std::uint64_t word = 0;  // the handler's own
  bool german = false;     // language of an error answer
  // Instead of a handler, for what is rare (acts).
  absl::AnyInvocable<void(Outcome&&, Pending&&)> callback;
};

class OutcomeHandler {
 public:
  virtual ~OutcomeHandler() = default;
  virtual void OnOutcome(Outcome&& outcome, Pending&& pending) = 0;
  // The command never reached the engine.
  virtual void OnRefused(Pending&& pending) = 0;
};

class EngineGateway final : public OutcomeSink {
 public:
  // Waits for room: called after outcomes came back, or a moment later.
  class RoomWaiter {
   public:
    virtual ~RoomWaiter() = default;
    virtual void OnRoom() = 0;
  };

  EngineGateway(Engine& engine, IoThread& io_thread, std::size_t pending_max);
  ~EngineGateway() override;
  EngineGateway(const EngineGateway&) = delete;
  EngineGateway& operator=(const EngineGateway&) = delete;

  void Send(Command&& command, Pending&& pending);
  // Acts have reserved places in the queue.
  void SendAct(Act&& act, PollNumber poll, Pending&& pending);

  // For a batch, which waits instead of being refused: ask HasRoom(), Reserve() a slot for each
  // command, push them with TrySend(); Cancel() what was reserved and will never be pushed.
  bool HasRoom() const { return pending_count_ < pending_max_; }
  void Reserve(Command& command, Pending&& pending);
  void Cancel(std::uint64_t cookie);
  // Pushes from the front; returns how many went.
  std::size_t TrySend(absl::Span<Command> commands);
  void WaitForRoom(RoomWaiter* waiter);
  void ForgetWaiter(RoomWaiter* waiter);

  // OutcomeSink; the committing thread.
  void Deliver(std::vector<Outcome> outcomes) override;

  Engine& engine() { return engine_; }
  IoThread& io_thread() { return io_thread_; }
  VoteDecoder& vote_decoder() { return vote_decoder_; }
  // Null without the key file that belongs to the data.
  ReceiptCodec* receipts() { return receipts_.get(); }
  std::size_t pending_count() const { return pending_count_; }

 private:
  struct Slot {
    std::uint32_t generation = 0;
    bool taken = false;
    Pending pending;
  };
  struct RetryTimer;

  std::uint64_t Take(Pending&& pending);
  Pending Release(std::uint64_t cookie);
  void Refuse(std::uint64_t cookie);
  void ScheduleFlush();
  void Flush();
  void FlushLane(std::vector<Command>& commands, Engine::Lane lane);
  void OnOutcomes(std::vector<Outcome>& outcomes);
  void WakeWaiters();

  Engine& engine_;
  IoThread& io_thread_;
  const std::size_t pending_max_;
  SinkId sink_ = 0;

  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::size_t pending_count_ = 0;
  std::vector<Command> votes_;
  std::vector<Command> acts_;
  bool flush_scheduled_ = false;
  std::vector<RoomWaiter*> waiters_;
  std::unique_ptr<RetryTimer> retry_timer_;

  VoteDecoder vote_decoder_;
  std::unique_ptr<ReceiptCodec> receipts_;
};

// The 503 of a full queue.
HttpResponse OverloadedResponse(bool german);

}  // namespace tallyd
