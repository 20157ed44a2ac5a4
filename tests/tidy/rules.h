// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The house rules that neither compiler nor clang-tidy knows. Each takes the whole tree and returns
// what breaks it; rules_test.cc shows that each finds what it is for, repository_test.cc that
// nothing does.

#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "tests/tidy/source_tree.h"

namespace edgetwin::tidy {

struct Finding {
  std::string path;
  int line = 0;      // From 1; 0: the file as a whole.
  std::string text;  // What is wrong and what would be right.

  friend bool operator==(const Finding&, const Finding&) = default;
};
std::ostream& operator<<(std::ostream& out, const Finding& finding);

using Findings = std::vector<Finding>;

// include_rules.cc: who may include whom, and which library's headers are seen where.
Findings CheckLayers(const Tree& tree);
Findings CheckRestrictedHeaders(const Tree& tree);
Findings CheckRelativeIncludes(const Tree& tree);
Findings CheckHeadersAreIncluded(const Tree& tree);

// text_rules.cc: what a file looks like.
Findings CheckLineWidth(const Tree& tree);
Findings CheckTrailingSpace(const Tree& tree);
Findings CheckTabs(const Tree& tree);
Findings CheckLicence(const Tree& tree);
Findings CheckPragmaOnce(const Tree& tree);

// order_rules.cc: that everything is built, and what code may not do or be called.
Findings CheckSourcesAreBuilt(const Tree& tree);
Findings CheckSchemasAreUsed(const Tree& tree);
// A target of the HTTP APIs that neither of their pages names.
Findings CheckRoutesAreDescribed(const Tree& tree);
Findings CheckClocksAndChance(const Tree& tree);
Findings CheckSleeps(const Tree& tree);
Findings CheckNames(const Tree& tree);
Findings CheckTodos(const Tree& tree);

}  // namespace edgetwin::tidy
