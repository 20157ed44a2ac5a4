// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/doctor/machine.h"

#include <sys/timex.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <vector>

#include "agent/api/text.h"
#include "agent/doctor/advice.h"
#include "twin/base/clock.h"

namespace edgetwin::doctor {
namespace {

namespace fs = std::filesystem;

std::string Below(const std::string& root, const std::string& path) {
  return (fs::path(root) / path).string();
}

// The first line; empty when there is none. Such files are short, and made by the kernel.
std::string FirstLine(const std::string& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

// Folders of `folder` whose names begin so, sorted; a machine has few.
std::vector<fs::path> Entries(const std::string& folder, const std::string& prefix) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().filename().string().starts_with(prefix)) entries.push_back(it->path());
  }
  std::ranges::sort(entries);
  return entries;
}

// Bytes of "MemTotal:   508056 kB".
std::optional<std::uint64_t> MemoryLine(const std::string& root, const std::string& key) {
  std::ifstream in(Below(root, "proc/meminfo"));
  std::string line;
  while (std::getline(in, line)) {
    if (line.starts_with(key)) return std::strtoull(line.c_str() + key.size(), nullptr, 10) * 1024;
  }
  return {};
}

Finding WearOf(const fs::path& device) {
  const std::string life = FirstLine((device / "device/life_time").string());
  const std::string end = FirstLine((device / "device/pre_eol_info").string());
  // "0x02 0x01": of its two kinds of cells; in tenths of the life, the upper bound.
  char* rest = nullptr;
  const unsigned long a = std::strtoul(life.c_str(), &rest, 16);
  const unsigned long b = std::strtoul(rest, nullptr, 16);
  const unsigned long tenths = std::max(a, b);
  const unsigned long spare = std::strtoul(end.c_str(), nullptr, 16);
  const std::string name = "The flash " + device.filename().string();
  Finding found{"flash_wear", Verdict::kOk, "", ""};
  if (tenths == 0) {
    found.text = name + " does not say how worn it is";
  } else if (tenths > 10) {
    found.text = name + " is beyond the life that its maker gives it";
  } else {
    found.text = name + " has used " + std::to_string((tenths - 1) * 10) + " to " +
                 std::to_string(tenths * 10) + " % of its life";
  }
  if (spare == 2) found.text += "; four fifths of its spare blocks are gone";
  if (spare == 3) found.text += "; its spare blocks are nearly gone";
  if (tenths > 10 || spare == 3) {
    found.verdict = Verdict::kFailed;
  } else if (tenths >= 9 || spare == 2) {
    found.verdict = Verdict::kWarning;
  }
  if (found.verdict != Verdict::kOk) {
    found.advice =
        "Plan its replacement, and make a backup now: 'edgetwin backup FILE'. 'edgetwin status' "
        "says what the agent writes in a year, [store] flash_per_day_max limits it.";
  }
  return found;
}

}  // namespace

Findings ExamineClock(const std::string& root) {
  const SystemClock clock;
  const std::string shown = api::LocalTime(clock.UntrustedWall(), {});
  if (!clock.Wall()) {
    return {{"clock", Verdict::kFailed,
             "The clock says " + shown + ", before this release was made",
             std::string(AdviceFor("clock_untrusted"))}};
  }
  timex state{};
  const bool kept = adjtimex(&state) != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
  if (kept) return {{"clock", Verdict::kOk, shown + ", kept by a time service", ""}};
  if (!Entries(Below(root, "sys/class/rtc"), "rtc").empty()) {
    return {{"clock", Verdict::kNotice,
             shown + ", by the board's own clock; no time service keeps it",
             "Compare it with a watch. With a network, 'timedatectl set-ntp true'."}};
  }
  return {{"clock", Verdict::kWarning,
           shown + "; this machine has no clock of its own, and no time service keeps it",
           "After each power cut it is wrong until it is set. With a network, 'timedatectl "
           "set-ntp true'; without, consider a board with a battery-backed clock."}};
}

Findings ExamineMemory(const std::string& root) {
  const auto total = MemoryLine(root, "MemTotal:");
  const auto left = MemoryLine(root, "MemAvailable:");
  if (!total || !left) {
    return {{"memory", Verdict::kSkipped, "The kernel doesn't say how much memory is free", ""}};
  }
  const std::string text = api::Bytes(*left) + " of " + api::Bytes(*total) + " are available";
  if (*left >= *total / 20) return {{"memory", Verdict::kOk, text, ""}};
  return {{"memory", Verdict::kWarning, "Only " + text,
           "Look what takes it ('ps aux --sort=-rss | head'): the kernel ends programs when none "
           "is left, and 'edgetwin status' shows the agent's own."}};
}

Findings ExamineFlash(const std::string& root) {
  Findings findings;
  for (const fs::path& device : Entries(Below(root, "sys/block"), "mmcblk")) {
    std::error_code error;
    if (fs::exists(device / "device/life_time", error)) findings.push_back(WearOf(device));
  }
  return findings;
}

Findings ExaminePower(const std::string& root) {
  Findings findings;
  for (const fs::path& chip : Entries(Below(root, "sys/class/hwmon"), "hwmon")) {
    for (const fs::path& file : Entries(chip.string(), "in")) {
      const std::string name = file.filename().string();
      if (!name.ends_with("_lcrit_alarm") && !name.ends_with("_min_alarm")) continue;
      if (FirstLine(file.string()) != "1") continue;
      findings.push_back({"power", Verdict::kFailed,
                          "A supply voltage is, or was since the last look, too low: " + name +
                              " of " + FirstLine((chip / "name").string()),
                          "A stronger power supply, or a shorter and thicker cable: boards that "
                          "sag write broken files."});
    }
  }
  return findings;
}

Findings ExamineMachine(const std::string& root) {
  Findings all;
  for (const auto examine : {ExamineClock, ExaminePower, ExamineMemory, ExamineFlash}) {
    for (Finding& finding : examine(root)) all.push_back(std::move(finding));
  }
  return all;
}

}  // namespace edgetwin::doctor
