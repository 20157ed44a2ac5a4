// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/replay/csv.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace edgetwin::replay {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t") == text.npos;
}

}  // namespace

Status LineReader::Open(const std::string& path) {
  path_ = path;
  bytes_.resize(kLineBytesMax + 1);
  Rewind();
  return OpenFile();
}

Status LineReader::OpenFile() {
  do {
    // Without blocking, so that a pipe can't hold up the loop before it is refused.
    fd_ = open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  } while (fd_ < 0 && errno == EINTR);
  if (fd_ < 0) {
    const int number = errno;
    std::string text = path_ + ": " + std::system_category().message(number);
    if (number == EACCES || number == EPERM)
      return MakeError(ErrorCode::kPermission, std::move(text));
    return Unavailable(std::move(text));
  }
  struct stat about {};
  if (fstat(fd_, &about) != 0 || !S_ISREG(about.st_mode)) {
    Close();
    return Invalid(path_ + ": not a regular file");
  }
  posix_fadvise(fd_, 0, 0, POSIX_FADV_SEQUENTIAL);
  return {};
}

void LineReader::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

void LineReader::Rewind() {
  Close();
  offset_ = 0;
  begin_ = end_ = 0;
  number_ = 0;
  discarding_ = false;
}

Result<std::optional<LineReader::Line>> LineReader::Next() {
  for (;;) {
    Result<std::optional<Line>> line = TakeLine();
    if (!line || !*line || !IsBlank((*line)->text)) return line;
  }
}

Result<std::optional<LineReader::Line>> LineReader::TakeLine() {
  for (;;) {
    const char* from = bytes_.data() + begin_;
    const std::size_t size = end_ - begin_;
    const void* newline = size == 0 ? nullptr : std::memchr(from, '\n', size);
    bool more = true;
    if (newline == nullptr && size <= kLineBytesMax) {
      const Result<bool> filled = Fill();
      if (!filled) return filled.error();
      if (*filled) continue;
      more = false;
      if (size == 0) return std::optional<Line>();
      from = bytes_.data() + begin_;
    }
    const std::size_t length =
        newline != nullptr ? static_cast<std::size_t>(static_cast<const char*>(newline) - from)
                           : size;
    const bool too_long = newline == nullptr && more;
    begin_ += length + (newline != nullptr ? 1 : 0);
    // The rest of a line that was given out as too long.
    if (std::exchange(discarding_, too_long)) continue;
    ++number_;
    if (too_long) ++too_long_;
    longest_bytes_ = std::max(longest_bytes_, length);
    std::string_view text(from, length);
    if (number_ == 1 && text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    if (text.ends_with('\r')) text.remove_suffix(1);
    return std::optional<Line>(Line{text, number_, too_long, newline != nullptr});
  }
}

Result<bool> LineReader::Fill() {
  std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
  end_ -= std::exchange(begin_, 0);
  if (fd_ < 0) {
    if (Status opened = OpenFile(); !opened) return opened.error();
  }
  for (;;) {
    const ssize_t got =
        pread(fd_, bytes_.data() + end_, bytes_.size() - end_, static_cast<off_t>(offset_));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      Error error = Unavailable(path_ + ": " + std::system_category().message(errno));
      Close();  // It may be of a disk that left; the one that came back has the same path.
      return error;
    }
    end_ += static_cast<std::size_t>(got);
    offset_ += static_cast<std::uint64_t>(got);
    return got > 0;
  }
}

std::string& Cells::Add() {
  if (size_ == cells_.size()) cells_.emplace_back();
  std::string& cell = cells_[size_++];
  cell.clear();
  return cell;
}

Status Cells::Split(std::string_view line, char separator) {
  size_ = 0;
  for (std::size_t at = 0;; ++at) {
    if (size_ == kCellsMax) return Invalid("more than " + std::to_string(kCellsMax) + " cells");
    std::string& cell = Add();
    if (at < line.size() && line[at] == '"') {
      for (++at;; ++at) {
        if (at >= line.size()) return Invalid("a quote is not closed");
        if (line[at] != '"') {
          cell += line[at];
        } else if (at + 1 < line.size() && line[at + 1] == '"') {
          cell += line[++at];
        } else {
          break;
        }
      }
      ++at;
      if (at < line.size() && line[at] != separator) {
        return Invalid("a quoted cell is followed by '" + std::string(line.substr(at, 10)) + "'");
      }
    } else {
      const std::size_t end = std::min(line.find(separator, at), line.size());
      std::string_view text = line.substr(at, end - at);
      while (text.starts_with(' ')) text.remove_prefix(1);
      while (text.ends_with(' ')) text.remove_suffix(1);
      cell = text;
      at = end;
    }
    if (at >= line.size()) return {};
  }
}

}  // namespace edgetwin::replay
