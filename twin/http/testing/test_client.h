// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A blocking HTTP client for tests: raw enough to misbehave with. Header-only.

#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace edgetwin::http {

struct TestResponse {
  int status = 0;                              // 0: the connection ended before a response.
  std::map<std::string, std::string> headers;  // Names in lower case.
  std::string body;
};

class TestClient {
 public:
  explicit TestClient(std::uint16_t port, int receive_buffer_bytes = 0) {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer_bytes > 0) {
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  explicit TestClient(const std::string& path) {
    fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;
  ~TestClient() { Close(); }

  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  // Closes with a reset instead of a clean end.
  void Abort() {
    const linger now{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    Close();
  }
  void FinishSending() { shutdown(fd_, SHUT_WR); }

  // False when the server has closed.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return Ended();
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // As much as the kernel takes without waiting.
  std::size_t SendSome(std::string_view bytes) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
  }
  // Whether the connection ended with a reset, which may cost a client its last answer.
  bool was_reset() const { return reset_; }

  // Up to and including `end`; shorter when the connection ends (or 20 s pass) first.
  std::string ReadTo(std::string_view end) {
    while (true) {
      const std::size_t found = pending_.find(end);
      if (found != std::string::npos) return Take(found + end.size());
      if (!Fill()) return Take(pending_.size());
    }
  }
  std::string ReadBytes(std::size_t count) {
    while (pending_.size() < count && Fill()) {
    }
    return Take(std::min(count, pending_.size()));
  }
  std::string ReadAll() {
    while (Fill()) {
    }
    return Take(pending_.size());
  }

  TestResponse Read(bool head_only = false) {
    TestResponse response;
    std::string head = ReadTo("\r\n\r\n");
    if (head.size() < 16) return response;
    response.status = std::atoi(head.c_str() + 9);
    std::size_t at = head.find("\r\n") + 2;
    while (at + 2 < head.size()) {
      const std::size_t end = head.find("\r\n", at);
      const std::size_t colon = head.find(": ", at);
      std::string name = head.substr(at, colon - at);
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      response.headers[name] = head.substr(colon + 2, end - colon - 2);
      at = end + 2;
    }
    const auto length = response.headers.find("content-length");
    if (!head_only && length != response.headers.end()) {
      response.body = ReadBytes(std::stoul(length->second));
    }
    return response;
  }

  TestResponse Do(std::string_view method, std::string_view target, std::string_view headers = {},
                  std::string_view body = {}) {
    std::string request(method);
    request += ' ';
    request += target;
    request += " HTTP/1.1\r\nHost: 127.0.0.1\r\n";
    request += headers;
    if (!body.empty()) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    request += "\r\n";
    request += body;
    Send(request);
    return Read(method == "HEAD");
  }

 private:
  bool Fill() {
    pollfd wait{fd_, POLLIN, 0};
    if (poll(&wait, 1, 20'000) != 1) return false;
    char buffer[16 << 10];
    const ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) return Ended(got);
    pending_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }
  bool Ended(ssize_t result = -1) {
    reset_ = reset_ || (result < 0 && (errno == ECONNRESET || errno == EPIPE));
    return false;
  }
  std::string Take(std::size_t count) {
    std::string taken = pending_.substr(0, count);
    pending_.erase(0, count);
    return taken;
  }

  int fd_ = -1;
  bool reset_ = false;
  std::string pending_;
};

}  // namespace edgetwin::http
