// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/hwmon/chips.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "drivers/sdk/sysfs/text.h"

namespace edgetwin::hwmon {
namespace {

using model::ValueType;
using sysfs::ChannelKind;

constexpr double kAny = std::numeric_limits<double>::max();

constexpr ChannelKind kVoltage{ValueType::kDouble, "V", 3, 0.01, "Voltage"};
constexpr ChannelKind kTemperature{ValueType::kDouble, "Cel", 1, 0.5, "Temperature"};
constexpr ChannelKind kFan{ValueType::kInt, "/min", 0, 20, "Fan speed"};
constexpr ChannelKind kCurrent{ValueType::kDouble, "A", 3, 0.01, "Current"};
constexpr ChannelKind kPower{ValueType::kDouble, "W", 3, 0.1, "Power"};
constexpr ChannelKind kEnergy{ValueType::kDouble, "J", 3, 0, "Energy since the chip was reset"};
constexpr ChannelKind kHumidity{ValueType::kDouble, "%", 1, 0.5, "Relative humidity"};
constexpr ChannelKind kDutyCycle{ValueType::kDouble, "%", 1, 0.5, "Duty cycle of a fan's control"};
constexpr ChannelKind kIntrusion{ValueType::kBool, "", 0, 0, "The case was opened"};
constexpr ChannelKind kAlarm{ValueType::kBool, "", 0, 0, "The chip's own alarm for the sensor"};

// One kind of files.
struct FileKind {
  std::string_view prefix;
  std::string_view suffix;
  std::string_view otherwise;  // The suffix where a chip lacks the first.
  double scale;
  double min;
  double max;
  ChannelKind kind;
};

// Of a temperature: absolute zero, and what no silicon survives.
constexpr FileKind kFileKinds[] = {
    {"in", "_input", "", 1e-3, -kAny, kAny, kVoltage},
    {"temp", "_input", "", 1e-3, -273.15, 1000, kTemperature},
    {"fan", "_input", "", 1, 0, 1e6, kFan},
    {"curr", "_input", "", 1e-3, -kAny, kAny, kCurrent},
    {"power", "_input", "_average", 1e-6, -kAny, kAny, kPower},
    {"energy", "_input", "", 1e-6, 0, kAny, kEnergy},
    {"humidity", "_input", "", 1e-3, 0, 100, kHumidity},
    {"pwm", "", "", 100.0 / 255, 0, 100, kDutyCycle},
};

class NumberChannel final : public sysfs::Channel {
 public:
  explicit NumberChannel(const Sensor& sensor)
      : sensor_(sensor),
        input_(sensor.files.front()),
        fault_(sensor.fault),
        enable_(sensor.enable) {}

  Result<sysfs::ChannelValue> Read(sysfs::ReadBuffer& buffer) override {
    const Result<double> number = sysfs::ReadNumber(input_, buffer);
    // Chips answer ENODATA for what they were told not to measure.
    if (!number && Says(enable_, buffer, 0)) return sysfs::ChannelValue{};
    if (!number) return number.error();
    const double value = *number * sensor_.scale;
    if (value < sensor_.min || value > sensor_.max) {
      return Corrupt(input_.path() + ": '" + Format(model::Value(*number)) +
                     "' is outside of what can be measured");
    }
    if (Says(fault_, buffer, 1)) {
      return Corrupt(input_.path() + ": the chip reports a faulty sensor");
    }
    if (sensor_.kind.type == model::ValueType::kInt) {
      return sysfs::ChannelValue{model::Value(static_cast<std::int64_t>(value))};
    }
    return sysfs::ChannelValue{model::Value(value)};
  }

 private:
  static bool Says(sysfs::KeptFile& file, sysfs::ReadBuffer& buffer, std::int64_t what) {
    if (file.path().empty()) return false;
    const Result<std::int64_t> flag = sysfs::ReadInteger(file, buffer);
    return flag && *flag == what;
  }

  const Sensor sensor_;
  sysfs::KeptFile input_;
  sysfs::KeptFile fault_;
  sysfs::KeptFile enable_;
};

class AlarmChannel final : public sysfs::Channel {
 public:
  explicit AlarmChannel(const Sensor& sensor) {
    for (const std::string& file : sensor.files) files_.emplace_back(file);
  }

  Result<sysfs::ChannelValue> Read(sysfs::ReadBuffer& buffer) override {
    bool any = false;
    for (sysfs::KeptFile& file : files_) {
      const Result<std::int64_t> alarm = sysfs::ReadInteger(file, buffer);
      if (!alarm) return alarm.error();
      any = any || *alarm != 0;
    }
    return sysfs::ChannelValue{model::Value(any)};
  }

