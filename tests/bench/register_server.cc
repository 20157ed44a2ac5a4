// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/register_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "tests/bench/measure.h"

namespace edgetwin::bench {
namespace {

constexpr std::size_t kClientsMax = 8;
constexpr std::size_t kHeaderBytes = 7;    // MBAP: transaction, protocol, length, unit.
constexpr std::size_t kRequestBytes = 12;  // With function 3 or 4, address and count.
constexpr std::uint16_t kCountMax = 125;

std::uint16_t Word(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                                    static_cast<unsigned char>(bytes[at + 1]));
}

void Put(std::string& bytes, std::uint16_t word) {
  bytes.push_back(static_cast<char>(word >> 8));
  bytes.push_back(static_cast<char>(word & 0xff));
}

// Slow waves of two decimals, once they are scaled by 0.01.
std::uint16_t Register(std::uint16_t address, std::uint64_t round) {
  const double turn = static_cast<double>(round) / (40 + address % 17) + address;
  return static_cast<std::uint16_t>(2'000 + std::lround(600 * std::sin(turn)));
}

}  // namespace

RegisterServer::RegisterServer() {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (listener_ < 0 || bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener_, kClientsMax) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      pipe(wake_) != 0) {
    throw std::runtime_error(std::string("no Modbus server: ") + std::strerror(errno));
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Run(); });
}

RegisterServer::~RegisterServer() {
  close(wake_[1]);
  thread_.join();
  close(wake_[0]);
  close(listener_);
  for (const Client& client : clients_) close(client.fd);
}

std::optional<double> RegisterServer::AnsweredUs(std::uint16_t round) const {
  std::lock_guard lock(mutex_);
  const auto found = answered_us_.find(round);
  return found == answered_us_.end() ? std::nullopt : std::optional(found->second);
}

std::uint64_t RegisterServer::rounds() const {
  std::lock_guard lock(mutex_);
  return rounds_;
}

void RegisterServer::Run() {
  for (;;) {
    std::vector<pollfd> ready = {{wake_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
    for (const Client& client : clients_) ready.push_back({client.fd, POLLIN, 0});
    if (poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR) return;
    if (ready[0].revents != 0) return;
    for (std::size_t i = clients_.size(); i-- > 0;) {
      if (ready[2 + i].revents == 0 || Serve(clients_[i])) continue;
      close(clients_[i].fd);
      clients_.erase(clients_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (ready[1].revents == 0) continue;
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0 && clients_.size() >= kClientsMax) close(fd);
    if (fd >= 0 && clients_.size() < kClientsMax) clients_.push_back({fd, {}});
  }
}

bool RegisterServer::Serve(Client& client) {
  char buffer[1'024];
  const ssize_t n = read(client.fd, buffer, sizeof buffer);
  if (n <= 0) return false;
  client.bytes.append(buffer, static_cast<std::size_t>(n));
  while (client.bytes.size() >= kRequestBytes) {
    const std::string answer = Answer(std::string_view(client.bytes).substr(0, kRequestBytes));
    client.bytes.erase(0, kRequestBytes);
    if (answer.empty()) return false;
    if (send(client.fd, answer.data(), answer.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(answer.size())) {
      return false;
    }
  }
  return true;
}

// Empty for anything but a read of registers (FC3, FC4).
std::string RegisterServer::Answer(std::string_view request) {
  const auto function = static_cast<unsigned char>(request[kHeaderBytes]);
  const std::uint16_t address = Word(request, 8), count = Word(request, 10);
  if ((function != 3 && function != 4) || count == 0 || count > kCountMax) return {};
  std::lock_guard lock(mutex_);
  if (address == 0) ++rounds_;
  const auto round = static_cast<std::uint16_t>((rounds_ - 1) % kRoundMax + 1);
  std::string answer(request.substr(0, 4));
  Put(answer, static_cast<std::uint16_t>(3 + 2 * count));
  answer.append(request.substr(6, 2));
  answer.push_back(static_cast<char>(2 * count));
  for (std::uint16_t i = 0; i < count; ++i) {
    const auto at = static_cast<std::uint16_t>(address + i);
    Put(answer, at == 0 ? round : Register(at, rounds_));
  }
  if (address == 0) answered_us_[round] = NowUs();
  return answer;
}

}  // namespace edgetwin::bench
