// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/conformance/conformance.h"

#include "drivers/mqtt/mqtt_driver.h"
#include "tests/support/broker.h"
#include "tests/support/child.h"

namespace edgetwin::mqtt_driver {
namespace {

// A pump behind a real broker.
class PumpBench final : public driver::testing::Bench {
 public:
  ~PumpBench() override { Resume(); }

  std::string options() const override {
    return "broker = \"" + broker_.url() +
           "\"\nkeepalive = \"5s\"\ntimeout = \"2s\"\nbackoff_max = \"200ms\"\n"
           "[[topic]]\ntopic = \"pump/state\"\n[[topic.property]]\nname = \"speed\"\n"
           "pointer = \"/speed\"\n[topic.property.write]\ntopic = \"pump/set\"\n"
           "body = \"{\\\"speed\\\": {value}}\"\n";
  }
  std::vector<std::string> mistakes() const override {
    return {"keepalive = \"soon\"", "qos = 2", "protocol = \"3\""};
  }
  std::vector<std::string> paths() const override { return {"conformance/speed"}; }
  bool Unplug() override {
    broker_.Kill();
    return true;
  }
  void Replug() override { broker_.Start(); }
  bool Hang() override {
    hung_ = true;
    broker_.Freeze();
    return true;
  }
  void Resume() override {
    if (!hung_) return;
    hung_ = false;
    broker_.Thaw();
  }
  std::optional<Writing> writing() const override {
    return Writing{"conformance/speed", model::Value(1'450.5), {}};
  }

 private:
  tests::TestBroker broker_;
  tests::Child pump_{{.args = {EDGETWIN_BIN_DIR "/drivers_mqtt_pump", broker_.url()}}};
  bool hung_ = false;
};

EDGETWIN_DRIVER_CONFORMS(MqttConformance, MqttKind, PumpBench);

}  // namespace
}  // namespace edgetwin::mqtt_driver
