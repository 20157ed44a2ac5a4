// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/conformance/conformance.h"

#include "drivers/sdk/conformance/tree_bench.h"
#include "drivers/thermal/thermal_driver.h"

namespace edgetwin::thermal {
namespace {

// A processor's zone.
class ZoneBench final : public driver::testing::TreeBench {
 public:
  ZoneBench()
      : TreeBench({{"sys/class/thermal/thermal_zone0/type", "cpu-thermal\n"},
                   {"sys/class/thermal/thermal_zone0/temp", "48300\n"}},
                  "sys/class/thermal/thermal_zone0", "sys/class/thermal/thermal_zone0/temp",
                  Files::kKeptOpen) {}
  std::vector<std::string> paths() const override {
    return {"conformance/cpu-thermal/temperature"};
  }
};

EDGETWIN_DRIVER_CONFORMS(ThermalConformance, ThermalKind, ZoneBench);

}  // namespace
}  // namespace edgetwin::thermal
