// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Hostile bytes into the parser of requests: it must not crash, must keep its limits, and must see
// the same requests however the bytes are cut into reads.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "twin/base/check.h"
#include "twin/http/request_parser.h"
#include "twin/http/uri.h"

namespace edgetwin::http {
namespace {

constexpr ParserLimits kLimits{.header_bytes_max = 1 << 10, .body_bytes_max = 2 << 10};

// What is seen of a connection: all its requests and how it ends, as one text.
std::string Seen(std::string_view input, std::size_t read_bytes) {
  std::string seen;
  RequestParser parser(kLimits);
  while (!input.empty()) {
    std::string_view read = input.substr(0, read_bytes);
    input.remove_prefix(read.size());
    while (!read.empty()) {
      const std::size_t used = parser.Feed(read);
      EDGETWIN_CHECK(used <= read.size());
      read.remove_prefix(used);
      if (parser.state() == RequestParser::State::kFailed) {
        EDGETWIN_CHECK(parser.failure_status() >= 400 && !parser.failure().empty());
        return seen + "failed " + std::to_string(parser.failure_status());
      }
      if (parser.state() != RequestParser::State::kComplete) {
        EDGETWIN_CHECK(used > 0);  // Or the connection would turn in circles.
        continue;
      }
      const Request& request = parser.request();
      EDGETWIN_CHECK(request.body.size() <= kLimits.body_bytes_max);
      EDGETWIN_CHECK(parser.raw_path().size() <= kLimits.header_bytes_max);
      seen += request.method + ' ' + std::string(parser.raw_path()) + '\n' + request.body + '\n';
      seen += parser.wants_close() ? "close\n" : "keep\n";
      parser.Next();
    }
  }
  return seen + (parser.started() ? "in between" : "idle");
}

void RoundTrip(std::string_view text) {
  const auto decoded = PercentDecode(text);
  if (!decoded) return;
  EDGETWIN_CHECK(IsUtf8(*decoded));
  EDGETWIN_CHECK(PercentDecode(PercentEncode(*decoded)) == decoded);
}

}  // namespace
}  // namespace edgetwin::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace edgetwin::http;  // NOLINT: this file is about nothing else.
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string whole = Seen(input, 1 << 20);
  EDGETWIN_CHECK(Seen(input, 1) == whole);
  EDGETWIN_CHECK(Seen(input, 7) == whole);
  RoundTrip(input);
  ParseQuery(input);
  return 0;
}
