// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/snmp/oid.h"

#include <algorithm>
#include <charconv>

namespace edgetwin::snmp_driver {

Result<Oid> ParseOid(std::string_view text) {
  const std::string shown = "'" + std::string(text.substr(0, 100)) + "'";
  if (text.starts_with('.')) text.remove_prefix(1);
  Oid oid;
  for (bool more = true; more;) {
    const std::size_t dot = text.find('.');
    const std::string_view part = text.substr(0, dot);
    more = dot != text.npos;
    if (more) text.remove_prefix(dot + 1);
    std::uint32_t number = 0;
    const auto [at, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    if (part.empty() || error != std::errc() || at != part.data() + part.size()) {
      return Invalid(shown +
                     " is no OID in numbers, such as 1.3.6.1.2.1.1.3.0; names are not read");
    }
    if (oid.size() == kOidPartsMax) {
      return Invalid(shown + " has more than " + std::to_string(kOidPartsMax) + " numbers");
    }
    oid.push_back(number);
  }
  if (oid.size() < 2) return Invalid(shown + " needs two numbers at least");
  if (oid[0] > 2 || (oid[0] < 2 && oid[1] > 39)) {
    return Invalid(shown + " begins with neither 0.0 to 0.39, 1.0 to 1.39 nor 2");
  }
  return oid;
}

std::string ToString(const Oid& oid) {
  std::string text;
  for (const std::uint32_t part : oid) {
    if (!text.empty()) text += '.';
    text += std::to_string(part);
  }
  return text;
}

bool IsBelow(const Oid& oid, const Oid& root) {
  return oid.size() > root.size() && std::equal(root.begin(), root.end(), oid.begin());
}

}  // namespace edgetwin::snmp_driver
