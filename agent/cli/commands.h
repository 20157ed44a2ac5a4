// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The commands. Each prints its answer and returns how it ends; a Failure's text is printed by
// main.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/cli/client.h"
#include "agent/cli/output.h"
#include "agent/cli/places.h"
#include "agent/cli/reader.h"

namespace edgetwin::cli {

struct Context {
  const Output& out;
  const Client& client;
  Reader& reader;
  const Places& places;
  bool store_only = false;  // The daemon isn't to be asked.
};

using Done = Outcome<Exit>;

// status_command.cc
Done Status(const Context& context);
Done Limits(const Context& context);

// read_commands.cc
Done List(const Context& context, const std::string& pattern);
Done Get(const Context& context, const std::vector<std::string>& paths, bool quiet);
Done Why(const Context& context, const std::string& path);

// watch_command.cc
Done Watch(const Context& context, const std::string& pattern, std::chrono::milliseconds at_most,
           std::uint64_t count_max);

// override_commands.cc. `duration`: as the daemon thinks fit, if not given.
Done Override(const Context& context, const std::string& path, const std::string& value,
              std::optional<std::chrono::milliseconds> duration);
Done Release(const Context& context, const std::string& path);

// sync_command.cc
Done SyncStatus(const Context& context);

// event_commands.cc. Following asks the daemon again and again, until `at_most` has passed or
// `count_max` were shown (0: never).
Done Events(const Context& context, std::size_t limit);
Done FollowEvents(const Context& context, std::size_t limit, std::chrono::milliseconds at_most,
                  std::uint64_t count_max);
Done Alarms(const Context& context);
Done AcknowledgeAlarms(const Context& context, const std::string& path);

// history_commands.cc. Times are as people write them: how long ago, or when; empty: an hour ago,
// now.
struct HistoryArguments {
  std::string path;
  std::string from;
  std::string to;
  std::size_t points = 0;
  bool csv = false;
  bool table = false;  // Instead of a plot.
};
Done History(const Context& context, const HistoryArguments& arguments);
Done HistoryGaps(const Context& context, const std::string& path);
Done HistoryAudit(const Context& context);

// carry_commands.cc. Times as in HistoryArguments; empty: no limit.
struct ExportArguments {
  std::string file;
  std::string pattern;
  std::string from;
  std::string to;
  bool since_last = false;
  bool force = false;
};
Done Export(const Context& context, const ExportArguments& arguments);
Done TakeReceipt(const Context& context, const std::string& file);

// backup_command.cc
Done Backup(const Context& context, const std::string& file, bool replace);

// restore_commands.cc. Without `yes` they ask, on a terminal, or change nothing.
Done Restore(const Context& context, const std::string& file, bool yes);
Done FactoryReset(const Context& context, bool purge, bool yes);

// driver_commands.cc
Done Drivers(const Context& context);
Done DriverKindList(const Output& out);
// Of the configuration `file`, without the daemon, and without store and cloud: all instances for
// that long, or one until it was read once. Nothing is written to an actuator, but what `write`
// says: PATH=VALUE, or nothing.
Done TestDrivers(const Output& out, const std::string& file, std::chrono::milliseconds at_most);
Done ProbeDriver(const Output& out, const std::string& file, const std::string& name,
                 std::chrono::milliseconds at_most, const std::string& write);

// scan_command.cc. What this machine has, or a bus that `options` name; reads only.
struct ScanArguments {
  std::string kind;                  // Empty: all that look for devices.
  std::vector<std::string> options;  // "KEY=VALUE", of that kind.
  std::string root;                  // Instead of "/".
};
Done ScanDrivers(const Output& out, const ScanArguments& arguments);

// doctor_command.cc. What of the configuration can't be read is a finding, too.
struct DoctorArguments {
  std::string config;
  std::string socket;  // Empty: the configuration's.
  std::string root;    // For what is read of proc and sys; empty: "/".
};
Done Doctor(const Output& out, const DoctorArguments& arguments);

// bundle_command.cc
struct BundleArguments {
  DoctorArguments doctor;
  std::string file;  // Empty: named by device and time, in the working directory.
  bool replace = false;
  bool values = true;  // Properties, alarms and events, too.
};
Done Bundle(const Output& out, const BundleArguments& arguments);

// agent_commands.cc
Done Reload(const Context& context);
Done Version(const Context& context);
Done CheckConfig(const Output& out, const std::string& file);

}  // namespace edgetwin::cli
