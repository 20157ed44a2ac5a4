// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/conformance/conformance.h"

#include "drivers/sdk/conformance/tree_bench.h"
#include "pressure_driver.h"

namespace {

constexpr char kCalm[] = "some avg10=0.12 avg60=0.05 avg300=0.00 total=12345\n";

// It is the kernel: it can't hang, and what is unplugged is one file of three.
class KernelBench final : public edgetwin::driver::testing::TreeBench {
 public:
  KernelBench()
      : TreeBench({{"proc/pressure/cpu", kCalm},
                   {"proc/pressure/memory", kCalm},
                   {"proc/pressure/io", kCalm}},
                  "proc/pressure/io", "proc/pressure/io", Files::kKeptOpen) {}
  std::vector<std::string> paths() const override { return {"conformance/io"}; }
};

EDGETWIN_DRIVER_CONFORMS(PressureConformance, pressure::PressureKind, KernelBench);

}  // namespace
