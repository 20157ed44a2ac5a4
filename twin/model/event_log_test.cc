// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/model/event_log.h"

#include <gtest/gtest.h>

#include <optional>

namespace edgetwin::model {
namespace {

class EventLogTest : public testing::Test {
 protected:
  EventLogTest() {
    Stored stored;
    stored.lineage = {{.inc = 1, .first_seq = 1, .limit = 10'000}};
    twin_.Load(std::move(stored));
  }
  void Add(int events) {
    Event event;
    event.kind = "flood";
    for (int i = 0; i < events; ++i) log_.Add(event);
  }
  // What the batch tells to be lost; nothing when it tells of nothing.
  static std::optional<std::int64_t> Told(const Batch& batch) {
    std::optional<std::int64_t> told;
    for (const Event& event : batch.events) {
      if (event.kind == "events_lost") told = told.value_or(0) + event.value.integer();
    }
    return told;
  }

  Twin twin_{Role::kDevice};
  EventLog log_{twin_, {.waiting_max = 4, .kept_max = 4}};
};

TEST_F(EventLogTest, WhatIsForgottenIsToldInTheBatchThatForgetsIt) {
  Add(4);
  EXPECT_EQ(Told(log_.TakePending()), std::nullopt);
  Add(2);
  const Batch batch = log_.TakePending();
  EXPECT_EQ(Told(batch), 3) << "two, and the one in whose place this is";
  EXPECT_EQ(batch.events_floor, 3u);
  EXPECT_EQ(log_.lost(), 3u);
  EXPECT_EQ(log_.all().size(), 4u);
}

TEST_F(EventLogTest, WhatIsLostWhileThatWaitsIsToldOnceTheCloudHasIt) {
  Add(6);
  EXPECT_EQ(Told(log_.TakePending()), 3);
  Add(2);
  EXPECT_EQ(Told(log_.TakePending()), std::nullopt);
  log_.Acked(log_.all().back().dot.seq);
  EXPECT_EQ(Told(log_.TakePending()), 2);
  log_.Acked(log_.all().back().dot.seq);
  EXPECT_EQ(Told(log_.TakePending()), std::nullopt) << "nothing was lost since";
}

TEST_F(EventLogTest, WhatToldOfItAndIsForgottenItselfIsToldAnew) {
  Add(6);
  EXPECT_EQ(Told(log_.TakePending()), 3);
  Add(4);
  EXPECT_EQ(Told(log_.TakePending()), 8) << "3 as before, 4 more, and the place of this";
}

TEST_F(EventLogTest, AnOpeningThatFindsItForgottenTellsItAnew) {
  Add(6);
  (void)log_.TakePending();
  std::vector<Event> stored(log_.all().begin(), log_.all().end());
  EventLog next(twin_, {.waiting_max = 4, .kept_max = 4});
  next.Load(std::move(stored), 0);
  EXPECT_EQ(Told(next.TakePending()), std::nullopt) << "it is on its way";
  Event event;
  event.kind = "flood";
  for (int i = 0; i < 4; ++i) next.Add(event);
  EXPECT_EQ(Told(next.TakePending()), 5);
}

}  // namespace
}  // namespace edgetwin::model
