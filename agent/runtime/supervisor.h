// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Owns the driver instances: starts them, restarts those whose device isn't there yet, keeps their
// statistics, and takes what they sample into the twin.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/config/agent_config.h"
#include "agent/runtime/driver_kinds.h"
#include "drivers/sdk/driver.h"
#include "twin/base/event_loop.h"
#include "twin/model/control.h"
#include "twin/model/twin.h"

namespace edgetwin::runtime {

struct InstanceStatus {
  std::string name;
  std::string kind;
  std::string state;  // "running", "waiting" (its start failed; tried again), "failed" (for good),
                      // "stopped".
  std::string last_error;
  WallTime last_error_time{};
  std::chrono::milliseconds next_try{0};  // While waiting: from now.
  std::uint64_t polls = 0;
  std::uint64_t samples = 0;
  std::map<std::string, std::uint64_t> errors;  // By ErrorCode's name.
  std::chrono::microseconds latency_p50{0};     // Of the last polls.
  std::chrono::microseconds latency_p99{0};
  std::size_t properties = 0;
  std::vector<driver::PartStatus> parts;
  std::vector<LimitReport> limits;
};

// SINGLE-THREADED, on the loop.
class Supervisor {
 public:
  struct Hooks {
    std::function<void()> changed;                     // The twin has something new.
    std::function<void(model::PropertyId)> defined;    // A driver defined or changed the property.
    std::function<void(model::PropertyId)> undefined;  // No driver knows it any more.
    std::function<void(model::PropertyId, const model::Sample&)> sampled;
    // A driver call's answer.
    std::function<void(const model::DriverCall&, Result<model::Value>)> answered;
    // driver::SampleSink::Raw; none: nobody wants it.
    std::function<void(model::PropertyId, std::string_view)> raw = {};
  };

  Supervisor(Loop& loop, model::Twin& twin, DriverKinds kinds, Hooks hooks);
  ~Supervisor();

  // Makes the instances be the configured ones: what is unchanged goes on without missing a poll,
  // what changed is stopped and started anew, what is gone is stopped and its properties become
  // tombstones.
  void Apply(const std::vector<config::DriverInstanceConfig>& instances,
             const std::vector<config::PropertyOverride>& overrides);
  void StopAll();

  // Answered later by Hooks::answered, once.
  void Call(const model::DriverCall& call);

  std::vector<InstanceStatus> status() const;

 private:
  struct Instance;

  void Start(Instance& instance);
  void Stop(Instance& instance);
  Instance* Find(const std::string& name);

  Loop& loop_;
  model::Twin& twin_;
  const DriverKinds kinds_;
  const Hooks hooks_;
  std::vector<config::PropertyOverride> overrides_;
  std::vector<std::unique_ptr<Instance>> instances_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace edgetwin::runtime
