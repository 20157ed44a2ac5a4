// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Whether something opens files or sockets, runs programs or starts threads.

#pragma once

#include <functional>
#include <string>

namespace edgetwin::driver::testing {

// Runs `work` in a copy of this process, under a system-call filter (seccomp(2)) that lets it do
// none of that. Returns the first such call, as "openat", or how the copy ended otherwise; empty
// when all was well. Call it while this is the only thread.
std::string CallsOf(const std::function<void()>& work);

}  // namespace edgetwin::driver::testing
