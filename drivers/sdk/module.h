// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A driver as a loadable module: lib/edgetwin/drivers/<kind>.so, opened when an instance of that
// kind is configured, and never closed. In one source file of it:
//
//   EDGETWIN_DRIVER_MODULE(acme::AcmeKind)      // DriverKind AcmeKind();
//
// A module carries its own copy of the SDK and exports one symbol. What passes between it and the
// agent are this SDK's classes, so both must have been built with the same SDK: with headers of the
// same content, and a compiler that lays classes out alike. The agent refuses others and says so.

#pragma once

#include <cstdint>

#include "drivers/sdk/driver.h"
#include "edgetwin_sdk_id.h"  // Generated: EDGETWIN_SDK_ID, EDGETWIN_SDK_VERSION.

#define EDGETWIN_SDK_STRING_(x) #x
#define EDGETWIN_SDK_STRING(x) EDGETWIN_SDK_STRING_(x)
#if defined(__SANITIZE_ADDRESS__)
#define EDGETWIN_SDK_CHECKED " asan"
#elif defined(__SANITIZE_THREAD__)
#define EDGETWIN_SDK_CHECKED " tsan"
#elif defined(__has_feature)  // clang's way of saying it.
#if __has_feature(address_sanitizer)
#define EDGETWIN_SDK_CHECKED " asan"
#elif __has_feature(thread_sanitizer)
#define EDGETWIN_SDK_CHECKED " tsan"
#endif
#endif
#ifndef EDGETWIN_SDK_CHECKED
#define EDGETWIN_SDK_CHECKED ""
#endif

namespace edgetwin::driver {

// The headers' content, and what else decides how classes are laid out.
inline constexpr char kSdk[] =
    EDGETWIN_SDK_ID " c++abi " EDGETWIN_SDK_STRING(__GXX_ABI_VERSION) EDGETWIN_SDK_CHECKED;

// What the symbol names. Plain C, so that an agent can read it of a module of any SDK: members are
// only ever added at the end.
struct Module {
  const char* sdk;      // kSdk, as the module saw it.
  const char* version;  // Of edgetwin, for people: "0.1.0".
  void (*kind)(DriverKind* kind);
};

// The symbol's name changes with what is written above, not with the SDK.
inline constexpr char kModuleSymbol[] = "edgetwin_driver_module_1";

}  // namespace edgetwin::driver

#define EDGETWIN_DRIVER_MODULE(make_kind)                       \
  extern "C" __attribute__((visibility("default")))             \
  const ::edgetwin::driver::Module edgetwin_driver_module_1;    \
  const ::edgetwin::driver::Module edgetwin_driver_module_1 = { \
      ::edgetwin::driver::kSdk, EDGETWIN_SDK_VERSION,           \
      [](::edgetwin::driver::DriverKind* kind) { *kind = make_kind(); }};
