// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Each rule shown to find the smallest thing that breaks it, and to leave alone what only looks
// like it.

#include "tests/tidy/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace edgetwin::tidy {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;

using Rule = Findings (*)(const Tree&);

Findings Judge(Rule rule, std::string path, std::string_view text) {
  return rule({MakeSourceFile(std::move(path), text)});
}

auto AtLine(int line) {
  return ElementsAre(Field(&Finding::line, line));
}

std::string Including(std::string_view target) {
  return "#pragma once\n#include \"" + std::string(target) + "\"\n";
}

TEST(TidyRuleTest, LowerLayersMayNotIncludeHigherOnes) {
  EXPECT_THAT(Judge(CheckLayers, "twin/base/a.cc", Including("twin/model/row.h")), AtLine(2));
  EXPECT_THAT(Judge(CheckLayers, "twin/http/a.cc", Including("twin/model/row.h")), AtLine(2));
  EXPECT_THAT(Judge(CheckLayers, "sync/engine/a.cc", Including("twin/store/x.h")), AtLine(2));
  EXPECT_THAT(Judge(CheckLayers, "sync/engine/a.cc", Including("edgetwin/v1/sync.pb.h")),
              AtLine(2));
  EXPECT_THAT(Judge(CheckLayers, "sync/link/a.cc", Including("sync/engine/frame.h")), AtLine(2));
  EXPECT_THAT(Judge(CheckLayers, "twin/model/a.cc", Including("twin/base/result.h")), IsEmpty());
  EXPECT_THAT(Judge(CheckLayers, "sync/codec/a.cc", Including("edgetwin/v1/sync.pb.h")), IsEmpty());
}

TEST(TidyRuleTest, OneDriverMayNotIncludeAnother) {
  EXPECT_THAT(Judge(CheckLayers, "drivers/host/a.cc", Including("drivers/modbus/bus.h")),
              AtLine(2));
  EXPECT_THAT(Judge(CheckLayers, "drivers/host/a.cc", Including("twin/store/x.h")), AtLine(2));
  EXPECT_THAT(Judge(CheckLayers, "drivers/host/a.cc", Including("drivers/host/proc.h")), IsEmpty());
  EXPECT_THAT(Judge(CheckLayers, "drivers/host/a.cc", Including("drivers/sdk/driver.h")),
              IsEmpty());
  EXPECT_THAT(Judge(CheckLayers, "drivers/sdk/a.cc", Including("drivers/host/proc.h")), AtLine(2));
}

TEST(TidyRuleTest, AgentAndCloudMayNotIncludeEachOther) {
  EXPECT_THAT(Judge(CheckLayers, "agent/cli/a.cc", Including("sync/cloud/api.h")), AtLine(2));
  EXPECT_THAT(Judge(CheckLayers, "sync/cloud/a.cc", Including("agent/api/api.h")), AtLine(2));
  EXPECT_THAT(Judge(CheckLayers, "sync/cloud/a.cc", Including("drivers/sdk/driver.h")), AtLine(2));
  EXPECT_THAT(Judge(CheckLayers, "agent/api/a.cc", Including("agent/runtime/x.h")), IsEmpty());
  EXPECT_THAT(Judge(CheckLayers, "sync/cloud/a.cc", Including("twin/http/x.h")), IsEmpty());
}

TEST(TidyRuleTest, ProductCodeMayNotIncludeTests) {
  EXPECT_THAT(Judge(CheckLayers, "agent/api/a.cc", Including("tests/support/broker.h")), AtLine(2));
  EXPECT_THAT(Judge(CheckLayers, "agent/api/a.cc", Including("agent/testing/x.h")), AtLine(2));
  EXPECT_THAT(Judge(CheckLayers, "agent/api/a_test.cc", Including("tests/support/broker.h")),
              IsEmpty());
}

TEST(TidyRuleTest, AFolderWithoutARowMayIncludeNothing) {
  EXPECT_THAT(Judge(CheckLayers, "twin/other/a.cc", Including("twin/base/result.h")), AtLine(2));
}

TEST(TidyRuleTest, RestrictedHeadersAreFoundOutsideTheirFolders) {
  EXPECT_THAT(Judge(CheckRestrictedHeaders, "agent/api/a.cc", "#include <sqlite3.h>"), AtLine(1));
  EXPECT_THAT(Judge(CheckRestrictedHeaders, "sync/cloud/a.cc", "#include <mosquitto.h>"),
              AtLine(1));
  EXPECT_THAT(Judge(CheckRestrictedHeaders, "sync/cloud/a.cc", "#include <CLI/CLI.hpp>"),
              AtLine(1));
  EXPECT_THAT(Judge(CheckRestrictedHeaders, "sync/link/a.cc", "#include <event2/event.h>"),
              AtLine(1));
  EXPECT_THAT(Judge(CheckRestrictedHeaders, "twin/base/a.cc", "#include <systemd/sd-journal.h>"),
              AtLine(1));
  EXPECT_THAT(Judge(CheckRestrictedHeaders, "twin/store/a.cc", "#include <sqlite3.h>"), IsEmpty());
  EXPECT_THAT(Judge(CheckRestrictedHeaders, "sync/cloud/main.cc", "#include <CLI/CLI.hpp>"),
              IsEmpty());
  EXPECT_THAT(Judge(CheckRestrictedHeaders, "tests/sim/a.cc", "#include <sqlite3.h>"), IsEmpty());
}

