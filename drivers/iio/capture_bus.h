// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Reads a device through its buffer, on a thread of its own.

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drivers/iio/buffer_config.h"
#include "drivers/iio/capture.h"
#include "drivers/iio/conversion.h"
#include "drivers/iio/stamped_sink.h"
#include "drivers/sdk/blocking_driver.h"

namespace edgetwin::iio {

// What an instance's captures have in common. Thread-safe.
struct CaptureTally {
  SampleBox box;
  Limit scans{kBufferLengthMax};  // Found in one emptying; hits: the buffer was full.
  Limit stamps{0};                // Hits: scans whose stamp can't be right.
};

struct CaptureOptions {
  CaptureSpec spec;
  std::vector<Input> inputs;       // By channel of the spec, as the properties are.
  std::uint64_t report_every = 1;  // Polls.
  std::chrono::milliseconds timeout{0};
  Keep keep = Keep::kLast;
};

// How often a buffer is emptied that is reported every `period`: several times, if that is long, so
// that the kernel need not keep a whole period's scans.
struct Rhythm {
  std::chrono::milliseconds poll{0};
  std::uint64_t report_every = 1;
};
Rhythm RhythmOf(std::chrono::milliseconds period);

// One part, and a property for each input. The first poll switches the buffer on, and each that
// finds it gone tries that again; the end switches it off.
class CaptureBus final : public driver::BlockingBus {
 public:
  // Of one step: of scans, and of values in them.
  static constexpr std::size_t kBytesMax = 64 << 10;
  static constexpr std::size_t kValuesMax = 4096;
  static constexpr std::size_t kStepsMax = 4;  // Of one poll.

  CaptureBus(CaptureOptions options, const std::vector<driver::BusProperty>& properties,
             std::shared_ptr<CaptureTally> tally);

  driver::PollStep Poll(std::size_t part, bool first, MonoTime deadline) override;
  driver::BusAnswer Write(std::size_t property, const model::Value& value,
                          MonoTime deadline) override;
  // Empties the buffer; the newest scan's value.
  driver::BusAnswer Read(std::size_t property, MonoTime deadline) override;

 private:
  struct Channel {
    explicit Channel(const Input& input) : conversion(input.offset, input.scale, input.factor) {}
    Conversion conversion;
    std::string path;
    std::optional<int> decimals;
    double last = 0;            // Raw.
    double sum = 0;             // Raw, since the last report.
    Result<Line> line{Line{}};  // Keep::kAll: as it was before the scans were read.
  };

  Status Begin();
  // Takes the next scans; whether there may be more.
  Result<bool> Drain();
  void Take(const std::uint8_t* scan, MonoTime read_at, std::int64_t read_at_ns);
  MonoTime TimeOf(const std::uint8_t* scan, MonoTime read_at, std::int64_t read_at_ns);
  void PutAll(MonoTime at);
  void Report(driver::PollStep& step);
  driver::PollStep Lose(Error error);
  Result<model::Value> ValueOf(Channel& channel, const Result<Line>& line, double raw);

  const CaptureOptions options_;
  const std::shared_ptr<CaptureTally> tally_;
  const SystemClock clock_;
  sysfs::ReadBuffer text_;
  std::unique_ptr<Capture> capture_;  // Null while it can't be had.
  std::vector<Channel> channels_;
  std::vector<std::uint8_t> bytes_;
  std::uint64_t polls_ = 0;
  std::size_t steps_ = 0;
  std::uint64_t found_ = 0;       // Scans, by the running poll.
  std::uint64_t unreported_ = 0;  // Scans.
  bool any_ = false;              // Scan since the buffer is on.
  bool reported_ = false;         // Any of them.
  Status lost_;                   // By a Read; for the next poll to tell.
  bool full_ = false;             // Since the last report.
  MonoTime last_at_;              // Of the newest scan.
  MonoTime heard_;
};

}  // namespace edgetwin::iio
