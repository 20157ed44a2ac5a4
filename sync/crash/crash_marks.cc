// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/crash/crash_marks.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <new>
#include <optional>
#include <type_traits>

namespace edgetwin::sync {
namespace {

constexpr std::uint64_t kMagic = 0x3148535243544445;  // "EDTCRSH1": a new layout, a new number.

// The next instruction may be the last one: what was stored before it is stored, not kept in a
// register.
void Settle() {
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

Error FromErrno(const std::string& what) {
  const int error = errno;
  const std::string text = what + ": " + std::strerror(error);
  if (error == EWOULDBLOCK) return Conflict(text);
  if (error == ENOSPC) return Exhausted(text);
  if (error == EACCES || error == EPERM || error == EROFS) {
    return MakeError(ErrorCode::kPermission, text);
  }
  return Unavailable(text);
}

std::optional<std::uint64_t> TakeVarint(std::span<const std::byte>& bytes) {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<std::uint64_t>(bytes.front());
    bytes = bytes.subspan(1);
    number |= (byte & 0x7f) << shift;
    if (byte < 0x80) return number;
  }
  return {};
}

// The bytes of a field's value after its tag; nothing when they are not there.
std::optional<std::size_t> ValueBytes(std::uint64_t wire_type, std::span<const std::byte> bytes) {
  const std::size_t all = bytes.size();
  std::size_t size = 0;
  switch (wire_type) {
    case 0:
      if (!TakeVarint(bytes)) return {};
      return all - bytes.size();
    case 1: size = 8; break;
    case 5: size = 4; break;
    case 2: {
      const auto length = TakeVarint(bytes);
      if (!length || *length > bytes.size()) return {};
      return all - bytes.size() + static_cast<std::size_t>(*length);
    }
    default: return {};
  }
  return size <= all ? std::optional(size) : std::nullopt;
}

// Fields of edgetwin.v1.Frame.
constexpr std::uint64_t kDelta = 2;
bool IsKind(std::uint64_t field) {
  return field == kDelta || (field >= 16 && field <= 20) || (field >= 53 && field <= 57);
}
// Session and cursors: another number in each session.
bool IsVolatile(std::uint64_t field) {
  constexpr std::array<std::uint64_t, 10> kFields = {1, 3, 4, 10, 21, 22, 23, 46, 47, 58};
  return std::ranges::find(kFields, field) != kFields.end();
}

}  // namespace

std::string_view ToString(CrashItem::Kind kind) {
  switch (kind) {
    case CrashItem::Kind::kNone: break;
    case CrashItem::Kind::kFrame: return "handling a frame from the cloud";
    case CrashItem::Kind::kEntry: return "taking up what the cloud sent";
    case CrashItem::Kind::kDesiredRead: return "reading before a desired value is written";
    case CrashItem::Kind::kDesiredWrite: return "writing a desired value";
    case CrashItem::Kind::kOverrideRead: return "reading before an override is written";
    case CrashItem::Kind::kOverrideWrite: return "writing an override";
  }
  return "nothing";
}

CrashItem FrameItem(std::span<const std::byte> bytes) {
  CrashItem item{CrashItem::Kind::kFrame, 0, 0};
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a.
  while (!bytes.empty()) {
    const std::span<const std::byte> whole = bytes;
    const auto tag = TakeVarint(bytes);
    const auto size = tag ? ValueBytes(*tag & 7, bytes) : std::nullopt;
    // What is no protobuf any more counts as it is.
    const std::size_t taken = size ? whole.size() - bytes.size() + *size : whole.size();
    const std::uint64_t field = size ? *tag >> 3 : 0;
    if (IsKind(field)) item.a = field;
    if (!IsVolatile(field)) {
      for (const std::byte byte : whole.first(taken)) {
        hash = (hash ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3;
      }
    }
    bytes = whole.subspan(taken);
  }
  if (item.a == kDelta) item.b = hash;
  return item;
}

Result<std::unique_ptr<CrashMarks>> CrashMarks::Open(const std::string& path) {
  static_assert(std::is_trivially_copyable_v<Page>);
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return FromErrno("cannot open " + path);
  const auto fail = [&](const std::string& what) {
    const Error error = FromErrno(what);
    close(file);
    return error;
  };
  if (flock(file, LOCK_EX | LOCK_NB) != 0) return fail(path + " is in use");
  struct stat info {};
  if (fstat(file, &info) != 0) return fail("cannot look at " + path);
  const bool ours = S_ISREG(info.st_mode) && info.st_size == static_cast<off_t>(sizeof(Page));
  if (!ours && ftruncate(file, sizeof(Page)) != 0) return fail("cannot make " + path);
  // Room for every page of it now: a store into one that has none would be the crash.
  if (const int error = posix_fallocate(file, 0, sizeof(Page)); error != 0) {
    errno = error;
    return fail("no room for " + path);
  }
  void* memory = mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) return fail("cannot map " + path);
  Page* page = static_cast<Page*>(memory);
  if (!ours || page->magic != kMagic) *page = Page{.magic = kMagic};
  std::unique_ptr<CrashMarks> marks(new CrashMarks(file, page));
  marks->TakeOver();
  return marks;
}

CrashMarks::~CrashMarks() {
  for (Slot& slot : page_->slots) {
    slot.out = 0;
    if (slot.crashes == 0) slot = Slot{};
  }
  page_->depth = 0;
  munmap(page_, sizeof(Page));
  close(file_);
}

bool CrashMarks::InMemory(const std::string& folder) {
  struct statfs info {};
  if (statfs(folder.c_str(), &info) != 0) return false;
  const auto type = static_cast<std::uint32_t>(info.f_type);
  return type == TMPFS_MAGIC || type == RAMFS_MAGIC;
}

// The bytes may be any.
void CrashMarks::TakeOver() {
  Page& page = *page_;
  const std::size_t depth = std::min<std::size_t>(page.depth, kDepthMax);
  std::optional<std::uint32_t> inside;
  for (std::size_t i = 0; i < depth; ++i) {
    if (page.inside[i] < kItems) inside = page.inside[i];
  }
  for (std::uint32_t i = 0; i < kItems; ++i) {
    Slot& slot = page.slots[i];
    const bool blamed = inside ? i == *inside : slot.out != 0;
    slot.out = 0;
    if (slot.item.kind == CrashItem::Kind::kNone) continue;
    end_ = i + 1;
    if (blamed) {
      slot.crashes = std::min(slot.crashes, kQuarantineAt) + 1;
      found_.push_back(slot.item);
    } else if (slot.crashes == 0) {
      slot = Slot{};
    }
  }
  page.depth = 0;
}

std::uint32_t CrashMarks::Find(const CrashItem& item) const {
  for (std::uint32_t i = 0; i < end_; ++i) {
    if (page_->slots[i].item == item) return i;
  }
  return kItems;
}

// What has crashed keeps its slot: its crashes count as long as it did not go well.
std::uint32_t CrashMarks::Place() {
  const std::uint32_t free = Find(CrashItem());
  if (free != kItems || end_ == kItems) return free;
  return end_++;
}

std::uint32_t CrashMarks::crashes(const CrashItem& item) const {
  const std::uint32_t at = Find(item);
  return at == kItems ? 0 : page_->slots[at].crashes;
}

void CrashMarks::Enter(const CrashItem& item) {
  if (page_->depth >= kDepthMax) {
    ++unwatched_depth_;
    return;
  }
  std::uint32_t at = Find(item);
  if (at == kItems) {
    at = Place();
    if (at != kItems) page_->slots[at] = {item, 0, 0};
  }
  if (at != kItems) page_->slots[at].out = 1;
  page_->inside[page_->depth] = at;
  Settle();
  ++page_->depth;
  Settle();
}

void CrashMarks::Leave() {
  if (unwatched_depth_ > 0) {
    --unwatched_depth_;
  } else if (page_->depth > 0) {
    --page_->depth;
  }
  Settle();
}

void CrashMarks::Done(const CrashItem& item) {
  const std::uint32_t at = Find(item);
  if (at != kItems) page_->slots[at] = Slot{};
  Settle();
}

}  // namespace edgetwin::sync
