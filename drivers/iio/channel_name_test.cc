// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/iio/channel_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace edgetwin::iio {
namespace {

using ::testing::ElementsAre;

TEST(ChannelNameTest, TypeNumberAndModifierAreTakenApart) {
  const auto type_of = [](std::string_view file) {
    const auto channel = ParseChannelName(file);
    return channel ? channel->type + " " + channel->full : "none";
  };
  EXPECT_EQ(type_of("in_temp_raw"), "temp temp");
  EXPECT_EQ(type_of("in_voltage0_raw"), "voltage voltage0");
  EXPECT_EQ(type_of("in_voltage12_supply_raw"), "voltage voltage12_supply");
  EXPECT_EQ(type_of("in_voltage0-voltage1_raw"), "voltage voltage0-voltage1");
  EXPECT_EQ(type_of("in_accel_x_raw"), "accel accel_x");
  EXPECT_EQ(type_of("in_humidityrelative_input"), "humidityrelative humidityrelative");
  EXPECT_TRUE(ParseChannelName("in_pressure_input")->processed);
  EXPECT_FALSE(ParseChannelName("in_pressure_raw")->processed);
}

TEST(ChannelNameTest, WhatIsNoInputsValueIsNone) {
  for (const char* file : {"in_temp_scale", "out_voltage0_raw", "in_timestamp_raw", "in_raw",
                           "name", "in__raw", "in_0_raw", "in_rot_quaternion_raw", "in_temp_rawx",
                           "in_voltage0/../x_raw", "in_temp_raw_available", ""}) {
    EXPECT_FALSE(ParseChannelName(file)) << file;
  }
}

TEST(ChannelNameTest, TheNearestAttributeComesFirst) {
  EXPECT_THAT(AttributeFiles(*ParseChannelName("in_voltage0_i_raw"), "scale"),
              ElementsAre("in_voltage0_i_scale", "in_voltage0_scale", "in_voltage_scale",
                          "in_scale", "scale"));
  EXPECT_THAT(AttributeFiles(*ParseChannelName("in_accel_x_raw"), "offset"),
              ElementsAre("in_accel_x_offset", "in_accel_offset", "in_offset", "offset"));
  EXPECT_THAT(AttributeFiles(*ParseChannelName("in_voltage0-voltage1_raw"), "scale"),
              ElementsAre("in_voltage0-voltage1_scale", "in_voltage-voltage_scale",
                          "in_voltage_scale", "in_scale", "scale"));
}

TEST(ChannelNameTest, AnUnknownTypeHasNoUnit) {
  EXPECT_EQ(UnitOf("temp").kind.unit, "Cel");
  EXPECT_EQ(UnitOf("temp").factor, 1e-3);
  EXPECT_EQ(UnitOf("smell").kind.unit, "");
  EXPECT_EQ(UnitOf("smell").factor, 1);
}

}  // namespace
}  // namespace edgetwin::iio
