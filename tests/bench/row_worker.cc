// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/row_worker.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "tests/bench/flash_account.h"
#include "tests/bench/series_workload.h"

namespace edgetwin::bench {
namespace {

// As lean as plain rows get: no index, numbers for the properties' names, nothing is ever deleted.
constexpr char kSetup[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
    "CREATE TABLE sample(time INTEGER, property INTEGER, value REAL)";

bool Exec(sqlite3* db, const char* sql) {
  return sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
}

bool Insert(sqlite3* db, const Workload& workload, const RowWorkerOptions& options) {
  sqlite3_stmt* insert = nullptr;
  if (sqlite3_prepare_v2(db, "INSERT INTO sample VALUES(?1,?2,?3)", -1, &insert, nullptr) !=
      SQLITE_OK) {
    return false;
  }
  const auto count = static_cast<std::size_t>(options.samples);
  const std::size_t group =
      std::max<std::size_t>(1, static_cast<std::size_t>(options.transaction_rows));
  constexpr std::int64_t kStartMs = 1'767'225'600'000;  // 2026-01-01.
  bool good = true;
  for (std::size_t i = 0; good && i < count; ++i) {
    if (i % group == 0) good = Exec(db, "BEGIN");
    const std::size_t round = i / workload.properties(), property = i % workload.properties();
    sqlite3_bind_int64(
        insert, 1,
        kStartMs + static_cast<std::int64_t>(static_cast<double>(round) * 1'000 / options.hz));
    sqlite3_bind_int64(insert, 2, static_cast<sqlite3_int64>(property));
    sqlite3_bind_double(insert, 3, workload.At(round, property));
    good = good && sqlite3_step(insert) == SQLITE_DONE;
    sqlite3_reset(insert);
    if (i % group == group - 1 || i == count - 1) good = good && Exec(db, "COMMIT");
  }
  sqlite3_finalize(insert);
  return good;
}

}  // namespace

int RunRowWorker(const RowWorkerOptions& options) {
  const Result<Workload> workload =
      MakeWorkload(options.data, static_cast<std::size_t>(options.properties));
  if (!workload) {
    std::fprintf(stderr, "edgetwin-bench: %s\n", workload.error().text.c_str());
    return 1;
  }
  const FlashAccount account;
  sqlite3* db = nullptr;
  bool good = sqlite3_open((options.store + "/rows.db").c_str(), &db) == SQLITE_OK &&
              Exec(db, kSetup) && Exec(db, "PRAGMA wal_checkpoint(TRUNCATE)");
  nlohmann::json out;
  out["begin"] = account.Now();
  good = good && Insert(db, *workload, options);
  out["end"] = account.Now();
  if (!good) std::fprintf(stderr, "edgetwin-bench: rows.db: %s\n", sqlite3_errmsg(db));
  sqlite3_close(db);
  out["closed"] = account.Now();
  out["samples"] = static_cast<std::uint64_t>(options.samples);
  std::printf("%s\n", out.dump().c_str());
  return good ? 0 : 1;
}

}  // namespace edgetwin::bench
