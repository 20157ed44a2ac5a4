// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Decodes signals from the frames of a CAN bus, and packs written ones into frames.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "drivers/can/bus_state.h"
#include "drivers/can/can_config.h"
#include "drivers/can/can_port.h"
#include "drivers/sdk/driver.h"

namespace edgetwin::can {

// What is heard is what is reported: own frames come back from the bus, too, and only that makes a
// write applied. Frames are kept as they are and decoded when their report is due, so a fast bus
// costs little.
class CanDriver final : public driver::Driver {
 public:
  static constexpr std::uint64_t kFramesPerTurnMax = 256;
  static constexpr std::uint64_t kWritesMax = 64;  // Under way.
  static constexpr std::chrono::seconds kReopenEvery{1};
  static constexpr std::chrono::seconds kComplaintEvery{10};  // Told no more often.

  // Opens a port by the interface's name and the ids to hear.
  using Opener = std::function<Result<std::unique_ptr<CanPort>>(const std::string&,
                                                                const std::vector<std::uint32_t>&)>;
  explicit CanDriver(Opener opener) : opener_(std::move(opener)) {}
  ~CanDriver() override { Stop(); }
  CanDriver(const CanDriver&) = delete;
  CanDriver& operator=(const CanDriver&) = delete;

  bool Init(ConfigReader& config) override;
  // kUnavailable: the interface isn't there, or down. Once it was there, it is awaited.
  Status Start(Loop& loop, driver::SampleSink& sink) override;
  void Stop() override;
  // Done when the frame was heard on the bus; kTimeout when it was not within write_within.
  Status Write(model::PropertyId id, const model::Value& value, driver::WriteDone done) override;

  // The interface, and each message that is overdue.
  std::vector<driver::PartStatus> parts() const override;
  std::vector<LimitReport> limits() const override;

 private:
  struct Property {
    const CanSignal* signal = nullptr;
    std::size_t message = 0;
    model::PropertyId id = model::kNoProperty;
    bool bad = false;
  };
  // The signals of a message that come together: those of each frame, or of one multiplexor value.
  struct Page {
    std::size_t message = 0;
    std::optional<std::uint64_t> multiplex;
    std::vector<std::size_t> properties;
    canfd_frame frame{};  // The latest.
    bool fresh = false;   // Not reported yet, and in pending_.
    bool silent = false;
    MonoTime heard;
    MonoTime due;  // Not reported again before.
  };
  struct Message {
    const CanMessage* spec = nullptr;
    std::vector<std::size_t> pages;
    Payload payload{};       // What the next frame is made from: as it was last sent, or heard.
    std::size_t writes = 0;  // Under way.
    Loop::Id sender = Loop::Id::kNone;
  };
  struct PendingWrite {
    std::size_t property = 0;
    std::uint64_t raw = 0;
    driver::WriteDone done;
    Loop::Id timer = Loop::Id::kNone;
  };

  void Build();
  Page& PageOf(std::size_t message, std::optional<std::uint64_t> multiplex);
  void Listen();  // On port_.
  void Reopen();
  void Lose(const std::string& why);

  void OnReadable();
  void Take(const canfd_frame& frame);
  void TakePage(std::size_t page, const canfd_frame& frame, bool at_once);
  void ReportPage(Page& page);
  void ReportBad(Property& property);
  void ReportPageBad(const Page& page);
  void OnErrorFrame(const canfd_frame& frame);
  void NoteDropped();
  void ArmDue();
  void OnDue();
  void OnLook();

  Status SendNow(const Message& message);
  void StartSending(std::size_t message);
  void Confirm(std::size_t message, const canfd_frame& frame);
  void EndWrite(std::uint64_t number, Result<model::Value> result);
  // Tells of trouble that the driver goes on with, not more often than is bearable.
  void Complain(Error error);

  const Opener opener_;
  CanConfig config_;
  std::vector<std::uint32_t> ids_;

  Loop* loop_ = nullptr;  // Null while stopped.
  driver::SampleSink* sink_ = nullptr;
  std::uint64_t generation_ = 0;   // Changes when what was under way is over.
  std::unique_ptr<CanPort> port_;  // Null while the interface is down.
  Loop::Id watch_ = Loop::Id::kNone;
  Loop::Id reopen_timer_ = Loop::Id::kNone;
  Loop::Id due_timer_ = Loop::Id::kNone;
  Loop::Id look_timer_ = Loop::Id::kNone;

  std::vector<Message> messages_;
  std::map<std::uint32_t, std::size_t> by_id_;
  std::vector<Page> pages_;
  std::vector<Property> properties_;
  std::set<std::pair<MonoTime, std::size_t>> pending_;  // Fresh pages, by when they are due.
  std::map<std::uint64_t, PendingWrite> writes_;
  std::uint64_t last_write_ = 0;

  BusHealth health_;
  std::string last_error_;
  std::optional<MonoTime> told_at_;
  bool reported_ = false;      // By this turn.
  std::uint64_t dropped_ = 0;  // By ports of before.
  std::uint64_t dropped_told_ = 0;
  std::uint64_t full_turns_ = 0;
  std::uint64_t not_sent_ = 0;
  Limit writes_limit_{kWritesMax};
};

driver::DriverKind CanKind();

}  // namespace edgetwin::can
