// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/modbus/tcp_client.h"

#include <fcntl.h>
#include <modbus/modbus.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "twin/base/check.h"

namespace edgetwin::driver {
namespace {

using std::chrono::microseconds;

// A dead peer behind a dead router is noticed even between polls of a long period.
void SetSocketOptions(int fd) {
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
}

}  // namespace

TcpClient::TcpClient(Endpoint endpoint)
    : endpoint_(std::move(endpoint)),
      // The address isn't used: the socket is ours (libmodbus connects by a list of addresses with
      // one timeout each, and hides why that failed).
      modbus_(modbus_new_tcp("127.0.0.1", kModbusPort)) {
  EDGETWIN_CHECK(modbus_ != nullptr);
  modbus_set_error_recovery(modbus_, MODBUS_ERROR_RECOVERY_NONE);
  // None between bytes: the response timeout then covers the whole answer, so a device that drips
  // bytes can't hold the bus.
  modbus_set_byte_timeout(modbus_, 0, 0);
}

TcpClient::~TcpClient() {
  Close();
  modbus_free(modbus_);
}

void TcpClient::Interrupt() {
  const std::lock_guard lock(mutex_);
  ModbusClient::Interrupt();
  if (socket_ >= 0) shutdown(socket_, SHUT_RDWR);
}

void TcpClient::Close() {
  const std::lock_guard lock(mutex_);
  if (socket_ < 0) return;
  close(socket_);
  socket_ = -1;
  modbus_set_socket(modbus_, -1);
}

Status TcpClient::Resolve() {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  // Not AI_ADDRCONFIG: it hides loopback addresses on a machine without any other interface.
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const std::string port = std::to_string(endpoint_.port);
  const int error = getaddrinfo(endpoint_.host.c_str(), port.c_str(), &hints, &list);
  if (error != 0) {
    return Unavailable("'" + endpoint_.host + "' can't be resolved: " + gai_strerror(error));
  }
  addresses_.clear();
  for (const addrinfo* at = list; at != nullptr && addresses_.size() < 8; at = at->ai_next) {
    addresses_.emplace_back(reinterpret_cast<const char*>(at->ai_addr), at->ai_addrlen);
  }
  freeaddrinfo(list);
  return {};
}

Result<int> TcpClient::OpenSocket(const std::string& address, MonoTime deadline) {
  sockaddr_storage storage{};
  std::memcpy(&storage, address.data(), std::min(address.size(), sizeof storage));
  const auto* raw = reinterpret_cast<const sockaddr*>(&storage);
  const int fd = socket(raw->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return Unavailable("no socket: " + SystemText(errno));
  if (fd >= FD_SETSIZE) {  // libmodbus waits with select.
    close(fd);
    return Exhausted("the process has too many open files for libmodbus (" + std::to_string(fd) +
                     ")");
  }
  SetSocketOptions(fd);
  if (connect(fd, raw, static_cast<socklen_t>(address.size())) == 0) return fd;
  int error = errno;
  if (error == EINPROGRESS) {
    std::array<pollfd, 2> wait{{{fd, POLLOUT, 0}, {wake(), POLLIN, 0}}};
    int ready = 0;
    do {
      ready = poll(wait.data(), wait.size(), PollTimeout(deadline - clock_.Now()));
    } while (ready < 0 && errno == EINTR);
    socklen_t size = sizeof error;
    if (ready == 0) {
      error = ETIMEDOUT;
    } else if (wait[1].revents != 0) {
      error = ECANCELED;
    } else {
      getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    }
    if (error == 0) return fd;
  }
  close(fd);
  return MakeError(error == ETIMEDOUT ? ErrorCode::kTimeout : ErrorCode::kUnavailable,
                   SystemText(error));
}

Status TcpClient::ConnectToAny(MonoTime deadline) {
  Error last = Unavailable("no address");
  for (std::size_t i = 0; i < addresses_.size(); ++i) {
    // What is left is shared out, so that one dead address doesn't hide the next.
    const MonoTime now = clock_.Now();
    const auto share = (deadline - now) / static_cast<std::int64_t>(addresses_.size() - i);
    const Result<int> fd = OpenSocket(addresses_[i], now + share);
    if (!fd) {
      last = fd.error();
      continue;
    }
    // A device mostly keeps its address.
    std::rotate(addresses_.begin(), addresses_.begin() + static_cast<std::ptrdiff_t>(i),
                addresses_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    const std::lock_guard lock(mutex_);
    if (interrupted()) {
      close(*fd);
      return Unavailable("interrupted");
    }
    socket_ = *fd;
    modbus_set_socket(modbus_, *fd);
    return {};
  }
  return last;
}

Status TcpClient::Connect(MonoTime deadline) {
  if (interrupted()) return Unavailable("interrupted");
  Status status = Unavailable("no address");
  const bool resolved_before = !addresses_.empty();
  // With addresses of before, half the time is theirs: a name server that is out of reach (the
  // uplink is down) must not stop the polling of a device beside us.
  if (resolved_before) status = ConnectToAny(clock_.Now() + (deadline - clock_.Now()) / 2);
  if (!status) {
    const Status resolved = Resolve();
    if (!resolved && !resolved_before) return resolved;
    if (resolved) status = ConnectToAny(deadline);
  }
  if (status) return status;
  return MakeError(status.error().code,
                   "no connection to " + endpoint_.ToString() + ": " + status.error().text);
}

// Whether the open connection, if any, is fit for a request: the peer may have closed it, as many
// devices do with idle ones, and bytes nobody asked for mean that the stream is out of step.
bool TcpClient::Usable() {
  if (socket_ < 0) return false;
  char byte = 0;
  const ssize_t got = recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

ModbusError TcpClient::ErrorOf(int number, int unit, const std::string& what,
                               MonoTime deadline) const {
  if (number > MODBUS_ENOBASE && number <= EMBXGTAR) {
    return ExceptionOf(number - MODBUS_ENOBASE, unit, what);
  }
  const std::string at = "unit " + std::to_string(unit) + ": ";
  switch (number) {
    case ETIMEDOUT: return {TimedOut(at + "no answer " + what), 0, false};
    case ECONNRESET:
    case EPIPE: return {Unavailable(at + "the connection was closed " + what), 0, false};
    case EMBBADDATA:
    case EMBBADEXC:
    case EMBUNKEXC:
    case EMBBADSLAVE:
    case EMBBADCRC:
      return {
          Corrupt(at + "not an answer to the request (" + modbus_strerror(number) + ") " + what), 0,
          false};
    default: break;
  }
  const ErrorCode kind = clock_.Now() >= deadline ? ErrorCode::kTimeout : ErrorCode::kUnavailable;
  return {MakeError(kind, at + modbus_strerror(number) + " " + what), 0, false};
}

template <class F>
ModbusResult<void> TcpClient::Request(int unit, const std::string& what, bool repeatable,
                                      MonoTime deadline, F&& request) {
  const auto fail = [&](int number) {
    return tl::unexpected(ErrorOf(number, unit, what, deadline));
  };
  for (int attempt = 0;; ++attempt) {
    const bool reused = Usable();
    if (!reused) {
      Close();
      if (const Status connected = Connect(deadline); !connected) {
        Error error = connected.error();
        error.text = "unit " + std::to_string(unit) + ": " + error.text;
        return tl::unexpected(ModbusError{std::move(error), 0, false});
      }
    }
    const microseconds left = deadline - clock_.Now();
    if (left.count() <= 0) return fail(ETIMEDOUT);
    modbus_set_response_timeout(modbus_, static_cast<std::uint32_t>(left.count() / 1'000'000),
                                static_cast<std::uint32_t>(left.count() % 1'000'000));
    if (modbus_set_slave(modbus_, unit) != 0) return fail(errno);
    if (request() >= 0) return {};
    const int number = errno;
    const bool exception = number > MODBUS_ENOBASE && number <= EMBXGTAR;
    if (!exception) Close();
    // The peer may have closed an idle connection while our request was on its way. Once, and reads
    // only.
    const bool closed_by_peer = number == ECONNRESET || number == EPIPE;
    if (!(repeatable && reused && closed_by_peer && attempt == 0)) return fail(number);
  }
}

ModbusResult<std::vector<std::uint16_t>> TcpClient::ReadTable(int unit, TableKind kind, int address,
                                                              int count, MonoTime deadline) {
  const std::string what = "reading " + RangeText(kind, address, count);
  std::vector<std::uint16_t> registers(static_cast<std::size_t>(count));
  std::vector<std::uint8_t> bits(IsBits(kind) ? registers.size() : 0);
  const auto read = [&]() -> int {
    switch (kind) {
      case TableKind::kHolding:
        return modbus_read_registers(modbus_, address, count, registers.data());
      case TableKind::kInput:
        return modbus_read_input_registers(modbus_, address, count, registers.data());
      case TableKind::kCoil: return modbus_read_bits(modbus_, address, count, bits.data());
      case TableKind::kDiscrete:
        return modbus_read_input_bits(modbus_, address, count, bits.data());
    }
    return -1;
  };
  const ModbusResult<void> done = Request(unit, what, true, deadline, read);
  if (!done) return tl::unexpected(done.error());
  std::copy(bits.begin(), bits.end(), registers.begin());
  return registers;
}

ModbusResult<void> TcpClient::WriteCoil(int unit, int address, bool on, bool multiple,
                                        MonoTime deadline) {
  const std::string what = "writing " + RangeText(TableKind::kCoil, address, 1);
  return Request(unit, what, false, deadline, [&] {
    const std::uint8_t bit = on ? 1 : 0;
    return multiple ? modbus_write_bits(modbus_, address, 1, &bit)
                    : modbus_write_bit(modbus_, address, bit);
  });
}

ModbusResult<void> TcpClient::WriteRegisters(int unit, int address,
                                             std::span<const std::uint16_t> registers,
                                             bool multiple, MonoTime deadline) {
  const int count = static_cast<int>(registers.size());
  const std::string what = "writing " + RangeText(TableKind::kHolding, address, count);
  return Request(unit, what, false, deadline, [&] {
    return count == 1 && !multiple
               ? modbus_write_register(modbus_, address, registers.front())
               : modbus_write_registers(modbus_, address, count, registers.data());
  });
}

ModbusResult<void> TcpClient::MaskRegister(int unit, int address, std::uint16_t mask,
                                           std::uint16_t bits, MonoTime deadline) {
  const std::string what = "writing bits of " + RangeText(TableKind::kHolding, address, 1);
  const auto kept = static_cast<std::uint16_t>(~mask);
  return Request(unit, what, false, deadline,
                 [&] { return modbus_mask_write_register(modbus_, address, kept, bits); });
}

}  // namespace edgetwin::driver
