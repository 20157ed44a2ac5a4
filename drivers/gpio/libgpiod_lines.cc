// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/gpio/libgpiod_lines.h"

#include <fcntl.h>
#include <gpiod.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

namespace edgetwin::gpio {
namespace {

namespace fs = std::filesystem;

struct CloseChip {
  void operator()(gpiod_chip* chip) const { gpiod_chip_close(chip); }
};
using Chip = std::unique_ptr<gpiod_chip, CloseChip>;

// Of a chip that stays open as long as the line is used.
struct Place {
  Chip chip;
  gpiod_line* line = nullptr;
};

Error Failure(const std::string& what, int error) {
  const bool forbidden = error == EACCES || error == EPERM;
  return MakeError(forbidden ? ErrorCode::kPermission : ErrorCode::kUnavailable,
                   what + ": " + std::strerror(error));
}

class HeldLine final : public Line {
 public:
  HeldLine(Place place, std::string name) : place_(std::move(place)), name_(std::move(name)) {}
  ~HeldLine() override { gpiod_line_release(place_.line); }

  int edge_fd() const override { return gpiod_line_event_get_fd(place_.line); }

  Result<std::size_t> ReadEdges(std::span<Edge> room) override {
    std::array<gpiod_line_event, 16> events{};  // What libgpiod reads at most in one go.
    const auto most = static_cast<unsigned>(std::min(room.size(), events.size()));
    const int got = gpiod_line_event_read_multiple(place_.line, events.data(), most);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return std::size_t{0};
    if (got < 0) return Failure(name_, errno);
    for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
      room[i].rising = events[i].event_type == GPIOD_LINE_EVENT_RISING_EDGE;
      room[i].time_ns = std::int64_t{events[i].ts.tv_sec} * 1'000'000'000 + events[i].ts.tv_nsec;
    }
    return static_cast<std::size_t>(got);
  }

  Result<bool> Get() override {
    const int level = gpiod_line_get_value(place_.line);
    if (level < 0) return Failure(name_, errno);
    return level != 0;
  }

  Status Set(bool level) override {
    if (gpiod_line_set_value(place_.line, level ? 1 : 0) != 0) return Failure(name_, errno);
    return {};
  }

 private:
  Place place_;
  std::string name_;
};

// All chips there are; `failed` is the error of the last one that can't be opened.
std::vector<Chip> OpenChips(int& failed) {
  std::vector<fs::path> paths;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/dev", ignored)) {
    if (entry.path().filename().string().starts_with("gpiochip")) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Chip> chips;
  for (const fs::path& path : paths) {
    Chip chip(gpiod_chip_open(path.c_str()));
    if (chip) {
      chips.push_back(std::move(chip));
    } else {
      failed = errno;
    }
  }
  return chips;
}

// As from a service that has a /dev of its own.
bool ChipsAreHidden() {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/dev", ignored)) {
    if (entry.path().filename().string().starts_with("gpiochip")) return false;
  }
  return fs::directory_iterator("/sys/bus/gpio/devices", ignored) != fs::directory_iterator();
}

Result<Place> FindPlace(const LineSpec& spec) {
  int failed = 0;
  bool chip_is_there = spec.chip.empty();
  Place found;
  for (Chip& chip : OpenChips(failed)) {
    if (!spec.chip.empty() && spec.chip != gpiod_chip_label(chip.get()) &&
        spec.chip != gpiod_chip_name(chip.get())) {
      continue;
    }
    chip_is_there = true;
    const unsigned count = gpiod_chip_num_lines(chip.get());
    const unsigned first = spec.offset.value_or(0);
    const unsigned last = spec.offset ? first : count - 1;
    gpiod_line* line = nullptr;
    for (unsigned i = first; i <= last && i < count; ++i) {
      gpiod_line* candidate = gpiod_chip_get_line(chip.get(), i);
      const char* name = candidate == nullptr ? nullptr : gpiod_line_name(candidate);
      if (candidate == nullptr || (!spec.offset && (name == nullptr || spec.name != name))) {
        continue;
      }
      if (line != nullptr) return Invalid("there are two lines " + spec.Describe());
      line = candidate;
    }
    if (line == nullptr) continue;
    if (found.line != nullptr) {
      return Invalid(spec.Describe() + " is on " + gpiod_chip_name(found.chip.get()) + " and " +
                     gpiod_chip_name(chip.get()) + ": more must be said of its chip");
    }
    found.chip = std::move(chip);
    found.line = line;
  }
  if (found.line != nullptr) return found;
  if (failed != 0 && !chip_is_there) return Failure(spec.Describe() + ": a chip", failed);
  if (!chip_is_there) {
    const std::string missing = "there is no chip " + spec.chip;
    if (!ChipsAreHidden()) return Unavailable(missing);
    return MakeError(ErrorCode::kPermission,
                     missing + " to be seen: gpio.conf and 90-edgetwin-gpio.rules of the examples" +
                         " show the agent this machine's chips");
  }
  return Unavailable("there is no " + spec.Describe());
}

int FlagsOf(const LineSpec& spec) {
  int flags = spec.active_low ? GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW : 0;
  switch (spec.bias) {
    case Bias::kAsIs: break;
    case Bias::kDisabled: flags |= GPIOD_LINE_REQUEST_FLAG_BIAS_DISABLE; break;
    case Bias::kPullUp: flags |= GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP; break;
    case Bias::kPullDown: flags |= GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN; break;
  }
  if (spec.drive == Drive::kOpenDrain) flags |= GPIOD_LINE_REQUEST_FLAG_OPEN_DRAIN;
  if (spec.drive == Drive::kOpenSource) flags |= GPIOD_LINE_REQUEST_FLAG_OPEN_SOURCE;
  return flags;
}

