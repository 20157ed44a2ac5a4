// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// How a failure travels in edgetwin: as a value, never as an exception across a module.

#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace edgetwin {

// What the caller can do about a failure.
enum class ErrorCode {
  kInvalid,      // The input is wrong; the same call can never succeed.
  kNotFound,     // The named thing does not exist.
  kUnavailable,  // Not now; retry later.
  kTimeout,      // A deadline passed; whether the effect happened is unknown.
  kExhausted,    // A stated limit was reached.
  kCorrupt,      // Stored or received data is damaged.
  kConflict,     // Somebody else changed or holds it.
  kUnsupported,  // Valid, but this build or peer can't do it.
  kPermission,   // The caller may not.
};

// The code's name as people and JSON see it: "invalid", "not_found", ….
std::string_view ToString(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInvalid;
  std::string text;  // For people, one sentence without a full stop, with the value that was wrong.

  friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using Base = tl::expected<T, Error>;
  using Base::Base;
  Result(Error error) : Base(tl::unexpect, std::move(error)) {}  // NOLINT: implicit by design
};

using Status = Result<void>;

inline Error MakeError(ErrorCode code, std::string text) {
  return Error{code, std::move(text)};
}
inline Error Invalid(std::string text) {
  return {ErrorCode::kInvalid, std::move(text)};
}
inline Error NotFound(std::string text) {
  return {ErrorCode::kNotFound, std::move(text)};
}
inline Error Unavailable(std::string text) {
  return {ErrorCode::kUnavailable, std::move(text)};
}
inline Error TimedOut(std::string text) {
  return {ErrorCode::kTimeout, std::move(text)};
}
inline Error Exhausted(std::string text) {
  return {ErrorCode::kExhausted, std::move(text)};
}
inline Error Corrupt(std::string text) {
  return {ErrorCode::kCorrupt, std::move(text)};
}
inline Error Conflict(std::string text) {
  return {ErrorCode::kConflict, std::move(text)};
}
inline Error Unsupported(std::string text) {
  return {ErrorCode::kUnsupported, std::move(text)};
}

}  // namespace edgetwin
