// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/conformance/conformance.h"

#include "drivers/iio/iio_driver.h"
#include "drivers/sdk/conformance/tree_bench.h"

namespace edgetwin::iio {
namespace {

// A converter with one channel.
class ConverterBench final : public driver::testing::TreeBench {
 public:
  ConverterBench()
      : TreeBench({{"sys/bus/iio/devices/iio:device0/name", "mcp3008\n"},
                   {"sys/bus/iio/devices/iio:device0/in_voltage0_raw", "512\n"},
                   {"sys/bus/iio/devices/iio:device0/in_voltage_scale", "3.222656250\n"}},
                  "sys/bus/iio/devices/iio:device0",
                  "sys/bus/iio/devices/iio:device0/in_voltage0_raw", Files::kKeptOpen) {}
  std::vector<std::string> paths() const override { return {"conformance/mcp3008/voltage0"}; }
};

EDGETWIN_DRIVER_CONFORMS(IioConformance, IioKind, ConverterBench);

}  // namespace
}  // namespace edgetwin::iio
