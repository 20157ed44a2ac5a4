// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/conformance/conformance.h"

#include "drivers/http/http_driver_test_base.h"

namespace edgetwin::http_driver {
namespace {

// A heat pump's set point, in a file of the server.
class HeatPumpBench final : public driver::testing::Bench {
 public:
  HeatPumpBench() { Replug(); }
  ~HeatPumpBench() override { Resume(); }
  HeatPumpBench(const HeatPumpBench&) = delete;
  HeatPumpBench& operator=(const HeatPumpBench&) = delete;

  std::string options() const override {
    return "timeout = \"500ms\"\nbreaker_max = \"1s\"\n" +
           RequestOf(server_.Url("/files/state"), "period = \"100ms\"") +
           "[request.property.write]\nurl = \"" + server_.Url("/files/state") +
           "\"\nbody = \"{\\\"a\\\": {value}}\"\n";
  }
  std::vector<std::string> mistakes() const override {
    return {"timeout = \"soon\"", "response_max = \"much\""};
  }
  std::vector<std::string> paths() const override { return {"conformance/a"}; }
  // What is behind it is gone.
  bool Unplug() override {
    server_.Serve("state", "{}");
    return true;
  }
  void Replug() override { server_.Serve("state", R"({"a": 40.5})"); }
  bool Hang() override {
    server_.Stand(true);
    return true;
  }
  void Resume() override { server_.Stand(false); }
  std::optional<Writing> writing() const override {
    return Writing{"conformance/a", model::Value(45.5), {}};
  }

 private:
  TestServer server_;
};

EDGETWIN_DRIVER_CONFORMS(HttpConformance, HttpKind, HeatPumpBench);

}  // namespace
}  // namespace edgetwin::http_driver
