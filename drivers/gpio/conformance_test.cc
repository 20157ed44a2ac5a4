// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The driver over lines that follow a script, since machines that build this have no GPIO chip as a
// rule. gpio_kernel_test.cc has it on a real one.

#include "drivers/sdk/conformance/conformance.h"

#include <map>

#include "drivers/gpio/gpio_driver.h"
#include "drivers/gpio/gpio_driver_test_lines.h"

namespace edgetwin::gpio {
namespace {

std::map<std::string, Script>* chip = nullptr;  // Of the test that runs.

// A pump station's expander. It doesn't hang: a line is read by one call to the kernel, which ends
// by itself.
class PanelBench final : public driver::testing::Bench {
 public:
  PanelBench() { chip = &scripts_; }
  ~PanelBench() override { chip = nullptr; }
  PanelBench(const PanelBench&) = delete;
  PanelBench& operator=(const PanelBench&) = delete;

  std::string options() const override {
    return R"(chip = "io"
period = "100ms"
[[line]]
name = "door"
line = "DOOR"
debounce = "5ms"
[[line]]
name = "pulses"
offset = 4
mode = "counter"
[[line]]
name = "pump"
line = "RELAY1"
mode = "output"
safe = false
)";
  }
  std::vector<std::string> mistakes() const override {
    return {"period = \"1ms\"", "poll = \"soon\"", "chip = 1"};
  }
  std::vector<std::string> paths() const override {
    return {"conformance/door", "conformance/pulses", "conformance/pump"};
  }
  bool Unplug() override { return Plug(false); }
  void Replug() override { Plug(true); }
  std::optional<Writing> writing() const override {
    return Writing{"conformance/pump", model::Value(true), {}};
  }

 private:
  bool Plug(bool there) {
    for (const char* line : {"DOOR of io", "line 4 of io", "RELAY1 of io"}) {
      scripts_[line].there = there;
    }
    return true;
  }

  std::map<std::string, Script> scripts_;
};

driver::DriverKind ScriptedKind() {
  driver::DriverKind kind = GpioKind();
  kind.make = []() -> std::unique_ptr<driver::Driver> {
    return std::make_unique<GpioDriver>(std::make_unique<ScriptedLines>(*chip));
  };
  return kind;
}

EDGETWIN_DRIVER_CONFORMS(GpioConformance, ScriptedKind, PanelBench);

// With libgpiod.
TEST(GpioKindTest, InitDoesNoIo) {
  driver::testing::CheckInitDoesNoIo({GpioKind(), [] { return std::make_unique<PanelBench>(); }});
}

}  // namespace
}  // namespace edgetwin::gpio
