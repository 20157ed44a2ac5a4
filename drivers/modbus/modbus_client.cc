// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/modbus/modbus_client.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <system_error>

namespace edgetwin::driver {
namespace {

constexpr int kGatewayPath = 10;
constexpr int kGatewayTarget = 11;

// MODBUS Application Protocol V1.1b3, 7.
std::string_view ExceptionName(int code) {
  switch (code) {
    case 1: return "illegal function";
    case 2: return "illegal data address";
    case 3: return "illegal data value";
    case 4: return "server device failure";
    case 5: return "acknowledge";
    case 6: return "server device busy";
    case 7: return "negative acknowledge";
    case 8: return "memory parity error";
    case kGatewayPath: return "gateway path unavailable";
    case kGatewayTarget: return "gateway target device failed to respond";
    default: return "unknown";
  }
}

}  // namespace

ModbusClient::ModbusClient() : wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

ModbusClient::~ModbusClient() {
  if (wake_ >= 0) close(wake_);
}

void ModbusClient::Interrupt() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof one);
}

bool ModbusClient::interrupted() const {
  pollfd wait{wake_, POLLIN, 0};
  return poll(&wait, 1, 0) > 0;
}

void ModbusClient::Pause(MonoTime until) {
  for (MonoTime now = clock_.Now(); now < until && !interrupted(); now = clock_.Now()) {
    pollfd wait{wake_, POLLIN, 0};
    poll(&wait, 1, PollTimeout(until - now));
  }
}

ModbusError ExceptionOf(int code, int unit, const std::string& what) {
  const bool gateway = code == kGatewayPath || code == kGatewayTarget;
  const ErrorCode kind =
      gateway || (code >= 4 && code <= 6) ? ErrorCode::kUnavailable : ErrorCode::kInvalid;
  return {MakeError(kind, "unit " + std::to_string(unit) + ": exception " + std::to_string(code) +
                              " (" + std::string(ExceptionName(code)) + ") " + what),
          code, !gateway};
}

std::string RangeText(TableKind kind, int address, int count) {
  std::string text = std::string(ToString(kind)) + " " + std::to_string(address);
  if (count > 1) text += ".." + std::to_string(address + count - 1);
  return text;
}

int PollTimeout(std::chrono::microseconds left) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::clamp<std::int64_t>(ms, 0, 1'000'000));
}

std::string SystemText(int number) {
  return std::generic_category().message(number);
}

}  // namespace edgetwin::driver
