// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/support/sql.h"

#include <sqlite3.h>

namespace edgetwin::tests {

std::string RunSql(const std::string& file, const std::string& statements) {
  sqlite3* db = nullptr;
  std::string trouble;
  if (sqlite3_open_v2(file.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr) != SQLITE_OK ||
      sqlite3_exec(db, statements.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    trouble = file + ": " + sqlite3_errmsg(db);
  }
  sqlite3_close(db);
  return trouble;
}

}  // namespace edgetwin::tests
