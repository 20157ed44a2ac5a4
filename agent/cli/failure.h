// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// How a command ends, and how it fails.

#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "agent/api/json.h"
#include "twin/base/result.h"

namespace edgetwin::cli {

using api::Json;

// The part from 69 on is sysexits.h's, as edgetwind's. Scripts rely on these: --help and the man
// page name them.
enum class Exit {
  kOk = 0,
  kProblems = 1,
  kUsage = 2,
  kNotFound = 3,
  kRefused = 4,
  kPermission = 5,
  kUnreachable = 69,
  kStore = 74,
  kConfig = 78
};

struct Failure {
  Exit exit = Exit::kProblems;
  std::string text;   // For people, as Error::text.
  bool down = false;  // Nobody listens on the socket: the store may be asked instead.
};

// Of a store, or a copy of one.
Exit ExitOf(const Error& error);

template <class T>
using Outcome = tl::expected<T, Failure>;

inline tl::unexpected<Failure> Fail(Exit exit, std::string text) {
  return tl::unexpected<Failure>(Failure{exit, std::move(text)});
}

}  // namespace edgetwin::cli
