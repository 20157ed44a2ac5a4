// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/text_column.h"

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "twin/base/zstd.h"
#include "twin/history/integer_column.h"

namespace edgetwin::history {
namespace {

using Texts = std::span<const std::string_view>;

enum Kind : std::uint8_t { kPlain = 0, kZstd = 1, kDictionary = 2 };

// zstd's frame has about this many bytes of its own.
constexpr std::size_t kZstdMin = 24;

// The lengths, then the bytes one after the other.
std::string Joined(Texts texts) {
  std::string bytes;
  std::vector<std::uint64_t> lengths;
  lengths.reserve(texts.size());
  for (const std::string_view text : texts) {
    bytes += text;
    lengths.push_back(text.size());
  }
  std::optional<std::string> packed;
  if (bytes.size() >= kZstdMin) packed = ZstdPack(bytes, kZstdLevel);
  const bool is_packed = packed && packed->size() + 3 < bytes.size();
  Writer out;
  out.Byte(is_packed ? kZstd : kPlain);
  WriteIntegers(out, lengths);
  if (is_packed) {
    out.Varint(packed->size());
    out.Raw(*packed);
  } else {
    out.Raw(bytes);
  }
  return std::move(out).Take();
}

// Nothing when too few of them occur twice.
std::optional<std::string> Dictionary(Texts texts) {
  std::map<std::string_view, std::uint64_t> known;
  std::vector<std::string_view> distinct;
  std::vector<std::uint64_t> indices;
  indices.reserve(texts.size());
  for (const std::string_view text : texts) {
    const auto [at, added] = known.try_emplace(text, distinct.size());
    if (added) distinct.push_back(text);
    if (distinct.size() > texts.size() / 2) return {};
    indices.push_back(at->second);
  }
  Writer out;
  out.Byte(kDictionary);
  out.Varint(distinct.size());
  out.Raw(Joined(distinct));
  WriteIntegers(out, indices);
  return std::move(out).Take();
}

std::vector<std::string> ReadJoined(Reader& in, std::uint8_t kind, std::size_t count,
                                    std::size_t bytes_max) {
  std::vector<std::uint64_t> lengths(count);
  ReadIntegers(in, lengths);
  std::size_t total = 0;
  for (const std::uint64_t length : lengths) {
    if (length > bytes_max - total) {
      in.Fail("its texts are longer than the limit");
      break;
    }
    total += static_cast<std::size_t>(length);
  }
  if (in.failed()) return {};
  std::string unpacked;
  std::string_view bytes;
  if (kind == kZstd) {
    const std::string_view packed = in.Raw(in.Varint());
    if (in.failed()) return {};
    unpacked.resize(total);
    if (!ZstdUnpack(packed, unpacked)) in.Fail("zstd can't unpack its texts");
    bytes = unpacked;
  } else {
    bytes = in.Raw(total);
  }
  if (in.failed()) return {};
  std::vector<std::string> texts(count);
  for (std::size_t i = 0; i < count; ++i) {
    texts[i] = bytes.substr(0, static_cast<std::size_t>(lengths[i]));
    bytes.remove_prefix(texts[i].size());
  }
  return texts;
}

std::vector<std::string> ReadDictionary(Reader& in, std::size_t count, std::size_t bytes_max) {
  const std::uint64_t size = in.Varint();
  const std::uint8_t kind = in.Byte();
  if (size == 0 || size > count || kind > kZstd) {
    in.Fail("a dictionary of texts is impossible");
    return {};
  }
  const std::vector<std::string> distinct =
      ReadJoined(in, kind, static_cast<std::size_t>(size), bytes_max);
  std::vector<std::uint64_t> indices(count);
  ReadIntegers(in, indices);
  if (in.failed()) return {};
  std::vector<std::string> texts(count);
  std::size_t left = bytes_max;
  for (std::size_t i = 0; i < count; ++i) {
    if (indices[i] >= size || distinct[static_cast<std::size_t>(indices[i])].size() > left) {
      in.Fail("an index points behind its dictionary, or its texts are longer than the limit");
      return {};
    }
    texts[i] = distinct[static_cast<std::size_t>(indices[i])];
    left -= texts[i].size();
  }
  return texts;
}

}  // namespace

void WriteTexts(Writer& out, std::span<const std::string_view> texts) {
  if (texts.empty()) return;
  const std::optional<std::string> dictionary = Dictionary(texts);
  const std::string joined = Joined(texts);
  out.Raw(dictionary && dictionary->size() < joined.size() ? *dictionary : joined);
}

std::vector<std::string> ReadTexts(Reader& in, std::size_t count, std::size_t bytes_max) {
  if (count == 0) return {};
  const std::uint8_t kind = in.Byte();
  if (kind <= kZstd) return ReadJoined(in, kind, count, bytes_max);
  if (kind == kDictionary) return ReadDictionary(in, count, bytes_max);
  in.Fail("texts have an unknown form");
  return {};
}

}  // namespace edgetwin::history
