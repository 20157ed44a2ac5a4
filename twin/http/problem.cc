// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <string>

#include "twin/http/http_server.h"
#include "twin/http/status.h"
#include "twin/http/uri.h"

namespace edgetwin::http {
namespace {

struct Phrase {
  int status;
  std::string_view text;
};

constexpr Phrase kPhrases[] = {
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

// A JSON string literal. What is not UTF-8 is shown byte by byte as U+FFFD: a problem's detail may
// quote the request.
std::string JsonString(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  const bool utf8 = IsUtf8(text);
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else if (byte >= 0x80 && !utf8) {
      out += "\xef\xbf\xbd";
    } else {
      out += c;
    }
  }
  out += '"';
  return out;
}

int StatusOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid: return 400;
    case ErrorCode::kNotFound: return 404;
    case ErrorCode::kUnavailable: return 503;
    case ErrorCode::kTimeout: return 504;
    case ErrorCode::kExhausted: return 429;
    case ErrorCode::kCorrupt: return 500;
    case ErrorCode::kConflict: return 409;
    case ErrorCode::kUnsupported: return 501;
    case ErrorCode::kPermission: return 403;
  }
  return 500;
}

}  // namespace

std::string_view StatusPhrase(int status) {
  for (const Phrase& phrase : kPhrases) {
    if (phrase.status == status) return phrase.text;
  }
  return "";
}

Response Problem(int status, std::string_view title, std::string_view detail,
                 std::string_view extra) {
  Response response;
  response.status = status;
  response.content_type = "application/problem+json";
  response.body = "{\"type\":\"about:blank\",\"title\":" + JsonString(title) +
                  ",\"status\":" + std::to_string(status) + ",\"detail\":" + JsonString(detail);
  if (!extra.empty()) {
    response.body += ',';
    response.body += extra;
  }
  response.body += "}\n";
  return response;
}

Response Problem(const Error& error) {
  const int status = StatusOf(error.code);
  return Problem(status, StatusPhrase(status), error.text,
                 "\"code\":" + JsonString(ToString(error.code)));
}

}  // namespace edgetwin::http
