// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Secrets: where they stand, never what they are.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "twin/base/config_node.h"
#include "twin/base/result.h"

namespace edgetwin::config {

inline constexpr std::size_t kSecretBytesMax = 4 << 10;

// A file of its own, or a credential that systemd hands to the service (LoadCredential=,
// LoadCredentialEncrypted=).
struct FileOrCredential {
  std::string file;        // Absolute, or relative to the working directory.
  std::string credential;  // A name in $CREDENTIALS_DIRECTORY. At most one of the two is set.

  bool empty() const { return file.empty() && credential.empty(); }
  friend bool operator==(const FileOrCredential&, const FileOrCredential&) = default;
};

// Reads the keys NAME_file and NAME_credential. Relative files are taken from `directory`.
FileOrCredential ReadFileOrCredential(ConfigReader& reader, std::string_view name,
                                      const std::string& directory);

// `path` if absolute, else below `directory`; empty stays empty.
std::string ResolvePath(const std::string& directory, const std::string& path);

// The file's path. kNotFound for a credential outside of a service that was given any.
Result<std::string> Locate(const FileOrCredential& place);

// The secret itself: the file's text without one line break at its end. kInvalid when it is empty
// or holds a NUL or a line break; else as ReadFileText.
Result<std::string> ReadSecret(const FileOrCredential& place);

}  // namespace edgetwin::config
