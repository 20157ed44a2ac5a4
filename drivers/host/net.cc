// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <array>
#include <charconv>
#include <optional>

#include "drivers/host/collector.h"
#include "drivers/host/devices.h"
#include "drivers/sdk/sysfs/text.h"
#include "twin/model/path.h"

namespace edgetwin::host {
namespace {

// The columns of /proc/net/dev (net/core/net-procfs.c).
enum Column {
  kRxBytes = 0,
  kRxErrors = 2,
  kRxDropped = 3,
  kTxBytes = 8,
  kTxErrors = 10,
  kTxDropped = 11,
  kColumns = 16
};
using Counters = std::array<std::uint64_t, kColumns>;

std::optional<Counters> ParseCounters(std::string_view columns) {
  Counters counters{};
  for (std::uint64_t& counter : counters) {
    const std::optional<std::uint64_t> value = sysfs::TakeUnsigned(columns);
    if (!value) return std::nullopt;
    counter = *value;
  }
  return counters;
}

class NetCollector final : public Collector {
 public:
  explicit NetCollector(const HostOptions& options)
      : options_(&options), dev_(options.root + "/proc/net/dev") {}

  Status Collect(Poll& poll) override {
    const MonoTime now = poll.clock.Now();
    const Result<std::string_view> content = dev_.Read(poll.buffer);
    if (!content) {
      interfaces_.ForEach([&](Interface& interface) { ReportBad(poll.metrics, interface); });
      return content.error();
    }
    Status status;
    std::string_view rest = *content;
    sysfs::TakeLine(rest);  // Two lines of headings.
    sysfs::TakeLine(rest);
    while (!rest.empty()) {
      const std::string_view line = sysfs::TakeLine(rest);
      poll.metrics.Says(line);
      // The kernel allows no colon in an interface's name, and no blank is needed after this one.
      const std::size_t colon = line.find(':');
      if (colon == line.npos) continue;
      const std::string_view name = sysfs::Trimmed(line.substr(0, colon));
      if (name.empty()) continue;
      Interface* interface = interfaces_.See(
          name, [&](std::string_view) { return Make(poll.metrics, std::string(name)); });
      if (interface == nullptr || !interface->watched) continue;
      const std::optional<Counters> counters = ParseCounters(line.substr(colon + 1));
      if (counters) {
        Report(poll.metrics, *interface, *counters, now);
        continue;
      }
      ReportBad(poll.metrics, *interface);
      if (status) status = Corrupt(dev_.path() + ": no numbers after '" + std::string(name) + "'");
    }
    // Their state last, since it uses the buffer.
    interfaces_.Sweep([&](Interface& interface) { Remove(poll.metrics, interface); });
    interfaces_.ForEach([&](Interface& interface) {
      if (interface.watched) ReportUp(poll, interface);
    });
    return status;
  }

  std::vector<LimitReport> limits() const override { return {interfaces_.Report("interfaces")}; }

 private:
  struct Interface {
    bool watched = false;
    sysfs::KeptFile operstate;
    sysfs::KeptFile flags;
    Rate rx_rate, tx_rate;
    Metric rx, tx, rx_errors, tx_errors, rx_dropped, tx_dropped, up;
    std::array<Metric, 6> counters() const {
      return {rx, tx, rx_errors, tx_errors, rx_dropped, tx_dropped};
    }
  };

  Interface Make(Metrics& metrics, const std::string& name) {
    const std::string folder = options_->root + "/sys/class/net/" + name;
    Interface interface {
      options_->interfaces.Passes(name), sysfs::KeptFile(folder + "/operstate"),
          sysfs::KeptFile(folder + "/flags"), {}, {}, {}, {}, {}, {}, {}, {}, {}
    };
    if (!interface.watched) return interface;
    static constexpr MetricKind kFlag{model::ValueType::kBool, "", 0, 0, "Whether the link is up"};
    const std::string source = dev_.path() + " " + name;
    const auto define = [&](std::string_view property, const MetricKind& kind,
                            std::string_view text) {
      return metrics.Define("net/" + model::ToSegment(name) + "/" + std::string(property),
                            Described(kind, text), source);
    };
    interface.rx = define("rx_bytes_per_s", kBytesPerSecond, "Received");
    interface.tx = define("tx_bytes_per_s", kBytesPerSecond, "Sent");
    interface.rx_errors =
        define("rx_errors", kCount, "Packets received damaged since the interface came up");
    interface.tx_errors = define("tx_errors", kCount, "Packets that could not be sent");
    interface.rx_dropped = define("rx_dropped", kCount, "Packets received and thrown away");
    interface.tx_dropped = define("tx_dropped", kCount, "Packets thrown away instead of sent");
    interface.up =
        metrics.Define("net/" + model::ToSegment(name) + "/up", kFlag, interface.operstate.path());
    return interface;
  }

  static void Report(Metrics& metrics, Interface& interface, const Counters& counters,
                     MonoTime now) {
    const std::optional<double> rx = interface.rx_rate.PerSecond(counters[kRxBytes], now);
    const std::optional<double> tx = interface.tx_rate.PerSecond(counters[kTxBytes], now);
    if (rx) metrics.Report(interface.rx, *rx);
    if (tx) metrics.Report(interface.tx, *tx);
    metrics.ReportCount(interface.rx_errors, counters[kRxErrors]);
    metrics.ReportCount(interface.tx_errors, counters[kTxErrors]);
    metrics.ReportCount(interface.rx_dropped, counters[kRxDropped]);
    metrics.ReportCount(interface.tx_dropped, counters[kTxDropped]);
  }

  // An interface that vanished between the two readings is removed by the next poll.
  static void ReportUp(Poll& poll, Interface& interface) {
    const Result<std::string_view> state = interface.operstate.Read(poll.buffer);
    poll.metrics.Says(state ? *state : std::string_view());
    if (!state) return poll.metrics.ReportBad(interface.up);
    const std::string_view word = sysfs::Trimmed(*state);
    // Interfaces without a carrier to sense (tun, ppp, loopback) are "unknown" for ever: up as far
    // as is known when they are switched on (Documentation/networking/operstates.rst).
    if (word == "unknown") return ReportSwitchedOn(poll, interface);
    poll.metrics.ReportFlag(interface.up, word == "up");
  }

  static void ReportSwitchedOn(Poll& poll, Interface& interface) {
    const Result<std::string_view> flags = interface.flags.Read(poll.buffer);
    std::string_view text = flags ? sysfs::Trimmed(*flags) : std::string_view();
    poll.metrics.Says(text);
    if (text.starts_with("0x")) text.remove_prefix(2);
    unsigned bits = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits, 16);
    if (error != std::errc() || end != text.data() + text.size())
      return poll.metrics.ReportBad(interface.up);
    constexpr unsigned kIffUp = 1;
    poll.metrics.ReportFlag(interface.up, (bits & kIffUp) != 0);
  }

  static void ReportBad(Metrics& metrics, const Interface& interface) {
    for (const Metric& metric : interface.counters()) metrics.ReportBad(metric);
  }

  static void Remove(Metrics& metrics, const Interface& interface) {
    for (const Metric& metric : interface.counters()) metrics.Remove(metric);
    metrics.Remove(interface.up);
  }

  const HostOptions* options_;
  sysfs::KeptFile dev_;
  Devices<Interface> interfaces_;
};

}  // namespace

std::unique_ptr<Collector> MakeNetCollector(const HostOptions& options) {
  return std::make_unique<NetCollector>(options);
}

}  // namespace edgetwin::host
