// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What flash history is measured against: samples as plain rows in SQLite, durable with each
// transaction.

#pragma once

#include <string>

namespace edgetwin::bench {

struct RowWorkerOptions {
  std::string store;  // Folder.
  std::string data;   // As of MakeWorkload.
  int properties = 1'000;
  double hz = 1;
  double samples = 10'000;
  double transaction_rows = 1;
};

// As fast as it goes: what a transaction writes doesn't depend on how long the next one takes to
// come. Prints its counters as JSON. Returns an exit code.
int RunRowWorker(const RowWorkerOptions& options);

}  // namespace edgetwin::bench
