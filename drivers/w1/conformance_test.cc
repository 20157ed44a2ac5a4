// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/conformance/conformance.h"

#include "drivers/sdk/conformance/tree_bench.h"
#include "drivers/w1/w1_driver.h"

namespace edgetwin::w1 {
namespace {

// A DS18B20.
class ThermometerBench final : public driver::testing::TreeBench {
 public:
  ThermometerBench()
      : TreeBench({{"sys/bus/w1/devices/w1_bus_master1/28-0316a2795aff/name", "28-0316a2795aff\n"},
                   {"sys/bus/w1/devices/w1_bus_master1/28-0316a2795aff/temperature", "21500\n"},
                   {"sys/bus/w1/devices/w1_bus_master1/w1_master_slave_count", "1\n"}},
                  "sys/bus/w1/devices/w1_bus_master1/28-0316a2795aff",
                  "sys/bus/w1/devices/w1_bus_master1/28-0316a2795aff/temperature") {}
  std::vector<std::string> paths() const override { return {"conformance/28-0316a2795aff"}; }
};

EDGETWIN_DRIVER_CONFORMS(W1Conformance, W1Kind, ThermometerBench);

}  // namespace
}  // namespace edgetwin::w1
