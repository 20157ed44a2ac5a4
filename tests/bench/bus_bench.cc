// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// edgetwin-bus-bench [--seconds N] [can | gpio]: the CPU a sample of the drivers whose devices most
// machines lack, each beside a bare loop over the same socket or line; as JSON. A frame, or an
// edge, comes every 10 ms. `tests/rig/kernel --bench` runs it in a machine that has the device.
// Without a name, what there is no device for is skipped; with one, that is exit code 77.

#include <fcntl.h>
#include <gpiod.h>
#include <linux/can.h>
#include <linux/can/raw.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "drivers/can/can_driver.h"
#include "drivers/gpio/gpio_driver.h"
#include "drivers/gpio/gpio_kernel_test_wires.h"
#include "drivers/gpio/libgpiod_lines.h"
#include "drivers/sdk/testing/options.h"
#include "tests/bench/driver_cost.h"
#include "tests/bench/measure.h"

namespace edgetwin::bench {
namespace {

using nlohmann::json;

constexpr long kEveryNs = 10'000'000;
constexpr canid_t kId = 0x123;
constexpr unsigned kLine = 0;

// The device: a process of its own, whose CPU isn't counted. Acts until it is destroyed.
class Device {
 public:
  explicit Device(const std::function<void(unsigned)>& act) : pid_(fork()) {
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    timespec next{};
    clock_gettime(CLOCK_MONOTONIC, &next);
    for (unsigned count = 0;; ++count) {
      act(count);
      next.tv_nsec += kEveryNs;
      next.tv_sec += next.tv_nsec / 1'000'000'000;
      next.tv_nsec %= 1'000'000'000;
      clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, nullptr);
    }
  }
  ~Device() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

 private:
  const pid_t pid_;
};

CpuCost DriverCost(const driver::DriverKind& kind, const std::string& options, double seconds) {
  const auto node = driver::testing::ParseOptions(options);
  if (!node) return {0, 0, node.error().text};
  ConfigProblems problems;
  ConfigReader config(*node, "drivers.bench", problems);
  const auto driver = kind.make();
  if (!driver->Init(config)) return {0, 0, problems.ToString()};
  config.Finish();
  if (!problems.empty()) return {0, 0, problems.ToString()};
  return CostOf(*driver, seconds);
}

CpuCost BareCost(const std::function<bool()>& next, double seconds) {
  CpuCost cost;
  if (!next()) return {0, 0, "the bare read gives nothing"};
  const double until = NowUs() + seconds * 1e6;
  const double begin = CpuUs();
  while (NowUs() < until) {
    if (!next()) return {0, 0, "a bare read failed"};
    ++cost.samples;
  }
  cost.us = (CpuUs() - begin) / static_cast<double>(std::max<std::uint64_t>(cost.samples, 1));
  return cost;
}

json Skipped(const std::string& why) {
  return {{"skipped", why}};
}

// By turns, since a machine's speed drifts; the medians of all rounds.
json Compare(const std::function<CpuCost(double)>& driver,
             const std::function<CpuCost(double)>& bare, double seconds) {
  constexpr int kRounds = 5;
  std::vector<double> driver_us;
  std::vector<double> bare_us;
  std::vector<double> ratios;
  std::uint64_t samples = 0;
  for (int round = 0; round < kRounds; ++round) {
    const CpuCost one = driver(seconds / kRounds);
    const CpuCost other = bare(seconds / kRounds);
    const std::string& trouble = one.trouble.empty() ? other.trouble : one.trouble;
    if (!trouble.empty()) return {{"trouble", trouble}};
    driver_us.push_back(one.us);
    bare_us.push_back(other.us);
    ratios.push_back(one.us / other.us);
    samples += one.samples;
  }
  const auto [least, most] = std::ranges::minmax_element(ratios);
  return {{"cpu_us_per_sample", Median(driver_us)},
          {"samples", samples},
          {"bare_cpu_us_per_sample", Median(bare_us)},
          {"ratio", Median(ratios)},
          {"ratio_min", *least},
          {"ratio_max", *most}};
}

// A raw socket that hears kId; -1 without one.
int CanSocket() {
  const int fd = socket(PF_CAN, SOCK_RAW | SOCK_CLOEXEC, CAN_RAW);
  if (fd < 0) return -1;
  const can_filter filter{kId, CAN_SFF_MASK | CAN_EFF_FLAG | CAN_RTR_FLAG};
  sockaddr_can address{};
  address.can_family = AF_CAN;
  address.can_ifindex = static_cast<int>(if_nametoindex("vcan0"));
  if (setsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, &filter, sizeof filter) == 0 &&
      bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    return fd;
  }
  close(fd);
  return -1;
}

