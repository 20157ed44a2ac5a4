// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/support/command.h"

#include <utility>

#include "tests/support/child.h"
#include "tests/support/temp_dir.h"

namespace edgetwin::tests {

Ran RunCommand(std::vector<std::string> args, std::vector<std::string> env) {
  const TempDir folder;
  ChildOptions options;
  options.args = {"sh", "-c", "exec \"$0\" \"$@\" 2>" + folder.File("err")};
  options.args.insert(options.args.end(), args.begin(), args.end());
  options.env = std::move(env);
  options.output_file = folder.File("out");
  Ran ran;
  ran.exit = RunChild(std::move(options));
  ran.out = ReadFile(folder.File("out"));
  ran.err = ReadFile(folder.File("err"));
  return ran;
}

}  // namespace edgetwin::tests