TEST(TidyRuleTest, IncludesThatClimbAreFound) {
  EXPECT_THAT(Judge(CheckRelativeIncludes, "twin/model/a.cc", Including("../base/result.h")),
              AtLine(2));
  EXPECT_THAT(Judge(CheckRelativeIncludes, "twin/model/a.cc", "#include \"twin/base/result.h\""),
              IsEmpty());
}

TEST(TidyRuleTest, HeadersThatNobodyIncludesAreFound) {
  const SourceFile header = MakeSourceFile("twin/model/row.h", "#pragma once\n");
  const SourceFile user = MakeSourceFile("twin/model/row.cc", Including("twin/model/row.h"));
  EXPECT_THAT(CheckHeadersAreIncluded({header}), AtLine(0));
  EXPECT_THAT(CheckHeadersAreIncluded({header, user}), IsEmpty());
}

TEST(TidyRuleTest, WideLinesAreFoundByColumnsNotBytes) {
  const std::string wide(101, 'x');
  std::string dots;
  for (int i = 0; i < 100; ++i) dots += "…";
  EXPECT_THAT(Judge(CheckLineWidth, "twin/model/a.cc", "\n// " + wide), AtLine(2));
  EXPECT_THAT(Judge(CheckLineWidth, "CMakeLists.txt", wide), AtLine(1));
  EXPECT_THAT(Judge(CheckLineWidth, "twin/store/a.sql", wide), AtLine(1));
  EXPECT_THAT(Judge(CheckLineWidth, "twin/model/a.cc", dots), IsEmpty());
  EXPECT_THAT(Judge(CheckLineWidth, "twin/model/a.cc", "// https://example.org/" + wide),
              IsEmpty());
  EXPECT_THAT(Judge(CheckLineWidth, "README.md", wide), IsEmpty());
}

TEST(TidyRuleTest, TrailingWhiteSpaceIsFound) {
  EXPECT_THAT(Judge(CheckTrailingSpace, "twin/model/a.cc", "int a; \n"), AtLine(1));
  EXPECT_THAT(Judge(CheckTrailingSpace, "CMakeLists.txt", "a()\r\n"), AtLine(1));
  EXPECT_THAT(Judge(CheckTrailingSpace, "twin/model/a.cc", "int a;\n"), IsEmpty());
}

TEST(TidyRuleTest, TabsAreFound) {
  EXPECT_THAT(Judge(CheckTabs, "twin/model/a.cc", "\tint a;\n"), AtLine(1));
  EXPECT_THAT(Judge(CheckTabs, "twin/model/a.cc", "char a = '\\t';\n"), IsEmpty());
}

TEST(TidyRuleTest, AMissingLicenceIsFound) {
  const std::string licence =
      "# Copyright 2026 The edgetwin authors\n# SPDX-License-Identifier: Apache-2.0\n";
  EXPECT_THAT(Judge(CheckLicence, "twin/model/a.cc", "int a;\n"), AtLine(1));
  EXPECT_THAT(Judge(CheckLicence, "a.sql", "-- Copyright 2026 The edgetwin authors\n"), AtLine(1));
  EXPECT_THAT(Judge(CheckLicence, "twin/CMakeLists.txt", licence), IsEmpty());
  EXPECT_THAT(Judge(CheckLicence, "run-tests", "#!/usr/bin/env bash\n" + licence), IsEmpty());
  EXPECT_THAT(Judge(CheckLicence, "README.md", "text\n"), IsEmpty());
}

TEST(TidyRuleTest, AHeaderWithoutPragmaOnceIsFound) {
  EXPECT_THAT(Judge(CheckPragmaOnce, "twin/model/a.h", "// #pragma once\nint a;\n"), AtLine(1));
  EXPECT_THAT(Judge(CheckPragmaOnce, "twin/model/a.h", "#pragma once\n"), IsEmpty());
  EXPECT_THAT(Judge(CheckPragmaOnce, "twin/model/a.cc", "int a;\n"), IsEmpty());
}

TEST(TidyRuleTest, SourcesThatNoBuildFileNamesAreFound) {
  const SourceFile source = MakeSourceFile("twin/model/row.cc", "int a;\n");
  const SourceFile other = MakeSourceFile("twin/model/CMakeLists.txt", "x(arrow.cc)  # row.cc\n");
  const SourceFile build = MakeSourceFile("twin/model/CMakeLists.txt", "x(path.cc row.cc)\n");
  const SourceFile above = MakeSourceFile("twin/CMakeLists.txt", "x(model/row.cc)\n");
  EXPECT_THAT(CheckSourcesAreBuilt({source}), AtLine(0));
  EXPECT_THAT(CheckSourcesAreBuilt({source, other}), AtLine(0));
  EXPECT_THAT(CheckSourcesAreBuilt({source, build}), IsEmpty());
  EXPECT_THAT(CheckSourcesAreBuilt({source, above}), IsEmpty());
}

