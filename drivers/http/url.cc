// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/http/url.h"

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <memory>

namespace edgetwin::http_driver {
namespace {

using CurlUrl = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

// Empty when the address has no such part.
std::string PartOf(const CurlUrl& url, CURLUPart what, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url.get(), what, &text, flags) != CURLUE_OK) return {};
  std::string part(text);
  curl_free(text);
  return part;
}

// Without what a user would have to be told of: the address itself may hold a password.
Error Refused(CURLUcode code) {
  switch (code) {
    case CURLUE_UNSUPPORTED_SCHEME:
    case CURLUE_BAD_SCHEME: return Invalid("must begin with http:// or https://");
    case CURLUE_USER_NOT_ALLOWED: return Invalid("holds a user or password; use 'auth' for them");
    case CURLUE_BAD_PORT_NUMBER: return Invalid("has a port that is none");
    case CURLUE_NO_HOST:
    case CURLUE_BAD_HOSTNAME: return Invalid("has no valid host");
    default: return Invalid("is no address like \"http://192.168.1.20/state\"");
  }
}

}  // namespace

Result<Url> ParseUrl(const std::string& text) {
  if (text.size() > kUrlBytesMax) {
    return Invalid("is longer than " + std::to_string(kUrlBytesMax) + " bytes");
  }
  // A NUL would end the text for libcurl: another address than the one that was written.
  if (text.find('\0') != text.npos) return Invalid("has a NUL byte");
  const CurlUrl url(curl_url(), curl_url_cleanup);
  if (url == nullptr) return Exhausted("no memory for an address");
  const CURLUcode set = curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_DISALLOW_USER);
  if (set != CURLUE_OK) return Refused(set);
  const std::string scheme = PartOf(url, CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return Refused(CURLUE_UNSUPPORTED_SCHEME);
  curl_url_set(url.get(), CURLUPART_FRAGMENT, nullptr, 0);

  Url parsed;
  parsed.text = PartOf(url, CURLUPART_URL);
  parsed.host = PartOf(url, CURLUPART_HOST);
  std::transform(parsed.host.begin(), parsed.host.end(), parsed.host.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  parsed.origin =
      scheme + "://" + parsed.host + ":" + PartOf(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  parsed.path = PartOf(url, CURLUPART_PATH);
  curl_url_set(url.get(), CURLUPART_QUERY, nullptr, 0);
  parsed.shown = PartOf(url, CURLUPART_URL);
  parsed.secure = scheme == "https";
  return parsed;
}

}  // namespace edgetwin::http_driver
