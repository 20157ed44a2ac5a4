// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Forty driver instances of twelve kinds for one agent, with the servers, programs, lines and trees
// of files that they read. Fourteen of them have a device that hangs, flaps, lies or is slow;
// without `faults`, these are like the others.

#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "drivers/sdk/testing/pty.h"
#include "drivers/sdk/testing/ticker.h"
#include "tests/support/broker.h"
#include "tests/support/child.h"
#include "tests/support/temp_dir.h"

namespace edgetwin::tests {

enum class Fault { kNone, kHung, kFlapping, kLying, kSlow };
const char* ToString(Fault fault);

struct StormInstance {
  std::string name;
  std::string kind;
  Fault fault = Fault::kNone;  // Of its device, if there are faults.
  std::string path;            // One of its properties.
  // Its device numbers what it says: the values of `path` follow each other by 1.
  bool counts = false;
  // It is asked once so often, and each answer gives one sample of `path`; 0: it is not asked.
  std::chrono::milliseconds period{0};
  std::string place = {};  // Where its device is: a file, a URL, a program, or a port of loopback.
  std::string toml = {};   // "[drivers.NAME]" and what is below it.
};

class Storm {
 public:
  // Returns when all of it runs. `bin`: the folder of the programs. `period`: of what is asked, at
  // least 100 ms.
  Storm(std::string bin, bool faults,
        std::chrono::milliseconds period = std::chrono::milliseconds(200));
  ~Storm();
  Storm(const Storm&) = delete;
  Storm& operator=(const Storm&) = delete;

  const std::vector<StormInstance>& instances() const { return instances_; }
  std::string drivers() const;  // All of them, for the agent's configuration.
  // What flaps goes if it was there, and comes back if it was gone. Programs do that by themselves.
  void Flap();
  bool gone() const { return gone_; }

 private:
  void Add(StormInstance instance, const std::string& options);
  std::string Period() const;
  void AddModbus(const std::string& name, std::uint16_t port, int unit, Fault fault);
  void AddHttp(const std::string& name, const std::string& route, Fault fault);
  void AddExec(const std::string& name, Fault fault);
  void AddReplay(const std::string& name, const std::string& file);
  void AddTree(const std::string& name, const std::string& kind, const std::string& file,
               const std::string& below, Fault fault);
  void AddHost(const std::string& name);
  void AddNmea(const std::string& name);
  void AddMqtt(const std::string& name);
  void AddSnmp(const std::string& name, Fault fault);
  void StartPlant(std::unique_ptr<Child>& plant, std::uint16_t port,
                  const std::vector<std::string>& faults);
  void StartWebServer();
  void StartSnmpd();
  void TellPosition();

  const std::string bin_;
  const bool faults_;
  const std::chrono::milliseconds period_;
  TempDir folder_;
  std::vector<StormInstance> instances_;

  std::unique_ptr<Child> plant_, faulty_plant_, flapping_plant_;
  std::uint16_t plant_port_ = 0, faulty_port_ = 0, flapping_port_ = 0;
  std::unique_ptr<Child> web_server_;
  std::string web_;  // "http://127.0.0.1:4711"
  std::unique_ptr<Child> snmpd_;
  std::uint16_t snmp_port_ = 0, silent_port_ = 0;
  int silent_socket_ = -1;
  TestBroker local_broker_;  // Of the devices, not the cloud's.
  std::unique_ptr<Child> publisher_;
  std::string flapping_tree_;
  bool gone_ = false;
  driver::testing::Pty receiver_;
  int turns_ = 0;
  driver::testing::Ticker satellites_;
};

}  // namespace edgetwin::tests
