// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/mqtt/reason.h"

#include <mosquitto.h>
#include <mqtt_protocol.h>

#include <cstdio>

namespace edgetwin::mqtt {
namespace {

// The codes of MQTT 3.1.1 (table 3.1) as those of MQTT 5 that mean the same.
int FromVersion4(int reason) {
  switch (reason) {
    case 1: return MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION;
    case 2: return MQTT_RC_CLIENTID_NOT_VALID;
    case 3: return MQTT_RC_SERVER_UNAVAILABLE;
    case 4: return MQTT_RC_BAD_USERNAME_OR_PASSWORD;
    case 5: return MQTT_RC_NOT_AUTHORIZED;
    default: return reason;
  }
}

}  // namespace

std::string ReasonText(int reason) {
  char code[16];
  std::snprintf(code, sizeof code, "0x%02x", static_cast<unsigned>(reason));
  std::string text = mosquitto_reason_string(reason);
  if (text.ends_with('.')) text.pop_back();
  if (reason == MQTT_RC_SESSION_TAKEN_OVER) text += ": another client uses our client id";
  return text + ", " + code;
}

Error ConnackError(int reason, int protocol, const std::string& broker, const std::string& username,
                   const std::string& client_id) {
  const int code = protocol == MQTT_PROTOCOL_V5 ? reason : FromVersion4(reason);
  const std::string who =
      username.empty() ? "without a user name" : "with the user name \"" + username + "\"";
  switch (code) {
    case MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION:
      return Unsupported(broker + " does not speak MQTT " +
                         (protocol == MQTT_PROTOCOL_V5 ? "5" : "3.1.1"));
    case MQTT_RC_BAD_USERNAME_OR_PASSWORD:
      return {ErrorCode::kPermission,
              broker + " refused us " + who + ": wrong user name or password"};
    case MQTT_RC_NOT_AUTHORIZED:
      return {ErrorCode::kPermission, broker + " refused us " + who +
                                          ": not authorized; check user name, password and the "
                                          "broker's access rules"};
    case MQTT_RC_CLIENTID_NOT_VALID:
      return {ErrorCode::kPermission, broker + " refused the client id \"" + client_id + "\""};
    default: return Unavailable(broker + " refused the connection: " + ReasonText(code));
  }
}

}  // namespace edgetwin::mqtt