TEST(TidyRuleTest, SchemasThatNobodyNamesAreFound) {
  const SourceFile schema = MakeSourceFile("twin/store/sql/create.sql", "select 1;\n");
  const SourceFile build = MakeSourceFile("twin/store/CMakeLists.txt", "x(sql/create.sql)\n");
  const SourceFile other = MakeSourceFile("twin/store/CMakeLists.txt", "x(sql/recreate.sql)\n");
  EXPECT_THAT(CheckSchemasAreUsed({schema}), AtLine(0));
  EXPECT_THAT(CheckSchemasAreUsed({schema, other}), AtLine(0));
  EXPECT_THAT(CheckSchemasAreUsed({schema, build}), IsEmpty());
}

TEST(TidyRuleTest, RoutesThatThePageDoesNotNameAreFound) {
  const SourceFile page = MakeSourceFile("docs/API.md", "| `GET /v1/twins/{id}?path` | one |\n");
  const auto route = [](const std::string& target) {
    return MakeSourceFile("sync/cloud/api.cc", "route(\"GET\", \"" + target + "\", x);\n");
  };
  EXPECT_THAT(CheckRoutesAreDescribed({page, route("/v1/twins/{}")}), IsEmpty());
  EXPECT_THAT(CheckRoutesAreDescribed({page, route("/v1/twins")}), AtLine(1));
  EXPECT_THAT(CheckRoutesAreDescribed({page, route("/v1/twins/{}/status")}), AtLine(1));
  EXPECT_THAT(CheckRoutesAreDescribed({route("/v1/twins/{}")}), AtLine(1));
}

TEST(TidyRuleTest, ClocksAndChanceAreFoundInProductCode) {
  const auto rule = CheckClocksAndChance;
  EXPECT_THAT(Judge(rule, "twin/model/a.cc", "auto t = steady_clock::now();"), AtLine(1));
  EXPECT_THAT(Judge(rule, "twin/model/a.cc", "auto t = std::time(nullptr);"), AtLine(1));
  EXPECT_THAT(Judge(rule, "twin/model/a.cc", "std::random_device device;"), AtLine(1));
  EXPECT_THAT(Judge(rule, "twin/model/a.cc", "int a = std::rand();"), AtLine(1));
  EXPECT_THAT(Judge(rule, "twin/model/a.cc", "int a = operand();  // not rand()"), IsEmpty());
  EXPECT_THAT(Judge(rule, "twin/model/a_test.cc", "auto t = steady_clock::now();"), IsEmpty());
  EXPECT_THAT(Judge(rule, "agent/daemon/daemon.cc", "std::random_device device;"), IsEmpty());
  EXPECT_THAT(Judge(rule, "twin/base/clock.cc", "clock_gettime(id, &now);"), IsEmpty());
}

TEST(TidyRuleTest, SleepsAreFoundInProductCode) {
  EXPECT_THAT(Judge(CheckSleeps, "twin/model/a.cc", "std::this_thread::sleep_for(1s);"), AtLine(1));
  EXPECT_THAT(Judge(CheckSleeps, "agent/daemon/daemon.cc", "usleep(1);"), AtLine(1));
  EXPECT_THAT(Judge(CheckSleeps, "twin/model/a.cc", "Oversleep();  // sleep(1)"), IsEmpty());
}

TEST(TidyRuleTest, NamesThatSayNothingAreFound) {
  EXPECT_THAT(Judge(CheckNames, "twin/model/a.h", "class RowManager {"), AtLine(1));
  EXPECT_THAT(Judge(CheckNames, "twin/model/a.h", "enum class HelperKind {"), AtLine(1));
  EXPECT_THAT(Judge(CheckNames, "twin/model/string_util.h", ""), AtLine(0));
  EXPECT_THAT(Judge(CheckNames, "twin/model/a.h", "class Utilization;  // no class Manager"),
              IsEmpty());
}

TEST(TidyRuleTest, WorkLeftWithoutAReasonIsFound) {
  EXPECT_THAT(Judge(CheckTodos, "twin/model/a.cc", "int a;  // TODO: later"), AtLine(1));
  EXPECT_THAT(Judge(CheckTodos, "twin/CMakeLists.txt", "# FIXME() : later"), AtLine(1));
  EXPECT_THAT(Judge(CheckTodos, "a.sql", "-- TODO"), AtLine(1));
  EXPECT_THAT(Judge(CheckTodos, "twin/model/a.cc", "// TODO(until Debian 13): use std::expected"),
              IsEmpty());
  EXPECT_THAT(Judge(CheckTodos, "twin/model/a.cc", "f(\"TODO\");"), IsEmpty());
}

TEST(TidyRuleTest, FindingsReadAsFileLineText) {
  std::ostringstream out;
  out << Finding{"twin/model/a.cc", 7, "a tab"} << '\n' << Finding{"run", 0, "empty"};
  EXPECT_EQ(out.str(), "twin/model/a.cc:7: a tab\nrun: empty");
}

}  // namespace
}  // namespace edgetwin::tidy
