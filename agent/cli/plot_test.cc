// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/cli/plot.h"

#include <gtest/gtest.h>

#include <limits>

namespace edgetwin::cli {
namespace {

TEST(PlotTest, DrawsMeansAndWhatColumnsSpan) {
  const std::vector<std::string> expected = {"         4 │  •", "         3 │ │", "         2 │ •",
                                             "         1 │ │", "         0 │•"};
  EXPECT_EQ(Plot({PlotColumn{0, 0, 0}, PlotColumn{1, 2, 3}, PlotColumn{4, 4, 4}, {}}, 5), expected);
}

TEST(PlotTest, AConstantIsALineInTheMiddle) {
  const std::vector<std::string> lines = Plot({PlotColumn{7, 7, 7}, {}, PlotColumn{7, 7, 7}}, 3);
  EXPECT_EQ(lines[1], "         7 │• •");
}

TEST(PlotTest, WhatHasNoFiniteValueIsNotDrawn) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(Plot({}, 5).empty());
  EXPECT_TRUE(Plot({PlotColumn{0, 1, infinity}, {}}, 5).empty());
  const double most = std::numeric_limits<double>::max();
  EXPECT_EQ(Plot({PlotColumn{-most, 0, most}}, 3).size(), 3u) << "wider than a double";
}

}  // namespace
}  // namespace edgetwin::cli
