#include "engine/keeper.h"

#include <utility>

#include "engine/clock.h"
#include "storage/durable_file.h"

namespace tallyd {
namespace {

constexpr std::int64_t kLookIntervalUs = 250'000;

}  // namespace

Keeper::Keeper(Options options, WatermarkFile* watermark)
    : options_(std::move(options)), watermark_(watermark) {
  LookAtSpace();
  thread_ = std::thread([this] { Run(); });
}

Keeper::~Keeper() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  work_wakeup_.Notify();
  stop_wakeup_.Notify();
  thread_.join();
}

void Keeper::NoteDurable(const Watermark& durable) {
  {
    absl::MutexLock lock(&mutex_);
    durable_ = durable;
  }
  work_wakeup_.Notify();
}

void Keeper::OfferCheckpoint(TallyCheckpoint checkpoint) {
  {
    absl::MutexLock lock(&mutex_);
    checkpoint_ = std::move(checkpoint);
  }
  work_wakeup_.Notify();
}

void Keeper::WaitForWork() {
  work_wakeup_.WaitFor(kLookIntervalUs, [this] {
    absl::MutexLock lock(&mutex_);
    return HasWork();
  });
}

void Keeper::Pace() {
  const std::int64_t until_us = Clock::System()->SteadyUs() + options_.watermark_interval_us;
  bool stopping = false;
  const auto is_stopping = [this, &stopping] {
    absl::MutexLock lock(&mutex_);
    return stopping = stopping_;
  };
  for (std::int64_t left_us = options_.watermark_interval_us; left_us > 0 && !stopping;
       left_us = until_us - Clock::System()->SteadyUs()) {
    stop_wakeup_.WaitFor(left_us, is_stopping);
  }
}

void Keeper::LookAtSpace() {
  const auto free = FreeBytes(options_.space_path);
  if (!free.ok()) return;  // a disk that does not answer is met by the next write
  free_bytes_.store(*free, std::memory_order_relaxed);
  const std::uint64_t floor = options_.free_bytes_min;
  storage_full_.store(*free < (storage_full() ? floor + floor / 16 : floor),
                      std::memory_order_relaxed);
}

void Keeper::Run() {
  bool stopping = false;
  while (!stopping) {
    std::optional<Watermark> durable;
    std::optional<TallyCheckpoint> checkpoint;
    WaitForWork();
    {
      absl::MutexLock lock(&mutex_);
      durable = std::exchange(durable_, std::nullopt);
      checkpoint = std::exchange(checkpoint_, std::nullopt);
      stopping = stopping_;
    }
    LookAtSpace();
    if (durable) {
      if (const absl::Status written = watermark_->Write(*durable); !written.ok()) {
        options_.on_fatal(written);
        return;
      }
    }
    if (checkpoint) {
      const absl::Status written = WriteTallyCheckpoint(options_.checkpoint_path, *checkpoint);
      if (!written.ok()) {
        options_.on_fatal(written);
        return;
      }
    }
    Pace();  // at most one watermark an interval
  }
  absl::MutexLock lock(&mutex_);
  if (durable_) {
    const absl::Status written = watermark_->Write(*durable_);
    if (!written.ok()) options_.on_fatal(written);
  }
}

}  // namespace tallyd
