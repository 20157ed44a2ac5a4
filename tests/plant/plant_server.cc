// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/plant/plant_server.h"

#include <arpa/inet.h>
#include <modbus/modbus.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "twin/base/check.h"

namespace edgetwin::tests {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kUnitAt = 6;  // Of an MBAP header; the function code follows.
constexpr std::size_t kRequestsKept = 200'000;
constexpr milliseconds kStep{20};

constexpr std::array<std::pair<std::string_view, Fault>, kFaultMax + 1> kFaults = {{
    {"none", Fault::kNone},
    {"silent", Fault::kSilent},
    {"gateway_target", Fault::kGatewayTarget},
    {"close", Fault::kClose},
    {"slow", Fault::kSlow},
    {"garbage", Fault::kGarbage},
    {"short", Fault::kShort},
    {"wrong_transaction", Fault::kWrongTransaction},
    {"late", Fault::kLate},
    {"busy", Fault::kBusy},
    {"ignore_writes", Fault::kIgnoreWrites},
}};

int WordAt(const std::vector<std::uint8_t>& bytes, std::size_t at) {
  return at + 1 < bytes.size() ? (bytes[at] << 8) | bytes[at + 1] : 0;
}

bool IsWrite(int function) {
  return function == 5 || function == 6 || function >= 15;
}

PlantRequest Parse(const std::vector<std::uint8_t>& bytes) {
  PlantRequest request;
  request.unit = bytes[kUnitAt];
  request.function = bytes[kUnitAt + 1];
  request.address = WordAt(bytes, kUnitAt + 2);
  request.count = 1;
  const auto word = [&](std::size_t at) { return static_cast<std::uint16_t>(WordAt(bytes, at)); };
  switch (request.function) {
    case 5: request.values = {static_cast<std::uint16_t>(word(kUnitAt + 4) != 0 ? 1 : 0)}; break;
    case 6: request.values = {word(kUnitAt + 4)}; break;
    case 22: request.values = {word(kUnitAt + 4), word(kUnitAt + 6)}; break;
    case 15:
      request.count = WordAt(bytes, kUnitAt + 4);
      for (int i = 0; i < request.count; ++i) {
        const std::size_t at = kUnitAt + 7 + static_cast<std::size_t>(i) / 8;
        if (at < bytes.size()) request.values.push_back((bytes[at] >> (i % 8)) & 1);
      }
      break;
    case 16:
      request.count = WordAt(bytes, kUnitAt + 4);
      for (int i = 0; i < request.count; ++i) {
        request.values.push_back(word(kUnitAt + 7 + 2 * static_cast<std::size_t>(i)));
      }
      break;
    default: request.count = WordAt(bytes, kUnitAt + 4); break;
  }
  return request;
}

bool SendAll(int fd, const std::vector<std::uint8_t>& bytes) {
  return send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

}  // namespace

Result<Fault> ParseFault(std::string_view name) {
  for (const auto& [known, fault] : kFaults) {
    if (known == name) return fault;
  }
  return NotFound("there is no fault '" + std::string(name) + "'");
}

std::string PlantRequest::ToString() const {
  std::string text = "time_us=" + std::to_string(time.time_since_epoch().count()) +
                     " connection=" + std::to_string(connection) + " unit=" + std::to_string(unit) +
                     " fc=" + std::to_string(function) + " address=" + std::to_string(address) +
                     " count=" + std::to_string(count) + " values=";
  for (std::size_t i = 0; i < values.size(); ++i) {
    text += (i > 0 ? "," : "") + std::to_string(values[i]);
  }
  return text;
}

PlantServer::PlantServer(PlantOptions options)
    : options_(std::move(options)),
      modbus_(modbus_new_tcp("127.0.0.1", 0)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      plant_(options_.units) {
  EDGETWIN_CHECK(modbus_ != nullptr && wake_ >= 0);
  // A client that stops within a request is dropped; libmodbus sleeps the response timeout after
  // some errors.
  modbus_set_indication_timeout(modbus_, 0, 500'000);
  modbus_set_byte_timeout(modbus_, 0, 500'000);
  modbus_set_response_timeout(modbus_, 0, 1'000);
  control_.holding.resize(kControlDelayBase + 256);
}

PlantServer::~PlantServer() {
  for (const auto& [fd, client] : clients_) close(fd);
  if (listener_ >= 0) close(listener_);
  close(wake_);
  modbus_set_socket(modbus_, -1);
  modbus_free(modbus_);
}

Status PlantServer::Listen() {
  if (!options_.log_file.empty()) {
    log_.open(options_.log_file, std::ios::app);
    if (!log_) return Unavailable("can't write '" + options_.log_file + "'");
  }
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int one = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(options_.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_, raw, size) != 0 || listen(listener_, 64) != 0 ||
      getsockname(listener_, raw, &size) != 0) {
    return Unavailable("can't listen on 127.0.0.1:" + std::to_string(options_.port) + ": " +
                       std::strerror(errno));
  }
  port_ = ntohs(address.sin_port);
  return {};
}

void PlantServer::Stop() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof one);
}

void PlantServer::Run() {
  MonoTime stepped = clock_.Now();
  while (true) {
    std::vector<pollfd> wait{{wake_, POLLIN, 0}, {listener_, POLLIN, 0}};
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [fd, client] : clients_) wait.push_back({fd, POLLIN, 0});
    }
    poll(wait.data(), wait.size(), static_cast<int>(kStep.count()));
    if (wait[0].revents != 0) return;
    const std::lock_guard lock(mutex_);
    const MonoTime now = clock_.Now();
    plant_.Step(now - stepped);
    stepped = now;
    if (wait[1].revents != 0) Accept();
    for (std::size_t i = 2; i < wait.size(); ++i) {
      if (wait[i].revents == 0 || Receive(wait[i].fd)) continue;
      close(wait[i].fd);
      clients_.erase(wait[i].fd);
    }
    SendDelayed();
    log_.flush();
  }
}

