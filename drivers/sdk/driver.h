// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The interface between a driver and the agent.
//
// A driver kind (host, modbus, …) is code; an instance is one configured driver with a name of its
// own. Derive from PollDriver when reading never blocks (files of /proc and /sys), from
// BlockingDriver when the device's library blocks. docs/WRITING_A_DRIVER.md leads through one.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "twin/base/config_node.h"
#include "twin/base/limit.h"
#include "twin/base/loop.h"
#include "twin/base/result.h"
#include "twin/model/property.h"
#include "twin/model/row.h"

namespace edgetwin::driver {

// Where a driver's values go. Loop thread only. Valid from Start until Stop returns.
class SampleSink {
 public:
  virtual ~SampleSink() = default;

  // Makes a property known, or confirms it. Idempotent for an equal definition. `def.instance` is
  // filled in by the sink. kConflict: the path belongs to another instance. kExhausted: too many
  // properties.
  virtual Result<model::PropertyId> Define(model::PropertyDef def) = 0;

  // One value, sampled now. The type must be the property's (an assertion: drivers convert).
  virtual void Report(model::PropertyId id, model::Value value,
                      model::Quality quality = model::Quality::kGood) = 0;
  // One value sampled at another time (replay, devices with clocks).
  virtual void ReportAt(model::PropertyId id, model::Sample sample) = 0;
  // The property could not be read: its last value stays, of bad quality.
  virtual void ReportBad(model::PropertyId id) = 0;
  // The property is gone (a disk was unplugged): a tombstone; Define brings it back.
  virtual void Remove(model::PropertyId id) = 0;

  // Statistics of one poll or bus operation, good or bad. `part` names the device behind the
  // instance ("unit 3"), or is empty.
  virtual void Polled(std::string_view part, std::chrono::microseconds took,
                      const Status& result) = 0;

  // For a technician who looks at a device (`edgetwin drivers probe`): what it said itself, before
  // it became the value that is reported next, or why there is none: "0x00d7", "21500". Of a few
  // dozen bytes, UTF-8. Only a sink that wants it is told; other drivers need not say it at all.
  virtual bool wants_raw() const { return false; }
  virtual void Raw(model::PropertyId, std::string_view) {}
};

// One device behind an instance, for `edgetwin drivers`.
struct PartStatus {
  std::string name;  // "unit 3".
  // "ok", "failing", "open" (breaker: not tried until next_try), "stuck", "ended" (a replay that
  // was played).
  std::string state;
  std::string last_error;                 // Empty when there was none yet.
  std::chrono::milliseconds next_try{0};  // From now; 0 unless open.
};

// The effective value as read back, or as written where the device can't be read back.
using WriteDone = std::function<void(Result<model::Value>)>;
using ReadDone = std::function<void(Result<model::Value>)>;

class Driver {
 public:
  virtual ~Driver() = default;

  // Reads its options; no I/O, so a failure is the operator's mistake and lands in
  // `config.problems()`. Returns whether it found none. Keys common to all drivers (kind, enabled)
  // are known already.
  virtual bool Init(ConfigReader& config) = 0;

  // What this instance can't share with another, such as a serial port's path; empty: nothing. A
  // configuration in which two instances say the same is refused. After Init.
  virtual std::string exclusive() const { return {}; }

  // Begins polling. kUnavailable is retried by the supervisor with backoff; anything else is final.
  // Loop thread; nothing may block here or in any callback.
  virtual Status Start(Loop& loop, SampleSink& sink) = 0;

  // Prompt. After return the sink is not touched and no `done` is called any more.
  virtual void Stop() = 0;

  // Writes `value` (checked against type and limits already); `done` is called once, on the loop's
  // thread, within the driver's deadline. kUnsupported when the instance writes nothing.
  virtual Status Write(model::PropertyId id, const model::Value& value, WriteDone done);

  // Reads one property afresh; kUnsupported where that can't be done.
  virtual Status Read(model::PropertyId id, ReadDone done);

  virtual std::vector<PartStatus> parts() const { return {}; }
  virtual std::vector<LimitReport> limits() const { return {}; }
};

// What a scan came upon: a device, or a place where one may be.
struct Found {
  std::string device;  // As a configuration names it.
  std::string what;    // What is known of it, for people; one line.
  std::string config;  // Lines of TOML to begin with, "[drivers.NAME]" the first.
};

// Told how far a scan is, "asking unit 17"; false when it is to end with what it has.
using GoOn = std::function<bool(const std::string& doing)>;

// Looks for what could be configured, and only reads: a plant may run. Blocks. `options` are the
// keys that a person gave by hand; without any, what this machine has is listed, and no bus asked.
// Mistakes in them go to `options.problems()`, and what is returned then counts for nothing.
using Scan = Result<std::vector<Found>> (*)(ConfigReader& options, const GoOn& go_on);

// One kind of driver that this build knows.
struct DriverKind {
  std::string name;
  std::string description;  // One line.
  std::unique_ptr<Driver> (*make)();
  bool finds = false;   // It finds its devices by itself: `kind` alone is a configuration.
  Scan scan = nullptr;  // For one that does not.
};

}  // namespace edgetwin::driver
