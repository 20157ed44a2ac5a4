// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <optional>

#include "drivers/host/collector.h"
#include "drivers/host/devices.h"
#include "drivers/host/sensors.h"
#include "drivers/sdk/sysfs/text.h"

namespace edgetwin::host {
namespace {

// A sensor behind a slow bus holds up the loop while it is read: such a one is read at the slow
// pace only.
constexpr std::chrono::milliseconds kReadMax{20};

// Outside of these a chip is talking nonsense: below absolute zero, or where no silicon works.
constexpr double kCelsiusMin = -273.15;
constexpr double kCelsiusMax = 1000;

class TemperatureCollector final : public Collector {
 public:
  explicit TemperatureCollector(const HostOptions& options) : options_(&options) {}

  Status Collect(Poll& poll) override {
    const bool slow_round = pace_.Due(poll.clock.Now());
    if (slow_round) Scan(poll.metrics);
    Status status;
    sensors_.ForEach([&](Known& sensor) {
      if (sensor.gone || (sensor.slow && !slow_round)) return;
      const MonoTime begin = poll.clock.Now();
      const Status read = Read(poll, sensor);
      if (poll.clock.Now() - begin > kReadMax) sensor.slow = true;
      if (!read && status) status = read;
    });
    return status;
  }

  std::vector<LimitReport> limits() const override { return {sensors_.Report("sensors")}; }

 private:
  struct Known {
    Sensor sensor;
    sysfs::KeptFile input;
    Metric metric;
    bool slow = false;
    bool gone = false;  // Removed already; forgotten, or found anew, at the next scan.
  };

  void Scan(Metrics& metrics) {
    for (const Sensor& sensor : FindSensors(options_->root)) {
      if (!options_->sensors.Passes(sensor.name)) continue;
      Known* known = sensors_.See(sensor.name, [&](std::string_view) {
        return Known{sensor, sysfs::KeptFile(sensor.input), Define(metrics, sensor), false, false};
      });
      if (known == nullptr) continue;
      // Back under another number, or back at all.
      if (known->sensor.input != sensor.input || known->gone) {
        *known = {sensor, sysfs::KeptFile(sensor.input), Define(metrics, sensor), false, false};
      }
    }
    sensors_.Sweep([&](Known& known) {
      if (!known.gone) metrics.Remove(known.metric);
    });
  }

  static Metric Define(Metrics& metrics, const Sensor& sensor) {
    static constexpr MetricKind kTemperature{model::ValueType::kDouble, "Cel", 1, 0.5,
                                             "Temperature"};
    return metrics.Define("temperature/" + sensor.name, kTemperature, sensor.input);
  }

  // EIO, EAGAIN, ENODATA: chips that sleep, or were read while they measured. The next poll tries
  // again.
  static Status Read(Poll& poll, Known& known) {
    const Result<std::string_view> content = known.input.Read(poll.buffer);
    poll.metrics.Says(content ? *content : std::string_view());
    if (!content && content.error().code == ErrorCode::kNotFound) {
      poll.metrics.Remove(known.metric);
      known.gone = true;
      return {};
    }
    if (!content) {
      poll.metrics.ReportBad(known.metric);
      return content.error();
    }
    const std::optional<std::int64_t> thousandths = sysfs::ParseSigned(sysfs::Trimmed(*content));
    const double celsius = thousandths ? static_cast<double>(*thousandths) / 1000 : kCelsiusMin - 1;
    if (celsius < kCelsiusMin || celsius > kCelsiusMax) {
      std::string text = known.sensor.input + ": '" +
                         std::string(sysfs::Trimmed(*content).substr(0, 40)) +
                         "' is no temperature";
      poll.metrics.ReportBad(known.metric);
      return Corrupt(std::move(text));
    }
    if (!known.sensor.fault.empty()) {
      const Result<std::string> fault = sysfs::ReadOnce(known.sensor.fault);
      if (fault && *fault != "0") {
        poll.metrics.ReportBad(known.metric);
        return Unavailable(known.sensor.input + ": the chip reports a faulty sensor");
      }
    }
    poll.metrics.Report(known.metric, celsius);
    return {};
  }

  const HostOptions* options_;
  SlowPace pace_;
  Devices<Known> sensors_;
};

}  // namespace

std::unique_ptr<Collector> MakeTemperatureCollector(const HostOptions& options) {
  return std::make_unique<TemperatureCollector>(options);
}

}  // namespace edgetwin::host
