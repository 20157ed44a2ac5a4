// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/can/can_port.h"

#include <linux/can/error.h>
#include <linux/can/raw.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace edgetwin::can {
namespace {

Error Failure(const std::string& what) {
  const int error = errno;
  const ErrorCode code =
      error == EPERM || error == EACCES ? ErrorCode::kPermission : ErrorCode::kUnavailable;
  return MakeError(code, what + ": " + std::strerror(error));
}

bool Set(int fd, int level, int option, const void* value, std::size_t bytes) {
  return setsockopt(fd, level, option, value, static_cast<socklen_t>(bytes)) == 0;
}
bool Enable(int fd, int level, int option) {
  const int on = 1;
  return Set(fd, level, option, &on, sizeof on);
}

Status SetFilters(int fd, const std::vector<std::uint32_t>& ids) {
  std::vector<can_filter> filters;
  for (const std::uint32_t id : ids) {
    const std::uint32_t bits = (id & CAN_EFF_FLAG) != 0 ? CAN_EFF_MASK : CAN_SFF_MASK;
    filters.push_back({id, bits | CAN_EFF_FLAG | CAN_RTR_FLAG});
  }
  if (!Set(fd, SOL_CAN_RAW, CAN_RAW_FILTER, filters.data(), filters.size() * sizeof(can_filter))) {
    return Failure("the kernel doesn't take " + std::to_string(ids.size()) + " filters");
  }
  const can_err_mask_t errors = CAN_ERR_CRTL | CAN_ERR_BUSOFF | CAN_ERR_RESTARTED;
  if (!Set(fd, SOL_CAN_RAW, CAN_RAW_ERR_FILTER, &errors, sizeof errors)) {
    return Failure("the kernel doesn't give error frames");
  }
  return {};
}

Status Bind(int fd, const std::string& interface) {
  ifreq request{};
  interface.copy(request.ifr_name, IFNAMSIZ - 1);
  if (ioctl(fd, SIOCGIFINDEX, &request) != 0) {
    return Unavailable("there is no interface " + interface);
  }
  const int index = request.ifr_ifindex;
  if (ioctl(fd, SIOCGIFHWADDR, &request) == 0 && request.ifr_hwaddr.sa_family != ARPHRD_CAN) {
    return Unavailable(interface + " is no CAN interface");
  }
  if (ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) == 0) {
    return Unavailable(interface + " is down");
  }
  sockaddr_can address{};
  address.can_family = AF_CAN;
  address.can_ifindex = index;
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return Failure("can't listen on " + interface);
  }
  return {};
}

}  // namespace

CanPort::~CanPort() {
  close(fd_);
}

Result<std::unique_ptr<CanPort>> CanPort::Open(const std::string& interface,
                                               const std::vector<std::uint32_t>& ids) {
  const int fd = socket(PF_CAN, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, CAN_RAW);
  if (fd < 0) {
    if (errno == EAFNOSUPPORT)
      return Unavailable(
          "no CAN sockets: the kernel lacks the module "
          "can_raw, or the unit forbids AF_CAN");
    return Failure("no CAN socket");
  }
  auto port = std::make_unique<CanPort>(fd);
  // Before it is bound, so that nothing comes that wasn't asked for.
  if (Status filters = SetFilters(fd, ids); !filters) return filters.error();
  // Own frames come back when they have been on the bus: that is how a write is known to be done.
  if (!Enable(fd, SOL_CAN_RAW, CAN_RAW_RECV_OWN_MSGS)) return Failure("no echo of own frames");
  // Kernels without these still serve classic frames, and don't count what they drop.
  (void)Enable(fd, SOL_CAN_RAW, CAN_RAW_FD_FRAMES);
  (void)Enable(fd, SOL_SOCKET, SO_RXQ_OVFL);
  if (Status bound = Bind(fd, interface); !bound) return bound.error();
  return port;
}

Result<std::optional<canfd_frame>> CanPort::Receive() {
  canfd_frame frame{};
  iovec part{&frame, sizeof frame};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(std::uint32_t))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t got = 0;
  do {
    got = recvmsg(fd_, &message, MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
  if (got < 0) return Unavailable(std::strerror(errno));
  for (cmsghdr* part_of = CMSG_FIRSTHDR(&message); part_of != nullptr;
       part_of = CMSG_NXTHDR(&message, part_of)) {
    if (part_of->cmsg_level != SOL_SOCKET || part_of->cmsg_type != SO_RXQ_OVFL) continue;
    std::uint32_t count = 0;
    std::memcpy(&count, CMSG_DATA(part_of), sizeof count);
    dropped_ += count - dropped_seen_;  // Modulo 2^32, as the kernel counts.
    dropped_seen_ = count;
  }
  if (got == 0) return Unavailable("the socket was closed");
  const std::size_t most = got == CAN_MTU ? CAN_MAX_DLEN : CANFD_MAX_DLEN;
  if ((got != CAN_MTU && got != CANFD_MTU) || (message.msg_flags & MSG_TRUNC) != 0 ||
      frame.len > most) {
    return Corrupt("a record of " + std::to_string(got) + " bytes is no CAN frame");
  }
  return frame;
}

Status CanPort::Send(const canfd_frame& frame, bool fd) {
  const std::size_t bytes = fd ? CANFD_MTU : CAN_MTU;
  ssize_t sent = 0;
  do {
    sent = send(fd_, &frame, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent == static_cast<ssize_t>(bytes)) return {};
  if (sent < 0 && (errno == ENOBUFS || errno == EAGAIN || errno == EWOULDBLOCK)) {
    return Unavailable(
        "the transmit queue is full: no other node acknowledges, or the bus is busy");
  }
  if (sent < 0 && errno == EINVAL && fd) {
    return Unsupported(
        "the interface is not set up for CAN FD ('ip link set … mtu 72' or 'fd on')");
  }
  return sent < 0 ? Failure("can't send") : Unavailable("can't send");
}

std::uint64_t CanPort::queue_bytes() const {
  int bytes = 0;
  socklen_t length = sizeof bytes;
  if (getsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &bytes, &length) != 0 || bytes < 0) return 0;
  return static_cast<std::uint64_t>(bytes);
}

}  // namespace edgetwin::can
