// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/schema.h"

#include <gtest/gtest.h>

#include <array>
#include <utility>

namespace edgetwin::store {
namespace {

constexpr std::int32_t kApplicationId = 0x11223344;
constexpr Migration kFirst{1, 1,
                           "CREATE TABLE t(a INTEGER) STRICT; INSERT INTO t VALUES(20), (22)"};
constexpr Migration kSecond{2, 1, "ALTER TABLE t ADD COLUMN b INTEGER; UPDATE t SET b = a + 1"};
constexpr Migration kThird{3, 3, "CREATE TABLE u(c); DROP TABLE t"};
constexpr Migration kFailing{3, 3, "DELETE FROM t; INSERT INTO missing VALUES(1)"};

Database InMemory() {
  Result<Database> db = Database::Open({.path = ":memory:"});
  EXPECT_TRUE(db);
  return std::move(*db);
}

SchemaVersion VersionOf(Database& db, int reader) {
  const Result<SchemaVersion> version = CheckSchema(db, kApplicationId, reader);
  EXPECT_TRUE(version) << version.error().text;
  return version.value_or(SchemaVersion{-1, -1});
}

TEST(SchemaTest, AnEmptyDatabaseIsVersionZeroAndGetsEveryMigration) {
  Database db = InMemory();
  EXPECT_EQ(VersionOf(db, 2).version, 0);
  const std::array migrations{kFirst, kSecond};
  ASSERT_TRUE(Migrate(db, kApplicationId, migrations, {}));
  EXPECT_EQ(VersionOf(db, 2).version, 2);
  EXPECT_EQ(db.QueryInt("SELECT sum(b) FROM t"), 44);
}

TEST(SchemaTest, AnOlderDatabaseGetsOnlyTheNewerMigrationsAndKeepsItsData) {
  Database db = InMemory();
  const std::array old{kFirst};
  ASSERT_TRUE(Migrate(db, kApplicationId, old, {}));
  ASSERT_TRUE(db.Exec("UPDATE t SET a = 1"));
  const std::array migrations{kFirst, kSecond};
  ASSERT_TRUE(Migrate(db, kApplicationId, migrations, VersionOf(db, 2)));
  EXPECT_EQ(VersionOf(db, 2).version, 2);
  EXPECT_EQ(db.QueryInt("SELECT sum(b) FROM t"), 4);
}

TEST(SchemaTest, AFailedMigrationLeavesTheVersionBeforeIt) {
  Database db = InMemory();
  const std::array migrations{kFirst, kSecond, kFailing};
  const Status migrated = Migrate(db, kApplicationId, migrations, {});
  ASSERT_FALSE(migrated);
  EXPECT_NE(migrated.error().text.find("version 3"), std::string::npos) << migrated.error().text;
  EXPECT_EQ(VersionOf(db, 3).version, 2);
  EXPECT_EQ(db.QueryInt("SELECT count(*) FROM t"), 2);
}

TEST(SchemaTest, TheReleaseBeforeMayReadUntilMinReaderForbidsIt) {
  Database db = InMemory();
  const std::array two{kFirst, kSecond};
  ASSERT_TRUE(Migrate(db, kApplicationId, two, {}));
  EXPECT_EQ(VersionOf(db, 1).version, 2) << "version 1 may read version 2: one downgrade works";
  const std::array three{kFirst, kSecond, kThird};
  ASSERT_TRUE(Migrate(db, kApplicationId, three, VersionOf(db, 3)));
  const Result<SchemaVersion> refused = CheckSchema(db, kApplicationId, 2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(refused.error().text.find("needs a reader of version 3"), std::string::npos);
  EXPECT_NE(refused.error().text.find("up to version 2"), std::string::npos);
}

TEST(SchemaTest, AnotherApplicationsDatabaseIsRefused) {
  Database db = InMemory();
  ASSERT_TRUE(db.Exec("CREATE TABLE someone_elses(a)"));
  const Result<SchemaVersion> refused = CheckSchema(db, kApplicationId, 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
}

TEST(SchemaTest, OursWithoutAVersionIsCorrupt) {
  Database db = InMemory();
  ASSERT_TRUE(db.Exec("PRAGMA application_id=" + std::to_string(kApplicationId)));
  const Result<SchemaVersion> refused = CheckSchema(db, kApplicationId, 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace edgetwin::store
