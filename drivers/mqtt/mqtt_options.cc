// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/mqtt/mqtt_options.h"

#include <algorithm>
#include <map>
#include <utility>

#include "drivers/sdk/extract/extract_options.h"
#include "drivers/sdk/policy.h"

namespace edgetwin::mqtt_driver {
namespace {

using model::ValueType;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kMessageBytesMin = 1 << 10;
constexpr std::uint64_t kMessageBytesMax = 4 << 20;
constexpr std::size_t kBodyBytesMax = 64 << 10;
constexpr std::size_t kTextBytesMax = 256;  // Of client ids and users; MQTT has 65,535.

std::string ReadText(ConfigReader& config, std::string_view key) {
  std::string text = config.String(key, {});
  const bool control = std::ranges::any_of(text, [](unsigned char c) { return c < 0x20; });
  if (config.Has(key) && (text.empty() || text.size() > kTextBytesMax || control)) {
    config.Problem(key, "must have 1 to 256 bytes, without control characters");
  }
  return text;
}

seconds ReadSeconds(ConfigReader& config, std::string_view key, seconds otherwise, seconds min,
                    seconds max) {
  const milliseconds value = config.Duration(key, otherwise, min, max);
  if (value % seconds(1) != milliseconds(0)) config.Problem(key, "must be whole seconds");
  return std::chrono::duration_cast<seconds>(value);
}

void ReadTls(ConfigReader& config, ConnectionOptions& connection) {
  auto table = config.Table("tls");
  if (!table) return;
  if (!connection.broker.text.empty() && !connection.broker.tls) {
    config.Problem("tls", "is for a broker of mqtts://");
  }
  connection.ca_file = driver::ReadFilePath(*table, "ca_file");
  connection.cert_file = driver::ReadFilePath(*table, "cert_file");
  connection.key = driver::ReadSecretPlace(*table, "key");
  table->Refuse("verify", "is always true: name the broker's authority as ca_file");
  if (connection.cert_file.empty() != connection.key.empty()) {
    table->Problem({}, connection.key.empty() ? "cert_file needs key_file or key_credential"
                                              : "a key needs cert_file");
  }
  table->Finish();
}

void ReadConnection(ConfigReader& config, ConnectionOptions& connection) {
  mqtt::ClientOptions& client = connection.client;
  if (config.Require("broker")) {
    const std::string url = config.String("broker", {});
    Result<mqtt::BrokerUrl> broker = mqtt::ParseBrokerUrl(url);
    if (!broker && broker.error().code == ErrorCode::kUnsupported) {
      config.Problem("broker", broker.error().text +
                                   " by libmosquitto; name the broker's listener for mqtt:// or "
                                   "mqtts://");
    } else if (broker) {
      connection.broker = *std::move(broker);
    } else {
      config.Problem("broker", broker.error().text);
    }
  }
  client.client_id = ReadText(config, "client_id");
  client.username = ReadText(config, "user");
  connection.password = driver::ReadSecretPlace(config, "password");
  if (!connection.password.empty() && client.username.empty()) {
    config.Problem({}, "a password needs a user");
  }
  ReadTls(config, connection);
  connection.protocol = config.Choice<int>("protocol", 0, {{"auto", 0}, {"5", 5}, {"3.1.1", 4}});
  client.keepalive =
      ReadSeconds(config, "keepalive", client.keepalive, seconds(5), seconds(65'535));
  connection.clean_start = config.Bool("clean_start", true);
  connection.session_expiry =
      ReadSeconds(config, "session_expiry", connection.session_expiry, seconds(1), hours(24 * 366));
  if (connection.clean_start && config.Has("session_expiry")) {
    config.Problem("session_expiry", "is for clean_start = false");
  }
  if (!connection.clean_start && client.client_id.empty()) {
    config.Problem("clean_start", "false needs a client_id, by which the broker knows the session");
  }
  connection.qos = static_cast<int>(config.Int("qos", 0, 0, 1));
  client.message_bytes_max = static_cast<std::size_t>(
      config.Bytes("message_max", client.message_bytes_max, kMessageBytesMin, kMessageBytesMax));
  client.connect_timeout = config.Duration("timeout", client.connect_timeout, milliseconds(100),
                                           std::chrono::minutes(5));
  client.handshake_timeout = client.connect_timeout;
  connection.backoff_max =
      config.Duration("backoff_max", connection.backoff_max, milliseconds(100), hours(24));
}

// Names in `text`, all of which the topic must have. `others` may stand there besides.
void CheckNames(ConfigReader& config, std::string_view key, std::string_view text,
                const std::vector<std::string>& known) {
  const auto names = NamesIn(text);
  if (!names) return config.Problem(key, names.error().text);
  for (const std::string& name : *names) {
    if (std::ranges::count(known, name) > 0) continue;
    config.Problem(key, "'{" + name + "}' is no name of the topic" +
                            (known.empty() ? ", which has none" : ""));
  }
}

void ReadPlace(ConfigReader& config, Format format, PropertyOptions& property) {
  if (format == Format::kJson) {
    config.Refuse("regex", "is for format = \"text\"");
    if (!config.Require("pointer")) return;
    if (auto pointer = extract::ReadPointer(config, "pointer")) property.place = *pointer;
    return;
  }
  config.Refuse("pointer", "is for format = \"json\"");
  if (format != Format::kText) return config.Refuse("regex", "is for format = \"text\"");
  if (auto pattern = extract::ReadPattern(config, "regex")) property.place = *pattern;
}

void ReadWrite(ConfigReader& config, const std::vector<std::string>& names,
               PropertyOptions& property) {
  std::optional<ConfigReader> table = config.Table("write");
  property.def.writable = table.has_value();
  driver::ReadWriteOptions(config, property.def);
  if (property.def.writable && !table) {
    config.Problem("writable", "needs a table 'write' that says how");
  }
  if (!table) return;
  WriteOptions write;
  if (table->Require("topic")) {
    write.topic = table->String("topic", {});
    CheckNames(*table, "topic", write.topic, names);
    if (Status fine = CheckTopic(write.topic); !fine) table->Problem("topic", fine.error().text);
  }
  write.body = table->String("body", write.body);
  if (write.body.find(kValueMark) == write.body.npos || write.body.size() > kBodyBytesMax) {
    table->Problem("body", "must hold {value}, which is replaced by the value, and have at most " +
                               std::to_string(kBodyBytesMax) + " bytes");
  }
  write.retain = table->Bool("retain", write.retain);
  table->Finish();
  property.write = std::move(write);
}

class Reader {
 public:
  explicit Reader(ConfigReader& config) : config_(config) {}

  MqttOptions Read() {
    result_.thing = driver::ReadThing(config_);
    ReadConnection(config_, result_.connection);
    result_.write_timeout = config_.Duration("write_timeout", result_.write_timeout,
                                             milliseconds(100), std::chrono::minutes(5));
    for (ConfigReader& table : config_.Tables("topic")) ReadTopic(table);
    for (ConfigReader& table : config_.Tables("sparkplug")) ReadSparkplug(table);
    for (ConfigReader& table : config_.Tables("property")) ReadWriteOnly(table);
    if (properties_ == 0 && config_.problems().empty()) {
      config_.Problem("topic",
                      "is required, with a property; or a sparkplug; or a property to write");
    }
    Subscribe();
    return std::move(result_);
  }

 private:
  void ReadCommon(ConfigReader& config, SourceOptions& source) {
    source.stale_after =
        config.Duration("stale_after", source.stale_after, milliseconds(0), hours(24 * 366));
  }

  void ReadTopic(ConfigReader& config) {
    SourceOptions source;
    if (config.Require("topic")) {
      source.topic = config.String("topic", {});
      SetPattern(config, "topic", source.topic, source);
    }
    source.format = config.Choice<Format>(
        "format", Format::kJson,
        {{"json", Format::kJson}, {"text", Format::kText}, {"raw", Format::kRaw}});
    source.retained = config.Bool("retained", source.retained);
    ReadCommon(config, source);
    if (source.format == Format::kJson) {
      source.time = extract::ReadPointer(config, "time");
      source.time_format =
          config.Choice<driver::TimeFormat>("time_format", source.time_format,
                                            {{"auto", driver::TimeFormat::kAuto},
                                             {"iso8601", driver::TimeFormat::kIso},
                                             {"unix_s", driver::TimeFormat::kSeconds},
                                             {"unix_ms", driver::TimeFormat::kMilliseconds}});
    } else {
      for (const char* key : {"time", "time_format"}) {
        config.Refuse(key, "is for format = \"json\"");
      }
    }
    ReadProperties(config, source, [&](ConfigReader& table, PropertyOptions& property) {
      const std::vector<ValueType> types =
          source.format == Format::kRaw ? std::vector{ValueType::kBytes} : extract::kTextTypes;
      if (source.format == Format::kRaw) {
        table.Refuse("type", "of format = \"raw\" is bytes");
        property.def.type = property.conversion.type = ValueType::kBytes;
      } else {
        property.conversion = extract::ReadConversion(table, property.def, types);
      }
      ReadPlace(table, source.format, property);
      ReadWrite(table, source.pattern.names(), property);
      property.def.source = source.topic;
      if (property.place) {
        const auto* pointer = std::get_if<extract::PointerPlace>(&*property.place);
        property.def.source +=
            " " + (pointer != nullptr ? pointer->text : "regex " + table.String("regex", {}));
      }
    });
  }

  void ReadSparkplug(ConfigReader& config) {
    SourceOptions source;
    source.format = Format::kSparkplug;
    std::string text;
    for (const char* key : {"group", "node", "device"}) {
      const bool required = std::string_view(key) != "device";
      if (!config.Has(key) && !required) continue;
      if (required) config.Require(key);
      const std::string level = config.String(key, {});
      if (config.Has(key) && (level.empty() || level.find_first_of("/+#") != level.npos)) {
        config.Problem(key, "must be an id, or a name such as {" + std::string(key) + "} for any");
      }
      text += (text.empty() ? "" : "/") + level;
    }
    if (SetPattern(config, "group", text, source)) {
      source.node = *TopicPattern::Parse(text.substr(0, text.find('/', text.find('/') + 1)));
    }
    source.topic = "spBv1.0/" + text;
    ReadCommon(config, source);
    source.rebirth = config.Bool("rebirth", source.rebirth);
    source.payload_time = config.Choice<bool>("time", true, {{"device", true}, {"arrival", false}});
    ReadProperties(config, source, [&](ConfigReader& table, PropertyOptions& property) {
      std::vector<ValueType> types = extract::kTextTypes;
      types.push_back(ValueType::kBytes);
      property.conversion = extract::ReadConversion(table, property.def, types);
      table.Require("metric");
      property.metric = table.String("metric", {});
      if (table.Has("metric") && property.metric.empty()) {
        table.Problem("metric", "must not be empty");
      }
      property.def.writable = false;
      driver::ReadWriteOptions(table, property.def);
      property.def.source = source.topic + " " + property.metric;
      const auto pointer = extract::ReadPointer(table, "pointer");
      if (!pointer) return;
      if (property.def.writable) {
        table.Problem("writable", "is for a whole metric, not for what a pointer points to");
      }
      property.place = *pointer;
      property.def.source += " " + pointer->text;
    });
  }

  void ReadWriteOnly(ConfigReader& table) {
    PropertyOptions property;
    property.conversion = extract::ReadConversion(table, property.def);
    for (const char* key : {"pointer", "regex", "metric"}) {
      table.Refuse(key, "is for properties of a topic; this one is only written");
    }
    ReadWrite(table, {}, property);
    if (property.write) {
      property.def.source = property.write->topic;
    } else if (!property.def.writable) {
      table.Problem("write", "is required: this property has no topic to be heard on");
    }
    if (Finish(table, {}, property)) result_.write_only.push_back(std::move(property));
  }

  bool SetPattern(ConfigReader& config, std::string_view key, std::string_view text,
                  SourceOptions& source) {
    Result<TopicPattern> pattern = TopicPattern::Parse(text);
    if (!pattern) {
      if (config.Has(key)) config.Problem(key, pattern.error().text);
      return false;
    }
    source.pattern = *std::move(pattern);
    return true;
  }

  template <class ReadOwn>
  void ReadProperties(ConfigReader& config, SourceOptions& source, ReadOwn read_own) {
    config.Require("property");
    for (ConfigReader& table : config.Tables("property")) {
      PropertyOptions property;
      read_own(table, property);
      if (Finish(table, source.pattern.names(), property)) {
        source.properties.push_back(std::move(property));
      }
    }
    config.Finish();
    if (result_.sources.size() == kSourcesMax) {
      return config.Problem(
          {}, "there are more than " + std::to_string(kSourcesMax) + " tables topic and sparkplug");
    }
    result_.sources.push_back(std::move(source));
  }

  // What all have in common, and what no other property may have.
  bool Finish(ConfigReader& table, const std::vector<std::string>& names,
              PropertyOptions& property) {
    table.Require("name");
    property.name = table.String("name", {});
    driver::ReadPropertyOptions(table, property.def);
    property.conversion.decimals = property.def.decimals;
    if (table.Has("name")) CheckName(table, names, property);
    table.Finish();
    if (properties_ == kPropertiesMax) {
      table.Problem({}, "there are more than " + std::to_string(kPropertiesMax) + " properties");
      return false;
    }
    ++properties_;
    return true;
  }

  // Each name of the topic must be in it, or the topics of two devices would feed one property.
  void CheckName(ConfigReader& table, const std::vector<std::string>& names,
                 const PropertyOptions& property) {
    CheckNames(table, "name", property.name, names);
    const auto in_name = NamesIn(property.name);
    if (!in_name) return;
    for (const std::string& name : names) {
      if (std::ranges::count(*in_name, name) > 0) continue;
      table.Problem("name", "lacks {" + name + "}, which tells the topics' properties apart");
    }
    std::string sample = property.name;
    std::erase_if(sample, [](char c) { return c == '{' || c == '}'; });
    if (const auto path = model::Path::Parse(result_.thing + "/" + sample); !path) {
      return table.Problem("name", "'" + property.name + "': " + path.error().text);
    }
    const auto [found, added] = paths_.emplace(property.name, table.source().line);
    if (added) return;
    table.Problem("name", "'" + property.name + "' is another property's" +
                              (found->second > 0 ? ", in line " + std::to_string(found->second)
                                                 : std::string()));
  }

  void Subscribe() {
    std::vector<std::string>& filters = result_.connection.subscriptions;
    for (const SourceOptions& source : result_.sources) {
      std::string filter = source.pattern.filter();
      if (source.format == Format::kSparkplug) {
        // Sparkplug B, 4: namespace/group/type/node/device. All of a node, whose messages are
        // numbered as one.
        const std::string& node = source.node.filter();
        const std::size_t slash = std::min(node.find('/'), node.size());
        filter = "spBv1.0/" + node.substr(0, slash) + "/+" + node.substr(slash) + "/#";
      }
      if (std::ranges::count(filters, filter) == 0) filters.push_back(std::move(filter));
    }
  }

  ConfigReader& config_;
  MqttOptions result_;
  std::size_t properties_ = 0;
  std::map<std::string, int> paths_;  // With their lines.
};

}  // namespace

MqttOptions ReadMqttOptions(ConfigReader& config) {
  return Reader(config).Read();
}

}  // namespace edgetwin::mqtt_driver
