// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// libcurl, opened when it is first used: the daemon is the same program, and would carry its pages
// and those of twenty libraries behind it (docs/decisions/0012).

#pragma once

#include <curl/curl.h>

#include "agent/cli/failure.h"

namespace edgetwin::cli {

struct Curl {
  decltype(&::curl_easy_init) init = nullptr;
  decltype(&::curl_easy_cleanup) cleanup = nullptr;
  decltype(&::curl_easy_setopt) setopt = nullptr;
  decltype(&::curl_easy_perform) perform = nullptr;
  decltype(&::curl_easy_getinfo) getinfo = nullptr;
  decltype(&::curl_easy_strerror) strerror = nullptr;
};

// For the program's whole life. Fails with kUnreachable where the library isn't there.
Outcome<const Curl*> LoadCurl();

}  // namespace edgetwin::cli
