// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// GPIO lines as the driver sees them. Levels are logical: with active_low, true is the low one.
// libgpiod is behind this (libgpiod_lines.h), or a test's script.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "twin/base/result.h"

namespace edgetwin::gpio {

enum class Bias : std::uint8_t { kAsIs, kDisabled, kPullUp, kPullDown };
enum class Drive : std::uint8_t { kPushPull, kOpenDrain, kOpenSource };
enum class Edges : std::uint8_t { kNone, kRising, kFalling, kBoth };

// Which line, and how it is to be used.
struct LineSpec {
  std::string chip;                // Label or name ("gpiochip0"); empty: whichever has the line.
  std::string name;                // The line's; or …
  std::optional<unsigned> offset;  // … its number within the chip.
  bool output = false;
  bool active_low = false;
  Bias bias = Bias::kAsIs;
  Drive drive = Drive::kPushPull;  // Outputs.
  Edges edges = Edges::kNone;      // Inputs.
  bool initial = false;            // An output's level, if it isn't an output already.
  std::string consumer;            // Who has it, for `gpioinfo`; at most 31 bytes are kept.

  // "GPIO17 of pinctrl-bcm2711", "line 4 of gpiochip0".
  std::string Describe() const;
};

struct Edge {
  bool rising = false;       // Logically.
  std::int64_t time_ns = 0;  // The kernel's monotonic clock.
};

// A line that is held. Loop thread. Destroying it gives the line back.
class Line {
 public:
  virtual ~Line() = default;
  // Readable when edges wait; -1 when the line gives none.
  virtual int edge_fd() const = 0;
  // Takes the oldest edges that wait, up to room.size() of them; returns how many. Nothing waits:
  // 0. kUnavailable: the chip is gone.
  virtual Result<std::size_t> ReadEdges(std::span<Edge> room) = 0;
  virtual Result<bool> Get() = 0;
  virtual Status Set(bool level) = 0;
};

class Lines {
 public:
  virtual ~Lines() = default;
  // An output that is one already keeps its level; an input tells no edge from before.
  // kUnavailable: no such chip or line, or somebody else has it (the text says who); kUnsupported:
  // the chip can't give edges; kInvalid: the name stands for several; kPermission.
  virtual Result<std::unique_ptr<Line>> Request(const LineSpec& spec) = 0;
};

}  // namespace edgetwin::gpio
