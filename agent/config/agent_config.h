// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The agent's configuration, typed and validated. packaging/edgetwin.toml shows every key.
//
// Nothing of it is applied here, and no secret is read. Relative paths are taken from the main
// file's directory, also where they stand in a file of conf.d.

#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/config/file_or_credential.h"
#include "agent/config/property_override.h"
#include "sync/link/mqtt_link.h"
#include "twin/base/config_node.h"
#include "twin/base/log.h"

namespace edgetwin::config {

inline constexpr std::size_t kInstancesMax = 256;
inline constexpr std::size_t kBrokersMax = 16;
inline constexpr std::size_t kInterestMax = 64;  // What the protocol can say; docs/PROTOCOL.md.

// [device]
struct DeviceConfig {
  // 1 to 64 of A-Z a-z 0-9 . _ -, not beginning with '.' or '-'. Without one: DefaultDeviceId().
  std::string id;
  std::string description;  // For people, at most 500 bytes.
  friend bool operator==(const DeviceConfig&, const DeviceConfig&) = default;
};

// [store]
struct StoreConfig {
  std::string directory = "/var/lib/edgetwin";
  // What power loss may take, at most: how long changes gather before one durable commit. 50ms to
  // 1h.
  std::chrono::milliseconds commit_window{2'000};
  // How often reported values that the cloud has already are folded into the file. 1s to 1d, not
  // below commit_window.
  std::chrono::milliseconds checkpoint_interval{600'000};
  // What may be written to flash a day, history included; 1MiB to 1TiB, 0: as much as it takes.
  std::uint64_t flash_per_day_max = 0;
  friend bool operator==(const StoreConfig&, const StoreConfig&) = default;
};

// Whether history goes to the cloud, and which end of it first.
enum class BackfillPolicy : std::uint8_t { kOff, kNewest, kOldest };

// [history]
struct HistoryConfig {
  bool enabled = true;
  std::string directory;                 // Empty: that of [store].
  std::uint64_t bytes_max = 256 << 20;   // Of the file and its WAL; 1MiB to 1TiB.
  std::chrono::milliseconds age_max{0};  // Older samples go; 1h to 3650d, 0: none for their age.
  BackfillPolicy backfill = BackfillPolicy::kNewest;
  // What it may send in an hour; 64KiB to 1TiB, 0: what the link lets through beside live values.
  std::uint64_t backfill_bytes_per_hour_max = 0;
  friend bool operator==(const HistoryConfig&, const HistoryConfig&) = default;
};

// [cloud]
struct CloudConfig {
  bool enabled = false;                  // Unless said: whether there are brokers.
  std::vector<sync::BrokerUrl> brokers;  // In order of preference.
  std::string ca_file;                   // PEM; empty: the system's store.
  std::string certificate_file;          // PEM, with key: the client's certificate.
  FileOrCredential key;                  // PEM.
  std::string username;                  // At most one of this and the next.
  FileOrCredential username_from;
  FileOrCredential password;           // Never in the configuration itself.
  std::chrono::seconds keepalive{60};  // 5s to 1h.
  int protocol = 0;  // As sync::MqttOptions: 5, 4 (3.1.1), or 0: 5, and 4 where it is refused.
  friend bool operator==(const CloudConfig& a, const CloudConfig& b);
};

// [api]
struct ApiConfig {
  std::string socket = "/run/edgetwin/edgetwind.sock";  // At most 107 bytes: sockaddr_un's.
  mode_t mode = 0660;  // Who may connect, besides who may enter the socket's directory.
  // Where /metrics and /healthz are served over TCP, too: a loopback address. Empty: nowhere.
  std::string metrics_address;
  std::uint16_t metrics_port = 0;
  friend bool operator==(const ApiConfig&, const ApiConfig&) = default;
};

// [sync]
struct SyncConfig {
  // Which of the values that the cloud wants are held here: patterns that model::ValidPattern
  // takes, each once, kInterestMax at most; none for all of them.
  std::vector<std::string> interest;
  friend bool operator==(const SyncConfig&, const SyncConfig&) = default;
};

// [events]
struct EventsConfig {
  std::uint32_t keep_max = 256;  // That the cloud has, kept for looking back; 0 to 10,000.
  friend bool operator==(const EventsConfig&, const EventsConfig&) = default;
};

// [limits]
struct LimitsConfig {
  std::uint32_t properties_max = 20'000;    // 1 to 100,000.
  std::uint32_t unknown_paths_max = 1'000;  // Desired for paths that no driver knows; 0 to 100,000.
  friend bool operator==(const LimitsConfig&, const LimitsConfig&) = default;
};

// [drivers.NAME]
struct DriverInstanceConfig {
  std::string name;  // One segment of a path.
  std::string kind;  // Unless said, the name.
  bool enabled = true;
  // The whole table, with what its profiles say; what isn't common to all drivers is the driver's.
  // See ReaderFor.
  ConfigNode node;

  // Whether they say the same, wherever they stand.
  friend bool operator==(const DriverInstanceConfig& a, const DriverInstanceConfig& b);
};

struct AgentConfig {
  DeviceConfig device;
  StoreConfig store;
  HistoryConfig history;
  CloudConfig cloud;
  SyncConfig sync;
  EventsConfig events;
  ApiConfig api;
  LogLevel log_level = LogLevel::kInfo;  // [log] level
  LimitsConfig limits;
  std::vector<DriverInstanceConfig> drivers;  // In the files' order.
  std::vector<PropertyOverride> properties;   // In the order in which they apply.

  std::vector<std::string> files;       // That it was made from.
  std::vector<ConfigProblem> warnings;  // Likely mistakes that don't keep it from being applied.
};

// Lets a driver check its own keys; called with ReaderFor's reader. Finish is called after it.
using DriverCheck = std::function<bool(const DriverInstanceConfig& instance, ConfigReader& reader)>;

// Loads and validates `path` and its conf.d. Nothing if there was any problem; `problems` then
// holds all of them, with those that `check` found. `driver_kinds`: the names of the kinds that
// this build has.
std::optional<AgentConfig> LoadAgentConfig(const std::string& path,
                                           const std::vector<std::string>& driver_kinds,
                                           ConfigProblems& problems, const DriverCheck& check = {});

// For Driver::Init: over the instance's table, with the keys common to all drivers known already.
// `instance` and `problems` must outlive the reader.
ConfigReader ReaderFor(const DriverInstanceConfig& instance, ConfigProblems& problems);

// "et-" and 16 hexadecimal digits that are this machine's, derived from /etc/machine-id (which
// itself must not leave the machine) as sd_id128_get_machine_app_specific does it. kUnavailable
// without a machine id.
Result<std::string> DefaultDeviceId();

// Whether two trees say the same: files, lines and the order of a table's keys don't count, an
// array's order does. An integer is never equal to a float.
bool EqualNodes(const ConfigNode& a, const ConfigNode& b);

}  // namespace edgetwin::config
