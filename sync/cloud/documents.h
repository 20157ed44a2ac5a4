// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What the API's requests and answers have in common.

#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "twin/base/result.h"
#include "twin/http/http_server.h"

namespace edgetwin::cloud {

// Without the spaces around it.
std::string_view Trim(std::string_view text);

// Calls `each` with every part of a comma-separated header.
template <class Each>
void ForEachPart(std::string_view field, Each each) {
  while (!field.empty()) {
    const std::size_t end = std::min(field.find(','), field.size());
    each(Trim(field.substr(0, end)));
    field.remove_prefix(std::min(end + 1, field.size()));
  }
}

// RFC 9110, 13.1: whether an If-Match or If-None-Match names `tag`. `weak`: W/"x" is as good as
// "x".
bool NamesTag(std::string_view field, std::string_view tag, bool weak);

// Answers with `body`, or with 304 when the client has what `tag` names.
void SendDocument(const http::Request& request, http::Responder& responder, std::string body,
                  const std::string& tag);
// With the tag of the very bytes.
void SendDocument(const http::Request& request, http::Responder& responder, std::string body);

// ?limit=…, 1 to `most`; `otherwise` without one. kInvalid.
Result<std::size_t> PageLimit(const http::Request& request, std::size_t otherwise,
                              std::size_t most);

// Who says that he asks, for the record; "api" when nobody does.
std::string WhoAsks(const http::Request& request);

}  // namespace edgetwin::cloud
