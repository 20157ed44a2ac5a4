// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Drivers by themselves, for a technician who tries them: they run as they do in the agent, with
// nothing behind them: no store, no cloud, nothing desired, and so no writes but those that are
// asked for.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/config/agent_config.h"
#include "agent/runtime/supervisor.h"
#include "twin/base/event_loop.h"
#include "twin/model/twin.h"

namespace edgetwin::runtime {

// One property that a driver defined.
struct TrialValue {
  model::PropertyDef def;
  model::Value value;  // The last one; none yet: kNone.
  bool bad = false;    // It could not be read since.
  std::uint64_t samples = 0;
  std::string raw;  // What the device said of it last; empty where the driver doesn't say.
};

// SINGLE-THREADED.
class Trial {
 public:
  // `clock` must outlive it.
  explicit Trial(const Clock& clock);

  // Starts the enabled ones. Once.
  void Start(const std::vector<config::DriverInstanceConfig>& instances,
             const std::vector<config::PropertyOverride>& overrides);
  // Lets them run until `done` says so (asked ten times a second), `at_most` is over, or SIGINT or
  // SIGTERM comes. Returns whether a signal ended it.
  bool Run(std::chrono::milliseconds at_most, const std::function<bool()>& done);
  void Stop() { supervisor_.StopAll(); }

  // Writes what `text` says, as the property's type has it, within its limits, and lets the drivers
  // run until the device has answered or `at_most` is over (kTimeout). What it has then. kNotFound:
  // no driver has defined the path. Once a value was read: before, a driver may not know it.
  Result<model::Value> Write(const std::string& path, const std::string& text,
                             std::chrono::milliseconds at_most);

  std::vector<InstanceStatus> status() const { return supervisor_.status(); }
  std::vector<TrialValue> values() const;  // By instance, and path.
  // Whether every running instance has read each of its properties, or failed to.
  bool ReadOnce() const;

 private:
  const Clock& clock_;
  EventLoop loop_;
  model::Twin twin_;
  std::map<model::PropertyId, TrialValue> last_;  // Of samples.
  std::optional<Result<model::Value>> answer_;    // Of the write.
  Supervisor supervisor_;
};

}  // namespace edgetwin::runtime
