// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/cli/failure.h"

namespace edgetwin::cli {

Exit ExitOf(const Error& error) {
  switch (error.code) {
    case ErrorCode::kPermission: return Exit::kPermission;
    case ErrorCode::kNotFound: return Exit::kNotFound;
    default: return Exit::kStore;
  }
}

}  // namespace edgetwin::cli
