// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/mqtt/channels.h"

#include <algorithm>

#include "twin/base/config_node.h"

namespace edgetwin::mqtt_driver {
namespace {

using Standing = Channels::Channel::Standing;
using std::chrono::microseconds;
using std::chrono::milliseconds;

// A clock that is further ahead of ours, or before MQTT was there, is not set.
constexpr std::chrono::minutes kAheadMax{5};
constexpr WallTime kTimeMin = std::chrono::sys_days(std::chrono::year(2000) / 1 / 1);

}  // namespace

Status Channels::Start(Loop& loop, driver::SampleSink& sink) {
  loop_ = &loop;
  sink_ = &sink;
  ++generation_;
  channels_.clear();
  origins_.clear();
  by_captures_.clear();
  by_id_.clear();
  paths_.clear();
  Status status;
  for (std::size_t i = 0; i < options_.sources.size() && status; ++i) {
    if (!options_.sources[i].pattern.names().empty()) continue;
    if (const auto origin = OriginOf(i, {}); !origin) status = origin.error();
  }
  for (const PropertyOptions& property : options_.write_only) {
    if (status) status = Define(kNone, property, {}, {});
  }
  if (!status) Stop();
  return status;
}

void Channels::Stop() {
  if (loop_ == nullptr) return;
  ++generation_;
  loop_->Cancel(std::exchange(stale_timer_, Loop::Id::kNone));
  loop_ = nullptr;
  sink_ = nullptr;
}

Status Channels::Define(std::size_t origin, const PropertyOptions& property,
                        const std::vector<std::string>& names, const Captures& captures) {
  const std::string text = options_.thing + "/" + Expanded(property.name, names, captures);
  Result<model::Path> path = model::Path::Parse(text);
  if (!path) return path.error();
  if (!paths_.insert(text).second) {
    return Conflict("'" + text + "' is the path of two properties of this instance");
  }
  model::PropertyDef def = property.def;
  def.path = *std::move(path);
  const Result<model::PropertyId> id = sink_->Define(std::move(def));
  if (!id) return id.error();
  by_id_[*id] = channels_.size();
  if (origin != kNone) origins_[origin].channels.push_back(channels_.size());
  Channel channel;
  channel.options = &property;
  channel.origin = origin;
  channel.id = *id;
  channels_.push_back(std::move(channel));
  properties_limit_.Use(channels_.size());
  return {};
}

Result<std::size_t> Channels::OriginOf(std::size_t source, const Captures& captures) {
  if (const auto found = FindOrigin(source, captures)) {
    if (*found != kNone) return *found;
    return Conflict("its properties could not be defined");
  }
  const SourceOptions& options = options_.sources[source];
  const std::size_t more =
      std::max(channels_.size() + options.properties.size(), origins_.size() + 1);
  if (!properties_limit_.Fits(more)) {
    properties_limit_.Hit();
    return Exhausted("there are " + std::to_string(kPropertiesMax) + " properties already");
  }
  const std::size_t index = origins_.size();
  Origin origin;
  origin.source = source;
  origin.captures = captures;
  origin.heard = loop_->Now();
  origins_.push_back(std::move(origin));
  for (const PropertyOptions& property : options.properties) {
    const Status defined = Define(index, property, options.pattern.names(), captures);
    if (defined) continue;
    // What was defined of it stays without a value, and this isn't tried for each message.
    by_captures_[{source, captures}] = kNone;
    return defined.error();
  }
  by_captures_[{source, captures}] = index;
  ArmStale();
  return index;
}

std::optional<std::size_t> Channels::FindOrigin(std::size_t source,
                                                const Captures& captures) const {
  const auto found = by_captures_.find({source, captures});
  if (found == by_captures_.end()) return {};
  return found->second;
}

std::optional<std::size_t> Channels::Find(model::PropertyId id) const {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return {};
  return found->second;
}

void Channels::Heard(std::size_t index) {
  Origin& origin = origins_[index];
  origin.heard = loop_->Now();
  if (std::exchange(origin.silent, false)) ArmStale();
}

model::Sample Channels::SampleOf(model::Value value, std::optional<WallTime> time) {
  model::Sample sample;
  sample.value = std::move(value);
  const Result<WallTime> now = loop_->clock().Wall();
  sample.unsynced = !now;
  sample.time = now ? *now : loop_->clock().UntrustedWall();
  if (!time) return sample;
  if (*time < kTimeMin || (now && *time > *now + kAheadMax)) {
    ++times_refused_;
    return sample;
  }
  sample.time = *time;
  sample.unsynced = false;
  return sample;
}

bool Channels::Report(std::size_t index, model::Value value, std::optional<WallTime> time,
                      bool doubtful) {
  Channel& channel = channels_[index];
  channel.last = SampleOf(std::move(value), time);
  channel.standing = doubtful ? Standing::kUncertain : Standing::kGood;
  channel.last.quality = doubtful ? model::Quality::kUncertain : model::Quality::kGood;
  const std::uint64_t generation = generation_;
  sink_->ReportAt(channel.id, channel.last);
  return generation == generation_;
}

bool Channels::ReportBad(std::size_t index) {
  Channel& channel = channels_[index];
  const Standing before = std::exchange(channel.standing, Standing::kBad);
  if (before == Standing::kBad || before == Standing::kAway) return true;
  const std::uint64_t generation = generation_;
  sink_->ReportBad(channel.id);
  return generation == generation_;
}

// The last value, as of then, with doubt.
bool Channels::Repeat(std::size_t index) {
  Channel& channel = channels_[index];
  channel.standing = Standing::kUncertain;
  channel.last.quality = model::Quality::kUncertain;
  const std::uint64_t generation = generation_;
  sink_->ReportAt(channel.id, channel.last);
  return generation == generation_;
}

bool Channels::Doubt(std::size_t index) {
  const std::vector<std::size_t> mine = origins_[index].channels;
  for (const std::size_t channel : mine) {
    if (channels_[channel].standing == Standing::kGood && !Repeat(channel)) return false;
  }
  return true;
}

bool Channels::AllBad(std::size_t index) {
  const std::vector<std::size_t> mine = origins_[index].channels;
  return std::ranges::all_of(mine, [this](std::size_t channel) { return ReportBad(channel); });
}

bool Channels::BrokerIsAway() {
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    Channel& channel = channels_[i];
    const bool told = channel.standing == Standing::kBad || channel.standing == Standing::kAway;
    if (channel.origin == kNone || told) continue;
    channel.standing = Standing::kAway;
    const std::uint64_t generation = generation_;
    sink_->ReportBad(channel.id);
    if (generation != generation_) return false;
  }
  return true;
}

