// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/support/http_client.h"

#include <curl/curl.h>

#include <memory>
#include <string_view>

namespace edgetwin::tests {
namespace {

std::size_t TakeBody(char* data, std::size_t size, std::size_t count, void* to) {
  static_cast<std::string*>(to)->append(data, size * count);
  return size * count;
}

std::size_t TakeHeader(char* data, std::size_t size, std::size_t count, void* to) {
  std::string_view line(data, size * count);
  constexpr std::string_view kName = "etag: ";
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  bool is_tag = line.size() > kName.size();
  for (std::size_t i = 0; is_tag && i < kName.size(); ++i) is_tag = lower(line[i]) == kName[i];
  if (is_tag) {
    line.remove_prefix(kName.size());
    *static_cast<std::string*>(to) = line.substr(0, line.find_first_of("\r\n"));
  }
  return size * count;
}

}  // namespace

HttpAnswer Ask(const HttpRequest& request) {
  static const bool kReady = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  HttpAnswer answer;
  if (!kReady) return answer;
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(),
                                                                 &curl_easy_cleanup);
  curl_slist* headers = nullptr;
  for (const std::string& header : request.headers) {
    headers = curl_slist_append(headers, header.c_str());
  }
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> owned(headers,
                                                                          &curl_slist_free_all);
  curl_easy_setopt(curl.get(), CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, request.method.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, request.timeout_ms);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &TakeBody);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
  curl_easy_setopt(curl.get(), CURLOPT_HEADERFUNCTION, &TakeHeader);
  curl_easy_setopt(curl.get(), CURLOPT_HEADERDATA, &answer.etag);
  if (!request.unix_socket.empty()) {
    curl_easy_setopt(curl.get(), CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
  }
  if (!request.body.empty()) {
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, request.body.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
  }
  if (curl_easy_perform(curl.get()) != CURLE_OK) return answer;
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  return answer;
}

}  // namespace edgetwin::tests
