// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The parts of a request target (RFC 3986), decoded strictly.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace edgetwin::http {

// Nothing when an escape is not '%' and two hex digits, when a control character or a NUL comes
// out, or when the result is not UTF-8.
std::optional<std::string> PercentDecode(std::string_view text);

// "a=1&b&a=2" → {a:2, b:""}. '+' stays '+'. Nothing when a part can't be decoded.
std::optional<std::map<std::string, std::string>> ParseQuery(std::string_view query);

// Everything but RFC 3986's unreserved characters, and those of `plain`, as "%XX".
std::string PercentEncode(std::string_view text, std::string_view plain = {});

bool IsUtf8(std::string_view text);

}  // namespace edgetwin::http
