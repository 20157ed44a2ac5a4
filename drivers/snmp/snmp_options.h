// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// An snmp instance's options. README.md describes each.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "drivers/sdk/driver.h"
#include "drivers/sdk/secret.h"
#include "drivers/snmp/binding.h"
#include "drivers/snmp/conversion.h"

namespace edgetwin::snmp_driver {

inline constexpr std::size_t kPropertiesMax = 5'000;  // An instance.
inline constexpr std::size_t kRowsMax = 1'000;        // An instance.

// SNMPv3's user-based security model (RFC 3414). The protocols' names are the library's: "SHA-256",
// "AES"; empty: none.
struct UserOptions {
  std::string name;
  std::string auth;
  driver::SecretPlace auth_password;
  std::string priv;
  driver::SecretPlace priv_password;
  std::string context;
};

// Where an agent is, and how it is asked.
struct AgentOptions {
  std::string host;
  std::uint16_t port = 161;
  std::string community = "public";  // Version 2c, unless it stands in community_place.
  driver::SecretPlace community_place;
  std::optional<UserOptions> user;           // Version 3.
  std::chrono::milliseconds timeout{2'000};  // Of each try.
  int retries = 1;
};

// A table's row, known by what one of its columns holds.
struct RowOptions {
  std::string name;
  Oid column;
  std::string value;
};

struct PropertyOptions {
  model::PropertyDef def;
  Oid oid;                         // Of the instance; in a row: of the column.
  std::optional<std::size_t> row;  // Index into SnmpOptions::rows.
  Conversion conversion;
  std::optional<Syntax> syntax;  // Of what is set; nothing: as it was read.
};

struct SnmpOptions {
  std::string instance;  // ConfigReader::prefix().
  AgentOptions agent;
  std::chrono::milliseconds period{30'000};
  std::chrono::milliseconds search_period{
      60'000};                     // Between two searches of rows that are missing.
  std::size_t oids_max = 20;       // In a request.
  std::size_t walked_max = 1'000;  // Rows that a search looks at.
  int breaker_failures = 3;
  std::chrono::milliseconds breaker_max{60'000};
  std::vector<RowOptions> rows;
  std::vector<PropertyOptions> properties;
};

// Every problem goes to `config.problems()`.
SnmpOptions ReadSnmpOptions(ConfigReader& config);

}  // namespace edgetwin::snmp_driver
