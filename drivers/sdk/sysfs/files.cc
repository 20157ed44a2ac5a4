// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/sysfs/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "drivers/sdk/sysfs/text.h"
#include "twin/base/utf8.h"

namespace edgetwin::sysfs {
namespace {

// Of each file in ReadBuffer's notes.
constexpr std::size_t kNotedBytesMax = 40;

// What the kernel counts up as devices appear; the next boot, or the next plug, gives another
// number.
bool IsNumberedByKernel(std::string_view name) {
  static constexpr std::string_view kFolders[] = {"hwmon", "iio", "nvme", "thermal"};
  static constexpr std::string_view kCounted[] = {"hwmon", "iio:device",   "nvme",
                                                  "host",  "thermal_zone", "cooling_device"};
  for (const std::string_view folder : kFolders) {
    if (name == folder) return true;
  }
  for (const std::string_view counted : kCounted) {
    if (NumberIn(name, counted, "")) return true;
  }
  // Platform devices without a number of their own: PLATFORM_DEVID_AUTO.
  if (name.ends_with(".auto")) return true;
  // SCSI's host:channel:target:lun and HID's bus:vendor:product.count; "0000:01:00.0" is neither.
  const auto colons = std::count(name.begin(), name.end(), ':');
  if (name.starts_with("target")) return colons == 2;
  const std::size_t dot = name.find('.');
  return colons == 3 || (colons == 2 && dot != name.npos && name.size() - dot == 5);
}

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};

}  // namespace

Error SystemError(const std::string& path, int number) {
  std::string text = path + ": " + std::system_category().message(number);
  switch (number) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
    case ENOTDIR: return NotFound(std::move(text));
    case EACCES:
    case EPERM:
    case EROFS: return MakeError(ErrorCode::kPermission, std::move(text));
    default: return Unavailable(std::move(text));
  }
}

KeptFile::KeptFile(KeptFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

KeptFile& KeptFile::operator=(KeptFile&& other) noexcept {
  if (this == &other) return *this;
  Close();
  path_ = std::move(other.path_);
  fd_ = std::exchange(other.fd_, -1);
  return *this;
}

Status KeptFile::Open() {
  do {
    fd_ = open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  } while (fd_ < 0 && errno == EINTR);
  if (fd_ < 0) return SystemError(path_, errno);
  return {};
}

void KeptFile::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

Result<std::string_view> KeptFile::Read(ReadBuffer& buffer) {
  const bool kept = fd_ >= 0;
  if (!kept) {
    if (Status opened = Open(); !opened) return opened.error();
  }
  Result<std::size_t> size = Fill(buffer.bytes_);
  if (!size) {
    Close();
    // The descriptor may be of a device that left; the one that came back has the same path.
    if (kept && size.error().code == ErrorCode::kNotFound) {
      if (Status opened = Open(); !opened) return opened.error();
      size = Fill(buffer.bytes_);
      if (!size) Close();
    }
  }
  if (!size) return size.error();
  const std::string_view content(buffer.bytes_.data(), *size);
  if (buffer.noting_) {
    if (!buffer.notes_.empty()) buffer.notes_ += ", ";
    buffer.notes_ += std::filesystem::path(path_).filename().string() + " " +
                     ToUtf8(Trimmed(content), kNotedBytesMax);
  }
  return content;
}

Result<std::size_t> KeptFile::Fill(std::vector<char>& bytes) {
  std::size_t size = 0;
  for (;;) {
    if (size == bytes.size()) {
      if (size >= ReadBuffer::kFileBytesMax) {
        return Exhausted(path_ + ": longer than " + std::to_string(ReadBuffer::kFileBytesMax) +
                         " bytes");
      }
      bytes.resize(2 * size);
    }
    const ssize_t got =
        pread(fd_, bytes.data() + size, bytes.size() - size, static_cast<off_t>(size));
    // A short count is not the end: the kernel hands over files of many records in pages.
    if (got == 0) return size;
    if (got > 0) {
      size += static_cast<std::size_t>(got);
    } else if (errno != EINTR) {
      return SystemError(path_, errno);
    }
  }
}

Result<std::string> ReadOnce(const std::string& path) {
  ReadBuffer buffer;
  KeptFile file(path);
  const Result<std::string_view> content = file.Read(buffer);
  if (!content) return content.error();
  return std::string(Trimmed(*content));
}

Result<std::vector<std::string>> ListFolder(const std::string& path, std::size_t names_max) {
  const std::unique_ptr<DIR, CloseFolder> folder(opendir(path.c_str()));
  if (!folder) return SystemError(path, errno);
  std::vector<std::string> names;
  while (names.size() < names_max) {
    errno = 0;
    const dirent* entry = readdir(folder.get());
    if (entry == nullptr) {
      if (errno != 0) return SystemError(path, errno);
      break;
    }
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Status WriteOnce(const std::string& path, std::string_view text) {
  int fd = -1;
  do {
    fd = open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return SystemError(path, errno);
  ssize_t written = -1;
  do {
    written = write(fd, text.data(), text.size());
  } while (written < 0 && errno == EINTR);
  const int number = errno;
  close(fd);
  if (written < 0) return SystemError(path, number);
  if (static_cast<std::size_t>(written) != text.size())
    return Unavailable(path + ": written in part");
  return {};
}

std::string TextOr(const std::string& path, const std::string& otherwise) {
  const Result<std::string> text = ReadOnce(path);
  const bool usable = text && !text->empty() && Utf8ValidBytes(*text) == text->size();
  return usable ? *text : otherwise;
}

std::vector<std::uint64_t> Numbers(const std::string& folder, std::string_view before,
                                   std::string_view after) {
  std::vector<std::uint64_t> numbers;
  const Result<std::vector<std::string>> names = ListFolder(folder);
  if (!names) return numbers;
  for (const std::string& name : *names) {
    if (const auto number = NumberIn(name, before, after)) numbers.push_back(*number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

std::string LinkName(const std::string& path) {
  char target[4096];
  const ssize_t size = readlink(path.c_str(), target, sizeof target);
  if (size <= 0) return {};
  const std::string_view text(target, static_cast<std::size_t>(size));
  return std::string(text.substr(text.rfind('/') + 1));
}

std::string DeviceName(const std::string& path) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(path, error);
  // A recorded tree may lack what its links point to.
  std::string rest = error ? LinkName(path) : real.string();
  while (!rest.empty()) {
    const std::size_t slash = rest.rfind('/');
    std::string name = rest.substr(slash == rest.npos ? 0 : slash + 1);
    if (name == "devices" || name == "virtual") return {};
    if (!name.empty() && !IsNumberedByKernel(name)) return name;
    if (slash == rest.npos) return {};
    rest.resize(slash);
  }
  return {};
}

std::string WireName(const std::string& path) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(path, error);
  if (error) return {};
  for (const std::filesystem::path& part : real) {
    const std::string name = part.string();
    if (NumberIn(name, "i2c-", "") || NumberIn(name, "spi", "")) return name;
  }
  return {};
}

std::string NameAt(const std::string& name, const std::string& device) {
  if (device.empty()) return name;
  return device.starts_with(name) ? device : name + "_" + device;
}

bool Exists(const std::string& path) {
  return access(path.c_str(), F_OK) == 0;
}

}  // namespace edgetwin::sysfs
