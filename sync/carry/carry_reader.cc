// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <utility>

#include "sync/carry/carry.h"
#include "sync/carry/message.h"
#include "twin/history/crc32.h"

namespace edgetwin::sync {
namespace {

Error Damage(std::uint64_t offset, const std::string& what) {
  return MakeError(ErrorCode::kCorrupt, "at byte " + std::to_string(offset) + ": " + what);
}

}  // namespace

Result<std::optional<CarryReader::Record>> CarryReader::Next() {
  if (damage_) return *damage_;
  Result<std::optional<Record>> record = Read();
  if (!record) damage_ = record.error();
  // What was read is let go of now and then, not byte by byte.
  if (begin_ > kCarryPartBytes || begin_ == buffer_.size()) {
    buffer_.erase(0, std::exchange(begin_, 0));
  }
  return record;
}

Result<std::optional<CarryReader::Record>> CarryReader::Read() {
  std::string_view rest = std::string_view(buffer_).substr(begin_);
  if (offset_ == 0) {
    const std::string_view magic = CarryMagic();
    const std::size_t known = magic.size() - 1;  // The last byte is the version.
    const std::size_t there = std::min(rest.size(), known);
    if (rest.substr(0, there) != magic.substr(0, there)) {
      return MakeError(ErrorCode::kCorrupt, "it is no file that carries history");
    }
    if (rest.size() < magic.size()) return std::optional<Record>();
    if (rest[known] != magic[known]) {
      return Unsupported("it is of version " +
                         std::to_string(static_cast<unsigned char>(rest[known])) +
                         ", of which only 1 is known here");
    }
    begin_ += magic.size();
    offset_ += magic.size();
    rest.remove_prefix(magic.size());
  }
  if (rest.empty()) return std::optional<Record>();
  if (complete_) return Damage(offset_, "something follows the end");
  if (rest.size() < kRecordHeadBytes) return std::optional<Record>();
  const std::size_t message_bytes = ReadUint32(rest);
  if (message_bytes > kCarryMessageBytesMax) {
    return Damage(offset_, "a record of " + std::to_string(message_bytes) + " bytes, of which " +
                               std::to_string(kCarryMessageBytesMax) + " are the most");
  }
  const std::size_t bytes = message_bytes + kCarryRecordExtraBytes;
  if (rest.size() < bytes) return std::optional<Record>();
  rest = rest.substr(0, bytes);
  const std::string_view checked = rest.substr(0, bytes - kRecordChecksumBytes);
  if (ReadUint32(rest.substr(checked.size())) != history::Crc32(checked)) {
    return Damage(offset_, "the checksum of " + std::to_string(bytes) + " bytes is wrong");
  }
  const auto kind = static_cast<std::uint8_t>(rest[4]);
  Result<CarryContent> content = DecodeMessage(kind, checked.substr(kRecordHeadBytes));
  if (!content) {
    return MakeError(content.error().code,
                     "at byte " + std::to_string(offset_) + ": " + content.error().text);
  }
  if (Status placed = Place(*content); !placed) return placed.error();
  Record record{offset_, std::string(rest), std::move(*content)};
  begin_ += bytes;
  offset_ += bytes;
  return std::optional(std::move(record));
}

// Whether it may stand here.
Status CarryReader::Place(const CarryContent& content) {
  const bool first = offset_ == CarryMagic().size();
  if (std::holds_alternative<CarryReceipt>(content)) {
    if (!first) return Damage(offset_, "a receipt stands alone");
    complete_ = true;
    return {};
  }
  if (std::holds_alternative<CarryHead>(content)) {
    if (head_) return Damage(offset_, "a second head");
    head_ = true;
    return {};
  }
  if (!head_) return Damage(offset_, "a head comes first");
  if (const auto* part = std::get_if<CarryPart>(&content)) {
    if (last_) return Damage(offset_, "a part follows the last one");
    last_ = part->last;
    ++counted_.parts;
    counted_.blocks += part->history.blocks.size();
    counted_.losses += part->history.losses.size();
    return {};
  }
  const CarryEnd& end = std::get<CarryEnd>(content);
  if (end.parts != counted_.parts || end.blocks != counted_.blocks ||
      end.losses != counted_.losses) {
    return Damage(offset_, "there are " + std::to_string(counted_.parts) + " parts with " +
                               std::to_string(counted_.blocks) + " blocks, where the end says " +
                               std::to_string(end.parts) + " with " + std::to_string(end.blocks));
  }
  complete_ = true;
  return {};
}

Status CarryReader::Finish() const {
  if (damage_) return *damage_;
  if (complete_) return {};
  const std::size_t left = buffer_.size() - begin_;
  return Damage(offset_, left == 0 ? std::string("it ends without an end: something is missing")
                                   : "it ends within a record, of which " + std::to_string(left) +
                                         " bytes are there");
}

}  // namespace edgetwin::sync
