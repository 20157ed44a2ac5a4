// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/cli/curl.h"

#include <dlfcn.h>

#include <string>
#include <type_traits>

namespace edgetwin::cli {
namespace {

// The name of its binary interface, which has been kept since 2006.
constexpr const char* kLibrary = "libcurl.so.4";

Outcome<Curl> Load() {
  void* const library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  Curl curl;
  bool whole = library != nullptr;
  const auto find = [&](auto& function, const char* name) {
    if (!whole) return;
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    whole = function != nullptr;
  };
  find(curl.init, "curl_easy_init");
  find(curl.cleanup, "curl_easy_cleanup");
  find(curl.setopt, "curl_easy_setopt");
  find(curl.perform, "curl_easy_perform");
  find(curl.getinfo, "curl_easy_getinfo");
  find(curl.strerror, "curl_easy_strerror");
  if (whole) return curl;
  const char* const why = dlerror();
  return Fail(Exit::kUnreachable,
              "the daemon can't be asked without libcurl: " + std::string(why ? why : kLibrary));
}

}  // namespace

Outcome<const Curl*> LoadCurl() {
  static const Outcome<Curl> kCurl = Load();
  if (!kCurl) return tl::unexpected(kCurl.error());
  return &*kCurl;
}

}  // namespace edgetwin::cli
