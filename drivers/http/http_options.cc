// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/http/http_options.h"

#include <map>

#include "drivers/http/message_options.h"
#include "drivers/sdk/policy.h"

namespace edgetwin::http_driver {
namespace {

using model::ValueType;
using std::chrono::hours;
using std::chrono::milliseconds;

constexpr milliseconds kPeriodMin{100};
constexpr milliseconds kPeriodMax = hours(24);
constexpr milliseconds kTimeoutMin{10};
constexpr milliseconds kTimeoutMax = std::chrono::minutes(5);
constexpr std::uint64_t kBodyBytesMin = 1 << 10;
constexpr std::uint64_t kBodyBytesMax = 8 << 20;

// What requests inherit from their instance.
struct Defaults {
  RequestOptions request;
  AuthOptions auth;
  TlsOptions tls;
};

void ReadPace(ConfigReader& config, RequestOptions& request) {
  request.period = config.Duration("period", request.period, kPeriodMin, kPeriodMax);
  request.timeout = config.Duration("timeout", request.timeout, kTimeoutMin, kTimeoutMax);
  request.body_bytes_max = static_cast<std::size_t>(
      config.Bytes("response_max", request.body_bytes_max, kBodyBytesMin, kBodyBytesMax));
  request.redirects_max =
      static_cast<int>(config.Int("redirects_max", request.redirects_max, 0, 10));
}

void ReadConversion(ConfigReader& config, PropertyOptions& property) {
  Conversion& conversion = property.conversion;
  conversion.type = config.Choice<ValueType>("type", ValueType::kDouble,
                                             {{"double", ValueType::kDouble},
                                              {"int", ValueType::kInt},
                                              {"bool", ValueType::kBool},
                                              {"string", ValueType::kString}});
  property.def.type = conversion.type;
  const std::string type(ToString(conversion.type));
  conversion.scale = config.OptionalDouble("scale").value_or(1);
  conversion.offset = config.OptionalDouble("offset").value_or(0);
  for (const char* key : {"scale", "offset"}) {
    if (config.Has(key) && conversion.type != ValueType::kDouble) {
      config.Problem(key, "is for type = \"double\", not \"" + type + "\"");
    }
  }
  if (conversion.scale == 0) config.Problem("scale", "must not be 0");
  for (const char* key : {"true_text", "false_text"}) {
    if (config.Has(key) && conversion.type != ValueType::kBool) {
      config.Problem(key, "is for type = \"bool\", not \"" + type + "\"");
    }
  }
  if (!config.Has("true_text") && !config.Has("false_text")) return;
  config.Require("true_text");
  config.Require("false_text");
  conversion.true_text = config.String("true_text", {});
  conversion.false_text = config.String("false_text", {});
  if (config.Has("true_text") && conversion.true_text == conversion.false_text) {
    config.Problem("false_text", "is the same as true_text");
  }
}

// Returns how the place is told to people.
std::string ReadPlace(ConfigReader& config, Place& place) {
  if (config.Has("pointer") == config.Has("regex")) {
    config.Problem({}, "needs either 'pointer' (into JSON) or 'regex'");
    config.Has("regex");
    return {};
  }
  if (config.Has("pointer")) {
    const std::string text = config.String("pointer", {});
    Result<Pointer> pointer = ParsePointer(text);
    if (!pointer) {
      config.Problem("pointer", pointer.error().text);
      return {};
    }
    place = PointerPlace{*std::move(pointer), text};
    return text;
  }
  const std::string text = config.String("regex", {});
  Result<Pattern> pattern = Pattern::Compile(text);
  if (!pattern) {
    config.Problem("regex", pattern.error().text);
    return {};
  }
  place = *std::move(pattern);
  return "regex " + text;
}

void ReadWrite(ConfigReader& config, PropertyOptions& property, const AuthOptions& auth,
               const TlsOptions& tls) {
  std::optional<ConfigReader> table = config.Table("write");
  property.def.writable = table.has_value();
  driver::ReadWriteOptions(config, property.def);
  if (property.def.writable && !table) {
    config.Problem("writable", "needs a table 'write' that says how");
  }
  if (!table) return;
  WriteOptions write;
  write.message = ReadMessage(*table, {"POST", "PUT", "PATCH"}, auth, tls);
  write.timeout = table->Duration("timeout", write.timeout, kTimeoutMin, kTimeoutMax);
  if (table->Require("body") && write.message.body.find(kValueMark) == write.message.body.npos) {
    table->Problem("body", "must hold {value}, which is replaced by the value in JSON");
  }
  table->Finish();
  property.write = std::move(write);
}

class Reader {
 public:
  explicit Reader(ConfigReader& config) : config_(config) {}

