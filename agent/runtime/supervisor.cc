// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/runtime/supervisor.h"

#include <algorithm>
#include <array>
#include <random>
#include <set>
#include <utility>

#include "twin/base/log.h"

namespace edgetwin::runtime {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr milliseconds kStartBackoffMin{1'000};
constexpr milliseconds kStartBackoffMax{60'000};
constexpr std::size_t kLatenciesKept = 256;

// The last polls' durations, for percentiles.
class Latencies {
 public:
  void Add(microseconds took) {
    kept_[next_] = took;
    next_ = (next_ + 1) % kept_.size();
    count_ = std::min(count_ + 1, kept_.size());
  }
  microseconds Percentile(std::size_t percent) const {
    if (count_ == 0) return microseconds(0);
    std::vector<microseconds> sorted(kept_.begin(),
                                     kept_.begin() + static_cast<std::ptrdiff_t>(count_));
    std::sort(sorted.begin(), sorted.end());
    return sorted[std::min(count_ - 1, count_ * percent / 100)];
  }

 private:
  std::array<microseconds, kLatenciesKept> kept_{};
  std::size_t next_ = 0;
  std::size_t count_ = 0;
};

}  // namespace

struct Supervisor::Instance final : public driver::SampleSink {
  Instance(Supervisor& owner_in, config::DriverInstanceConfig config_in)
      : owner(owner_in), config(std::move(config_in)) {}

  Result<model::PropertyId> Define(model::PropertyDef def) override {
    def.instance = config.name;
    if (const Status ok = config::ApplyOverrides(owner.overrides_, def); !ok) {
      NoteError(ok.error());
      return ok.error();
    }
    auto id = owner.twin_.Define(def);
    if (!id) {
      NoteError(id.error());
      return id;
    }
    properties.insert(*id);
    unseen.erase(*id);
    owner.hooks_.defined(*id);
    owner.hooks_.changed();
    return id;
  }

  void Report(model::PropertyId id, model::Value value, model::Quality quality) override {
    model::Sample sample;
    sample.value = std::move(value);
    sample.quality = quality;
    const auto wall = owner.loop_.clock().Wall();
    sample.time = wall ? *wall : owner.loop_.clock().UntrustedWall();
    sample.unsynced = !wall;
    ReportAt(id, std::move(sample));
  }

  void ReportAt(model::PropertyId id, model::Sample sample) override {
    ++samples;
    if (!model::Holdable(sample.value)) {
      NoteError(Invalid("a value of '" + owner.twin_.def(id).path.text() +
                        "' is not UTF-8, or longer than " + std::to_string(model::kValueBytesMax) +
                        " bytes"));
      return ReportBad(id);
    }
    owner.hooks_.sampled(id, sample);
    owner.twin_.Report(id, std::move(sample), owner.loop_.Now());
    owner.hooks_.changed();
  }

  void ReportBad(model::PropertyId id) override {
    const auto wall = owner.loop_.clock().Wall();
    owner.twin_.ReportBad(id, wall ? *wall : owner.loop_.clock().UntrustedWall(), !wall,
                          owner.loop_.Now());
    owner.hooks_.changed();
  }

  void Remove(model::PropertyId id) override {
    properties.erase(id);
    owner.twin_.Undefine(id);
    owner.hooks_.undefined(id);
    owner.hooks_.changed();
  }

  bool wants_raw() const override { return static_cast<bool>(owner.hooks_.raw); }
  void Raw(model::PropertyId id, std::string_view raw) override { owner.hooks_.raw(id, raw); }

  void Polled(std::string_view part, microseconds took, const Status& result) override {
    ++polls;
    latencies.Add(took);
    if (!result) {
      Error error = result.error();
      // Drivers that name the part in their texts need not be told twice.
      if (!error.text.starts_with(part)) error.text = std::string(part) + ": " + error.text;
      NoteError(error);
      return;
    }
    // What an earlier configuration or another disk had, and this driver no longer finds, is gone.
    for (const model::PropertyId id : std::exchange(unseen, {})) Remove(id);
  }

  void NoteError(const Error& error) {
    ++errors[std::string(ToString(error.code))];
    const bool news = error.text != last_error;
    last_error = error.text;
    last_error_time = owner.loop_.clock().UntrustedWall();
    if (news) Log(LogLevel::kWarning, "driver: " + error.text, {{"instance", config.name}});
  }

