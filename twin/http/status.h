// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// HTTP status codes' phrases.

#pragma once

#include <string_view>

namespace edgetwin::http {

// "Not Found" for 404; "" for codes the server doesn't use.
std::string_view StatusPhrase(int status);

}  // namespace edgetwin::http
