// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/cli/client.h"

#include <curl/curl.h>

#include <memory>

namespace edgetwin::cloudcli {
namespace {

// The cloud answers within ten seconds, whatever its store does.
constexpr long kAnswerMaxMs = 20'000;
constexpr long kConnectMaxMs = 5'000;
constexpr std::size_t kBodyBytesMax = 64 << 20;

using Curl = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

std::size_t Collect(char* data, std::size_t, std::size_t bytes, void* into) {
  auto& text = *static_cast<std::string*>(into);
  if (text.size() + bytes > kBodyBytesMax) return 0;
  text.append(data, bytes);
  return bytes;
}

void AddHeader(Headers& headers, const std::string& line) {
  headers.reset(curl_slist_append(headers.release(), line.c_str()));
}

// A proxy of the environment is for other machines.
bool IsLocal(const std::string& url) {
  for (const char* host : {"://127.", "://localhost", "://[::1]"}) {
    if (url.find(host) != std::string::npos) return true;
  }
  return false;
}

Exit ExitOf(long status) {
  switch (status) {
    case 401:
    case 403:
    case 421: return Exit::kPermission;
    case 404: return Exit::kNotFound;
    case 503:
    case 504: return Exit::kUnreachable;
    default: return Exit::kRefused;
  }
}

Failure Problem(long status, const Json& body, const std::string& url) {
  if (body.is_object() && body.contains("detail") && body["detail"].is_string()) {
    return {ExitOf(status), body["detail"].get<std::string>(), status};
  }
  return {Exit::kUnreachable,
          url + " answers, but not as edgetwin-cloud does (HTTP " + std::to_string(status) +
              "): is another program listening there?",
          status};
}

}  // namespace

Outcome<Json> Client::Send(const std::string& method, const std::string& target,
                           const std::string& body, const std::string& type) const {
  const Curl curl(curl_easy_init(), curl_easy_cleanup);
  if (curl == nullptr) return Fail(Exit::kUnreachable, "libcurl can't be used");
  Headers headers(nullptr, curl_slist_free_all);
  if (!token_.empty()) AddHeader(headers, "Authorization: Bearer " + token_);
  if (!body.empty()) AddHeader(headers, "Content-Type: " + type);
  // Else curl waits for a "100 Continue" before a body of more than a megabyte.
  AddHeader(headers, "Expect:");
  std::string text;
  curl_easy_setopt(curl.get(), CURLOPT_URL, (url_ + target).c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  if (IsLocal(url_)) curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT_MS, kConnectMaxMs);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, kAnswerMaxMs);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, Collect);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &text);
  if (method == "POST") {
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.c_str());
  }
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  const CURLcode code = curl_easy_perform(curl.get());
  if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) {
    return Fail(Exit::kUsage, "'" + url_ + "' is no URL such as http://127.0.0.1:8080");
  }
  if (code != CURLE_OK) {
    return Fail(Exit::kUnreachable, "no answer from " + url_ + ": " + curl_easy_strerror(code));
  }
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  Json answer = Json::parse(text, nullptr, false);
  const bool in_part = status == 422 && answer.is_object() && answer.contains("blocks");
  if ((status >= 300 && !in_part) || !answer.is_object()) {
    return tl::unexpected(Problem(status, answer, url_));
  }
  return answer;
}

}  // namespace edgetwin::cloudcli
