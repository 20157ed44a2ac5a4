// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/w1/w1_bus.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "drivers/sdk/policy.h"

namespace edgetwin::w1 {
namespace {

using driver::BusAnswer;
using driver::PollStep;
using std::chrono::milliseconds;

// A sensor of 12 bits measures for 750 ms, and clones take longer.
constexpr milliseconds kMeasuringMax{2'000};
constexpr milliseconds kMeasuringStep{250};
// How far from 85 °C a sensor must have been for its 85 to stay doubtful though it says so twice.
constexpr std::int32_t kPowerOnNear = 15'000;

constexpr int kFailuresMax = 3;
constexpr std::chrono::minutes kBackoffMax{10};

Error At(const std::string& path, const Error& error) {
  return MakeError(error.code, path + ": " + error.text);
}

model::Value ValueOf(const W1Sensor& sensor, std::int32_t thousandths) {
  return model::Value(driver::Rounded(thousandths / 1000.0, sensor.decimals));
}

}  // namespace

W1Bus::W1Bus(const W1Master& master, std::unique_ptr<W1Files> files, std::uint64_t random)
    : files_(std::move(files)), bulk_(master.bulk) {
  const driver::BreakerOptions options{kFailuresMax, master.period, kBackoffMax};
  for (const W1Sensor& sensor : master.sensors) {
    sensors_.push_back({sensor, driver::Breaker(options, random + sensors_.size()), {}, {}});
  }
}

PollStep W1Bus::Poll(std::size_t, bool first, MonoTime) {
  PollStep step;
  step.more = true;
  if (first) {
    next_ = 0;
    answered_ = false;
    failure_ = {};
    measuring_ = WantsBulk() && Convert();
    if (measuring_) return step;
  }
  if (measuring_) {
    measuring_ = StillMeasures();
    if (measuring_) return step;
  }
  if (next_ < sensors_.size()) ReadNext(step);
  step.more = next_ < sensors_.size();
  if (step.more) return step;
  step.answered = answered_;
  step.status = failure_;
  return step;
}

bool W1Bus::WantsBulk() const {
  if (bulk_.empty() || !bulk_allowed_) return false;
  // For one sensor it saves nothing.
  return std::count_if(sensors_.begin(), sensors_.end(),
                       [](const Known& known) { return known.sensor.has_temperature; }) > 1;
}

bool W1Bus::Convert() {
  const Status triggered = files_->Write(bulk_, "trigger\n");
  if (!triggered) {
    // The file is root's. Whoever may not write it now may not later; each sensor then measures
    // when it is read.
    bulk_allowed_ = triggered.error().code != ErrorCode::kPermission;
    return false;
  }
  ++bulk_conversions_;
  measuring_since_ = files_->Now();
  return true;
}

bool W1Bus::StillMeasures() {
  const Result<std::string> state = files_->Read(bulk_);
  if (!state || *state != "-1" || files_->Now() - measuring_since_ >= kMeasuringMax) return false;
  files_->Wait(kMeasuringStep);
  return true;
}

void W1Bus::ReadNext(PollStep& step) {
  const std::size_t at = next_++;
  Known& known = sensors_[at];
  if (known.breaker.Allow(files_->Now())) {
    const Result<std::int32_t> value = ReadSensor(known.sensor);
    if (value) {
      known.breaker.Succeeded();
      known.failure = {};
      answered_ = true;
      const bool doubtful =
          *value == kPowerOn && known.last && std::abs(*known.last - kPowerOn) > kPowerOnNear;
      if (!doubtful) known.last = *value;
      step.readings.push_back({at, ValueOf(known.sensor, *value),
                               doubtful ? model::Quality::kUncertain : model::Quality::kGood,
                               raw_wanted() ? std::to_string(*value) : std::string()});
      return;
    }
    known.breaker.Failed(files_->Now());
    known.failure = value.error();
    // Nonsense is an answer of the bus, though not one of the sensor.
    const ErrorCode code = value.error().code;
    answered_ = answered_ || code == ErrorCode::kCorrupt || code == ErrorCode::kInvalid;
  }
  step.readings.push_back({at, {}, model::Quality::kBad});
  if (failure_) failure_ = known.failure;
}

Result<std::int32_t> W1Bus::ReadSensor(const W1Sensor& sensor) {
  if (sensor.folder.empty()) return NotFound(sensor.id + " is on no bus");
  Result<std::int32_t> value = ReadOnce(sensor);
  // A sensor that lost its power for a moment holds this instead of what it measured. Twice in a
  // row it is the temperature.
  if (value && *value == kPowerOn) value = ReadOnce(sensor);
  // A shorted bus reads as 0, with a good CRC; only the bytes tell it from an ice bath.
  if (value && *value == 0 && sensor.has_temperature && sensor.has_slave) {
    value = ReadSlave(sensor);
  }
  if (!value) return value.error();
  if (const Status ok = CheckRange(sensor.family, *value); !ok) {
    return At(sensor.folder, ok.error());
  }
  return *value;
}

Result<std::int32_t> W1Bus::ReadOnce(const W1Sensor& sensor) {
  if (!sensor.has_temperature) return ReadSlave(sensor);
  const std::string path = sensor.folder + "/temperature";
  const Result<std::string> text = files_->Read(path);
  if (!text) return text.error();
  const Result<std::int32_t> value = ParseTemperatureText(*text);
  if (!value) return At(path, value.error());
  return *value;
}

Result<std::int32_t> W1Bus::ReadSlave(const W1Sensor& sensor) {
  const std::string path = sensor.folder + "/w1_slave";
  const Result<std::string> text = files_->Read(path);
  if (!text) return text.error();
  const Result<std::int32_t> value = ParseSlaveText(*text);
  if (!value) return At(path, value.error());
  return *value;
}

BusAnswer W1Bus::Write(std::size_t, const model::Value&, MonoTime) {
  return {Unsupported("this driver writes nothing"), true, false};
}

BusAnswer W1Bus::Read(std::size_t property, MonoTime) {
  const W1Sensor& sensor = sensors_[property].sensor;
  const Result<std::int32_t> value = ReadSensor(sensor);
  // One sensor's silence is not the bus's.
  if (!value) return {value.error(), true, false};
  return {ValueOf(sensor, *value)};
}

}  // namespace edgetwin::w1
