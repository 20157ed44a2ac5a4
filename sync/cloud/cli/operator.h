// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The operator's commands: devices, and who may speak for them; what they told of and were asked
// for.

#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "sync/cloud/cli/client.h"

namespace edgetwin::cloudcli {

// What the command line says.
struct Asked {
  std::string url = "http://127.0.0.1:8080";  // Where edgetwin-cloud serves unless told otherwise.
  std::string token_file;
  bool json = false;
  std::string device;
  // decommission
  bool yes = false;
  // events, commands
  std::uint64_t limit = 20;
  bool open = false;
  // command
  std::string name;
  std::string path;
  std::optional<std::string> value;
  std::uint64_t expires_in = 300;
  bool wait = false;
  // import
  std::string file;
  std::string receipt;
};

using Done = Outcome<Exit>;

Done ListDevices(const Client& client, const Asked& asked);
Done ShowDevice(const Client& client, const Asked& asked);
Done WhyDevice(const Client& client, const Asked& asked);
Done Unfence(const Client& client, const Asked& asked);
Done Adopt(const Client& client, const Asked& asked);
Done Withdraw(const Client& client, const Asked& asked);
Done Decommission(const Client& client, const Asked& asked);
Done ListEvents(const Client& client, const Asked& asked);
Done ListCommands(const Client& client, const Asked& asked);
Done GiveCommand(const Client& client, const Asked& asked);
Done Import(const Client& client, const Asked& asked);

// Adds "devices …", "events", "commands", "command" and "import" to the program's command line.
// Must outlive its parsing.
class Operator {
 public:
  explicit Operator(CLI::App& app);
  // After the parsing: runs the command that was chosen and returns the exit code; nothing: none
  // was.
  std::optional<int> Run() const;

 private:
  using Command = Done (*)(const Client&, const Asked&);

  CLI::App* Add(CLI::App& parent, const std::string& name, const std::string& what, Command command,
                bool device);

  Asked asked_;
  Command chosen_ = nullptr;  // Set by the parser.
};

}  // namespace edgetwin::cloudcli
