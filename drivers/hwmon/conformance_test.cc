// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/conformance/conformance.h"

#include "drivers/hwmon/hwmon_driver.h"
#include "drivers/sdk/conformance/tree_bench.h"

namespace edgetwin::hwmon {
namespace {

// An lm75 on a board.
class ChipBench final : public driver::testing::TreeBench {
 public:
  ChipBench()
      : TreeBench({{"sys/class/hwmon/hwmon0/name", "lm75\n"},
                   {"sys/class/hwmon/hwmon0/temp1_input", "21500\n"}},
                  "sys/class/hwmon/hwmon0", "sys/class/hwmon/hwmon0/temp1_input",
                  Files::kKeptOpen) {}
  std::vector<std::string> paths() const override { return {"conformance/lm75/temp1"}; }
};

EDGETWIN_DRIVER_CONFORMS(HwmonConformance, HwmonKind, ChipBench);

}  // namespace
}  // namespace edgetwin::hwmon
