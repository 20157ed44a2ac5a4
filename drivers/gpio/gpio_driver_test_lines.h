// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Lines that follow a script: a mock, since machines that build this have no GPIO chip as a rule,
// nor a module that simulates one. gpio_kernel_test.cc has a real chip.

#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drivers/gpio/lines.h"

namespace edgetwin::gpio {

// One line of the scripted chip, and what was done to it.
struct Script {
  bool level = false;
  bool there = true;
  bool gives_edges = true;
  bool stuck = false;    // An output that something else drives.
  std::string consumer;  // Who has it.
  std::deque<Edge> edges;
  std::size_t more = 0;  // Edges that are there as well, without an end in sight.
  int requests = 0;
  bool held = false;
  LineSpec spec;
  std::vector<bool> sets;
  int ends[2] = {-1, -1};  // A byte in the pipe for each edge.
};

class ScriptedLine final : public Line {
 public:
  explicit ScriptedLine(Script& script) : script_(script) {
    EXPECT_FALSE(script.held);
    script.held = true;
    EXPECT_EQ(pipe2(script.ends, O_NONBLOCK | O_CLOEXEC), 0);
  }
  ~ScriptedLine() override {
    script_.held = false;
    for (int& end : script_.ends) close(std::exchange(end, -1));
    script_.edges.clear();
  }
  int edge_fd() const override { return script_.spec.edges == Edges::kNone ? -1 : script_.ends[0]; }
  Result<std::size_t> ReadEdges(std::span<Edge> room) override {
    if (!script_.there) return Unavailable(script_.spec.Describe() + ": No such device");
    if (script_.more >= room.size()) {
      script_.more -= room.size();
      std::fill(room.begin(), room.end(), Edge{true, 0});
      return room.size();
    }
    std::size_t count = 0;
    for (; count < room.size() && !script_.edges.empty(); ++count) {
      char byte = 0;
      EXPECT_EQ(read(script_.ends[0], &byte, 1), 1);
      room[count] = script_.edges.front();
      script_.edges.pop_front();
    }
    return count;
  }
  Result<bool> Get() override {
    if (!script_.there) return Unavailable(script_.spec.Describe() + ": No such device");
    return script_.level;
  }
  Status Set(bool level) override {
    if (!script_.there) return Unavailable(script_.spec.Describe() + ": No such device");
    script_.sets.push_back(level);
    if (!script_.stuck) script_.level = level;
    return {};
  }

 private:
  Script& script_;
};

class ScriptedLines final : public Lines {
 public:
  explicit ScriptedLines(std::map<std::string, Script>& scripts) : scripts_(scripts) {}
  Result<std::unique_ptr<Line>> Request(const LineSpec& spec) override {
    Script& script = scripts_[spec.Describe()];
    ++script.requests;
    if (!script.there) return Unavailable("there is no chip " + spec.chip);
    if (!script.consumer.empty()) {
      return Unavailable(spec.Describe() + " is used by '" + script.consumer + "'");
    }
    if (spec.edges != Edges::kNone && !script.gives_edges) return Unsupported("no edges");
    script.spec = spec;
    return std::make_unique<ScriptedLine>(script);
  }

 private:
  std::map<std::string, Script>& scripts_;
};

}  // namespace edgetwin::gpio