int TypeOf(const LineSpec& spec) {
  if (spec.output) return GPIOD_LINE_REQUEST_DIRECTION_OUTPUT;
  switch (spec.edges) {
    case Edges::kNone: break;
    case Edges::kRising: return GPIOD_LINE_REQUEST_EVENT_RISING_EDGE;
    case Edges::kFalling: return GPIOD_LINE_REQUEST_EVENT_FALLING_EDGE;
    case Edges::kBoth: return GPIOD_LINE_REQUEST_EVENT_BOTH_EDGES;
  }
  return GPIOD_LINE_REQUEST_DIRECTION_INPUT;
}

// Takes a line that is an output already as one, at the level that it has: a restart of the agent
// must not switch anything. It is held from the first moment, since some chips make an input of
// what nobody holds. False when that can't be done; the line is free then.
bool TakeAsItIs(gpiod_line* line, const LineSpec& spec) {
  if (gpiod_line_direction(line) != GPIOD_LINE_DIRECTION_OUTPUT) return false;
  const gpiod_line_request_config config{spec.consumer.c_str(), GPIOD_LINE_REQUEST_DIRECTION_AS_IS,
                                         spec.active_low ? GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW : 0};
  if (gpiod_line_request(line, &config, 0) != 0) return false;
  const int level = gpiod_line_get_value(line);
  if (level >= 0 &&
      gpiod_line_set_config(line, GPIOD_LINE_REQUEST_DIRECTION_OUTPUT, FlagsOf(spec), level) == 0) {
    return true;
  }
  gpiod_line_release(line);
  return false;
}

}  // namespace

Result<std::unique_ptr<Line>> LibgpiodLines::Request(const LineSpec& spec) {
  Result<Place> place = FindPlace(spec);
  if (!place) return place.error();
  gpiod_line* line = place->line;
  if (gpiod_line_is_used(line)) {
    const char* consumer = gpiod_line_consumer(line);
    return Unavailable(
        spec.Describe() + " is used by " +
        (consumer == nullptr ? std::string("the kernel") : "'" + std::string(consumer) + "'"));
  }
  if (spec.output && TakeAsItIs(line, spec)) {
    return std::make_unique<HeldLine>(*std::move(place), spec.Describe());
  }
  const gpiod_line_request_config config{spec.consumer.c_str(), TypeOf(spec), FlagsOf(spec)};
  int result = gpiod_line_request(line, &config, spec.initial ? 1 : 0);
  if (result == 0 && spec.edges != Edges::kNone) {
    // Some chips (PL061) keep an edge of when nobody listened, and tell it to whoever is the first
    // to listen: that is not us.
    gpiod_line_release(line);
    result = gpiod_line_request(line, &config, 0);
  }
  if (result != 0) {
    const int error = errno;
    // ENODEV is what uAPI v1 says of a line without an interrupt, and of a chip that has just gone:
    // then asking for the line without edges fails, too.
    const bool no_edges =
        !spec.output && spec.edges != Edges::kNone &&
        (error == ENODEV || error == ENXIO || error == EOPNOTSUPP || error == ENOSYS);
    if (no_edges) return Unsupported(spec.Describe() + " gives no edges: " + std::strerror(error));
    return Failure(spec.Describe(), error);
  }
  if (const int fd = spec.edges == Edges::kNone ? -1 : gpiod_line_event_get_fd(line); fd >= 0) {
    // Or a read without edges would wait for one.
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  }
  return std::make_unique<HeldLine>(*std::move(place), spec.Describe());
}

Result<std::vector<ChipInfo>> ListChips() {
  int failed = 0;
  std::vector<ChipInfo> list;
  for (const Chip& chip : OpenChips(failed)) {
    if (list.size() == kFoundChipsMax) break;
    ChipInfo& info = list.emplace_back();
    info.name = gpiod_chip_name(chip.get());
    info.label = gpiod_chip_label(chip.get());
    info.lines = gpiod_chip_num_lines(chip.get());
    for (unsigned i = 0; i < info.lines; ++i) {
      gpiod_line* const line = gpiod_chip_get_line(chip.get(), i);
      if (line == nullptr) continue;
      const char* const name = gpiod_line_name(line);
      if (gpiod_line_is_used(line)) {
        ++info.used;
      } else if (name != nullptr && *name != '\0') {
        info.named.emplace_back(name);
      }
    }
  }
  if (list.empty() && failed != 0) return Failure("a GPIO chip", failed);
  return list;
}

driver::Found ToFound(const ChipInfo& chip) {
  driver::Found found;
  found.device = chip.label.empty() ? chip.name : chip.label;
  found.what = chip.name + ", " + std::to_string(chip.lines) + " lines, " +
               std::to_string(chip.used) + " in use";
  std::string names;
  for (const std::string& name : chip.named) names += " " + name;
  if (!names.empty()) found.what += "; free:" + names;
  const std::string line =
      chip.named.empty() ? "offset = 0" : "line = \"" + chip.named.front() + "\"";
  found.config = "[drivers.gpio]\nchip = \"" + found.device +
                 "\"\n\n[[drivers.gpio.line]]\nname = \"first\"\n" + line + "\n";
  return found;
}

}  // namespace edgetwin::gpio
