// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/cli/part_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>
#include <variant>
#include <vector>

#include "agent/cli/new_file.h"
#include "twin/history/block.h"

namespace edgetwin::cli {
namespace {

constexpr std::size_t kPieceBytes = 256 << 10;

// Into `piece`, all of which may be used; how many bytes. 0: the end.
Result<std::size_t> ReadSome(int fd, const std::string& name, std::vector<char>& piece) {
  while (true) {
    const ssize_t bytes = read(fd, piece.data(), piece.size());
    if (bytes >= 0) return static_cast<std::size_t>(bytes);
    if (errno != EINTR) return FileError("read " + name, errno);
  }
}

}  // namespace

void CountPart(const sync::CarryPart& part, sync::CarryEnd& counted) {
  ++counted.parts;
  counted.blocks += part.history.blocks.size();
  counted.losses += part.history.losses.size();
  for (const sync::WireBlock& block : part.history.blocks) {
    if (const auto header = history::ReadBlockHeader(block.bytes)) counted.samples += header->count;
  }
}

Result<sync::CarryHead> ReadHead(const std::string& file) {
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return FileError("open " + file, errno);
  std::vector<char> piece(4'096);  // More than a head has.
  const Result<std::size_t> bytes = ReadSome(fd, file, piece);
  close(fd);
  if (!bytes) return bytes.error();
  sync::CarryReader reader;
  reader.Push({piece.data(), *bytes});
  const auto record = reader.Next();
  if (!record) return record.error();
  if (*record) {
    if (const auto* head = std::get_if<sync::CarryHead>(&(*record)->content)) return *head;
  }
  return MakeError(ErrorCode::kCorrupt, "it is no file that carries history");
}

PartFile::PartFile(std::string file, int fd)
    : file_(std::move(file)), name_(file_ + ".part"), fd_(fd) {}
PartFile::PartFile(PartFile&& other) noexcept
    : file_(std::move(other.file_)),
      name_(std::move(other.name_)),
      fd_(std::exchange(other.fd_, -1)) {}
PartFile::~PartFile() {
  if (fd_ >= 0) close(fd_);
}

Result<PartFile> PartFile::Open(const std::string& file) {
  const std::string name = file + ".part";
  const int fd = open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return FileError("make " + name, errno);
  return PartFile(file, fd);
}

Result<SoundRecords> PartFile::Read() {
  SoundRecords sound;
  if (lseek(fd_, 0, SEEK_SET) < 0) return FileError("read " + name_, errno);
  sync::CarryReader reader;
  std::vector<char> piece(kPieceBytes);
  while (true) {
    const Result<std::size_t> bytes = ReadSome(fd_, name_, piece);
    if (!bytes) return bytes.error();
    if (*bytes == 0) return sound;
    reader.Push({piece.data(), *bytes});
    while (true) {
      const auto record = reader.Next();
      if (!record) return sound;
      if (!*record) break;
      if (const auto* head = std::get_if<sync::CarryHead>(&(*record)->content)) {
        sound.head = *head;
      } else if (const auto* part = std::get_if<sync::CarryPart>(&(*record)->content)) {
        sound.end = part->end;
        sound.last = part->last;
        CountPart(*part, sound.counted);
      } else {
        return sound;  // Its end is written anew.
      }
      sound.bytes = reader.offset();
    }
  }
}

edgetwin::Status PartFile::Keep(std::uint64_t bytes) {
  const auto size = static_cast<off_t>(bytes);
  if (ftruncate(fd_, size) != 0 || lseek(fd_, size, SEEK_SET) < 0) {
    return FileError("write " + name_, errno);
  }
  return {};
}

edgetwin::Status PartFile::Append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FileError("write " + name_, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

edgetwin::Status PartFile::Finish() {
  if (fsync(fd_) != 0) return FileError("sync " + name_, errno);
  if (close(std::exchange(fd_, -1)) != 0) return FileError("close " + name_, errno);
  if (std::rename(name_.c_str(), file_.c_str()) != 0) {
    return FileError("move " + name_ + " to " + file_, errno);
  }
  SyncFolderOf(file_);
  return {};
}

}  // namespace edgetwin::cli
