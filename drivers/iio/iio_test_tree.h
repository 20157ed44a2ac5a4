// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// For tests: a tree as the kernel's Industrial I/O shows a device with a buffer.
//
// A FIFO stands for /dev/iio:device0, since few machines have such a device; iio_kernel_test has a
// real one. Like it,
// it keeps whole scans, gives what it has, and says EAGAIN when it has none; its end stands for a
// device that is gone. Plain files stand for the attributes: they take what is written and say it
// again, but don't check it, so what is refused must be shown in other ways.

#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <vector>

#include "drivers/iio/capture.h"

namespace edgetwin::iio::testing {

class BufferTree {
 public:
  enum class Kernel { kNew, kBefore511 };

  explicit BufferTree(Kernel kernel = Kernel::kNew);
  ~BufferTree();
  BufferTree(const BufferTree&) = delete;
  BufferTree& operator=(const BufferTree&) = delete;

  const std::string& root() const { return root_; }
  std::string device() const { return root_ + "/sys/bus/iio/devices/iio:device0"; }
  std::string elements() const;
  std::string attributes() const;
  std::string node() const { return root_ + "/dev/iio:device0"; }

  // Of the device's folder, or of another that begins with a slash.
  void Put(const std::string& file, const std::string& text) const;
  std::string Get(const std::string& file) const;

  // A channel of the buffer, which is off at first.
  void AddElement(const std::string& channel, int index, const std::string& type) const;
  void AddTrigger(int number, const std::string& name) const;
  // Writing the file fails as for one without the right to.
  void Forbid(const std::string& file, const std::string& text);

  void PlugIn();  // At first it is.
  void Unplug();
  // What the device measured: one scan or several.
  void Measure(const std::vector<std::uint8_t>& bytes) const;

  CaptureSpec SpecOf(std::vector<std::string> channels) const;

 private:
  std::string PathOf(const std::string& file) const;

  const Kernel kernel_;
  std::string root_;
  int fd_ = -1;              // The device's side of the FIFO.
  std::vector<int> sealed_;  // Files that can't be written.
};

// A little-endian number of 64 bits, as a scan's last bytes.
std::vector<std::uint8_t> Stamped(std::vector<std::uint8_t> bytes, std::int64_t stamp);

}  // namespace edgetwin::iio::testing
