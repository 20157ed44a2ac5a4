// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/bundle.h"

#include "twin/base/bytes.h"
#include "twin/base/check.h"
#include "twin/base/zstd.h"
#include "twin/history/bits.h"
#include "twin/history/crc32.h"
#include "twin/history/store/blocks.h"

namespace edgetwin::history {
namespace {

// In the place of a block's format, which stays below 128.
constexpr std::uint8_t kMark = 0x81;
constexpr std::uint8_t kPackedMark = 0x82;
// What a hostile row may grow to.
constexpr std::size_t kPackedRatioMax = 64;
// A path, two times and a length in a byte each.
constexpr std::size_t kBundledHeadMin = 4;

Error Damaged(const char* reason) {
  return Corrupt(std::string("a bundle of blocks is damaged: ") + reason);
}

std::string Pack(std::string bundle) {
  const std::optional<std::string> frame = ZstdPack(bundle, kZstdLevel);
  if (!frame || bundle.size() > frame->size() * kPackedRatioMax) return bundle;
  ByteWriter out;
  out.Byte(kPackedMark);
  out.Varint(bundle.size());
  out.Raw(*frame);
  return out.size() < bundle.size() ? std::move(out).Take() : bundle;
}

}  // namespace

std::string Bundle(std::span<const Bundled> blocks) {
  EDGETWIN_CHECK(!blocks.empty());
  Bundled last = blocks.front();
  if (blocks.size() == 1) return std::string(last.bytes);
  ByteWriter out;
  out.Byte(kMark);
  out.Varint(blocks.size());
  for (const Bundled& block : blocks) {
    out.Varint(block.path - last.path);
    out.Signed(block.after_ms - last.after_ms);
    out.Signed(block.before_ms - last.before_ms);
    out.Varint(block.bytes.size());
    last = block;
  }
  const std::uint32_t checksum = Crc32(out.bytes());
  for (unsigned shift = 0; shift < 32; shift += 8) {
    out.Byte(static_cast<std::uint8_t>(checksum >> shift));
  }
  for (const Bundled& block : blocks) out.Raw(block.bytes);
  return Pack(std::move(out).Take());
}

std::optional<std::string_view> Unpack(std::string_view bytes, std::string& unpacked) {
  ByteReader in(bytes);
  if (in.Byte() != kPackedMark) return bytes;
  const std::uint64_t size = in.Varint();
  if (size > in.left() * kPackedRatioMax) return {};
  unpacked.resize(static_cast<std::size_t>(size));
  if (in.failed() || !ZstdUnpack(in.Raw(in.left()), unpacked)) return {};
  return unpacked;
}

Result<std::vector<Bundled>> Unbundle(const Bundled& row) {
  ByteReader in(row.bytes);
  if (in.Byte() != kMark) return std::vector<Bundled>{row};
  const std::uint64_t count = in.Varint();
  if (count < 2) return Damaged("it has fewer than two blocks");
  if (count > in.left() / kBundledHeadMin) return Damaged("it has more blocks than bytes");
  std::vector<Bundled> blocks;
  blocks.reserve(static_cast<std::size_t>(count));
  std::vector<std::uint64_t> sizes;
  Bundled last = row;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t further = in.Varint();
    if (further > kPathIdMax - last.path) return Damaged("no path has such a number");
    last.path += static_cast<PathId>(further);
    last.after_ms += in.Signed();
    last.before_ms += in.Signed();
    sizes.push_back(in.Varint());
    blocks.push_back(last);
    if (i == 0 && blocks[0] != row) {
      return Damaged("its first block isn't the row's");
    }
  }
  const std::size_t head = row.bytes.size() - in.left();
  std::uint32_t checksum = 0;
  for (unsigned shift = 0; shift < 32; shift += 8) checksum |= std::uint32_t{in.Byte()} << shift;
  if (!in.failed() && checksum != Crc32(row.bytes.substr(0, head)))
    in.Fail("its checksum is wrong");
  for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i].bytes = in.Raw(sizes[i]);
  if (in.left() > 0) in.Fail("something follows");
  if (in.failed()) return Damaged(in.reason());
  return blocks;
}

}  // namespace edgetwin::history
