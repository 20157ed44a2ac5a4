// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Inputs, counted edges and outputs of GPIO chips.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "drivers/gpio/debouncer.h"
#include "drivers/gpio/gpio_config.h"
#include "drivers/gpio/lines.h"
#include "drivers/sdk/driver.h"

namespace edgetwin::gpio {

// Each line stands for itself: one that can't be had (no such chip, somebody else's) is bad and
// tried again, and the others go on.
class GpioDriver final : public driver::Driver {
 public:
  // The kernel keeps as many edges of a line (gpiolib-cdev.c, linehandle of uAPI v1) and drops what
  // comes after.
  static constexpr std::size_t kEdgeQueue = 16;
  static constexpr std::size_t kEdgesPerTurnMax = 64;  // Of one line.
  static constexpr std::uint64_t kCallsMax = 64;       // Writes and reads that are not answered.
  static constexpr std::chrono::seconds kReopenEvery{1};
  // An edge that is older when it is read was stamped before the machine was suspended.
  static constexpr std::chrono::seconds kEdgeAgeMax{5};

  explicit GpioDriver(std::unique_ptr<Lines> lines) : lines_(std::move(lines)) {}
  ~GpioDriver() override { Stop(); }
  GpioDriver(const GpioDriver&) = delete;
  GpioDriver& operator=(const GpioDriver&) = delete;

  bool Init(ConfigReader& config) override;
  // Always succeeds unless a property can't be defined: what is wrong with a line shows in parts().
  Status Start(Loop& loop, driver::SampleSink& sink) override;
  // Sets outputs to their safe level, and gives all lines back.
  void Stop() override;
  // The level that is read back is the result.
  Status Write(model::PropertyId id, const model::Value& value, driver::WriteDone done) override;
  Status Read(model::PropertyId id, driver::ReadDone done) override;

  // Each line: "ok" or "failing".
  std::vector<driver::PartStatus> parts() const override;
  std::vector<LimitReport> limits() const override;

 private:
  struct Port {
    const GpioLine* config = nullptr;
    model::PropertyId id = model::kNoProperty;
    std::unique_ptr<Line> line;  // Null while it can't be had.
    Loop::Id watch = Loop::Id::kNone;
    bool polled = false;  // Its chip gives no edges.
    bool bad = false;
    Debouncer level;
    std::int64_t count = 0;
    std::optional<bool> edge;  // The last one: whether it rose, logically.
    std::string error;
    std::optional<std::chrono::microseconds> behind;  // The loop's clock less the kernel's.
  };

  void Open(Port& port);
  void OpenAll();
  void Lose(Port& port, const Error& error);
  void OnEdges(std::size_t index);
  void TakeEdge(Port& port, const Edge& edge);
  MonoTime TimeOf(Port& port, const Edge& edge);
  void TakeLevel(Port& port, bool level, MonoTime at);
  void Changed(Port& port);
  void ArmDebounce();
  void OnDebounce();
  void OnPeriod();
  void OnPoll();
  // Reads the line and reports what it is; false when it was lost, or the driver stopped.
  bool Check(Port& port);
  void Report(Port& port);
  static std::string Shown(const Port& port);
  void Answer(driver::ReadDone done, Result<model::Value> result);
  Port* ById(model::PropertyId id);

  const std::unique_ptr<Lines> lines_;
  GpioConfig config_;
  Loop* loop_ = nullptr;  // Null while stopped.
  driver::SampleSink* sink_ = nullptr;
  std::uint64_t generation_ = 0;  // Changes with Stop.
  std::vector<Port> ports_;
  Loop::Id period_timer_ = Loop::Id::kNone;
  Loop::Id poll_timer_ = Loop::Id::kNone;
  Loop::Id reopen_timer_ = Loop::Id::kNone;
  Loop::Id debounce_timer_ = Loop::Id::kNone;
  std::optional<MonoTime> debounce_due_;
  std::uint64_t last_call_ = 0;
  std::map<std::uint64_t, Loop::Id> calls_;
  Limit calls_limit_{kCallsMax};
  std::uint64_t full_queues_ = 0;
  std::uint64_t full_turns_ = 0;
  std::uint64_t missed_ = 0;
};

// A module of its own, since it brings libgpiod.
driver::DriverKind GpioKind();

}  // namespace edgetwin::gpio
