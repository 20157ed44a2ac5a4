// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/http/http_options.h"

#include <map>

#include "drivers/http/message_options.h"
#include "drivers/sdk/extract/extract_options.h"
#include "drivers/sdk/policy.h"

namespace edgetwin::http_driver {
namespace {

using extract::Place;
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

// Returns how the place is told to people.
std::string ReadPlace(ConfigReader& config, Place& place) {
  if (config.Has("pointer") == config.Has("regex")) {
    config.Problem({}, "needs either 'pointer' (into JSON) or 'regex'");
    config.Has("regex");
    return {};
  }
  if (auto pointer = extract::ReadPointer(config, "pointer")) {
    place = *std::move(pointer);
    return config.String("pointer", {});
  }
  if (auto pattern = extract::ReadPattern(config, "regex")) {
    place = *std::move(pattern);
    return "regex " + config.String("regex", {});
  }
  return {};
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
      property.conversion = extract::ReadConversion(table, property.def);
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
    property.conversion = extract::ReadConversion(table, property.def);
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
