// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Against the kernel's pseudoterminals, which are ports that lack what needs wires.

#include "drivers/sdk/serial/serial_port.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "drivers/sdk/testing/pty.h"

namespace edgetwin::serial {
namespace {

using driver::testing::Pty;
using ::testing::HasSubstr;

PortOptions Options(const std::string& device) {
  PortOptions options;
  options.device = device;
  options.baud = 57'600;
  return options;
}

class SerialPortTest : public ::testing::Test {
 protected:
  Error ErrorOf(const PortOptions& options) {
    const Result<Port> port = Port::Open(options, "drivers.b");
    EXPECT_FALSE(port);
    return port ? Error() : port.error();
  }

  Pty pty_;
};

TEST_F(SerialPortTest, OpensSetsAndPassesEveryByte) {
  pty_.Send("from before");
  const Result<Port> port = Port::Open(Options(pty_.device()), "drivers.a");
  ASSERT_TRUE(port) << port.error().text;
  termios line{};
  ASSERT_EQ(tcgetattr(port->fd(), &line), 0);
  EXPECT_EQ(cfgetispeed(&line), B57600);
  std::array<char, 300> bytes;
  EXPECT_EQ(read(port->fd(), bytes.data(), bytes.size()), -1);  // Thrown away, and never blocks.
  EXPECT_EQ(errno, EAGAIN);
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  pty_.Send(all);
  std::string got;
  while (got.size() < all.size()) {
    const ssize_t size = read(port->fd(), bytes.data(), bytes.size());
    if (size > 0) got.append(bytes.data(), static_cast<std::size_t>(size));
  }
  EXPECT_EQ(got, all);
}

TEST_F(SerialPortTest, APortHasOneHolder) {
  Result<Port> port = Port::Open(Options(pty_.device()), "drivers.a");
  ASSERT_TRUE(port);
  // By another of its names.
  const Error error = ErrorOf(Options(pty_.target()));
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_EQ(error.text, pty_.target() + " can't be drivers.b's: it is in use by drivers.a");
  port->Close();
  EXPECT_TRUE(Port::Open(Options(pty_.target()), "drivers.b"));
}

TEST_F(SerialPortTest, AnotherProgramsLockIsRespected) {
  const int other = open(pty_.target().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_EQ(flock(other, LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(ErrorOf(Options(pty_.device())).text, pty_.device() + " is in use by another program");
  close(other);
  EXPECT_TRUE(Port::Open(Options(pty_.device()), "drivers.b"));
}

TEST_F(SerialPortTest, WhatIsNoPortOrNotThereIsSaid) {
  EXPECT_EQ(ErrorOf(Options("/dev/null")).code, ErrorCode::kUnsupported);
  EXPECT_THAT(ErrorOf(Options("/dev/null")).text, HasSubstr("/dev/null is no serial port"));
  EXPECT_THAT(ErrorOf(Options("/tmp")).text, HasSubstr("Is a directory"));
  pty_.Unplug();
  const Error gone = ErrorOf(Options(pty_.device()));
  EXPECT_EQ(gone.code, ErrorCode::kUnavailable);
  EXPECT_EQ(gone.text, pty_.device() + " can't be opened: No such file or directory");
}

TEST_F(SerialPortTest, WhatThePortCannotDoIsRefused) {
  PortOptions even = Options(pty_.device());
  even.parity = Parity::kEven;  // A pseudoterminal has no parity, and says nothing of it.
  EXPECT_EQ(ErrorOf(even).code, ErrorCode::kUnsupported);
  EXPECT_EQ(ErrorOf(even).text, pty_.device() + " can't be set to 57600 8E1");
  PortOptions rs485 = Options(pty_.device());
  rs485.rs485.emplace();
  EXPECT_EQ(ErrorOf(rs485).code, ErrorCode::kUnsupported);
  EXPECT_THAT(ErrorOf(rs485).text, HasSubstr("TIOCSRS485: Inappropriate ioctl for device"));
}

}  // namespace
}  // namespace edgetwin::serial