bool Channels::BrokerIsBack() {
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    if (channels_[i].standing != Standing::kAway || channels_[i].last.value.none()) continue;
    if (!Repeat(i)) return false;
  }
  return true;
}

bool Channels::IsNews(std::size_t index, WallTime time) const {
  const model::Sample& last = channels_[index].last;
  return last.value.none() || time > last.time;
}

void Channels::ArmStale() {
  std::optional<MonoTime> first;
  for (const Origin& origin : origins_) {
    const milliseconds after = options_.sources[origin.source].stale_after;
    if (after == milliseconds(0) || origin.silent) continue;
    const MonoTime due = origin.heard + after;
    first = std::min(due, first.value_or(due));
  }
  loop_->Cancel(std::exchange(stale_timer_, Loop::Id::kNone));
  if (!first) return;
  stale_timer_ = loop_->After(std::max(microseconds(0), *first - loop_->Now()), [this] {
    stale_timer_ = Loop::Id::kNone;
    OnStale();
  });
}

// What was heard meanwhile moved its moment, not the timer.
void Channels::OnStale() {
  const std::uint64_t generation = generation_;
  for (std::size_t i = 0; i < origins_.size(); ++i) {
    const std::size_t source = origins_[i].source;
    const milliseconds after = options_.sources[source].stale_after;
    if (after == milliseconds(0) || origins_[i].silent) continue;
    if (loop_->Now() - origins_[i].heard < after) continue;
    origins_[i].silent = true;
    if (!AllBad(i)) return;
    silent_(source, TimedOut("nothing was heard for " + FormatDuration(after)));
    if (generation != generation_) return;
  }
  ArmStale();
}

std::vector<LimitReport> Channels::limits() const {
  return {properties_limit_.Report("properties"), {"times_refused", 0, 0, 0, times_refused_}};
}

}  // namespace edgetwin::mqtt_driver