void PlantServer::Accept() {
  const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) return;
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  clients_[fd] = Client{++accepted_, {}};
}

bool PlantServer::Receive(int fd) {
  std::vector<std::uint8_t> request(MODBUS_TCP_MAX_ADU_LENGTH);
  modbus_set_socket(modbus_, fd);
  const int size = modbus_receive(modbus_, request.data());
  if (size < static_cast<int>(kUnitAt) + 2) return false;
  request.resize(static_cast<std::size_t>(size));
  Note(fd, request);
  return Serve(fd, std::move(request));
}

void PlantServer::Note(int fd, const std::vector<std::uint8_t>& bytes) {
  PlantRequest request = Parse(bytes);
  request.time = clock_.Now();
  request.connection = clients_[fd].number;
  if (log_.is_open()) log_ << request.ToString() << '\n';
  if (requests_.size() < kRequestsKept) requests_.push_back(std::move(request));
}

bool PlantServer::Serve(int fd, std::vector<std::uint8_t> request) {
  Client& client = clients_[fd];
  if (!client.kept_back.empty() && !Reply(fd, std::exchange(client.kept_back, {}))) return false;
  const int unit = request[kUnitAt];
  bool answered = true;
  const Fault fault = unit == kControlUnit ? Fault::kNone : FaultOf(unit);
  if (!Misbehave(fd, fault, request, answered)) return false;
  return answered || Reply(fd, request);
}

bool PlantServer::Misbehave(int fd, Fault fault, std::vector<std::uint8_t>& request,
                            bool& answered) {
  const int unit = request[kUnitAt];
  answered = true;
  switch (fault) {
    case Fault::kSilent: return true;
    case Fault::kClose: return false;
    case Fault::kGatewayTarget: return modbus_reply_exception(modbus_, request.data(), 11) > 0;
    case Fault::kBusy: return modbus_reply_exception(modbus_, request.data(), 6) > 0;
    case Fault::kGarbage: return SendAll(fd, std::vector<std::uint8_t>(24, 0x5a));
    case Fault::kShort:
      return SendAll(fd, {request[0], request[1], 0, 0, 0, 5, request[6], request[7], 2});
    case Fault::kSlow: {
      const milliseconds delay(
          control_.holding[kControlDelayBase + static_cast<std::size_t>(unit)]);
      delayed_.push_back({clock_.Now() + delay, clients_[fd].number, request});
      return true;
    }
    case Fault::kLate: clients_[fd].kept_back = request; return true;
    case Fault::kWrongTransaction: request[1] ^= 1; break;
    case Fault::kIgnoreWrites:
      if (IsWrite(request[kUnitAt + 1]) && request.size() >= 12) {
        std::vector<std::uint8_t> echo(request.begin(), request.begin() + 12);
        echo[4] = 0;
        echo[5] = 6;
        return SendAll(fd, echo);
      }
      break;
    case Fault::kNone: break;
  }
  answered = false;
  return true;
}

