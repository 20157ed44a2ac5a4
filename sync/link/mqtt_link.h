// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Link over MQTT by libmosquitto.
//
// Topics: "et/<device>/u" up, "et/<device>/d" down, "et/*/d" from the cloud to every device ('*' is
// no wildcard of MQTT and no character of a device id), "e/<address>" down to a device that offered
// such a short address for this connection. QoS 0, clean start, nothing retained. A device's
// own topic is sent once in a connection where the broker takes an alias for it (MQTT 5).

#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sync/link/link.h"
#include "twin/mqtt/broker_url.h"

namespace edgetwin::sync {

inline constexpr std::string_view kEveryDevice = "*";  // As `peer` in the cloud's Send.

// Whether `id` may be a device id: 1 to 64 of [A-Za-z0-9._-], not starting with '.' or '-'.
Status CheckDeviceId(std::string_view id);

using mqtt::BrokerUrl;
using mqtt::ParseBrokerUrl;

struct MqttOptions {
  std::vector<BrokerUrl> brokers;  // In order of preference.
  std::string device;     // A device's link: its id. Empty: the cloud's link, for all devices.
  std::string client_id;  // MQTT client id, unique per process incarnation.
  std::string ca_file;    // PEM; empty: the system's store, for mqtts.
  std::string certificate_file;  // PEM, with key_file: client certificate.
  std::string key_file;
  std::string username;
  std::string password;                // Read by the caller from a file or a systemd credential.
  std::chrono::seconds keepalive{60};  // 5 to 65,535.
  int protocol = 0;                    // 5, 4 (3.1.1), or 0: 5, and 4 after a broker refused 5.
  std::size_t frame_bytes_max = 256 << 10;  // Received; larger ones are dropped and counted.
  std::size_t backlog_bytes_max = 1 << 20;  // Sent but not yet taken by the kernel.
  // For resolving a broker's name, and again for each of its addresses. One that can't be reached
  // delays the others by no more than that.
  std::chrono::milliseconds connect_timeout{10'000};
  // For TLS, CONNACK and SUBACK together.
  std::chrono::milliseconds handshake_timeout{30'000};
  // Between two rounds through the brokers: random in [0, min(backoff_max, backoff_min * 2^n)].
  std::chrono::milliseconds backoff_min{500};
  std::chrono::milliseconds backoff_max{60'000};
  // The Will's payload, asked for before each attempt to connect; none for the cloud.
  std::function<std::string()> will;
  // Random number below the argument; injected so that jitter is reproducible in tests.
  std::function<std::uint64_t(std::uint64_t below)> random;
};

// Names are resolved and certificates read on a thread that lives for that alone; connecting and
// everything after it is done on the loop's thread and never blocks it.
std::unique_ptr<Link> MakeMqttLink(Loop& loop, MqttOptions options);

}  // namespace edgetwin::sync
