// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Secrets: where they stand. What they are is read when they are used, so that a new one is taken
// without a restart and none is kept.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "twin/base/config_node.h"
#include "twin/base/result.h"

namespace edgetwin::driver {

inline constexpr std::size_t kSecretBytesMax = 4 << 10;

// A file, or a credential that systemd hands to the service (LoadCredential=).
struct SecretPlace {
  std::string file;        // An absolute path.
  std::string credential;  // A name in $CREDENTIALS_DIRECTORY. At most one of the two is set.

  bool empty() const { return file.empty() && credential.empty(); }
};

// Reads an absolute path.
std::string ReadFilePath(ConfigReader& config, std::string_view key);

// Reads the keys NAME_file and NAME_credential.
SecretPlace ReadSecretPlace(ConfigReader& config, const std::string& name);

// The file's path. kNotFound for a credential outside of a service that was given any.
Result<std::string> Locate(const SecretPlace& place);

// The secret itself: the file's text without one line break at its end. Errors name the file only.
// Never blocks on what isn't a regular file.
Result<std::string> ReadSecret(const SecretPlace& place);

}  // namespace edgetwin::driver
