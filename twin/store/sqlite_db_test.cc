// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/sqlite_db.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

namespace edgetwin::store {
namespace {

Database InMemory() {
  Result<Database> db = Database::Open({.path = ":memory:"});
  EXPECT_TRUE(db) << db.error().text;
  return std::move(*db);
}

TEST(SqliteDbTest, BoundValuesComeBackBitForBit) {
  Database db = InMemory();
  ASSERT_TRUE(db.Exec("CREATE TABLE t(i, u, r, s, b, e, n)"));
  const std::string text("a\0b", 3);
  {
    Result<Statement> insert = db.Prepare("INSERT INTO t VALUES(?, ?, ?, ?, ?, ?, ?)");
    ASSERT_TRUE(insert) << insert.error().text;
    insert->BindInt(1, std::numeric_limits<std::int64_t>::min());
    insert->BindUint(2, std::numeric_limits<std::uint64_t>::max()).BindReal(3, 0.1);
    insert->BindText(4, text).BindBlob(5, "\x00\xff").BindBlob(6, {}).BindNull(7);
    ASSERT_TRUE(insert->Run());
  }
  Result<Statement> select = db.Prepare("SELECT * FROM t");
  ASSERT_TRUE(select);
  ASSERT_EQ(select->Step(), true);
  EXPECT_EQ(select->Int(0), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(select->Uint(1), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(select->Real(2), 0.1);
  EXPECT_EQ(select->Text(3), text);
  EXPECT_EQ(select->Blob(4), std::string_view("\x00\xff"));
  EXPECT_FALSE(select->IsNull(5));
  EXPECT_EQ(select->Blob(5), "");
  EXPECT_TRUE(select->IsNull(6));
  EXPECT_EQ(select->Step(), false);
}

TEST(SqliteDbTest, ABindThatFailsMakesTheRunFail) {
  Database db = InMemory();
  Result<Statement> select = db.Prepare("SELECT ?");
  ASSERT_TRUE(select);
  EXPECT_FALSE(select->BindInt(2, 1).Run());
  EXPECT_TRUE(select->BindInt(1, 1).Run()) << "the failure must not stick";
}

TEST(SqliteDbTest, ATransactionThatIsNotCommittedLeavesNothing) {
  Database db = InMemory();
  ASSERT_TRUE(db.Exec("CREATE TABLE t(a)"));
  {
    Result<Transaction> transaction = Transaction::Begin(db);
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(db.Exec("INSERT INTO t VALUES(1)"));
  }
  EXPECT_FALSE(db.in_transaction());
  EXPECT_EQ(db.QueryInt("SELECT count(*) FROM t"), 0);
  Result<Transaction> transaction = Transaction::Begin(db);
  ASSERT_TRUE(transaction);
  ASSERT_TRUE(db.Exec("INSERT INTO t VALUES(1)"));
  ASSERT_TRUE(transaction->Commit());
  EXPECT_EQ(db.QueryInt("SELECT count(*) FROM t"), 1);
}

TEST(SqliteDbTest, AFileThatIsMissingIsUnavailableUnlessItMayBeMade) {
  const Result<Database> db =
      Database::Open({.path = testing::TempDir() + "/no-such-folder/x.db", .create = false});
  ASSERT_FALSE(db);
  EXPECT_EQ(db.error().code, ErrorCode::kUnavailable) << db.error().text;
  EXPECT_NE(db.error().text.find("no-such-folder/x.db"), std::string::npos) << db.error().text;
}

TEST(SqliteDbTest, AViolatedConstraintIsAConflictAndAWrongStatementIsInvalid) {
  Database db = InMemory();
  ASSERT_TRUE(db.Exec("CREATE TABLE t(a PRIMARY KEY) WITHOUT ROWID; INSERT INTO t VALUES(1)"));
  const Status twice = db.Exec("INSERT INTO t VALUES(1)");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, ErrorCode::kConflict);
  const Status wrong = db.Exec("INSERT INTO missing VALUES(1)");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::kInvalid);
  EXPECT_NE(wrong.error().text.find("missing"), std::string::npos) << wrong.error().text;
  EXPECT_FALSE(db.Prepare("SELECT 1; SELECT 2")) << "the second one would never run";
}

TEST(SqliteDbTest, AnEmptyAnswerIsNotFound) {
  Database db = InMemory();
  const Result<std::int64_t> none = db.QueryInt("SELECT 1 WHERE 0");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace edgetwin::store
