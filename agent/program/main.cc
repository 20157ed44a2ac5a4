// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Daemon and command line are one program under two names: they share most of their code, and a
// small board's flash holds it once. docs/decisions/0012 has the figures.

#include <string_view>

#include "agent/cli/command_line.h"
#include "agent/daemon/daemon.h"

int main(int argc, char** argv) {
  std::string_view name = argc > 0 ? argv[0] : "";
  name.remove_prefix(name.rfind('/') + 1);  // npos + 1 is 0.
  return name == "edgetwind" ? edgetwin::RunDaemon(argc, argv)
                             : edgetwin::cli::RunCommandLine(argc, argv);
}
