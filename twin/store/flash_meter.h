// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// How many bytes a store hands to its file layer, by what they are for. What the flash then takes
// is more: file systems write whole blocks, and journals of their own.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace edgetwin::store {

enum class WriteCause : std::uint8_t {
  kCommit = 0,      // Of the twin: what changed.
  kCheckpoint = 1,  // The twin's tail into its tables; any WAL into its database.
  kBlocks = 2,      // Of the history: what was sampled.
  kLedger = 3,      // Evictions from it, and the record of them.
  kBackup = 4,
  kOther = 5,  // Openings.
};
inline constexpr std::size_t kWriteCauses = 6;
std::string_view ToString(WriteCause cause);

using WrittenBytes = std::array<std::uint64_t, kWriteCauses>;  // By cause.
std::uint64_t Sum(const WrittenBytes& bytes);

// A file layer of SQLite, by a name of its own, over another one. One for each store, of which one
// thread at a time writes; only bytes() is for any.
class FlashMeter {
 public:
  // `base`: the layer below, by name; empty: the default one. It must be registered.
  explicit FlashMeter(const std::string& base = {});
  // Every file must be closed.
  ~FlashMeter();
  FlashMeter(const FlashMeter&) = delete;
  FlashMeter& operator=(const FlashMeter&) = delete;

  const std::string& vfs() const;
  WrittenBytes bytes() const;

  // What is written while it lives is for `cause`; for kOther while none lives. Whatever goes into
  // a database file, rather than its WAL, is for kCheckpoint, unless it is a backup.
  class Scope {
   public:
    // `meter` may be null: nothing is counted.
    Scope(FlashMeter* meter, WriteCause cause);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    FlashMeter* const meter_;
    WriteCause before_ = WriteCause::kOther;
  };

 private:
  struct Layer;
  std::unique_ptr<Layer> layer_;
};

}  // namespace edgetwin::store
