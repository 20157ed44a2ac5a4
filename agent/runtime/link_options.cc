// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/runtime/link_options.h"

#include "twin/base/random.h"

namespace edgetwin::runtime {
namespace {

Result<std::string> Secret(const config::FileOrCredential& place) {
  return place.empty() ? Result<std::string>(std::string()) : config::ReadSecret(place);
}

}  // namespace

Result<sync::MqttOptions> LinkOptions(const config::AgentConfig& config) {
  const config::CloudConfig& cloud = config.cloud;
  sync::MqttOptions options;
  options.brokers = cloud.brokers;
  const auto user = Secret(cloud.username_from);
  if (!user) return user.error();
  const auto password = Secret(cloud.password);
  if (!password) return password.error();
  if (!cloud.key.empty()) {
    const auto key = config::Locate(cloud.key);
    if (!key) return key.error();
    options.key_file = *key;
  }
  options.device = config.device.id;
  options.ca_file = cloud.ca_file;
  options.certificate_file = cloud.certificate_file;
  options.username = cloud.username.empty() ? *user : cloud.username;
  options.password = *password;
  options.keepalive = cloud.keepalive;
  options.protocol = cloud.protocol;
  options.random = RandomBelow;
  return options;
}

}  // namespace edgetwin::runtime
