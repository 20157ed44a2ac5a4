// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Reads a satellite receiver that sends NMEA 0183 on a serial line; README.md describes its
// options.

#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drivers/nmea/nmea_lines.h"
#include "drivers/nmea/nmea_sentence.h"
#include "drivers/sdk/driver.h"
#include "drivers/sdk/policy.h"
#include "drivers/sdk/serial/serial_port.h"

namespace edgetwin::nmea {

driver::DriverKind NmeaKind();

// Values come by themselves: what was heard last is reported once a period.
class NmeaDriver final : public driver::Driver {
 public:
  using Opener =
      std::function<Result<serial::Port>(const serial::PortOptions&, const std::string& holder)>;

  explicit NmeaDriver(Opener open = serial::Port::Open) : open_(std::move(open)) {}
  ~NmeaDriver() override;

  bool Init(ConfigReader& config) override;
  std::string exclusive() const override { return port_options_.device; }
  // Never fails: a receiver that isn't there is waited for.
  Status Start(Loop& loop, driver::SampleSink& sink) override;
  void Stop() override;
  std::vector<driver::PartStatus> parts() const override;
  // "line_bytes": hits are lines that were longer. "checksums_wrong" and "fields_wrong": hits are
  // lines that were not believed.
  std::vector<LimitReport> limits() const override;

 private:
  // What is known of one quantity.
  struct Known {
    model::PropertyId id = model::kNoProperty;
    std::optional<double> value;  // None: the receiver doesn't know.
    std::string raw;              // The sentence, where the sink wants it.
    bool heard = false;           // Since the last report.
    bool bad = false;             // As it was reported last.
    MonoTime at{};                // When it was heard.
  };

  void TryOpen();
  void OpenLater(const Error& why);
  void ClosePort();
  void OnReadable();
  void OnLine(std::string_view line);
  void OnPeriod();
  // False when the sink refuses the property.
  bool Define(Quantity quantity, Known& known);
  void ReportBad(Known& known);
  Status Health() const;

  const Opener open_;
  std::string instance_;
  serial::PortOptions port_options_;
  std::string thing_;
  std::chrono::milliseconds period_{1'000};
  std::chrono::milliseconds timeout_{10'000};
  driver::PolicyRules rules_;

  Loop* loop_ = nullptr;  // Null while stopped.
  driver::SampleSink* sink_ = nullptr;
  serial::Port port_;
  Loop::Id watch_ = Loop::Id::kNone;
  Loop::Id open_timer_ = Loop::Id::kNone;
  Loop::Id period_timer_ = Loop::Id::kNone;
  std::chrono::milliseconds open_wait_{0};
  Lines lines_;
  std::array<Known, kQuantities> known_;
  MonoTime started_{};
  std::optional<MonoTime> heard_at_;  // The last sentence that was believed.
  std::uint64_t bytes_unheard_ = 0;   // Since it, or the start.
  std::string port_error_;            // Why it isn't open.
  std::string last_error_;
  std::uint64_t checksums_wrong_ = 0;
  std::uint64_t fields_wrong_ = 0;
};

}  // namespace edgetwin::nmea
