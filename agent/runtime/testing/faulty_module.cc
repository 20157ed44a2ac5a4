// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A module with one fault, which is chosen as it is compiled. Were it taken all the same, its kind
// would be one that makes nothing.

#include "drivers/sdk/module.h"

namespace {

edgetwin::driver::DriverKind Nothing() {
  return {.name = "nothing", .description = "is never made", .make = nullptr};
}

}  // namespace

#if defined(OTHER_NAME)
EDGETWIN_DRIVER_MODULE(Nothing)
#elif defined(OTHER_SDK)
extern "C" const edgetwin::driver::Module edgetwin_driver_module_1;
const edgetwin::driver::Module edgetwin_driver_module_1 = {
    "an older one", "0.0.9", [](edgetwin::driver::DriverKind* kind) { *kind = Nothing(); }};
#else  // NO_SYMBOL
extern "C" const char* const edgetwin_driver_module_0;
const char* const edgetwin_driver_module_0 = Nothing().description.c_str();
#endif