  HttpOptions Read() {
    thing_ = driver::ReadThing(config_);
    result_.breaker_failures =
        static_cast<int>(config_.Int("breaker_failures", result_.breaker_failures, 1, 1'000));
    result_.breaker_max =
        config_.Duration("breaker_max", result_.breaker_max, milliseconds(100), hours(24));
    ReadPace(config_, defaults_.request);
    ReadSecurity(config_, defaults_.auth, defaults_.tls);
    for (ConfigReader& request : config_.Tables("request")) {
      if (result_.requests.size() == kRequestsMax) {
        request.Problem({}, "there are more than " + std::to_string(kRequestsMax) + " requests");
        break;
      }
      ReadRequest(request);
    }
    for (ConfigReader& table : config_.Tables("property")) ReadWriteOnly(table);
    if (result_.properties.empty() && config_.problems().empty()) {
      config_.Problem("request", "is required, with a property; or a property to write");
    }
    return std::move(result_);
  }

 private:
  void ReadRequest(ConfigReader& config) {
    RequestOptions request = defaults_.request;
    ReadPace(config, request);
    request.message = ReadMessage(config, {"GET", "POST"}, defaults_.auth, defaults_.tls);
    request.name = config.String("name", request.message.url.path);
    if (config.Has("name") && (request.name.empty() || request.name.size() > 100)) {
      config.Problem("name", "must have 1 to 100 bytes");
    }
    if (!request.name.empty() && !names_.emplace(request.name, config.source().line).second) {
      config.Problem(config.Has("name") ? "name" : "url",
                     "there is a request '" + request.name + "' already; give this one a name");
    }
    const std::size_t index = result_.requests.size();
    config.Require("property");
    for (ConfigReader& table : config.Tables("property")) {
      PropertyOptions property;
      property.request = index;
      ReadConversion(table, property);
      const std::string place = ReadPlace(table, property.place);
      ReadWrite(table, property, request.message.auth, request.message.tls);
      property.def.source = request.message.method + " " + request.message.url.shown + " " + place;
      Finish(table, std::move(property));
    }
    config.Finish();
    result_.requests.push_back(std::move(request));
  }

  void ReadWriteOnly(ConfigReader& table) {
    PropertyOptions property;
    ReadConversion(table, property);
    table.Refuse("pointer", "is for properties of a request; this one is only written");
    table.Refuse("regex", "is for properties of a request; this one is only written");
    ReadWrite(table, property, defaults_.auth, defaults_.tls);
    if (property.write) {
      const MessageOptions& message = property.write->message;
      property.def.source = message.method + " " + message.url.shown;
    } else if (!property.def.writable) {
      table.Problem("write", "is required: this property has no request to be read by");
    }
    Finish(table, std::move(property));
  }

  void Finish(ConfigReader& table, PropertyOptions property) {
    table.Require("name");
    property.name = table.String("name", {});
    driver::ReadPropertyOptions(table, property.def);
    property.conversion.decimals = property.def.decimals;
    const Result<model::Path> path = model::Path::Parse(thing_ + "/" + property.name);
    if (path) {
      property.def.path = *path;
      const auto [found, added] = paths_.emplace(property.name, table.source().line);
      if (!added) {
        table.Problem("name", "'" + property.name + "' is another property's" +
                                  (found->second > 0 ? ", in line " + std::to_string(found->second)
                                                     : std::string()));
      }
    } else if (table.Has("name")) {
      table.Problem("name", "'" + property.name + "': " + path.error().text);
    }
    table.Finish();
    if (result_.properties.size() == kPropertiesMax) {
      return table.Problem({},
                           "there are more than " + std::to_string(kPropertiesMax) + " properties");
    }
    result_.properties.push_back(std::move(property));
  }

  ConfigReader& config_;
  HttpOptions result_;
  Defaults defaults_;
  std::string thing_;
  std::map<std::string, int> names_;  // Of requests, with their lines.
  std::map<std::string, int> paths_;
};

}  // namespace

HttpOptions ReadHttpOptions(ConfigReader& config) {
  return Reader(config).Read();
}

}  // namespace edgetwin::http_driver
