// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Takes secrets out of what is given to strangers.

#pragma once

#include <set>
#include <string>
#include <string_view>

#include "twin/base/config_node.h"

namespace edgetwin::doctor {

// What stands where a secret stood.
inline constexpr std::string_view kRemoved = "(removed)";

// Whether a key or option of that name holds a secret: password, token, community, ….
bool NamesSecret(std::string_view name);

class Redactor {
 public:
  // Takes up the secrets that a configuration names: what stands under keys that say so, and the
  // text of files and credentials, as far as they may be read. `directory`: of relative paths.
  void Learn(const ConfigNode& root, const std::string& directory);
  // One secret; shorter ones than four bytes are taken for no secrets, as they would hide anything.
  void Add(const std::string& secret);

  // `text` without the secrets that are known, private keys in PEM, and users and passwords in
  // URLs.
  std::string Clean(std::string_view text) const;
  // The same, and without what stands behind a name that says what it is: for text that others
  // wrote, such as configurations and logs.
  std::string CleanForeign(std::string_view text) const;

  std::size_t known() const { return secrets_.size(); }

 private:
  void LearnFile(const std::string& path);

  struct LongestFirst {
    bool operator()(const std::string& a, const std::string& b) const {
      return a.size() != b.size() ? a.size() > b.size() : a < b;
    }
  };
  std::set<std::string, LongestFirst> secrets_;  // As they stand, in JSON, and in URLs.
};

}  // namespace edgetwin::doctor