 private:
  std::vector<sysfs::KeptFile> files_;
};

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::binary_search(names.begin(), names.end(), name);
}

std::vector<std::uint64_t> NumbersAmong(const std::vector<std::string>& names,
                                        std::string_view before, std::string_view after) {
  std::vector<std::uint64_t> numbers;
  for (const std::string& name : names) {
    if (const auto number = sysfs::NumberIn(name, before, after)) numbers.push_back(*number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

// A chip's listed files, and where they are.
struct Files {
  std::string folder;
  std::vector<std::string> names;  // Sorted.

  // The file's path; empty when there is none.
  std::string Path(const std::string& name) const {
    return Contains(names, name) ? folder + "/" + name : std::string();
  }
  // "temp1_alarm", "temp1_crit_alarm", …
  std::vector<std::string> Alarms(const std::string& base) const {
    std::vector<std::string> paths;
    for (const std::string& name : names) {
      if (name.starts_with(base + "_") && name.ends_with("_alarm")) {
        paths.push_back(folder + "/" + name);
      }
    }
    return paths;
  }
};

Sensor MakeAlarm(std::string name, std::vector<std::string> files, const ChannelKind& kind) {
  Sensor sensor;
  sensor.name = std::move(name);
  sensor.files = std::move(files);
  sensor.reading = Reading::kAlarms;
  sensor.kind = kind;
  return sensor;
}

void AddSensors(const Files& files, const FileKind& kind, bool alarms,
                std::vector<Sensor>& sensors) {
  std::vector<std::uint64_t> numbers = NumbersAmong(files.names, kind.prefix, kind.suffix);
  if (!kind.otherwise.empty()) {
    for (const auto number : NumbersAmong(files.names, kind.prefix, kind.otherwise)) {
      numbers.push_back(number);
    }
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  }
  for (const std::uint64_t number : numbers) {
    const std::string base = std::string(kind.prefix) + std::to_string(number);
    std::string input = files.Path(base + std::string(kind.suffix));
    if (input.empty()) input = files.Path(base + std::string(kind.otherwise));
    const std::string label = files.Path(base + "_label");
    Sensor sensor;
    sensor.name = label.empty() ? base : sysfs::TextOr(label, base);
    sensor.files = {std::move(input)};
    sensor.fault = files.Path(base + "_fault");
    // Of a PWM it chooses how a fan is controlled, and the file can be read in each way.
    if (!kind.suffix.empty()) sensor.enable = files.Path(base + "_enable");
    sensor.scale = kind.scale;
    sensor.min = kind.min;
    sensor.max = kind.max;
    sensor.kind = kind.kind;
    sensors.push_back(sensor);
    std::vector<std::string> own = alarms ? files.Alarms(base) : std::vector<std::string>();
    if (!own.empty()) sensors.push_back(MakeAlarm(sensor.name + "_alarm", std::move(own), kAlarm));
  }
}

}  // namespace

Result<std::vector<Chip>> FindChips(const std::string& root, bool thermal_zones) {
  const std::string hwmon = root + "/sys/class/hwmon";
  if (const auto listed = sysfs::ListFolder(hwmon); !listed) return listed.error();
  std::vector<Chip> chips;
  for (const std::uint64_t number : sysfs::Numbers(hwmon, "hwmon", "")) {
    Chip chip;
    chip.folder = hwmon + "/hwmon" + std::to_string(number);
    chip.driver = sysfs::TextOr(chip.folder + "/name", "");
    if (chip.driver.empty() || chip.driver == "w1_slave_temp") continue;
    const std::string link = chip.folder + "/device";
    if (!thermal_zones && sysfs::LinkName(link).starts_with("thermal_zone")) continue;
    chip.name = sysfs::NameAt(chip.driver, sysfs::DeviceName(link));
    chips.push_back(std::move(chip));
  }
  return chips;
}

std::vector<Sensor> FindSensors(const std::string& folder, bool alarms) {
  std::vector<Sensor> sensors;
  const Result<std::vector<std::string>> names = sysfs::ListFolder(folder);
  if (!names) return sensors;
  const Files files{folder, *names};
  for (const FileKind& kind : kFileKinds) AddSensors(files, kind, alarms, sensors);
  for (const std::uint64_t number : NumbersAmong(files.names, "intrusion", "_alarm")) {
    const std::string base = "intrusion" + std::to_string(number);
    sensors.push_back(MakeAlarm(base, {folder + "/" + base + "_alarm"}, kIntrusion));
  }
  return sensors;
}

std::unique_ptr<sysfs::Channel> MakeSensorChannel(const Sensor& sensor) {
  if (sensor.reading == Reading::kAlarms) return std::make_unique<AlarmChannel>(sensor);
  return std::make_unique<NumberChannel>(sensor);
}

}  // namespace edgetwin::hwmon
