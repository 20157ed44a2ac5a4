// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Statements that are prepared once: a frame of history runs seven for each of some hundred blocks,
// and preparing them took most of its time.

#pragma once

#include <map>
#include <string_view>
#include <utility>

#include "twin/base/result.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::cloud {

// SINGLE-THREADED, as its database, which must outlive it.
class Statements {
 public:
  // A statement that goes back, reset, when this ends.
  class Lent : public store::Statement {
   public:
    Lent(Statements& from, const char* sql, store::Statement statement)
        : store::Statement(std::move(statement)), from_(&from), sql_(sql) {}
    Lent(Lent&& other) noexcept
        : store::Statement(std::move(other)),
          from_(std::exchange(other.from_, nullptr)),
          sql_(other.sql_) {}
    Lent& operator=(Lent&&) = delete;
    ~Lent() {
      if (from_ == nullptr) return;
      Reset();
      from_->kept_.insert_or_assign(sql_, std::move(static_cast<store::Statement&>(*this)));
    }

   private:
    Statements* from_;
    const char* sql_;
  };

  explicit Statements(store::Database& db) : db_(db) {}
  Statements(const Statements&) = delete;
  Statements& operator=(const Statements&) = delete;

  // `sql`: one of the constants, which are told apart by where they are.
  Result<Lent> Prepare(std::string_view sql) {
    const auto kept = kept_.find(sql.data());
    if (kept != kept_.end()) {
      store::Statement statement = std::move(kept->second);
      kept_.erase(kept);
      return Lent(*this, sql.data(), std::move(statement));
    }
    Result<store::Statement> statement = db_.Prepare(sql);
    if (!statement) return statement.error();
    return Lent(*this, sql.data(), *std::move(statement));
  }

 private:
  store::Database& db_;
  std::map<const char*, store::Statement> kept_;
};

}  // namespace edgetwin::cloud
