// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The chip of the machine in which `tests/rig/kernel arm64` runs what needs one.

#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace edgetwin::gpio {

// Its address in that machine, by which the kernel calls it.
inline constexpr char kRigChip[] = "9030000.pl061";
inline constexpr off_t kRigChipAddress = 0x9030000;
inline constexpr unsigned kRigChipLines = 8;

// What hangs on the chip, seen from outside: moved through its registers, of which the kernel
// learns nothing but the edge. A line that is made an input keeps the level that it was driven to
// (qemu's hw/gpio/pl061.c), and that is an edge if the input's level was another.
// The rig's machine has one processor, so that each edge has reached the kernel when Move returns.
class Wires {
 public:
  Wires() = default;
  ~Wires() {
    if (registers_ != nullptr) munmap(const_cast<std::uint8_t*>(registers_), kBytes);
  }
  Wires(const Wires&) = delete;
  Wires& operator=(const Wires&) = delete;

  bool Reach() {
    const int fd = open("/dev/mem", O_RDWR | O_SYNC | O_CLOEXEC);
    void* const at = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, kRigChipAddress);
    if (fd >= 0) close(fd);
    if (at == MAP_FAILED) return false;
    registers_ = static_cast<volatile std::uint8_t*>(at);
    return true;
  }
  // The line must be an input.
  void Move(unsigned line, bool level) {
    const auto bit = static_cast<std::uint8_t>(1U << line);
    const std::uint8_t outputs = registers_[kDirection];
    registers_[kDirection] = outputs | bit;
    registers_[std::size_t{bit} << 2] = level ? bit : 0;
    registers_[kDirection] = outputs;
  }
  bool Level(unsigned line) const { return registers_[std::size_t{1} << (line + 2)] != 0; }
  bool IsOutput(unsigned line) const { return (registers_[kDirection] >> line & 1) != 0; }

 private:
  static constexpr std::size_t kBytes = 4'096;
  static constexpr std::size_t kDirection = 0x400;
  volatile std::uint8_t* registers_ = nullptr;
};

}  // namespace edgetwin::gpio