json MeasureCan(double seconds) {
  // In a network of its own, so that no other bus is touched.
  if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    return Skipped("no network namespace is to be had");
  }
  if (std::system("ip link add vcan0 type vcan 2>/dev/null && ip link set vcan0 up") != 0) {
    return Skipped("no vcan");
  }
  const int sender = CanSocket();
  const int socket = CanSocket();
  if (sender < 0 || socket < 0) return Skipped("no raw sockets of CAN");
  const Device device([sender](unsigned count) {
    can_frame frame{};
    frame.can_id = kId;
    frame.can_dlc = 8;
    std::memcpy(frame.data, &count, sizeof count);
    (void)!write(sender, &frame, sizeof frame);
  });
  const auto driver = [](double part) {
    return DriverCost(
        can::CanKind(),
        "interface = \"vcan0\"\nperiod = \"0s\"\n[[message]]\nname = \"m\"\nid = 291\n"
        "[[message.signal]]\nname = \"speed\"\nstart = 0\nlength = 16\nfactor = 0.5\n",
        part);
  };
  double value = 0;
  const auto bare = [&](double part) {
    can_frame frame{};
    while (recv(socket, &frame, sizeof frame, MSG_DONTWAIT) > 0) {
    }  // What came meanwhile.
    const auto next = [&] {
      if (read(socket, &frame, sizeof frame) != sizeof frame) return false;
      value = 0.5 * (frame.data[0] | frame.data[1] << 8U);
      return true;
    };
    return BareCost(next, part);
  };
  json report = Compare(driver, bare, seconds);
  close(sender);
  close(socket);
  return report;
}

json MeasureGpio(double seconds) {
  const auto chips = gpio::ListChips();
  // Nobody may lose a line to us.
  if (!chips || std::ranges::none_of(*chips, [](const gpio::ChipInfo& chip) {
        return chip.label == gpio::kRigChip && chip.used == 0;
      })) {
    return Skipped(std::string("no chip ") + gpio::kRigChip + " that nobody uses");
  }
  gpio::Wires wires;
  if (!wires.Reach()) return Skipped("the chip's registers can't be had");
  gpiod_chip* const chip = gpiod_chip_open_by_label(gpio::kRigChip);
  gpiod_line* const line = gpiod_chip_get_line(chip, kLine);
  // Wires are moved at inputs only.
  if (gpiod_line_request_input(line, "bench") != 0) return Skipped("the line can't be had");
  gpiod_line_release(line);  // Before there is another process that would hold it, too.
  const Device device([&wires](unsigned count) { wires.Move(kLine, count % 2 == 0); });
  const auto driver = [](double part) {
    return DriverCost(gpio::GpioKind(),
                      std::string("chip = \"") + gpio::kRigChip +
                          "\"\nperiod = \"24h\"\n[[line]]\nname = \"a\"\noffset = 0\n",
                      part);
  };
  bool level = false;
  const auto bare = [&](double part) -> CpuCost {
    if (gpiod_line_request_both_edges_events(line, "bench") != 0) {
      return {0, 0, "the line can't be had any more"};
    }
    const auto next = [&] {
      gpiod_line_event event{};
      if (gpiod_line_event_read(line, &event) != 0) return false;
      level = event.event_type == GPIOD_LINE_EVENT_RISING_EDGE;
      return true;
    };
    CpuCost cost = BareCost(next, part);
    gpiod_line_release(line);
    return cost;
  };
  json report = Compare(driver, bare, seconds);
  gpiod_chip_close(chip);
  return report;
}

int Run(double seconds, const std::string& only) {
  json report;
  if (only != "gpio") report["can"] = MeasureCan(seconds);
  if (only != "can") report["gpio"] = MeasureGpio(seconds);
  std::printf("%s\n", report.dump(2).c_str());
  for (const auto& [kind, result] : report.items()) {
    if (result.contains("trouble")) return 1;
    if (result.contains("skipped") && kind == only) return 77;
  }
  return 0;
}

}  // namespace
}  // namespace edgetwin::bench

int main(int argc, char** argv) {
  double seconds = 5;
  std::string only;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg == "--seconds" && i + 1 < argc) {
      seconds = std::atof(argv[++i]);
    } else if (arg == "can" || arg == "gpio") {
      only = arg;
    } else {
      std::fprintf(stderr, "usage: edgetwin-bus-bench [--seconds N] [can | gpio]\n");
      return 2;
    }
  }
  return edgetwin::bench::Run(seconds, only);
}
