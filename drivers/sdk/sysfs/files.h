// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Reading the small files of /proc and /sys.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "twin/base/result.h"

namespace edgetwin::sysfs {

// What the kernel's errno says of a file, with its path: kNotFound: no such file or device (any
// more); kPermission, also of a tree that is read-only; kUnavailable: whatever else.
Error SystemError(const std::string& path, int number);

// What file content is read into; one a driver instance, since a poll reads one file after the
// other.
class ReadBuffer {
 public:
  // /proc/stat of a machine with 1,024 cores and as many interrupt lines stays below this.
  static constexpr std::size_t kFileBytesMax = 1 << 20;

  ReadBuffer() : bytes_(16 << 10) {}

  // From now on, what small files said is kept: "in_voltage0_raw 512, in_voltage_scale 3.22".
  void KeepNotes() { noting_ = true; }
  std::string TakeNotes() { return std::exchange(notes_, {}); }

 private:
  friend class KeptFile;
  std::vector<char> bytes_;
  bool noting_ = false;
  std::string notes_;
};

// A file that is read again and again: it stays open, and each reading begins at its first byte,
// which makes the kernel fill it anew. A file that fails is closed, and opened again by the next
// reading: devices come back.
class KeptFile {
 public:
  explicit KeptFile(std::string path) : path_(std::move(path)) {}
  ~KeptFile() { Close(); }
  KeptFile(KeptFile&& other) noexcept;
  KeptFile& operator=(KeptFile&& other) noexcept;

  // The whole content, valid until the buffer is used again. kNotFound: no such file or device (any
  // more); kPermission; kExhausted: more than kFileBytesMax; kUnavailable: EIO, EAGAIN and whatever
  // else a driver returns.
  Result<std::string_view> Read(ReadBuffer& buffer);

  const std::string& path() const { return path_; }

 private:
  Status Open();
  void Close();
  Result<std::size_t> Fill(std::vector<char>& bytes);

  std::string path_;
  int fd_ = -1;
};

// The content of a file that is read once, without blanks around it. Errors as KeptFile::Read.
Result<std::string> ReadOnce(const std::string& path);

// Names in a folder, sorted, without "." and ".."; at most `names_max` of them. Errors as
// KeptFile::Read.
Result<std::vector<std::string>> ListFolder(const std::string& path, std::size_t names_max = 4096);

// Writes `text` to a file that is there, in one go, as the kernel's attributes want it. Errors as
// KeptFile::Read.
Status WriteOnce(const std::string& path, std::string_view text);

// ReadOnce's, or `otherwise` when the file can't be read, is empty or is not UTF-8.
std::string TextOr(const std::string& path, const std::string& otherwise);

// The NUMBERs of a folder's entries that are called `before`NUMBER`after`, in order, so that 2
// comes before 10. A folder that isn't there has none.
std::vector<std::uint64_t> Numbers(const std::string& folder, std::string_view before,
                                   std::string_view after);

// The last part of what a symbolic link points to; empty when it isn't one.
std::string LinkName(const std::string& path);

// The name of the device that `path` leads to, links followed, as it is spelled in the tree of
// devices: the last part that doesn't depend on the order in which the kernel found things. So a
// chip's hwmon3 is its "1-0048" (bus and address), "coretemp.0" or "0000:01:00.0", an NVMe drive's
// nvme0 its PCI address, a USB device its port. Empty when it leads nowhere or to a virtual device.
std::string DeviceName(const std::string& path);

// The wire that the device `path` leads to shares with others: the first "i2c-1" or "spi0" on the
// way to it, since channels of a multiplexer are the same wire. Empty for what hangs on none. Its
// number is the kernel's: good for telling wires apart, not for remembering one.
std::string WireName(const std::string& path);

// How a device is called that others may be equal to: "NAME_DEVICE", just DEVICE when that begins
// with the name, and NAME when there is no device. The place is always part of it: adding it only
// for the second of a kind would rename the first.
std::string NameAt(const std::string& name, const std::string& device);

bool Exists(const std::string& path);

}  // namespace edgetwin::sysfs
