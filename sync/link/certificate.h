// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// How long a certificate is good for.

#pragma once

#include <string>

#include "twin/base/clock.h"
#include "twin/base/result.h"

namespace edgetwin::sync {

// The last moment of the first certificate in `file` (PEM): RFC 5280, notAfter. kUnavailable when
// the file can't be read, kInvalid when there is no certificate in it. Blocking.
Result<WallTime> CertificateEnd(const std::string& file);

}  // namespace edgetwin::sync
