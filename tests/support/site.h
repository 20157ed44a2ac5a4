// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A whole site on loopback: a private broker, the cloud twin, a plant behind a real Modbus TCP
// server, and the agent, each a process of its own that can be killed and started again.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/broker.h"
#include "tests/support/child.h"
#include "tests/support/temp_dir.h"
#include "tests/support/twin_pair.h"

namespace edgetwin::tests {

struct SiteOptions {
  std::string bin;              // The folder of the programs.
  bool plant = true;            // With a [drivers.plant] for it.
  std::string drivers;          // More TOML: tables of drivers, properties, ….
  std::string cloud_keys;       // More keys of [cloud].
  std::string store_keys;       // More keys of [store].
  std::string store_directory;  // Instead of one of the site's own.
  BrokerOptions broker;
  std::vector<std::string> cloud_args;  // More of edgetwin-cloud's.
};

class Site {
 public:
  static constexpr const char* kDevice = "demo-gateway-1";

  // Starts everything, and returns when the twin is in the cloud and the device is live. What went
  // wrong is in trouble().
  explicit Site(SiteOptions options);
  // Starts nothing yet, if `start` is false.
  Site(SiteOptions options, bool start);

  bool StartPlant(std::vector<std::string> more_args = {});
  bool StartCloud();
  bool StartAgent();
  void KillPlant() { plant_.reset(); }
  void KillCloud() { cloud_.reset(); }  // SIGKILL, like the others.
  void KillAgent() { agent_.reset(); }
  Child* agent() { return agent_.get(); }
  Child* cloud() { return cloud_.get(); }
  TestBroker& broker() { return broker_; }

  // Until the cloud shows the twin, live; false after `seconds`.
  bool WaitForTwin(double seconds);

  // Until the device says that it is in step.
  bool WaitForLive(double seconds);

  const std::string& trouble() const { return trouble_; }
  // The first program that ended by itself, with the end of its log; empty when all run.
  std::string Fallen();
  const TwinPair& twins() const { return twins_; }
  const std::string& cloud_url() const { return cloud_url_; }
  const std::string& socket() const { return socket_; }
  const std::string& config_file() const { return config_file_; }
  std::string store_file() const { return store_ + "/twin.db"; }
  std::string File(std::string_view name) const { return folder_.File(name); }
  std::string Log(const std::string& program) const;

 private:
  bool Start(std::unique_ptr<Child>& child, const std::string& name, std::vector<std::string> args);
  bool Fail(const std::string& what, const std::string& program);

  const SiteOptions options_;
  TempDir folder_;
  TestBroker broker_;
  const std::uint16_t plant_port_;
  const std::uint16_t cloud_port_;
  const std::string store_;
  const std::string cloud_url_;
  const std::string socket_;
  std::string config_file_;
  std::string trouble_;
  std::unique_ptr<Child> plant_;
  std::unique_ptr<Child> cloud_;
  std::unique_ptr<Child> agent_;
  TwinPair twins_;
};

}  // namespace edgetwin::tests
