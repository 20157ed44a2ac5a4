// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/serial/serial_port.h"

#include <fcntl.h>
#include <linux/serial.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <mutex>
#include <system_error>
#include <utility>

namespace edgetwin::serial {
namespace {

struct Rate {
  int baud;
  speed_t code;
};

constexpr Rate kRates[] = {
    {1'200, B1200},        {2'400, B2400},        {4'800, B4800},        {9'600, B9600},
    {19'200, B19200},      {38'400, B38400},      {57'600, B57600},      {115'200, B115200},
    {230'400, B230400},    {460'800, B460800},    {500'000, B500000},    {576'000, B576000},
    {921'600, B921600},    {1'000'000, B1000000}, {1'500'000, B1500000}, {2'000'000, B2000000},
    {3'000'000, B3000000}, {4'000'000, B4000000},
};

std::string SystemText(int number) {
  return std::generic_category().message(number);
}

// Who has which port in this process. By the device's number, since one port has many names: its
// own, and the links below /dev/serial.
class Holders {
 public:
  // The one that has it already; empty when `holder` has it now.
  std::string Claim(dev_t device, int fd, const std::string& holder) {
    const std::lock_guard lock(mutex_);
    for (const auto& [other_fd, other] : holders_) {
      if (other.device == device) return other.name;
    }
    holders_[fd] = {device, holder};
    return {};
  }
  void Release(int fd) {
    const std::lock_guard lock(mutex_);
    holders_.erase(fd);
  }

 private:
  struct Holder {
    dev_t device;
    std::string name;
  };
  std::mutex mutex_;
  std::map<int, Holder> holders_;  // By descriptor.
};

Holders& holders() {
  static auto* made = new Holders;  // Never destroyed: abandoned threads may end after main did.
  return *made;
}

Error OpenError(const std::string& device, int number) {
  const std::string text = device + " can't be opened: " + SystemText(number);
  switch (number) {
    case EACCES:
    case EPERM:
      return MakeError(ErrorCode::kPermission,
                       text +
                           " (the agent's user has to be in the device's group, and the "
                           "service to be allowed the device)");
    case EBUSY: return Unavailable(device + " is in use by another program");
    default: return Unavailable(text);
  }
}

Error CannotSet(const PortOptions& options) {
  return Unsupported(options.device + " can't be set to " +
                     options.ToString().substr(options.device.size() + 1));
}

Status SetLine(int fd, const PortOptions& options) {
  termios line{};
  if (tcgetattr(fd, &line) != 0) {
    return Unsupported(options.device + " is no serial port: " + SystemText(errno));
  }
  cfmakeraw(&line);
  line.c_cflag &= ~static_cast<tcflag_t>(CSIZE | CSTOPB | PARENB | PARODD | CRTSCTS);
  line.c_cflag |= CLOCAL | CREAD | (options.data_bits == 7 ? CS7 : CS8);
  if (options.stop_bits == 2) line.c_cflag |= CSTOPB;
  if (options.parity != Parity::kNone) {
    line.c_cflag |= PARENB;
    line.c_iflag |= INPCK;  // A character of wrong parity reads as 0, and fails its checksum.
  }
  if (options.parity == Parity::kOdd) line.c_cflag |= PARODD;
  line.c_cc[VMIN] = 1;  // So that reading nothing is EAGAIN, and 0 means that the port is gone.
  line.c_cc[VTIME] = 0;
  speed_t code = B0;
  for (const Rate& rate : kRates) {
    if (rate.baud == options.baud) code = rate.code;
  }
  if (code == B0 || cfsetspeed(&line, code) != 0) return CannotSet(options);
  if (tcsetattr(fd, TCSANOW, &line) != 0) return CannotSet(options);
  // The kernel sets what it can and says nothing of the rest.
  termios now{};
  constexpr tcflag_t kCharacter = CSIZE | CSTOPB | PARENB | PARODD;
  if (tcgetattr(fd, &now) != 0 || cfgetospeed(&now) != code ||
      (now.c_cflag & kCharacter) != (line.c_cflag & kCharacter)) {
    return CannotSet(options);
  }
  return {};
}

Status SetRs485(int fd, const PortOptions& options) {
  if (!options.rs485) return {};
  serial_rs485 wanted{};
  wanted.flags = SER_RS485_ENABLED | (options.rs485->rts_high_on_send ? SER_RS485_RTS_ON_SEND
                                                                      : SER_RS485_RTS_AFTER_SEND);
  wanted.delay_rts_before_send = static_cast<std::uint32_t>(options.rs485->delay_before.count());
  wanted.delay_rts_after_send = static_cast<std::uint32_t>(options.rs485->delay_after.count());
  serial_rs485 now{};
  std::string why;
  if (ioctl(fd, TIOCSRS485, &wanted) != 0 || ioctl(fd, TIOCGRS485, &now) != 0) {
    why = SystemText(errno);
  } else if ((now.flags & SER_RS485_ENABLED) == 0) {
    why = "it stays off";
  } else {
    constexpr std::uint32_t kRts = SER_RS485_RTS_ON_SEND | SER_RS485_RTS_AFTER_SEND;
    if ((now.flags & kRts) == (wanted.flags & kRts)) return {};
    why = "RTS can only be the other way round";
  }
  return Unsupported("the kernel's driver of " + options.device +
                     " can't switch to RS-485 (TIOCSRS485: " + why +
                     "); leave rs485 out if the adapter switches by itself, as most on USB do");
}

}  // namespace

std::vector<int> BaudRates() {
  std::vector<int> rates;
  for (const Rate& rate : kRates) rates.push_back(rate.baud);
  return rates;
}

Port::Port(Port&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Port& Port::operator=(Port&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

void Port::Close() {
  if (fd_ < 0) return;
  holders().Release(fd_);
  close(std::exchange(fd_, -1));
}

Result<Port> Port::Open(const PortOptions& options, const std::string& holder) {
  // O_NONBLOCK: a modem port would wait for its carrier.
  Port port(::open(options.device.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!port.open()) return OpenError(options.device, errno);
  struct stat state {};
  if (fstat(port.fd_, &state) != 0 || !S_ISCHR(state.st_mode)) {
    return Unsupported(options.device + " is no serial port: not a character device");
  }
  if (const std::string other = holders().Claim(state.st_rdev, port.fd_, holder); !other.empty()) {
    return Unavailable(options.device + " can't be " + holder + "'s: it is in use by " + other);
  }
  // Between processes: what other programs that mind each other on serial ports look at, too.
  if (flock(port.fd_, LOCK_EX | LOCK_NB) != 0) {
    return Unavailable(options.device + " is in use by another program");
  }
  if (Status set = SetLine(port.fd_, options); !set) return set.error();
  if (Status set = SetRs485(port.fd_, options); !set) return set.error();
  tcflush(port.fd_, TCIOFLUSH);
  return port;
}

}  // namespace edgetwin::serial
