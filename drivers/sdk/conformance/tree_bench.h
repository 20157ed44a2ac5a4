// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// For drivers of what the kernel shows as files: a tree in place of /sys, which the options name as
// `root`.

#pragma once

#include <map>
#include <string>

#include "drivers/sdk/conformance/conformance.h"

namespace edgetwin::driver::testing {

class TreeBench : public Bench {
 public:
  // Whether the driver keeps files open: it would not see another one in a file's place.
  enum class Files { kOpenedEachTime, kKeptOpen };

  // `files`: contents by path below the root. `device`: the folder that is gone when it is
  // unplugged. `value`: the file that is read each time. A FIFO in its place makes who reads it
  // wait, which only drivers that open it each time can be shown.
  TreeBench(const std::map<std::string, std::string>& files, std::string device, std::string value,
            Files how = Files::kOpenedEachTime);
  ~TreeBench() override;
  TreeBench(const TreeBench&) = delete;
  TreeBench& operator=(const TreeBench&) = delete;

  std::string options() const override { return "root = \"" + root_ + "\"\nperiod = \"20ms\"\n"; }
  std::vector<std::string> mistakes() const override {
    return {"period = \"soon\"", "period = \"1ms\""};
  }
  bool Unplug() override;
  void Replug() override;
  bool Hang() override;
  void Resume() override;

 private:
  std::string root_;
  const std::string device_;
  const std::string value_;
  const std::string text_;  // What it holds.
  const Files how_;
  bool unplugged_ = false;
  bool hung_ = false;
};

}  // namespace edgetwin::driver::testing
