// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Tells the next process what this one died of. What is under way stands in a small file that is
// mapped into memory: a crash of the process leaves it as it was, and keeping it costs no write and
// no system call. It belongs in a folder in memory (see InMemory), so that flash sees nothing of
// it; a power cut takes it along.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "twin/base/result.h"

namespace edgetwin::sync {

// Something that may crash this process. What has become another value is another item.
struct CrashItem {
  enum class Kind : std::uint8_t {
    kNone = 0,
    kFrame = 1,  // a: its kind; b: a hash of its content. See FrameItem.
    kEntry = 2,  // One row or command of a frame; a, b: inc and seq of its version.
    // A driver's read or write; a, b: the version of the row that asks for it.
    kDesiredRead = 3,
    kDesiredWrite = 4,
    kOverrideRead = 5,
    kOverrideWrite = 6,
  };
  Kind kind = Kind::kNone;
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  friend bool operator==(const CrashItem&, const CrashItem&) = default;
};
// For people: "a frame of the cloud", "applying a value that the cloud sent".
std::string_view ToString(CrashItem::Kind kind);

// What a frame is known by when it comes again in another session. A Delta: by its content, without
// session and cursors. Others differ each time: by their kind alone. Never fails, whatever the
// bytes are.
CrashItem FrameItem(std::span<const std::byte> bytes);

// SINGLE-THREADED.
class CrashMarks {
 public:
  static constexpr std::size_t kItems = 256;   // More at once are not watched.
  static constexpr std::size_t kDepthMax = 4;  // Of Enter inside Enter.
  static constexpr std::uint32_t kQuarantineAt = 2;

  // Makes the file if it isn't there, or is none of ours. What was under way in it has crashed once
  // more: what the thread was inside of, alone, or else everything that was out. kConflict: another
  // process has it. kExhausted, kPermission, kUnavailable: it can't be made.
  static Result<std::unique_ptr<CrashMarks>> Open(const std::string& path);
  // A clean end: nothing is under way any more.
  ~CrashMarks();
  CrashMarks(const CrashMarks&) = delete;
  CrashMarks& operator=(const CrashMarks&) = delete;

  // Whether files in `folder` are in memory: tmpfs or ramfs.
  static bool InMemory(const std::string& folder);

  // How many processes in a row ended in it.
  std::uint32_t crashes(const CrashItem& item) const;
  bool Quarantined(const CrashItem& item) const { return crashes(item) >= kQuarantineAt; }
  // What the last process ended in, as found by Open.
  const std::vector<CrashItem>& found() const { return found_; }

  // This thread begins with it; calls nest. It is under way until Done.
  void Enter(const CrashItem& item);
  // Out of the innermost one again.
  void Leave();
  // It went well: its crashes are forgotten.
  void Done(const CrashItem& item);
  // All three, around `take`.
  template <class Take>
  void Watch(const CrashItem& item, Take take) {
    Enter(item);
    take();
    Leave();
    Done(item);
  }

 private:
  struct Slot {
    CrashItem item;  // kNone: free.
    std::uint32_t crashes = 0;
    std::uint32_t out = 0;  // 1: under way.
  };
  struct Page {
    std::uint64_t magic = 0;
    std::uint32_t depth = 0;
    std::array<std::uint32_t, kDepthMax> inside{};  // Indexes; kItems: of what isn't watched.
    std::array<Slot, kItems> slots{};
  };

  CrashMarks(int file, Page* page) : file_(file), page_(page) {}
  void TakeOver();
  std::uint32_t Find(const CrashItem& item) const;  // kItems: not there.
  std::uint32_t Place();                            // A free slot; kItems: there is none.

  const int file_;
  Page* const page_;
  std::size_t unwatched_depth_ = 0;  // Above kDepthMax.
  std::uint32_t end_ = 0;            // All slots from here on are free.
  std::vector<CrashItem> found_;
};

}  // namespace edgetwin::sync
