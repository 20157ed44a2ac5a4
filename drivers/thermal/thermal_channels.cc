// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/thermal/thermal_channels.h"

#include "drivers/sdk/sysfs/text.h"

namespace edgetwin::thermal {
namespace {

// Absolute zero, and what no silicon survives. The kernel's own "no temperature" is -274.
constexpr double kCelsiusMin = -273.15;
constexpr double kCelsiusMax = 1000;

class ZoneChannel final : public sysfs::Channel {
 public:
  ZoneChannel(const std::string& temp, const std::string& mode) : temp_(temp), mode_(mode) {}

  Result<sysfs::ChannelValue> Read(sysfs::ReadBuffer& buffer) override {
    const Result<double> thousandths = sysfs::ReadNumber(temp_, buffer);
    if (!thousandths) {
      const Result<std::string_view> mode = mode_.Read(buffer);
      if (mode && sysfs::Trimmed(*mode) == "disabled") return sysfs::ChannelValue{};
      return thousandths.error();
    }
    const double celsius = *thousandths / 1000;
    if (celsius < kCelsiusMin || celsius > kCelsiusMax) {
      return Corrupt(temp_.path() + ": '" + Format(model::Value(*thousandths)) +
                     "' is no temperature");
    }
    return sysfs::ChannelValue{model::Value(celsius)};
  }

 private:
  sysfs::KeptFile temp_;
  sysfs::KeptFile mode_;
};

class TripChannel final : public sysfs::Channel {
 public:
  explicit TripChannel(const std::string& temp) : temp_(temp) {}

  Result<sysfs::ChannelValue> Read(sysfs::ReadBuffer& buffer) override {
    const Result<double> thousandths = sysfs::ReadNumber(temp_, buffer);
    if (!thousandths) return thousandths.error();
    const double celsius = *thousandths / 1000;
    if (celsius < kCelsiusMin) return sysfs::ChannelValue{};
    return sysfs::ChannelValue{model::Value(celsius)};
  }

 private:
  sysfs::KeptFile temp_;
};

class StateChannel final : public sysfs::Channel {
 public:
  explicit StateChannel(const std::string& file) : file_(file) {}

  Result<sysfs::ChannelValue> Read(sysfs::ReadBuffer& buffer) override {
    const Result<std::int64_t> state = sysfs::ReadInteger(file_, buffer);
    if (!state) return state.error();
    return sysfs::ChannelValue{model::Value(*state)};
  }

 private:
  sysfs::KeptFile file_;
};

}  // namespace

std::unique_ptr<sysfs::Channel> MakeZoneChannel(const std::string& temp, const std::string& mode) {
  return std::make_unique<ZoneChannel>(temp, mode);
}

std::unique_ptr<sysfs::Channel> MakeTripChannel(const std::string& temp) {
  return std::make_unique<TripChannel>(temp);
}

std::unique_ptr<sysfs::Channel> MakeStateChannel(const std::string& file) {
  return std::make_unique<StateChannel>(file);
}

}  // namespace edgetwin::thermal
