// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Reading a CSV file line by line, without ever holding more of it than a line and a block.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "twin/base/result.h"

namespace edgetwin::replay {

class LineReader {
 public:
  static constexpr std::size_t kLineBytesMax = 64 << 10;

  struct Line {
    std::string_view text;  // Without its end. Valid until the next call.
    std::uint64_t number = 0;
    bool too_long = false;  // Longer than kLineBytesMax; `text` is its beginning.
    bool ended = true;      // By a line break, not by the file's end.
  };

  LineReader() = default;
  ~LineReader() { Close(); }
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // kUnavailable: there is no such file (yet); kPermission; kInvalid: it is no regular file.
  Status Open(const std::string& path);
  void Close();

  // The next line that isn't blank; nothing at the end. kUnavailable: the disk failed; the next
  // call opens the file again and goes on where it was, or fails as Open does.
  Result<std::optional<Line>> Next();
  // Back to the first line of the file that is there by then.
  void Rewind();

  std::uint64_t too_long() const { return too_long_; }
  std::size_t longest_bytes() const { return longest_bytes_; }

 private:
  Status OpenFile();
  // Takes one line, blank or not; nothing at the end.
  Result<std::optional<Line>> TakeLine();
  // Reads more behind what is left; false at the end.
  Result<bool> Fill();

  std::string path_;
  int fd_ = -1;               // Then the next reading opens it.
  std::uint64_t offset_ = 0;  // In the file, of the next read.
  std::vector<char> bytes_;
  std::size_t begin_ = 0;  // What is read and not taken: [begin_, end_).
  std::size_t end_ = 0;
  std::uint64_t number_ = 0;
  bool discarding_ = false;  // Inside a line that is too long, whose beginning was given out.
  std::uint64_t too_long_ = 0;
  std::size_t longest_bytes_ = 0;
};

// The cells of one line, quoted or not (RFC 4180; a quoted cell can't hold a line break here).
// Keeps its memory from line to line.
class Cells {
 public:
  static constexpr std::size_t kCellsMax = 1024;

  // kInvalid: a quote that isn't closed, or that is followed by something; more than kCellsMax
  // cells.
  Status Split(std::string_view line, char separator);

  std::size_t size() const { return size_; }
  const std::string& operator[](std::size_t index) const { return cells_[index]; }

 private:
  std::string& Add();

  std::vector<std::string> cells_;
  std::size_t size_ = 0;
};

}  // namespace edgetwin::replay
