// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/conformance/conformance.h"

#include "drivers/snmp/snmp_driver_test_base.h"

namespace edgetwin::snmp_driver {
namespace {

// snmpd, once asked without a user and once by one.
class AgentBench : public driver::testing::Bench {
 public:
  ~AgentBench() override { Resume(); }

  std::string options() const override {
    return agent_.Place() + security_ +
           "period = \"100ms\"\ntimeout = \"500ms\"\nretries = 0\nbreaker_max = \"500ms\"\n" +
           PropertyOf("setpoint", "1.0", "writable = true") + PropertyOf("speed", "2.0");
  }
  std::vector<std::string> mistakes() const override {
    return {"timeout = \"soon\"", "port = 0", "version = \"1\""};
  }
  std::vector<std::string> paths() const override {
    return {"conformance/setpoint", "conformance/speed"};
  }
  bool Unplug() override {
    agent_.Kill();
    return true;
  }
  void Replug() override { agent_.Start(); }
  bool Hang() override {
    agent_.Stand(true);
    return true;
  }
  void Resume() override { agent_.Stand(false); }
  std::optional<Writing> writing() const override {
    return Writing{"conformance/setpoint", model::Value(std::int64_t{1'200}),
                   model::Value(std::int64_t{3'001})};
  }

 protected:
  TestAgent agent_;
  std::string security_;
};

class UserBench final : public AgentBench {
 public:
  UserBench() {
    agent_.Kill();
    agent_.Configure("createUser operator SHA \"" + std::string(TestAgent::kPassword) +
                     "\" AES\nrwuser operator priv\n");
    agent_.Start();
    const std::string file = "_password_file = \"" + agent_.File("password") + "\"\n";
    security_ = "user = \"operator\"\nauth = \"sha\"\nauth" + file + "priv = \"aes\"\npriv" + file;
  }
  std::string options() const override { return "version = \"3\"\n" + AgentBench::options(); }
  std::vector<std::string> mistakes() const override { return {"context = 1", "auth = \"sha3\""}; }
};

EDGETWIN_DRIVER_CONFORMS(SnmpConformance, SnmpKind, AgentBench);
EDGETWIN_DRIVER_CONFORMS(SnmpUserConformance, SnmpKind, UserBench);

}  // namespace
}  // namespace edgetwin::snmp_driver
