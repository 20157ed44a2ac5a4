// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The options that polls and writes have in common: where to, with what, as whom.

#pragma once

#include <string>
#include <vector>

#include "drivers/http/http_options.h"

namespace edgetwin::http_driver {

// Reads the tables `auth` and `tls`, each replacing what is there as a whole.
void ReadSecurity(ConfigReader& config, AuthOptions& auth, TlsOptions& tls);

// Reads url, method (one of `methods`, the first by default), headers, body, auth and tls; `auth`
// and `tls` are the defaults.
MessageOptions ReadMessage(ConfigReader& config, const std::vector<std::string>& methods,
                           const AuthOptions& auth, const TlsOptions& tls);

}  // namespace edgetwin::http_driver
