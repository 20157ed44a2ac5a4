// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <charconv>
#include <chrono>
#include <cstdio>
#include <utility>

#include "edgetwin/v1/carry.pb.h"
#include "sync/carry/carry.h"
#include "sync/carry/message.h"
#include "sync/codec/history.h"
#include "twin/base/check.h"
#include "twin/history/crc32.h"
#include "twin/model/path.h"

namespace edgetwin::sync {
namespace {

enum Kind : std::uint8_t { kHead = 1, kPart = 2, kEnd = 3, kReceipt = 4 };

constexpr std::size_t kDeviceBytesMax = 64;
constexpr std::size_t kSoftwareBytesMax = 64;
constexpr std::size_t kPatternBytesMax = model::kPathBytesMax;

std::int64_t Ms(WallTime time) {
  return time.time_since_epoch().count();
}
WallTime Time(std::int64_t ms) {
  return WallTime(std::chrono::milliseconds(ms));
}

void AppendUint32(std::string& out, std::uint32_t number) {
  for (int i = 0; i < 4; ++i) out += static_cast<char>(number >> 8 * i);
}

void Encode(const HistoryMark& mark, v1::Commit* out) {
  out->set_inc(mark.inc);
  out->set_number(mark.commit);
}
HistoryMark Decode(const v1::Commit& in) {
  return in.inc() == 0 ? HistoryMark{} : HistoryMark{in.inc(), in.number()};
}

void Encode(const CarryPlace& place, v1::CarryPlace* out) {
  out->set_commit(place.commit);
  out->set_inc(place.inc);
  out->set_priority(place.priority);
  out->set_path(place.path);
  out->set_first(place.first);
  out->set_ledger(place.ledger);
}
CarryPlace Decode(const v1::CarryPlace& in) {
  return {in.commit(), in.inc(), in.priority(), in.path(), in.first(), in.ledger()};
}

std::string Message(const CarryHead& head) {
  EDGETWIN_CHECK(!head.device.empty() && head.device.size() <= kDeviceBytesMax);
  EDGETWIN_CHECK(head.software.size() <= kSoftwareBytesMax);
  EDGETWIN_CHECK(head.pattern.size() <= kPatternBytesMax);
  v1::CarryHead out;
  out.set_device(head.device);
  out.set_made(Ms(head.made));
  out.set_software(head.software);
  if (head.known.inc != 0) Encode(head.known, out.mutable_known());
  out.set_since(head.since);
  out.set_pattern(head.pattern);
  if (head.from) out.set_from(Ms(*head.from));
  if (head.to) out.set_to(Ms(*head.to));
  return out.SerializeAsString();
}

std::string Message(const CarryPart& part) {
  EDGETWIN_CHECK(part.paths.size() <= kCarryPathsMax);
  v1::CarryPart out;
  for (const std::string& path : part.paths) out.add_paths(path);
  EncodeHistory(part.history, *out.mutable_history());
  Encode(part.end, out.mutable_end());
  out.set_last(part.last);
  return out.SerializeAsString();
}

std::string Message(const CarryEnd& end) {
  v1::CarryEnd out;
  out.set_parts(end.parts);
  out.set_blocks(end.blocks);
  out.set_samples(end.samples);
  out.set_losses(end.losses);
  return out.SerializeAsString();
}

std::string Message(const CarryReceipt& receipt) {
  EDGETWIN_CHECK(!receipt.device.empty() && receipt.device.size() <= kDeviceBytesMax);
  v1::CarryReceipt out;
  out.set_device(receipt.device);
  out.set_since(receipt.since);
  Encode(receipt.end, out.mutable_end());
  if (receipt.known.inc != 0) Encode(receipt.known, out.mutable_known());
  Encode(receipt.mark, out.mutable_commit());
  return out.SerializeAsString();
}

Error Damage(const std::string& what) {
  return MakeError(ErrorCode::kCorrupt, what);
}

template <class Proto>
Result<Proto> Parse(std::string_view message) {
  Proto proto;
  if (!proto.ParseFromArray(message.data(), static_cast<int>(message.size()))) {
    return Damage("it is no message of its kind");
  }
  return proto;
}

Result<CarryContent> DecodeHead(std::string_view message) {
  auto in = Parse<v1::CarryHead>(message);
  if (!in) return in.error();
  if (in->device().empty() || in->device().size() > kDeviceBytesMax) {
    return Damage("a device's id has 1 to " + std::to_string(kDeviceBytesMax) + " bytes");
  }
  if (in->software().size() > kSoftwareBytesMax || in->pattern().size() > kPatternBytesMax) {
    return Damage("a text of it is too long");
  }
  CarryHead head;
  head.device = in->device();
  head.made = Time(in->made());
  head.software = in->software();
  head.known = Decode(in->known());
  head.since = in->since();
  head.pattern = in->pattern();
  if (in->has_from()) head.from = Time(in->from());
  if (in->has_to()) head.to = Time(in->to());
  return CarryContent(std::move(head));
}

Result<CarryContent> DecodePart(std::string_view message) {
  auto in = Parse<v1::CarryPart>(message);
  if (!in) return in.error();
  const auto paths = static_cast<std::size_t>(in->paths_size());
  if (paths > kCarryPathsMax) return Damage(std::to_string(paths) + " paths are too many");
  CarryPart part;
  for (std::string& path : *in->mutable_paths()) {
    if (const auto valid = model::Path::Parse(path); !valid) return Damage(valid.error().text);
    part.paths.push_back(std::move(path));
  }
  Result<HistoryFrame> history = DecodeHistory(*in->mutable_history());
  if (!history) return Damage(history.error().text);
  const auto unknown = [paths](const auto& entry) { return entry.pid > paths; };
  if (std::ranges::any_of(history->blocks, unknown) ||
      std::ranges::any_of(history->losses, unknown)) {
    return Damage("it names a property that it has no path of");
  }
  part.history = std::move(*history);
  part.end = Decode(in->end());
  part.last = in->last();
  return CarryContent(std::move(part));
}

Result<CarryContent> DecodeEnd(std::string_view message) {
  const auto in = Parse<v1::CarryEnd>(message);
  if (!in) return in.error();
  return CarryContent(CarryEnd{in->parts(), in->blocks(), in->samples(), in->losses()});
}

Result<CarryContent> DecodeReceipt(std::string_view message) {
  auto in = Parse<v1::CarryReceipt>(message);
  if (!in) return in.error();
  if (in->device().empty() || in->device().size() > kDeviceBytesMax) {
    return Damage("a device's id has 1 to " + std::to_string(kDeviceBytesMax) + " bytes");
  }
  if (in->commit().inc() == 0) return Damage("a receipt names a commit of the cloud's");
  return CarryContent(CarryReceipt{in->device(), in->since(), Decode(in->end()),
                                   Decode(in->known()), Decode(in->commit())});
}

template <class Number>
bool ReadPart(std::string_view& text, Number& number, int base) {
  const std::size_t dash = std::min(text.find('-'), text.size());
  const char* end = text.data() + dash;
  const auto [stop, error] = std::from_chars(text.data(), end, number, base);
  if (error != std::errc() || stop != end || dash == 0) return false;
  text.remove_prefix(std::min(dash + 1, text.size()));
  return true;
}

}  // namespace

std::string ToText(const CarryPlace& place) {
  char text[128];
  std::snprintf(text, sizeof text, "%llu-%016llx-%u-%u-%llu-%llu",
                static_cast<unsigned long long>(place.commit),
                static_cast<unsigned long long>(place.inc), place.priority, place.path,
                static_cast<unsigned long long>(place.first),
                static_cast<unsigned long long>(place.ledger));
  return text;
}

std::optional<CarryPlace> ParsePlace(std::string_view text) {
  CarryPlace place;
  const bool whole = ReadPart(text, place.commit, 10) && ReadPart(text, place.inc, 16) &&
                     ReadPart(text, place.priority, 10) && ReadPart(text, place.path, 10) &&
                     ReadPart(text, place.first, 10) && ReadPart(text, place.ledger, 10);
  if (!whole || !text.empty()) return std::nullopt;
  return place;
}

// As PNG's: what a transfer as text would change shows at once.
std::string_view CarryMagic() {
  static constexpr char kMagic[] =
      "\x89"
      "etw\r\n\x1a\x01";
  static_assert(sizeof kMagic == 9 && kMagic[7] == kCarryVersion);
  return {kMagic, 8};
}

std::string EncodeRecord(const CarryContent& content) {
  const auto kind = static_cast<std::uint8_t>(content.index() + 1);
  const std::string message = std::visit([](const auto& one) { return Message(one); }, content);
  EDGETWIN_CHECK(message.size() <= kCarryMessageBytesMax);
  std::string record;
  record.reserve(message.size() + kCarryRecordExtraBytes);
  AppendUint32(record, static_cast<std::uint32_t>(message.size()));
  record += static_cast<char>(kind);
  record += message;
  AppendUint32(record, history::Crc32(record));
  return record;
}

std::uint32_t ReadUint32(std::string_view bytes) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    number |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << 8 * i;
  }
  return number;
}

Result<CarryContent> DecodeMessage(std::uint8_t kind, std::string_view message) {
  switch (kind) {
    case kHead: return DecodeHead(message);
    case kPart: return DecodePart(message);
    case kEnd: return DecodeEnd(message);
    case kReceipt: return DecodeReceipt(message);
    default: return Unsupported("records of kind " + std::to_string(kind) + " are not known");
  }
}

}  // namespace edgetwin::sync
