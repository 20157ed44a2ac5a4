// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Picks values out of JSON by their pointers (RFC 6901), in one pass that keeps nothing else: what
// it takes of memory doesn't grow with the document. Pure; safe on any bytes.

#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/sdk/extract/value.h"
#include "twin/base/result.h"

namespace edgetwin::extract {

inline constexpr std::size_t kPointerBytesMax = 512;
inline constexpr std::size_t kJsonDepthMax = 64;  // Nested arrays and objects in an answer.

// The tokens of "/a/0/b", unescaped; none for "", the whole document.
using Pointer = std::vector<std::string>;

// kInvalid for what neither is empty nor begins with '/', for '~' without 0 or 1 behind it, and for
// what is too long or deep.
Result<Pointer> ParsePointer(std::string_view text);

// The tree of all pointers that are looked for.
class JsonPicker {
 public:
  // `text` is the pointer as it is told in errors. Returns its index in what Pick gives.
  std::size_t Add(const Pointer& pointer, std::string text);
  bool empty() const { return texts_.empty(); }

  // One result a pointer: the scalar there, or why there is none. An error when the bytes as a
  // whole are no JSON (RFC 8259) or too deep.
  Result<std::vector<Result<Scalar>>> Pick(std::string_view json) const;

 private:
  friend class JsonWalk;

  struct Node {
    std::map<std::string, std::size_t, std::less<>> children;  // Indices into nodes_.
    std::vector<std::size_t> wanted;                           // Indices into texts_.
  };
  std::vector<Node> nodes_ = std::vector<Node>(1);  // The first is the document.
  std::vector<std::string> texts_;
};

}  // namespace edgetwin::extract
