// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/desired_patch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace edgetwin::cloud {
namespace {

using model::Value;
using testing::HasSubstr;

class DesiredPatchTest : public testing::Test {
 protected:
  DesiredPatchTest() { twin_.Load({}); }

  DesiredPatch Read(std::string_view body) {
    auto patch = ReadDesiredPatch(body, twin_);
    EXPECT_TRUE(patch.has_value()) << body << ": " << patch.error().text;
    return patch ? *patch : DesiredPatch{};
  }
  std::string Refusal(std::string_view body) {
    const auto patch = ReadDesiredPatch(body, twin_);
    return patch ? "" : patch.error().text;
  }
  std::string ProblemOf(std::string_view body) {
    const DesiredPatch patch = Read(body);
    return patch.problems.empty() ? "" : patch.problems[0].detail;
  }

  model::Twin twin_{model::Role::kCloud};
};

TEST_F(DesiredPatchTest, NestedAndFlatNamesAreOne) {
  for (const char* body :
       {R"({"a":{"b":{"c":1}}})", R"({"a/b/c":1})", R"({"a/b":{"c":1}})", R"({"a":{"b/c":1}})"}) {
    const DesiredPatch patch = Read(body);
    ASSERT_EQ(patch.values.size(), 1u) << body;
    EXPECT_EQ(patch.values[0].path.text(), "a/b/c");
    EXPECT_TRUE(patch.values[0].value == Value(std::int64_t{1}));
  }
}

TEST_F(DesiredPatchTest, OnePropertyTwiceIsAProblemHoweverItIsSpelled) {
  EXPECT_THAT(ProblemOf(R"({"a":{"b":1},"a/b":2})"), HasSubstr("twice"));
  EXPECT_THAT(Refusal(R"({"a/b":1,"a/b":2})"), HasSubstr("\"a/b\" appears twice"));
  EXPECT_EQ(Refusal(R"({"a":{"x":1},"b":{"x":2}})"), "");
}

TEST_F(DesiredPatchTest, RefusesWhatIsNoObject) {
  for (const char* body : {"", "{", "[]", "1", "null", "{\"a\":1e999}", "{\"\xff\":1}", "{} x"}) {
    EXPECT_NE(Refusal(body), "") << body;
  }
}

TEST_F(DesiredPatchTest, ValuesOfUnknownPathsAreTakenAsTheyAre) {
  const DesiredPatch patch = Read(
      R"({"a/b":true,"a/i":-9223372036854775808,"a/d":1.5,"a/s":"x","a/o":{"base64":"AA=="}})");
  ASSERT_EQ(patch.values.size(), 5u);
  EXPECT_TRUE(patch.values[2].value == Value(std::numeric_limits<std::int64_t>::min()));
  EXPECT_EQ(patch.values[3].path.text(), "a/o/base64") << "nobody said that it holds bytes";
}

TEST_F(DesiredPatchTest, OddValuesAreProblems) {
  EXPECT_THAT(ProblemOf(R"({"a/b":9223372036854775808})"), HasSubstr("largest int"));
  EXPECT_THAT(ProblemOf(R"({"a/b":[1]})"), HasSubstr("array"));
  EXPECT_THAT(ProblemOf(R"({"a":1})"), HasSubstr("not thing/property"));
  EXPECT_THAT(ProblemOf(R"({"a/..":1})"), testing::Not(""));
  EXPECT_THAT(ProblemOf("{\"a/b\":\"" + std::string(20'000, 'x') + "\"}"), HasSubstr("16384"));
}

TEST_F(DesiredPatchTest, DeepAndWidePatchesAreCut) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "{\"a\":";
  deep += "1" + std::string(100'000, '}');
  EXPECT_THAT(ProblemOf(deep), HasSubstr("nested"));
  std::string wide = "{";
  for (int i = 0; i < 6'000; ++i) wide += "\"a/p" + std::to_string(i) + "\":1,";
  wide.back() = '}';
  EXPECT_THAT(ProblemOf(wide), HasSubstr("more than 5000"));
}

TEST_F(DesiredPatchTest, Base64MustBeExact) {
  model::DictionaryEntry entry;
  entry.pid = 1;
  entry.def.path = *model::Path::Parse("a/b");
  entry.def.type = model::ValueType::kBytes;
  entry.def.writable = true;
  ASSERT_TRUE(twin_.TakeEntry(entry));
  const auto bytes = [&](const std::string& text) {
    return Read("{\"a/b\":{\"base64\":\"" + text + "\"}}");
  };
  EXPECT_EQ(bytes("AP8Q").values.at(0).value.bytes().data, std::string("\0\xff\x10", 3));
  EXPECT_EQ(bytes("").values.at(0).value.bytes().data, "");
  for (const char* bad : {"A", "AA=A", "AB==", "A===", "A*==", "AP8Q="}) {
    const DesiredPatch patch = bytes(bad);
    EXPECT_TRUE(patch.values.empty() || patch.values[0].path.text() != "a/b") << bad;
  }
}

}  // namespace
}  // namespace edgetwin::cloud
