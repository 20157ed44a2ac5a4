// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// FILE.part: a file of records that is being written, and goes on where it was cut.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sync/carry/carry.h"
#include "twin/base/result.h"

namespace edgetwin::cli {

// What of a file of records is sound, from its beginning on.
struct SoundRecords {
  std::optional<sync::CarryHead> head;  // Nothing: none of it is.
  sync::CarryPlace end;                 // Of the last part.
  bool last = false;                    // That was the last one.
  sync::CarryEnd counted;               // Without the end record itself.
  std::uint64_t bytes = 0;              // With the magic.
};

// Only its head, of a file that is whole or not. kNotFound when there is no such file; kCorrupt
// when it is none that carries history.
Result<sync::CarryHead> ReadHead(const std::string& file);

// Counts the part, whose samples are asked of its blocks' headers.
void CountPart(const sync::CarryPart& part, sync::CarryEnd& counted);

// Blocking. Errors as of FileError.
class PartFile {
 public:
  // Opens or makes FILE.part, for its owner only.
  static Result<PartFile> Open(const std::string& file);
  PartFile(PartFile&& other) noexcept;
  PartFile& operator=(PartFile&&) = delete;
  ~PartFile();

  Result<SoundRecords> Read();
  // Only these bytes of it stay; more are appended after them.
  edgetwin::Status Keep(std::uint64_t bytes);
  edgetwin::Status Append(std::string_view bytes);
  // Everything is on disk, and the file has its name, replacing what had it.
  edgetwin::Status Finish();

  const std::string& name() const { return name_; }

 private:
  PartFile(std::string file, int fd);

  std::string file_;
  std::string name_;
  int fd_;
};

}  // namespace edgetwin::cli