  Supervisor& owner;
  config::DriverInstanceConfig config;
  std::unique_ptr<driver::Driver> driver;
  std::string state = "stopped";
  Loop::Id retry = Loop::Id::kNone;
  milliseconds backoff{0};
  MonoTime next_try{};
  std::set<model::PropertyId> properties;
  std::set<model::PropertyId> unseen;  // Of an earlier run, not defined again yet.
  std::uint64_t polls = 0;
  std::uint64_t samples = 0;
  std::map<std::string, std::uint64_t> errors;
  std::string last_error;
  WallTime last_error_time{};
  Latencies latencies;
  std::map<std::uint64_t, model::DriverCall> calls;  // Not answered yet, by ticket.
};

Supervisor::Supervisor(Loop& loop, model::Twin& twin, DriverKinds kinds, Hooks hooks)
    : loop_(loop), twin_(twin), kinds_(std::move(kinds)), hooks_(std::move(hooks)) {}

Supervisor::~Supervisor() {
  StopAll();
}

Supervisor::Instance* Supervisor::Find(const std::string& name) {
  for (auto& instance : instances_) {
    if (instance->config.name == name) return instance.get();
  }
  return nullptr;
}

void Supervisor::Apply(const std::vector<config::DriverInstanceConfig>& configs,
                       const std::vector<config::PropertyOverride>& overrides) {
  const bool same_overrides = overrides_ == overrides;
  overrides_ = overrides;
  std::set<std::string> wanted;
  for (const auto& config : configs) {
    if (config.enabled) wanted.insert(config.name);
  }
  std::vector<std::unique_ptr<Instance>> kept;
  for (auto& instance : instances_) {
    const auto config = std::find_if(configs.begin(), configs.end(), [&](const auto& candidate) {
      return candidate.name == instance->config.name;
    });
    const bool unchanged = same_overrides && config != configs.end() && *config == instance->config;
    if (unchanged) {
      kept.push_back(std::move(instance));
    } else {
      Stop(*instance);
    }
  }
  instances_ = std::move(kept);

  // Properties whose instance is gone, from this run or an earlier one.
  twin_.ForEachProperty([&](model::PropertyId id) {
    if (!twin_.def(id).instance.empty() && !wanted.contains(twin_.def(id).instance)) {
      twin_.Undefine(id);
      hooks_.undefined(id);
    }
  });
  for (const auto& config : configs) {
    if (!config.enabled || Find(config.name) != nullptr) continue;
    const auto kind = kinds_.Find(config.kind);
    auto instance = std::make_unique<Instance>(*this, config);
    if (kind) {
      instance->driver = kind->make();
      ConfigProblems problems;
      ConfigReader reader = config::ReaderFor(instance->config, problems);
      const bool ok = instance->driver->Init(reader);
      reader.Finish();
      if (!ok || !problems.empty()) {
        instance->NoteError(Invalid(problems.ToString()));
        instance->state = "failed";
      }
    } else {
      instance->NoteError(kind.error());
      instance->state = "failed";
    }
    twin_.ForEachProperty([&](model::PropertyId id) {
      if (twin_.def(id).instance == config.name) instance->unseen.insert(id);
    });
    instances_.push_back(std::move(instance));
    if (instances_.back()->state != "failed") Start(*instances_.back());
  }
  hooks_.changed();
}

void Supervisor::Start(Instance& instance) {
  instance.retry = Loop::Id::kNone;
  const Status started = instance.driver->Start(loop_, instance);
  if (started) {
    instance.state = "running";
    instance.backoff = {};
    Log(LogLevel::kInfo, "driver started", {{"instance", instance.config.name}});
    return;
  }
  instance.NoteError(started.error());
  if (started.error().code != ErrorCode::kUnavailable) {
    instance.state = "failed";
    return;
  }
  instance.state = "waiting";
  instance.backoff = std::clamp(instance.backoff * 2, kStartBackoffMin, kStartBackoffMax);
  instance.next_try = loop_.Now() + instance.backoff;
  instance.retry = loop_.After(instance.backoff, [this, &instance] { Start(instance); });
}

void Supervisor::Stop(Instance& instance) {
  loop_.Cancel(instance.retry);
  instance.retry = Loop::Id::kNone;
  if (instance.driver && instance.state == "running") instance.driver->Stop();
  instance.state = "stopped";
  for (auto& [ticket, call] : std::exchange(instance.calls, {})) {
    hooks_.answered(call, Unavailable("driver '" + instance.config.name + "' was stopped"));
  }
}

void Supervisor::StopAll() {
  for (auto& instance : instances_) Stop(*instance);
}

void Supervisor::Call(const model::DriverCall& call) {
  Instance* instance = Find(twin_.def(call.id).instance);
  // Never from inside the caller: what asked is still deciding.
  const auto later = [&](Error error) {
    loop_.After(milliseconds(0),
                [this, alive = std::weak_ptr<bool>(alive_), call, error = std::move(error)] {
                  if (alive.expired()) return;
                  hooks_.answered(call, error);
                  hooks_.changed();
                });
  };
  if (instance == nullptr) {
    return later(NotFound("driver '" + twin_.def(call.id).instance + "' is not configured"));
  }
  if (instance->state != "running") {
    return later(Unavailable("driver '" + instance->config.name + "' is " + instance->state +
                             (instance->last_error.empty() ? "" : ": " + instance->last_error)));
  }
  // The driver doesn't know it yet, and would refuse it for good: a wish or an override from before
  // the restart would end.
  if (instance->unseen.contains(call.id)) {
    return later(Unavailable("driver '" + instance->config.name + "' has not found it yet"));
  }
  const auto answer = [this, instance, call](Result<model::Value> result) {
    if (instance->calls.erase(call.ticket) == 0) return;
    hooks_.answered(call, std::move(result));
    hooks_.changed();
  };
  instance->calls.emplace(call.ticket, call);
  const Status begun = call.kind == model::DriverCall::Kind::kRead
                           ? instance->driver->Read(call.id, answer)
                           : instance->driver->Write(call.id, call.value, answer);
  if (begun) return;
  instance->calls.erase(call.ticket);
  later(begun.error());
}

std::vector<InstanceStatus> Supervisor::status() const {
  std::vector<InstanceStatus> result;
  for (const auto& instance : instances_) {
    InstanceStatus status;
    status.name = instance->config.name;
    status.kind = instance->config.kind;
    status.state = instance->state;
    status.last_error = instance->last_error;
    status.last_error_time = instance->last_error_time;
    if (instance->state == "waiting") {
      status.next_try = std::chrono::duration_cast<milliseconds>(instance->next_try - loop_.Now());
    }
    status.polls = instance->polls;
    status.samples = instance->samples;
    status.errors = instance->errors;
    status.latency_p50 = instance->latencies.Percentile(50);
    status.latency_p99 = instance->latencies.Percentile(99);
    status.properties = instance->properties.size();
    if (instance->driver && instance->state == "running") {
      status.parts = instance->driver->parts();
      status.limits = instance->driver->limits();
    }
    result.push_back(std::move(status));
  }
  return result;
}

}  // namespace edgetwin::runtime
