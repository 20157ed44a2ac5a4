// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/http/listen_socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace edgetwin::http {
namespace {

constexpr int kBacklog = 128;

Error FromErrno(int error, const std::string& what) {
  const std::string text = what + ": " + std::strerror(error);
  switch (error) {
    case EADDRINUSE: return Conflict(text);
    case EACCES:
    case EPERM: return MakeError(ErrorCode::kPermission, text);
    case ENOENT:
    case ENOTDIR:
    case EADDRNOTAVAIL: return NotFound(text);
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS: return Exhausted(text);
    default: return Unavailable(text);
  }
}

Result<sockaddr_un> UnixAddress(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return Invalid("the socket's path is " + std::to_string(path.size()) +
                   " bytes long, and may be 1 to " + std::to_string(sizeof address.sun_path - 1) +
                   ": " + path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

const sockaddr* Generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

// Nothing there, or a socket that nobody listens on.
Status CheckFree(const std::string& path, const sockaddr_un& address) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return FromErrno(errno, path);
  }
  if (!S_ISSOCK(info.st_mode)) return Conflict(path + " exists and is not a socket");
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0) return FromErrno(errno, "socket");
  const int result = connect(probe, Generic(address), sizeof address);
  const int error = result == 0 ? 0 : errno;
  close(probe);
  if (error == ECONNREFUSED) return {};
  // EAGAIN: its backlog is full, so somebody listens.
  if (error == 0 || error == EAGAIN) {
    return Conflict("another process listens on " + path);
  }
  return FromErrno(error, path);
}

}  // namespace

Result<ListenSocket> ListenSocket::Unix(const std::string& path, unsigned mode) {
  auto address = UnixAddress(path);
  if (!address) return address.error();
  // Made under another name and renamed when it listens: at no time is `path` missing, refusing, or
  // of another mode.
  const std::string temporary = path + "." + std::to_string(getpid());
  auto temporary_address = UnixAddress(temporary);
  if (!temporary_address) return temporary_address.error();
  if (Status free = CheckFree(path, *address); !free) return free.error();

  ListenSocket result(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (result.fd_ < 0) return FromErrno(errno, "socket");
  unlink(temporary.c_str());
  if (bind(result.fd_, Generic(*temporary_address), sizeof *temporary_address) != 0) {
    return FromErrno(errno, temporary);
  }
  struct stat info {};
  if (chmod(temporary.c_str(), mode) != 0 || listen(result.fd_, kBacklog) != 0 ||
      lstat(temporary.c_str(), &info) != 0 || rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    unlink(temporary.c_str());
    return FromErrno(error, path);
  }
  result.path_ = path;
  result.inode_ = info.st_ino;
  return result;
}

Result<ListenSocket> ListenSocket::Tcp(const std::string& address, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags =
      AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;  // Resolves nothing: it must not block.
  addrinfo* found = nullptr;
  if (getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
    return Invalid("not a numeric IPv4 or IPv6 address: \"" + address + "\"");
  }
  const std::string where = address + " port " + std::to_string(port);
  ListenSocket result(socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  const bool opened = result.fd_ >= 0 &&
                      setsockopt(result.fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                      bind(result.fd_, found->ai_addr, found->ai_addrlen) == 0 &&
                      listen(result.fd_, kBacklog) == 0 &&
                      getsockname(result.fd_, reinterpret_cast<sockaddr*>(&bound), &length) == 0;
  const int error = errno;
  freeaddrinfo(found);
  if (!opened) return FromErrno(error, where);
  result.port_ =
      ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6*>(&bound)->sin6_port
                                        : reinterpret_cast<const sockaddr_in*>(&bound)->sin_port);
  return result;
}

ListenSocket::ListenSocket(ListenSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      port_(other.port_),
      path_(std::exchange(other.path_, {})),
      inode_(other.inode_) {}

ListenSocket& ListenSocket::operator=(ListenSocket&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(port_, other.port_);
  std::swap(path_, other.path_);
  std::swap(inode_, other.inode_);
  return *this;
}

ListenSocket::~ListenSocket() {
  if (fd_ < 0) return;
  // Only our own file: a successor may have put its socket there.
  struct stat info {};
  if (!path_.empty() && lstat(path_.c_str(), &info) == 0 && info.st_ino == inode_) {
    unlink(path_.c_str());
  }
  close(fd_);
}

}  // namespace edgetwin::http
