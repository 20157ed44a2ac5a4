// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/documents.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "sync/cloud/twin_json.h"
#include "twin/http/uri.h"
#include "twin/model/row.h"

namespace edgetwin::cloud {

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

bool NamesTag(std::string_view field, std::string_view tag, bool weak) {
  bool named = false;
  ForEachPart(field, [&](std::string_view part) {
    if (weak && part.starts_with("W/")) part.remove_prefix(2);
    named = named || part == "*" || part == tag;
  });
  return named;
}

void SendDocument(const http::Request& request, http::Responder& responder, std::string body,
                  const std::string& tag) {
  http::Response response;
  response.headers = {{"ETag", tag}, {"Cache-Control", "no-cache"}};
  if (NamesTag(request.Header("if-none-match"), tag, true)) {
    response.status = 304;
  } else {
    response.body = std::move(body) + "\n";
  }
  responder.Send(std::move(response));
}

void SendDocument(const http::Request& request, http::Responder& responder, std::string body) {
  const std::string tag = BodyTag(body);
  SendDocument(request, responder, std::move(body), tag);
}

Result<std::size_t> PageLimit(const http::Request& request, std::size_t otherwise,
                              std::size_t most) {
  const auto text = request.query.find("limit");
  if (text == request.query.end()) return otherwise;
  std::size_t limit = 0;
  const char* end = text->second.data() + text->second.size();
  const auto [stop, error] = std::from_chars(text->second.data(), end, limit);
  if (error != std::errc() || stop != end || limit < 1 || limit > most) {
    return Invalid("limit is 1 to " + std::to_string(most) + ", not '" + text->second + "'");
  }
  return limit;
}

std::string WhoAsks(const http::Request& request) {
  const std::string_view from = request.Header("from");
  std::string who = from.empty() ? "api" : std::string(from.substr(0, model::kNoteBytesMax));
  if (!http::IsUtf8(who)) who = "api";
  return who;
}

}  // namespace edgetwin::cloud