int PlantServer::ExceptionFor(const PlantRequest& request) {
  const UnitTables* found = TablesOf(request.unit);
  if (found == nullptr) return MODBUS_EXCEPTION_GATEWAY_TARGET;
  const auto touches = [&](const std::set<int>& addresses) {
    const auto at = addresses.lower_bound(request.address);
    return at != addresses.end() && *at < request.address + request.count;
  };
  const int function = request.function;
  const bool on_holding = function == 3 || function == 6 || function == 16 || function == 22;
  if ((on_holding && touches(found->holding_absent)) ||
      (function == 3 && touches(found->holding_unreadable)) ||
      (function == 4 && touches(found->input_absent))) {
    return MODBUS_EXCEPTION_ILLEGAL_DATA_ADDRESS;
  }
  if (function != 6 && function != 16) return 0;
  for (std::size_t i = 0; i < request.values.size(); ++i) {
    const auto max = found->holding_max.find(request.address + static_cast<int>(i));
    if (max != found->holding_max.end() && request.values[i] > max->second) {
      return MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE;
    }
  }
  return 0;
}

bool PlantServer::Reply(int fd, const std::vector<std::uint8_t>& request) {
  modbus_set_socket(modbus_, fd);
  const PlantRequest parsed = Parse(request);
  if (const int exception = ExceptionFor(parsed); exception != 0) {
    return modbus_reply_exception(modbus_, request.data(), static_cast<unsigned>(exception)) > 0;
  }
  UnitTables& tables = *TablesOf(parsed.unit);
  modbus_mapping_t mapping{};
  mapping.nb_bits = static_cast<int>(tables.coils.size());
  mapping.tab_bits = tables.coils.data();
  mapping.nb_input_bits = static_cast<int>(tables.discrete.size());
  mapping.tab_input_bits = tables.discrete.data();
  mapping.nb_registers = static_cast<int>(tables.holding.size());
  mapping.tab_registers = tables.holding.data();
  mapping.nb_input_registers = static_cast<int>(tables.input.size());
  mapping.tab_input_registers = tables.input.data();
  return modbus_reply(modbus_, request.data(), static_cast<int>(request.size()), &mapping) > 0;
}

void PlantServer::SendDelayed() {
  const MonoTime now = clock_.Now();
  std::vector<Delayed> due;
  for (auto it = delayed_.begin(); it != delayed_.end();) {
    if (it->due > now) {
      ++it;
      continue;
    }
    due.push_back(std::move(*it));
    it = delayed_.erase(it);
  }
  for (const Delayed& answer : due) {
    const auto client = std::find_if(clients_.begin(), clients_.end(), [&](const auto& entry) {
      return entry.second.number == answer.number;
    });
    if (client != clients_.end()) Reply(client->first, answer.request);
  }
}

UnitTables* PlantServer::TablesOf(int unit) {
  return unit == kControlUnit ? &control_ : plant_.unit(unit);
}

Fault PlantServer::FaultOf(int unit) const {
  const std::uint16_t fault = control_.holding[static_cast<std::size_t>(unit)];
  return fault <= kFaultMax ? static_cast<Fault>(fault) : Fault::kNone;
}

void PlantServer::SetFault(int unit, Fault fault, milliseconds delay) {
  const std::lock_guard lock(mutex_);
  control_.holding[static_cast<std::size_t>(unit)] = static_cast<std::uint16_t>(fault);
  control_.holding[kControlDelayBase + static_cast<std::size_t>(unit)] =
      static_cast<std::uint16_t>(delay.count());
}

std::vector<PlantRequest> PlantServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t PlantServer::connections_accepted() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(accepted_);
}

std::uint16_t PlantServer::Holding(int unit, int address) {
  const std::lock_guard lock(mutex_);
  return TablesOf(unit)->holding.at(static_cast<std::size_t>(address));
}

std::uint8_t PlantServer::Coil(int unit, int address) {
  const std::lock_guard lock(mutex_);
  return TablesOf(unit)->coils.at(static_cast<std::size_t>(address));
}

}  // namespace edgetwin::tests
