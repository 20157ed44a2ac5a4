// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A device's buffer while it is ours: set up by the files of sysfs, read by /dev/iio:deviceN.
//
// Blocks for as long as the kernel does: switching a buffer on and off talks to the chip, and so
// may even a read that doesn't wait, which empties the chip's own FIFO (iio_buffer_ready in the
// kernel's industrialio-buffer.c).

#pragma once

#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drivers/iio/devices.h"
#include "drivers/iio/scan_layout.h"
#include "drivers/sdk/sysfs/files.h"

namespace edgetwin::iio {

struct CaptureSpec {
  std::string node;      // "/dev/iio:device0".
  std::string folder;    // The device's, below triggers.
  std::string triggers;  // The folder in which trigger0 and so on are.
  BufferFolders buffer;
  std::vector<std::string> channels;  // "voltage0"; 1 to kElementsMax.
  std::string trigger;                // Empty: as it is.
  std::uint64_t length = 0;
  std::optional<std::uint64_t> watermark;

  bool operator==(const CaptureSpec&) const = default;
};

class Capture {
 public:
  // Takes the device, sets its buffer up and switches it on. A buffer that is on while nobody has
  // the device is what a process left that ended without a word: it is switched off first.
  // kUnavailable: somebody else has it, or the kernel refuses; kPermission, with what helps;
  // kNotFound: no such device, or trigger; kUnsupported and kCorrupt: the scans can't be taken
  // apart.
  static Result<std::unique_ptr<Capture>> Begin(const CaptureSpec& spec);

  // Switches the buffer off and sets the trigger that was there before.
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  // The next scans, as many as there are and fit; how many. Never waits for one. After an error the
  // capture is of no use: the device is gone, or somebody switched the buffer off.
  Result<std::size_t> Read(std::span<std::uint8_t> bytes);

  const ScanLayout& layout() const { return layout_; }
  // By channel, as in the spec.
  const ElementType& type(std::size_t channel) const { return elements_[channel].type; }
  const std::optional<ElementType>& timestamp() const { return timestamp_; }
  clockid_t clock() const { return clock_; }  // Of the time stamps.
  // Scans that the kernel keeps, as it made of what was asked for.
  std::uint64_t length() const { return length_; }

 private:
  explicit Capture(const CaptureSpec& spec);

  Status Open();
  Status SetUp();
  Status SetTrigger();
  Status SelectElements();
  Status SetLength();
  Status ReadLayout();
  Status SwitchOn();
  Status CheckIsOn();

  const CaptureSpec spec_;
  const std::string enable_;
  sysfs::KeptFile enabled_;
  sysfs::ReadBuffer text_;
  int fd_ = -1;
  bool on_ = false;
  std::optional<std::string> trigger_before_;  // If it was changed.
  std::vector<ScanElement> elements_;
  std::optional<ElementType> timestamp_;
  clockid_t clock_ = CLOCK_REALTIME;
  ScanLayout layout_;
  std::uint64_t length_ = 0;
};

}  // namespace edgetwin::iio
