// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What the configuration checks of the link's words.

#pragma once

#include <string_view>

#include "twin/base/result.h"

namespace edgetwin::config {

// Whether `id` may be a device id.
Status CheckDeviceId(std::string_view id);

// Whether the broker at `url` is reached by TLS; kInvalid or kUnsupported when it is no broker's
// URL.
Result<bool> BrokerUsesTls(std::string_view url);

}  // namespace edgetwin::config
