// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A history that is damaged gives way to a new one that holds what was whole of it.

#pragma once

#include <functional>
#include <memory>
#include <string>

#include "twin/base/result.h"
#include "twin/history/store/history_store.h"
#include "twin/history/store/salvage.h"

namespace edgetwin::history {

struct Recovered {
  std::unique_ptr<HistoryStore> store;
  std::string quarantined;  // Where the damaged file is now; empty: it was sound.
  Salvaged salvaged;
};

// As HistoryStore::Open, in the default file layer. A file that it finds damaged is replaced: the
// new one is made beside it, as PATH.salvaged, and takes its place once it is complete, so that
// whenever the power goes one of them is there and nothing is unaccounted for. The damaged one is
// moved to PATH.corrupt-N and never deleted. Without the room for a copy no block is copied: the
// new one's ledger says so. kExhausted: there is not even the room for that, or no name is free.
//
// `before` is for tests: called before each step of a replacement.
Result<Recovered> OpenOrReplace(
    const HistoryStoreOptions& options, const std::function<void(int step)>& before = [](int) {});

// The same for a file that this process found damaged while it had it open, and has closed: it
// still has what was not committed.
Result<Recovered> Replace(const HistoryStoreOptions& options);

}  // namespace edgetwin::history
