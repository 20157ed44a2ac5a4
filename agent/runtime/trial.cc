// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/runtime/trial.h"

#include <signal.h>

#include <algorithm>
#include <array>
#include <limits>
#include <tuple>
#include <utility>

namespace edgetwin::runtime {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLookPause{100};

// It numbers what is sampled as a store would have it.
model::Stored NoStore() {
  model::Stored stored;
  stored.lineage = {{.inc = 1, .first_seq = 1, .limit = std::numeric_limits<std::int64_t>::max()}};
  return stored;
}

}  // namespace

Trial::Trial(const Clock& clock)
    : clock_(clock),
      loop_(clock),
      twin_(model::Role::kDevice),
      supervisor_(
          loop_, twin_, DriverKinds(),
          {.changed = [] {},
           .defined = [](model::PropertyId) {},
           .undefined = [this](model::PropertyId id) { last_.erase(id); },
           .sampled =
               [this](model::PropertyId id, const model::Sample& sample) {
                 TrialValue& last = last_[id];
                 last.value = sample.value;
                 ++last.samples;
               },
           .answered = [this](const model::DriverCall&,
                              Result<model::Value> answer) { answer_ = std::move(answer); },
           .raw = [this](model::PropertyId id, std::string_view raw) { last_[id].raw = raw; }}) {
  twin_.Load(NoStore());
}

void Trial::Start(const std::vector<config::DriverInstanceConfig>& instances,
                  const std::vector<config::PropertyOverride>& overrides) {
  supervisor_.Apply(instances, overrides);
}

bool Trial::Run(milliseconds at_most, const std::function<bool()>& done) {
  bool stopped = false;
  std::array<Loop::Id, 2> watches{};
  for (std::size_t i = 0; i < watches.size(); ++i) {
    watches[i] = loop_.OnSignal(i == 0 ? SIGINT : SIGTERM, [&stopped] { stopped = true; });
  }
  const MonoTime end = loop_.Now() + at_most;
  while (!stopped && loop_.Now() < end && !done()) {
    const MonoTime look = std::min<MonoTime>(end, loop_.Now() + kLookPause);
    while (!stopped && loop_.Now() < look) loop_.RunFor(look - loop_.Now());
  }
  for (const Loop::Id watch : watches) loop_.Cancel(watch);
  return stopped;
}

Result<model::Value> Trial::Write(const std::string& path, const std::string& text,
                                  milliseconds at_most) {
  const model::PropertyId id = twin_.Find(path);
  if (id == model::kNoProperty || !twin_.defined(id)) {
    return NotFound("no driver has a property '" + path + "'");
  }
  const Result<model::Value> value = model::ParseValue(text, twin_.def(id).type);
  if (!value) return value;
  if (const Status fits = model::CheckWritable(twin_.def(id), *value); !fits) return fits.error();
  model::DriverCall call;
  call.ticket = 1;
  call.id = id;
  call.value = *value;
  answer_.reset();
  supervisor_.Call(call);
  if (Run(at_most, [this] { return answer_.has_value(); })) return Unavailable("ended by a signal");
  return answer_.value_or(TimedOut("no answer in time; the device may have taken it"));
}

std::vector<TrialValue> Trial::values() const {
  std::vector<TrialValue> values;
  twin_.ForEachProperty([&](model::PropertyId id) {
    if (!twin_.defined(id)) return;
    const auto last = last_.find(id);
    TrialValue value = last == last_.end() ? TrialValue() : last->second;
    value.def = twin_.def(id);
    const model::Row* row = twin_.row(id, model::Side::kReported);
    value.bad = row != nullptr && row->quality == model::Quality::kBad;
    values.push_back(std::move(value));
  });
  std::ranges::sort(values, {}, [](const TrialValue& value) {
    return std::tie(value.def.instance, value.def.path.text());
  });
  return values;
}

bool Trial::ReadOnce() const {
  const std::vector<InstanceStatus> instances = status();
  const bool tried = std::ranges::all_of(instances, [](const InstanceStatus& instance) {
    return instance.state == "failed" || instance.polls > 0 || instance.samples > 0;
  });
  const std::vector<TrialValue> all = values();
  return tried && std::ranges::all_of(
                      all, [](const TrialValue& value) { return value.samples > 0 || value.bad; });
}

}  // namespace edgetwin::runtime
