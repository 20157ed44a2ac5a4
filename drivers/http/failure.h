// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What went wrong with an exchange, in words for people. They are made here and not taken from the
// library or the server, so that none can hold a secret.

#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "twin/base/result.h"

namespace edgetwin::http_driver {

// What libcurl knows of a transfer that failed.
struct TransferFailure {
  int code = 0;       // CURLcode.
  long verify = 0;    // CURLINFO_SSL_VERIFYRESULT.
  long os_error = 0;  // CURLINFO_OS_ERRNO.
  bool connected = false;
  std::size_t body_bytes = 0;  // That came.
  std::string host;
  std::chrono::milliseconds timeout{0};
  std::size_t body_bytes_max = 0;
};
Error ErrorOf(const TransferFailure& failure);

// Whether somebody was there who answered in some way: what says nothing of the host's health.
bool Answered(int code);

// Success for 2xx. kUnavailable for those that say "later" (408, 429, 502, 503, 504), kInvalid for
// the others. `authorized`: credentials were sent.
Status StatusOf(int status, bool authorized);

// "1 MiB", "1500 bytes".
std::string FormatBytes(std::size_t bytes);

}  // namespace edgetwin::http_driver
