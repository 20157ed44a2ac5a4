// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The demo's site: a private broker, the cloud twin, a plant behind a real Modbus TCP server, and the agent, each a process
// of its own on loopback.

#pragma once

#include <memory>
#include <string>

#include "tests/support/broker.h"
#include "tests/support/child.h"
#include "tests/support/temp_dir.h"
#include "tests/support/twin_pair.h"

namespace edgetwin::demo {

class Site {
 public:
  // Starts everything from the programs in `bin`. What went wrong is in trouble().
  explicit Site(const std::string& bin);

  const std::string& trouble() const { return trouble_; }
  // The first program that ended by itself, with the end of its log; empty when all run.
  std::string Fallen();
  const tests::TwinPair& twins() const { return *twins_; }
  const std::string& cloud_url() const { return cloud_url_; }
  const std::string& socket() const { return socket_; }
  const std::string& config_file() const { return config_file_; }
  std::string broker_url() const { return broker_.url(); }

 private:
  bool Start(std::unique_ptr<tests::Child>& child, const std::string& name,
             std::vector<std::string> args);
  std::string LogEnd(const std::string& name) const;

  tests::TempDir folder_;
  tests::TestBroker broker_;
  std::string bin_;
  std::string cloud_url_;
  std::string socket_;
  std::string config_file_;
  std::string trouble_;
  std::unique_ptr<tests::Child> plant_;
  std::unique_ptr<tests::Child> cloud_;
  std::unique_ptr<tests::Child> agent_;
  std::unique_ptr<tests::TwinPair> twins_;
};

}  // namespace edgetwin::demo
