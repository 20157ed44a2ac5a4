// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/token_code.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <string>
#include <utility>

namespace edgetwin::history {
namespace {

constexpr unsigned kTokens = TokenCode::kTokens;
constexpr unsigned kLengthMax = TokenCode::kLengthMax;
constexpr unsigned kSmall = 16;
constexpr unsigned kSmallWidth = 4;
constexpr unsigned kFirstGuess = 5;  // The length that the first one is told relative to.

using Lengths = std::array<std::uint8_t, kTokens>;
using Counts = std::array<std::uint32_t, kTokens>;

struct Token {
  unsigned token;
  unsigned extra;  // Bits that follow it.
};

Token TokenOf(std::uint64_t value) {
  if (value < kSmall) return {static_cast<unsigned>(value), 0};
  const unsigned extra = Width(value) - 2;
  const auto second = static_cast<unsigned>(value >> extra & 1);
  return {kSmall + 2 * (extra + 1 - kSmallWidth) + second, extra};
}

constexpr unsigned ExtraOf(unsigned token) {
  return token < kSmall ? 0 : (token - kSmall) / 2 + kSmallWidth - 1;
}

constexpr std::uint64_t BaseOf(unsigned token) {
  return token < kSmall ? token : std::uint64_t{2 + (token & 1)} << ExtraOf(token);
}

// What each token stands for, for the loop that reads them.
struct Meaning {
  std::uint64_t base;
  unsigned extra;
};
constexpr std::array<Meaning, kTokens> kMeanings = [] {
  std::array<Meaning, kTokens> meanings{};
  for (unsigned token = 0; token < kTokens; ++token) {
    meanings[token] = {BaseOf(token), ExtraOf(token)};
  }
  return meanings;
}();

// Huffman's algorithm; halves the counts until no code is too long.
Lengths LengthsOf(Counts counts) {
  struct Node {
    std::uint32_t count;
    std::uint16_t at;  // A token, or the number of an inner node.
  };
  Lengths lengths{};
  for (;;) {
    std::array<Node, kTokens> leaves;  // NOLINT: only the used ones are set
    unsigned n = 0;
    for (unsigned token = 0; token < kTokens; ++token) {
      if (counts[token] > 0) leaves[n++] = {counts[token], static_cast<std::uint16_t>(token)};
    }
    std::sort(leaves.begin(), leaves.begin() + n, [](const Node& a, const Node& b) {
      return a.count != b.count ? a.count < b.count : a.at < b.at;
    });
    // Inner nodes come into being in the order of their counts, so that two queues do for a heap.
    std::array<std::uint32_t, kTokens> inner;       // NOLINT: as above
    std::array<std::uint16_t, 2 * kTokens> parent;  // NOLINT: leaves first, then inner nodes
    unsigned leaf = 0, from = 0, to = 0;
    const auto take = [&] {
      const bool is_leaf = leaf < n && (from == to || leaves[leaf].count <= inner[from]);
      const unsigned node = is_leaf ? leaf : n + from;
      const std::uint32_t count = is_leaf ? leaves[leaf++].count : inner[from++];
      parent[node] = static_cast<std::uint16_t>(n + to);
      return count;
    };
    while (to + 1 < n) {
      const std::uint32_t a = take();
      inner[to] = a + take();
      ++to;
    }
    std::array<std::uint8_t, 2 * kTokens> depth{};  // The root's is 0.
    unsigned deepest = 0;
    for (unsigned node = n + to - 1; node-- > 0;) {
      depth[node] = static_cast<std::uint8_t>(depth[parent[node]] + 1);
      deepest = std::max<unsigned>(deepest, depth[node]);
    }
    if (deepest <= kLengthMax) {
      for (unsigned i = 0; i < n; ++i) lengths[leaves[i].at] = depth[i];
      return lengths;
    }
    for (std::uint32_t& count : counts) count = count / 2 + (count & 1);
  }
}

// The canonical codes: shorter ones first, equal ones in the order of tokens.
std::array<std::uint16_t, kTokens> CodesOf(const Lengths& lengths) {
  std::array<unsigned, kLengthMax + 2> next{};
  for (const std::uint8_t length : lengths) {
    if (length > 0) ++next[length + 1];
  }
  for (unsigned length = 1; length <= kLengthMax; ++length) {
    next[length] = (next[length] + next[length - 1]) << (length > 1 ? 1 : 0);
  }
  std::array<std::uint16_t, kTokens> codes{};
  for (unsigned token = 0; token < kTokens; ++token) {
    if (lengths[token] > 0) codes[token] = static_cast<std::uint16_t>(next[lengths[token]]++);
  }
  return codes;
}

struct alignas(4) Entry {
  std::uint8_t token;
  std::uint8_t length;
  // With those that follow the code: where the next one begins depends on no second look.
  std::uint8_t bits;
};
using Table = std::array<Entry, std::size_t{1} << kLengthMax>;

Entry EntryOf(unsigned token, unsigned length) {
  return {static_cast<std::uint8_t>(token), static_cast<std::uint8_t>(length),
          static_cast<std::uint8_t>(length + ExtraOf(token))};
}

// Of the tokens from `first` to `last`, by the next `longest` bits.
bool FillTable(const Lengths& lengths, unsigned first, unsigned last, unsigned longest,
               Table& table) {
  const std::size_t size = std::size_t{1} << longest;
  std::size_t filled = 0;
  for (unsigned length = 1; length <= longest; ++length) {
    const std::size_t share = std::size_t{1} << (longest - length);
    for (unsigned token = first; token <= last; ++token) {
      if (lengths[token] != length) continue;
      if (filled + share > size) return false;
      std::fill_n(table.begin() + static_cast<std::ptrdiff_t>(filled), share,
                  EntryOf(token, length));
      filled += share;
    }
  }
  return filled == size;
}

unsigned CodedLength(unsigned length, unsigned before) {
  return static_cast<unsigned>(ZigZag(std::uint64_t{length} - before));
}

}  // namespace

TokenCode::TokenCode(std::span<const std::uint64_t> values) {
  Counts counts{};
  for (const std::uint64_t value : values) {
    const Token token = TokenOf(value);
    ++counts[token.token];
    bits_ += token.extra;
  }
  while (counts[first_] == 0) ++first_;
  last_ = kTokens - 1;
  while (counts[last_] == 0) --last_;
  bits_ += 16;
  if (first_ == last_) return;
  lengths_ = LengthsOf(counts);
  unsigned before = kFirstGuess;
  for (unsigned token = first_; token <= last_; ++token) {
    bits_ += std::size_t{counts[token]} * lengths_[token];
    bits_ += CodedLength(lengths_[token], before) + 1;
    before = lengths_[token];
  }
}

double TokenCode::Estimate(std::span<const std::uint64_t> some, double share) {
  constexpr double kTableBits = 2;  // A token.
  std::array<std::uint16_t, kTokens> counts{};
  std::size_t extra = 0;
  for (const std::uint64_t value : some) {
    const Token token = TokenOf(value);
    ++counts[token.token];
    extra += token.extra;
  }
  const auto all = static_cast<double>(some.size());
  double bits = static_cast<double>(extra), used = 0;
  for (const std::uint16_t count : counts) {
    if (count == 0) continue;
    bits += count * std::log2(all / count);
    ++used;
  }
  // Few values show less than the whole distribution's entropy: Miller and Madow's correction.
  if (share > 1) bits += (used - 1) / 2 * std::numbers::log2e;
  return bits * share + used * kTableBits;
}

void TokenCode::Write(Writer& out, std::span<const std::uint64_t> values) const {
  std::string bytes(bits_ / 8 + 1 + BitWriter::kSlack, '\0');
  BitWriter bits(reinterpret_cast<std::uint8_t*>(bytes.data()));
  bits.Put(first_, 8);
  bits.Put(last_, 8);
  unsigned before = kFirstGuess;
  for (unsigned token = first_; first_ < last_ && token <= last_; ++token) {
    const unsigned ones = CodedLength(lengths_[token], before);
    bits.Put((std::uint64_t{2} << ones) - 2, ones + 1);
    before = lengths_[token];
  }
  const std::array<std::uint16_t, kTokens> codes = CodesOf(lengths_);
  for (const std::uint64_t value : values) {
    const auto [token, extra] = TokenOf(value);
    const std::uint64_t low = value & ((std::uint64_t{1} << extra) - 1);
    if (extra <= 40) {
      bits.Put(std::uint64_t{codes[token]} << extra | low, lengths_[token] + extra);
    } else {
      bits.Put(codes[token], lengths_[token]);
      bits.PutWide(low, extra);
    }
  }
  out.Raw(std::string_view(bytes).substr(0, bits.Finish()));
}

void TokenCode::Read(Reader& in, std::span<std::uint64_t> values) {
  BitReader bits(in);
  const auto first = static_cast<unsigned>(bits.Get(8));
  const auto last = static_cast<unsigned>(bits.Get(8));
  if (first > last || last >= kTokens) return in.Fail("a token code names impossible tokens");
  Table table;  // NOLINT: FillTable sets it all, or it isn't used
  unsigned longest = 1;
  if (first == last) {
    table[0] = table[1] = EntryOf(first, 0);
  } else {
    Lengths lengths{};
    unsigned before = kFirstGuess;
    for (unsigned token = first; token <= last; ++token) {
      const auto ones = static_cast<unsigned>(std::countl_one(bits.Peek()));
      const std::uint64_t length = before + UnZigZag(ones);
      if (length > kLengthMax) return in.Fail("a token code has an impossible length");
      bits.Skip(ones + 1);
      before = static_cast<unsigned>(length);
      lengths[token] = static_cast<std::uint8_t>(length);
      longest = std::max(longest, before);
    }
    if (!FillTable(lengths, first, last, longest, table))
      return in.Fail("a token code is not complete");
  }
  for (std::uint64_t& value : values) {
    const std::uint64_t next = bits.Peek();
    const Entry& entry = table[next >> (64 - longest)];
    const auto [base, extra] = kMeanings[entry.token];
    if (extra <= 40) {
      value = base | next << entry.length >> 1 >> (63 - extra);
      bits.Skip(entry.bits);
    } else {
      bits.Skip(entry.length);
      value = base | bits.GetWide(extra);
    }
  }
  bits.Finish();
}

}  // namespace edgetwin::history
