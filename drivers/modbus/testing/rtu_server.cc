// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/modbus/testing/rtu_server.h"

#include <modbus/modbus.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "twin/base/check.h"

namespace edgetwin::driver::testing {
namespace {

constexpr int kCount = 64;

// How many bytes a request has whose beginning is `bytes`; 0 when more of it has to come.
std::size_t RequestBytes(const RtuBytes& bytes) {
  if (bytes.size() < 2) return 0;
  switch (bytes[1]) {
    case MODBUS_FC_MASK_WRITE_REGISTER: return 10;
    case MODBUS_FC_WRITE_MULTIPLE_COILS:
    case MODBUS_FC_WRITE_MULTIPLE_REGISTERS: return bytes.size() < 7 ? 0 : 9u + bytes[6];
    default: return 8;
  }
}

void WriteAll(int fd, const RtuBytes& bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t written = write(fd, bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // The line is gone; the test says so.
    done += static_cast<std::size_t>(written);
  }
}

}  // namespace

RtuServer::RtuServer(int fd) : fd_(fd), stop_(eventfd(0, EFD_CLOEXEC)) {
  std::array<int, 2> line{};
  EDGETWIN_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line.data()) == 0);
  near_ = line[0];
  far_ = line[1];
  modbus_ = modbus_new_rtu("/dev/null", 115'200, 'N', 8, 1);  // Never opened: the line is given.
  EDGETWIN_CHECK(modbus_ != nullptr);
  modbus_set_socket(modbus_, far_);
  for (int unit = 1; unit <= 3; ++unit) {
    modbus_mapping_t* tables = modbus_mapping_new(kCount, kCount, kCount, kCount);
    EDGETWIN_CHECK(tables != nullptr);
    for (int i = 0; i < kCount; ++i) {
      const auto value = static_cast<std::uint16_t>(100 * unit + i);
      tables->tab_registers[i] = tables->tab_input_registers[i] = value;
      tables->tab_bits[i] = tables->tab_input_bits[i] = static_cast<std::uint8_t>(i % 2);
    }
    units_[unit] = tables;
  }
  thread_ = std::thread([this] { Run(); });
}

RtuServer::~RtuServer() {
  const std::uint64_t one = 1;
  EDGETWIN_CHECK(write(stop_, &one, sizeof one) == sizeof one);
  thread_.join();
  modbus_free(modbus_);
  for (const auto& [unit, tables] : units_) modbus_mapping_free(tables);
  for (const int fd : {near_, far_, stop_}) close(fd);
}

void RtuServer::SetLine(Line line) {
  const std::lock_guard lock(mutex_);
  line_ = std::move(line);
}

std::vector<RtuServer::Request> RtuServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t RtuServer::CountRequests(int unit) const {
  std::size_t count = 0;
  for (const Request& request : requests()) count += request.bytes.front() == unit ? 1 : 0;
  return count;
}

std::uint16_t RtuServer::Holding(int unit, int address) const {
  const std::lock_guard lock(mutex_);
  return units_.at(unit)->tab_registers[address];
}

bool RtuServer::ReadRequest(RtuBytes& request) {
  request.clear();
  for (std::size_t whole = 0; whole == 0 || request.size() < whole; whole = RequestBytes(request)) {
    std::array<pollfd, 2> wait{{{fd_, POLLIN, 0}, {stop_, POLLIN, 0}}};
    if (poll(wait.data(), wait.size(), -1) < 0) continue;
    std::uint8_t byte = 0;
    if (wait[1].revents != 0 || read(fd_, &byte, 1) != 1) return false;
    request.push_back(byte);
  }
  return true;
}

RtuBytes RtuServer::Answer(const RtuBytes& request) {
  const auto tables = units_.find(request.front());
  if (tables == units_.end()) return {};
  modbus_set_slave(modbus_, request.front());
  WriteAll(near_, request);
  std::array<std::uint8_t, MODBUS_RTU_MAX_ADU_LENGTH> query;
  const int length = modbus_receive(modbus_, query.data());
  if (length <= 0) return {};
  modbus_reply(modbus_, query.data(), length, tables->second);
  RtuBytes answer(MODBUS_RTU_MAX_ADU_LENGTH);
  const ssize_t got = recv(near_, answer.data(), answer.size(), 0);
  answer.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return answer;
}

void RtuServer::Run() {
  for (RtuBytes request; ReadRequest(request);) {
    std::vector<RtuBytes> parts;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back({clock_.Now(), request});
      RtuBytes answer = Answer(request);
      if (line_) {
        parts = line_(request, std::move(answer));
      } else {
        parts.push_back(std::move(answer));
      }
    }
    for (const RtuBytes& part : parts) WriteAll(fd_, part);
  }
}

}  // namespace edgetwin::driver::testing
