// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/engine/hash_list.h"

#include <algorithm>
#include <limits>

namespace edgetwin::sync {
namespace {

constexpr std::size_t kHashBytes = 3;

std::uint32_t HashOf(const SketchEntry& entry) {
  return static_cast<std::uint32_t>(entry.value & ((1u << 8 * kHashBytes) - 1));
}

void PutFixed(std::string& bytes, std::uint32_t value) {
  for (std::size_t i = 0; i < kHashBytes; ++i) {
    bytes += static_cast<char>(value >> (8 * i) & 0xff);
  }
}

void PutVarint(std::string& bytes, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7f) | 0x80);
  bytes += static_cast<char>(value);
}

std::optional<std::uint32_t> TakeFixed(std::string_view& bytes, std::size_t width) {
  if (bytes.size() < width) return {};
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < width; ++i) {
    value |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  bytes.remove_prefix(width);
  return value;
}

// Nothing when it doesn't end, or has more bits than a run needs.
std::optional<std::uint64_t> TakeVarint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 42; shift += 7) {
    const auto byte = TakeFixed(bytes, 1);
    if (!byte) return {};
    value |= std::uint64_t{*byte & 0x7f} << shift;
    if (*byte < 0x80) return value;
  }
  return {};
}

struct Run {
  std::uint64_t properties = 0;
  std::uint32_t mask = 0;
  std::string hashes;

  void Write(std::string& bytes) {
    if (properties == 0) return;
    PutVarint(bytes, properties << model::kSides | mask);
    bytes += hashes;
    *this = {};
  }
};

}  // namespace

std::string HashList(const SketchVector& vector, model::Pid first, std::size_t bytes_max) {
  std::string bytes;
  Run run;
  std::uint64_t next = first;
  auto entry = std::ranges::lower_bound(vector, std::uint64_t{4} * first, {}, &SketchEntry::index);
  while (entry != vector.end() && bytes.size() + run.hashes.size() < bytes_max) {
    const std::uint32_t pid = entry->index / 4;
    if (pid > next) {
      run.Write(bytes);
      run.properties = pid - next;
      run.Write(bytes);
    }
    std::uint32_t mask = 0;
    std::string hashes;
    for (; entry != vector.end() && entry->index / 4 == pid; ++entry) {
      mask |= 1u << entry->index % 4;
      PutFixed(hashes, HashOf(*entry));
    }
    if (mask != run.mask) run.Write(bytes);
    run.mask = mask;
    ++run.properties;
    run.hashes += hashes;
    next = std::uint64_t{pid} + 1;
  }
  run.Write(bytes);
  return bytes;
}

std::optional<ComparedList> CompareHashList(std::string_view bytes, const SketchVector& ours,
                                            model::Pid first, model::Pid pid_max) {
  ComparedList result;
  std::uint64_t pid = first;
  auto own = std::ranges::lower_bound(ours, 4 * pid, {}, &SketchEntry::index);
  const auto only_ours_before = [&](std::uint64_t index) {
    for (; own != ours.end() && own->index < index; ++own) result.different.push_back(own->index);
  };
  while (!bytes.empty()) {
    const auto run = TakeVarint(bytes);
    if (!run) return {};
    const std::uint64_t end = pid + (*run >> model::kSides);
    const auto mask = static_cast<std::uint32_t>(*run & ((1u << model::kSides) - 1));
    if (end == pid || end > std::uint64_t{pid_max} + 1) return {};
    if (mask == 0) pid = end;
    for (; pid < end; ++pid) {
      for (std::uint32_t side = 0; side < model::kSides; ++side) {
        if ((mask & 1u << side) == 0) continue;
        const auto hash = TakeFixed(bytes, kHashBytes);
        if (!hash) return {};
        ++result.rows;
        const auto index = static_cast<std::uint32_t>(4 * pid + side);
        only_ours_before(index);
        const bool held = own != ours.end() && own->index == index;
        if (!held || HashOf(*own) != *hash) result.different.push_back(index);
        if (held) ++own;
      }
    }
  }
  only_ours_before(4 * pid);
  result.next = static_cast<model::Pid>(pid);
  return result;
}

}  // namespace edgetwin::sync
