// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/iio/capture_bus.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "drivers/iio/stamp_clock.h"
#include "drivers/sdk/policy.h"
#include "twin/base/check.h"

namespace edgetwin::iio {
namespace {

using driver::BusAnswer;
using driver::PollStep;
using std::chrono::milliseconds;

constexpr milliseconds kEmptiedEvery{100};

}  // namespace

Rhythm RhythmOf(milliseconds period) {
  const auto times = (period + kEmptiedEvery - milliseconds(1)) / kEmptiedEvery;
  return {period / times, static_cast<std::uint64_t>(times)};
}

CaptureBus::CaptureBus(CaptureOptions options, const std::vector<driver::BusProperty>& properties,
                       std::shared_ptr<CaptureTally> tally)
    : options_(std::move(options)), tally_(std::move(tally)) {
  EDGETWIN_CHECK(options_.inputs.size() == properties.size());
  for (std::size_t i = 0; i < properties.size(); ++i) {
    Channel& channel = channels_.emplace_back(options_.inputs[i]);
    channel.path = properties[i].def.path.text();
    channel.decimals = properties[i].def.decimals;
  }
}

PollStep CaptureBus::Poll(std::size_t, bool first, MonoTime) {
  if (first) {
    ++polls_;
    steps_ = 0;
    found_ = 0;
  }
  if (Status lost = std::exchange(lost_, {}); !lost) return Lose(lost.error());
  if (!capture_) {
    if (Status begun = Begin(); !begun) return Lose(begun.error());
  }
  const Result<bool> more = Drain();
  if (!more) return Lose(more.error());
  PollStep step;
  step.more = *more && ++steps_ < kStepsMax;
  // The first scans at once, and then those of each period.
  const bool due = polls_ % options_.report_every == 0 || (!reported_ && unreported_ > 0);
  if (options_.keep == Keep::kAll || (!step.more && due)) Report(step);
  return step;
}

Status CaptureBus::Begin() {
  // What an earlier capture left in the box would come out with the first new value.
  for (const Channel& channel : channels_) (void)tally_->box.Take(channel.path);
  Result<std::unique_ptr<Capture>> capture = Capture::Begin(options_.spec);
  if (!capture) return capture.error();
  capture_ = *std::move(capture);
  const std::size_t scan = capture_->layout().bytes;
  bytes_.resize(std::clamp<std::size_t>(kValuesMax / channels_.size(), 1, kBytesMax / scan) * scan);
  unreported_ = 0;
  any_ = false;
  full_ = false;
  reported_ = false;
  heard_ = clock_.Now();
  return {};
}

PollStep CaptureBus::Lose(Error error) {
  capture_.reset();
  PollStep step;
  step.status = std::move(error);
  step.answered = false;
  return step;
}

Result<bool> CaptureBus::Drain() {
  const Result<std::size_t> got = capture_->Read(bytes_);
  if (!got) return got.error();
  if (*got == 0) return false;
  const MonoTime now = clock_.Now();
  const std::int64_t now_ns = NowNs(capture_->clock());
  if (options_.keep == Keep::kAll) {
    for (Channel& channel : channels_) channel.line = channel.conversion.Read(text_);
  }
  if (unreported_ == 0) {
    for (Channel& channel : channels_) channel.sum = 0;
  }
  for (std::size_t i = 0; i < *got; ++i) {
    Take(bytes_.data() + i * capture_->layout().bytes, now, now_ns);
  }
  any_ = true;
  heard_ = now;
  found_ += *got;
  tally_->scans.Use(found_);
  if (found_ >= capture_->length() && !std::exchange(full_, true)) tally_->scans.Hit();
  return *got * capture_->layout().bytes == bytes_.size();
}

MonoTime CaptureBus::TimeOf(const std::uint8_t* scan, MonoTime read_at, std::int64_t read_at_ns) {
  const std::optional<std::size_t> at = capture_->layout().timestamp_at;
  if (!at) return read_at;
  const auto age = AgeOf(RawInteger(*capture_->timestamp(), scan + *at), read_at_ns);
  if (age) return read_at - *age;
  tally_->stamps.Hit();
  return read_at;
}

void CaptureBus::Take(const std::uint8_t* scan, MonoTime read_at, std::int64_t read_at_ns) {
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    channels_[i].last = RawNumber(capture_->type(i), scan + capture_->layout().at[i]);
    channels_[i].sum += channels_[i].last;
  }
  ++unreported_;
  last_at_ = TimeOf(scan, read_at, read_at_ns);
  if (options_.keep == Keep::kAll) PutAll(last_at_);
}

void CaptureBus::PutAll(MonoTime at) {
  for (Channel& channel : channels_) {
    Result<model::Value> value = ValueOf(channel, channel.line, channel.last);
    if (value) tally_->box.Put(channel.path, {*std::move(value), at});
  }
}

Result<model::Value> CaptureBus::ValueOf(Channel& channel, const Result<Line>& line, double raw) {
  if (!line) return line.error();
  const double value = line->Of(raw);
  if (!std::isfinite(value)) return Corrupt(channel.path + ": too large with its scale");
  return model::Value(driver::Rounded(value, channel.decimals));
}

void CaptureBus::Report(PollStep& step) {
  const bool silent = options_.timeout.count() > 0 && clock_.Now() - heard_ > options_.timeout;
  if (silent) {
    step.status = TimedOut("no scan for " + FormatDuration(options_.timeout) +
                           ": does its trigger run, is it the right one?");
  }
  if (full_) {
    step.status = Exhausted("the buffer of " + std::to_string(capture_->length()) +
                            " scans was full: some are lost; a greater 'length' keeps them");
  }
  for (std::size_t i = 0; i < channels_.size() && (silent || unreported_ > 0); ++i) {
    Channel& channel = channels_[i];
    if (silent) {
      step.readings.push_back({i, {}, model::Quality::kBad});
      continue;
    }
    const bool mean = options_.keep == Keep::kMean;
    const bool all = options_.keep == Keep::kAll;
    const double raw = mean ? channel.sum / static_cast<double>(unreported_) : channel.last;
    std::string told = raw_wanted() ? model::Format(model::Value(raw)) : std::string();
    Result<model::Value> value =
        ValueOf(channel, all ? channel.line : channel.conversion.Read(text_), raw);
    if (!value) {
      if (step.status) step.status = value.error();
      step.readings.push_back({i, {}, model::Quality::kBad, std::move(told)});
      continue;
    }
    if (!all) tally_->box.Put(channel.path, {*value, last_at_});
    step.readings.push_back({i, *std::move(value), model::Quality::kGood, std::move(told)});
  }
  reported_ = reported_ || unreported_ > 0;
  unreported_ = 0;
  full_ = false;
}

BusAnswer CaptureBus::Write(std::size_t, const model::Value&, MonoTime) {
  return {Unsupported("this driver writes nothing"), true, false};
}

BusAnswer CaptureBus::Read(std::size_t property, MonoTime) {
  if (!capture_) return {Unavailable("the buffer is not on"), true, false};
  for (std::size_t step = 0; step < kStepsMax; ++step) {
    const Result<bool> more = Drain();
    if (!more) {
      lost_ = more.error();
      return {more.error(), true, false};
    }
    if (!*more) break;
  }
  if (!any_) return {Unavailable("no scan has come yet"), true, false};
  Channel& channel = channels_[property];
  // Not sampled: the samples on their way are older.
  return {ValueOf(channel, channel.conversion.Read(text_), channel.last), true, false};
}

}  // namespace edgetwin::iio
