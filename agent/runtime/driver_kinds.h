// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Which kinds of driver there are: those that are part of this program, and modules, which are
// opened when somebody asks for their kind (drivers/sdk/module.h).

#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/agent_config.h"
#include "drivers/sdk/driver.h"

namespace edgetwin::runtime {

// Those that bring no library of their own.
std::vector<driver::DriverKind> BuiltInKinds();
// Where modules are looked for, in this order: lib/edgetwin/drivers beside the folder that this
// program is in, and below /usr/local.
std::vector<std::filesystem::path> ModuleFolders();

// THREAD-SAFE. A module that was opened stays so until the process ends.
class DriverKinds {
 public:
  explicit DriverKinds(std::vector<driver::DriverKind> built_in = BuiltInKinds(),
                       std::vector<std::filesystem::path> folders = ModuleFolders());

  // kNotFound: there is no such kind, or its package isn't installed. kUnsupported: its module
  // can't be used here. The text says which, and what to do.
  Result<driver::DriverKind> Find(std::string_view name) const;

  // Of all there are, and of this project's modules even where they aren't installed; by name.
  // Opens none.
  std::vector<std::string> names() const;
  // The file that Find would open; empty for what needs none or isn't there.
  std::filesystem::path ModuleOf(std::string_view name) const;

 private:
  std::vector<driver::DriverKind> built_in_;
  std::vector<std::filesystem::path> folders_;
};

// A module that isn't there, or is of another SDK since an update: a mistake of the configuration
// where somebody is there to read it; otherwise its instances fail alone, and the rest goes on.
enum class BadModule { kIsAProblem, kFailsItsInstances };

// Lets each instance's driver check its options: as the agent starts, before a reload, and for
// `edgetwin config check`.
config::DriverCheck MakeDriverCheck(DriverKinds kinds = DriverKinds(),
                                    BadModule bad = BadModule::kIsAProblem);

}  // namespace edgetwin::runtime
