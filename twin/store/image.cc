// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/image.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "twin/store/vfs_file.h"

namespace edgetwin::store {
namespace {

constexpr std::size_t kDatabaseHeaderBytes = 100;
constexpr std::size_t kWalHeaderBytes = 32;
constexpr std::size_t kFrameHeaderBytes = 24;
constexpr std::uint32_t kWalMagic =
    0x377f0682;  // The lowest bit: check sums over big-endian words.
constexpr std::uint32_t kWalVersion = 3'007'000;

std::uint32_t BigEndian32(std::string_view at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(at[i]);
  return value;
}

std::uint32_t LittleEndian32(std::string_view at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(at[i]);
  return value;
}

class WalChecksum {
 public:
  explicit WalChecksum(bool big_endian) : big_endian_(big_endian) {}
  void Add(std::string_view data) {
    for (; data.size() >= 8; data.remove_prefix(8)) {
      s0_ += Word(data) + s1_;
      s1_ += Word(data.substr(4)) + s0_;
    }
  }
  bool Is(std::string_view stored) const {
    return BigEndian32(stored) == s0_ && BigEndian32(stored.substr(4)) == s1_;
  }

 private:
  std::uint32_t Word(std::string_view at) const {
    return big_endian_ ? BigEndian32(at) : LittleEndian32(at);
  }
  bool big_endian_;
  std::uint32_t s0_ = 0;
  std::uint32_t s1_ = 0;
};

Result<std::string> ReadWhole(VfsFile& file, const std::string& name) {
  const Result<std::uint64_t> size = file.Size();
  if (!size) return size.error();
  if (*size <= kImageBytesMax) return file.Read(*size);
  return Corrupt(name + " has " + std::to_string(*size) + " bytes; a store never gets that large");
}

Result<std::string> ReadWal(const std::string& path, const std::string& vfs) {
  if (!VfsFile::HasBytes(path, VfsFile::Part::kWal, vfs)) return std::string();
  Result<VfsFile> file = VfsFile::Open(path, VfsFile::Part::kWal, vfs);
  if (!file) return file.error();
  return ReadWhole(*file, path + "-wal");
}

}  // namespace

void ReplayWal(std::string_view wal, std::string& image) {
  if (wal.size() < kWalHeaderBytes || (BigEndian32(wal) & ~1u) != kWalMagic) return;
  const std::string_view header = wal.substr(0, kWalHeaderBytes);
  const std::size_t page_bytes = BigEndian32(header.substr(8));
  const bool page_bytes_valid =
      page_bytes >= 512 && page_bytes <= 65'536 && (page_bytes & (page_bytes - 1)) == 0;
  if (BigEndian32(header.substr(4)) != kWalVersion || !page_bytes_valid) return;
  WalChecksum sum((BigEndian32(wal) & 1) != 0);
  sum.Add(header.substr(0, 24));
  if (!sum.Is(header.substr(24))) return;

  // Frames count once a commit frame follows them.
  std::vector<std::string_view> pending;
  const std::string_view salts = header.substr(16, 8);
  const std::size_t frame_bytes = kFrameHeaderBytes + page_bytes;
  for (std::string_view rest = wal.substr(kWalHeaderBytes); rest.size() >= frame_bytes;
       rest.remove_prefix(frame_bytes)) {
    const std::string_view frame = rest.substr(0, frame_bytes);
    const std::uint64_t page = BigEndian32(frame);
    if (page == 0 || page * page_bytes > kImageBytesMax || frame.substr(8, 8) != salts) return;
    sum.Add(frame.substr(0, 8));
    sum.Add(frame.substr(kFrameHeaderBytes));
    if (!sum.Is(frame.substr(16))) return;
    pending.push_back(frame);
    const std::uint64_t pages = BigEndian32(frame.substr(4));
    if (pages == 0) continue;
    if (pages * page_bytes > kImageBytesMax) return;
    image.resize(std::max<std::size_t>(image.size(), pages * page_bytes));
    for (const std::string_view committed : pending) {
      const std::size_t end = std::size_t{BigEndian32(committed)} * page_bytes;
      if (end > image.size()) image.resize(end);
      committed.substr(kFrameHeaderBytes).copy(image.data() + end - page_bytes, page_bytes);
    }
    image.resize(pages * page_bytes);
    pending.clear();
  }
}

Result<std::string> ReadImage(const std::string& path, const std::string& vfs) {
  Result<VfsFile> file = VfsFile::Open(path, VfsFile::Part::kDatabase, vfs);
  if (!file) return file.error();
  if (Status locked = file->LockShared(); !locked) return locked.error();
  Result<std::string> image = ReadWhole(*file, path);
  if (!image) return image;
  const Result<std::string> wal = ReadWal(path, vfs);
  if (!wal) return wal;
  ReplayWal(*wal, *image);
  if (image->size() < kDatabaseHeaderBytes) {
    return Corrupt(path + " is truncated: it has only " + std::to_string(image->size()) + " bytes");
  }
  WithoutWal(*image);
  return image;
}

void WithoutWal(std::string& image) {
  if (image.size() < kDatabaseHeaderBytes) return;
  // The two versions of the file format, 2 for WAL.
  if (image[18] == 2 && image[19] == 2) image[18] = image[19] = 1;
}

}  // namespace edgetwin::store
