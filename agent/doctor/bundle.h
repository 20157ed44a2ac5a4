// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What somebody needs who is asked for help, in one archive.

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/doctor/redact.h"
#include "twin/base/result.h"

namespace edgetwin::doctor {

struct BundlePart {
  std::string name;  // Within the archive: "system/df.txt".
  std::string text;
  std::string missing;  // Why it could not be had; empty: it could.
};

// What this machine's programs and the kernel say: kernel, disks, network, time, the service and
// its journal, the folders. Cleaned by `redactor`. `progress` is told what is asked. Each program
// gets 15 s and 4 MiB, the newest lines of the journal first to be kept.
std::vector<BundlePart> MachineParts(const std::vector<std::string>& folders,
                                     const Redactor& redactor,
                                     const std::function<void(const std::string&)>& progress);

// The configuration's files as text, cleaned.
std::vector<BundlePart> ConfigurationParts(const std::vector<std::string>& files,
                                           const Redactor& redactor);

// A gzipped tar of one folder NAME with those parts and a page that lists them. By tar(1).
// kExhausted when it is larger than kBundleBytesMax.
inline constexpr std::size_t kBundleBytesMax = 256 << 20;
Result<std::string> Pack(const std::string& name, const std::vector<BundlePart>& parts);

}  // namespace edgetwin::doctor
