// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/snmp/snmp_options.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>

#include "drivers/sdk/policy.h"

namespace edgetwin::snmp_driver {
namespace {

using model::ValueType;
using std::chrono::hours;
using std::chrono::milliseconds;

constexpr std::size_t kNameBytesMax = 32;  // Of users and contexts: RFC 3414, 2.1; RFC 3411, 3.3.
constexpr std::size_t kValueNamesMax = 1'000;
constexpr std::size_t kHostBytesMax = 253;

template <class E>
using Choices = std::vector<std::pair<std::string, E>>;

bool HasControl(const std::string& text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

void Refuse(ConfigReader& config, std::string_view key, const std::string& why) {
  if (config.Has(key)) config.Problem(key, why);
}

std::string ReadName(ConfigReader& config, std::string_view key) {
  std::string name = config.String(key, {});
  if (name.size() > kNameBytesMax || HasControl(name)) {
    config.Problem(key, "must have at most 32 bytes, without control characters");
  }
  return name;
}

Oid ReadOid(ConfigReader& config, std::string_view key) {
  if (!config.Require(key)) return {};
  const std::string text = config.String(key, {});
  if (text.empty()) {
    config.Problem(key, "must be a string such as \"1.3.6.1.2.1.1.3.0\"");
    return {};
  }
  Result<Oid> oid = ParseOid(text);
  if (oid) return *std::move(oid);
  config.Problem(key, oid.error().text);
  return {};
}

driver::SecretPlace ReadPassword(ConfigReader& config, const std::string& key,
                                 const std::string& protocol) {
  driver::SecretPlace place = driver::ReadSecretPlace(config, key);
  if (protocol.empty() && !place.empty()) {
    config.Problem(place.file.empty() ? key + "_credential" : key + "_file",
                   "is of no use without " + key.substr(0, key.find('_')));
  } else if (!protocol.empty() && place.empty()) {
    config.Problem({}, "needs " + key + "_file or " + key + "_credential");
  }
  return place;
}

UserOptions ReadUser(ConfigReader& config) {
  UserOptions user;
  for (const char* key : {"community", "community_file", "community_credential"}) {
    Refuse(config, key, "is for version = \"2c\"; version 3 has a user");
  }
  config.Require("user");
  user.name = ReadName(config, "user");
  if (config.Has("user") && user.name.empty()) config.Problem("user", "must not be empty");
  user.auth = config.Choice<std::string>("auth", {},
                                         {{"none", ""},
                                          {"md5", "MD5"},
                                          {"sha", "SHA"},
                                          {"sha224", "SHA-224"},
                                          {"sha256", "SHA-256"},
                                          {"sha384", "SHA-384"},
                                          {"sha512", "SHA-512"}});
  user.auth_password = ReadPassword(config, "auth_password", user.auth);
  user.priv = config.Choice<std::string>("priv", {},
                                         {{"none", ""},
                                          {"des", "DES"},
                                          {"aes", "AES"},
                                          {"aes192", "AES-192"},
                                          {"aes256", "AES-256"},
                                          {"aes192c", "AES-192-C"},
                                          {"aes256c", "AES-256-C"}});
  user.priv_password = ReadPassword(config, "priv_password", user.priv);
  if (!user.priv.empty() && user.auth.empty()) {
    config.Problem("priv", "needs auth: there is no encryption without authentication");
  }
  user.context = ReadName(config, "context");
  return user;
}

void ReadCommunity(ConfigReader& config, AgentOptions& agent) {
  for (const char* key :
       {"user", "auth", "auth_password", "auth_password_file", "auth_password_credential", "priv",
        "priv_password", "priv_password_file", "priv_password_credential", "context"}) {
    Refuse(config, key, "is for version = \"3\"");
  }
  // It goes over the wire as it is, so it may stand in the configuration, too.
  if (config.Has("community_file") || config.Has("community_credential")) {
    agent.community_place = driver::ReadSecretPlace(config, "community");
  } else {
    agent.community = config.String("community", agent.community);
  }
}

AgentOptions ReadAgent(ConfigReader& config) {
  AgentOptions agent;
  config.Require("host");
  agent.host = config.String("host", {});
  if (config.Has("host") &&
      (agent.host.empty() || agent.host.size() > kHostBytesMax ||
       agent.host.find_first_of(" /[]") != agent.host.npos || HasControl(agent.host))) {
    config.Problem("host", Shown(agent.host) + " is neither a name nor an address");
  }
  agent.port = static_cast<std::uint16_t>(config.Int("port", agent.port, 1, 65'535));
  const bool users = config.Choice<bool>("version", false, {{"2c", false}, {"3", true}});
  if (users) {
    agent.user = ReadUser(config);
  } else {
    ReadCommunity(config, agent);
  }
  agent.timeout =
      config.Duration("timeout", agent.timeout, milliseconds(10), std::chrono::minutes(1));
  agent.retries = static_cast<int>(config.Int("retries", agent.retries, 0, 10));
  return agent;
}

void ReadValueNames(ConfigReader& config, Conversion& conversion) {
  const ConfigNode* node = config.Raw("values");
  if (node == nullptr) return;
  if (conversion.type != ValueType::kString || conversion.hex) {
    return config.Problem("values", "is for type = \"string\"");
  }
  if (node->table() == nullptr) {
    return config.Problem("values", "must be a table, not " + std::string(node->TypeName()));
  }
  if (node->table()->size() > kValueNamesMax) {
    return config.Problem("values", "has more than " + std::to_string(kValueNamesMax) + " names");
  }
  for (const auto& [key, value] : *node->table()) {
    std::int64_t number = 0;
    const auto [at, error] = std::from_chars(key.data(), key.data() + key.size(), number);
    const auto* name = std::get_if<std::string>(&value.value);
    if (key.empty() || error != std::errc() || at != key.data() + key.size()) {
      config.Problem("values", Shown(key) + " is no whole number");
    } else if (name == nullptr || name->empty() || !model::Holdable(model::Value(*name))) {
      config.Problem("values", "what " + key + " means must be a text");
    } else {
      conversion.names[number] = *name;
    }
  }
}

void ReadConversion(ConfigReader& config, PropertyOptions& property) {
  Conversion& conversion = property.conversion;
  enum class Type { kInt, kDouble, kBool, kString, kHex, kBytes };
  const Type type = config.Choice<Type>("type", Type::kInt,
                                        {{"int", Type::kInt},
                                         {"double", Type::kDouble},
                                         {"bool", Type::kBool},
                                         {"string", Type::kString},
                                         {"hex", Type::kHex},
                                         {"bytes", Type::kBytes}});
  switch (type) {
    case Type::kInt: conversion.type = ValueType::kInt; break;
    case Type::kDouble: conversion.type = ValueType::kDouble; break;
    case Type::kBool: conversion.type = ValueType::kBool; break;
    case Type::kString:
    case Type::kHex: conversion.type = ValueType::kString; break;
    case Type::kBytes: conversion.type = ValueType::kBytes; break;
  }
  conversion.hex = type == Type::kHex;
  property.def.type = conversion.type;
  conversion.scale = config.OptionalDouble("scale").value_or(1);
  conversion.offset = config.OptionalDouble("offset").value_or(0);
  for (const char* key : {"scale", "offset"}) {
    if (config.Has(key) && conversion.type != ValueType::kDouble) {
      config.Problem(key, "is for type = \"double\"");
    }
  }
  if (conversion.scale == 0) {
    config.Problem("scale", "must not be 0");
    conversion.scale = 1;
  }
  constexpr std::int64_t kMin = std::numeric_limits<std::int32_t>::min();
  constexpr std::int64_t kMax = std::numeric_limits<std::uint32_t>::max();
  conversion.true_number = config.Int("true_value", conversion.true_number, kMin, kMax);
  conversion.false_number = config.Int("false_value", conversion.false_number, kMin, kMax);
  for (const char* key : {"true_value", "false_value"}) {
    if (config.Has(key) && conversion.type != ValueType::kBool) {
      config.Problem(key, "is for type = \"bool\"");
    }
  }
  if (conversion.true_number == conversion.false_number) {
    config.Problem("true_value", "is the same as false_value");
  }
  ReadValueNames(config, conversion);
}

void ReadWriting(ConfigReader& config, PropertyOptions& property) {
  driver::ReadWriteOptions(config, property.def);
  const bool set = config.Has("syntax");
  const Syntax syntax = config.Choice<Syntax>("syntax", Syntax::kInteger,
                                              {{"integer", Syntax::kInteger},
                                               {"unsigned", Syntax::kUnsigned},
                                               {"counter32", Syntax::kCounter32},
                                               {"counter64", Syntax::kCounter64},
                                               {"timeticks", Syntax::kTimeTicks},
                                               {"string", Syntax::kOctets},
                                               {"oid", Syntax::kOid},
                                               {"ipaddress", Syntax::kIpAddress},
                                               {"float", Syntax::kFloat},
                                               {"double", Syntax::kDouble}});
  if (!set) return;
  property.syntax = syntax;
  if (!property.def.writable)
    config.Problem("syntax", "is of what is written: say writable = true");
}

class Reader {
 public:
  explicit Reader(ConfigReader& config) : config_(config) {}

  SnmpOptions Read() {
    result_.instance = config_.prefix();
    thing_ = driver::ReadThing(config_);
    result_.agent = ReadAgent(config_);
    ReadPace();
    for (ConfigReader& table : config_.Tables("property")) ReadProperty(table, {});
    for (ConfigReader& table : config_.Tables("row")) ReadRow(table);
    if (result_.properties.empty() && config_.problems().empty()) {
      config_.Problem("property", "is required, or a row with one");
    }
    return std::move(result_);
  }

 private:
  void ReadPace() {
    result_.period = config_.Duration("period", result_.period, milliseconds(100), hours(24));
    result_.search_period =
        config_.Duration("search_period", result_.search_period, milliseconds(100), hours(24));
    result_.oids_max =
        static_cast<std::size_t>(config_.Int("max_oids", std::int64_t(result_.oids_max), 2, 100));
    result_.walked_max = static_cast<std::size_t>(
        config_.Int("max_walked", std::int64_t(result_.walked_max), 1, 100'000));
    result_.breaker_failures =
        static_cast<int>(config_.Int("breaker_failures", result_.breaker_failures, 1, 1'000));
    result_.breaker_max =
        config_.Duration("breaker_max", result_.breaker_max, milliseconds(100), hours(24));
  }

  void ReadRow(ConfigReader& config) {
    if (result_.rows.size() == kRowsMax) {
      return config.Problem({}, "there are more than " + std::to_string(kRowsMax) + " rows");
    }
    RowOptions row;
    config.Require("value");
    row.value = config.String("value", {});
    row.column = ReadOid(config, "column");
    row.name = config.String("name", row.value);
    const std::size_t index = result_.rows.size();
    const std::string name = row.name;
    result_.rows.push_back(std::move(row));
    config.Require("property");
    for (ConfigReader& table : config.Tables("property")) ReadProperty(table, index, name + "/");
    config.Finish();
  }

  void ReadProperty(ConfigReader& config, std::optional<std::size_t> row,
                    const std::string& before = {}) {
    PropertyOptions property;
    property.row = row;
    ReadConversion(config, property);
    property.oid = ReadOid(config, "oid");
    driver::ReadPropertyOptions(config, property.def);
    property.conversion.decimals = property.def.decimals;
    ReadWriting(config, property);
    property.def.source = ToString(property.oid);
    if (row) {
      property.def.source += " of the row whose " + ToString(result_.rows[*row].column) + " is " +
                             Shown(result_.rows[*row].value);
    }
    config.Require("name");
    ReadPath(config, before + config.String("name", {}), property);
    config.Finish();
    if (result_.properties.size() == kPropertiesMax) {
      return config.Problem(
          {}, "there are more than " + std::to_string(kPropertiesMax) + " properties");
    }
    result_.properties.push_back(std::move(property));
  }

  void ReadPath(ConfigReader& config, const std::string& name, PropertyOptions& property) {
    const Result<model::Path> path = model::Path::Parse(thing_ + "/" + name);
    if (!path) {
      if (config.Has("name")) config.Problem("name", "'" + name + "': " + path.error().text);
      return;
    }
    property.def.path = *path;
    const auto [found, added] = lines_.emplace(name, config.source().line);
    if (added) return;
    config.Problem("name", "'" + name + "' is another property's" +
                               (found->second > 0 ? ", in line " + std::to_string(found->second)
                                                  : std::string()));
  }

  ConfigReader& config_;
  SnmpOptions result_;
  std::string thing_;
  std::map<std::string, int> lines_;  // By name.
};

}  // namespace

SnmpOptions ReadSnmpOptions(ConfigReader& config) {
  return Reader(config).Read();
}

}  // namespace edgetwin::snmp_driver
