// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/replay/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "drivers/sdk/testing/code_of.h"

namespace edgetwin::replay {
namespace {

namespace fs = std::filesystem;
using driver::testing::CodeOf;
using ::testing::ElementsAre;

class LineReaderTest : public ::testing::Test {
 protected:
  LineReaderTest() { fs::create_directories(folder_); }
  ~LineReaderTest() override { fs::remove_all(folder_); }

  void Open(const std::string& text) {
    const std::string path = folder_ / "a.csv";
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
    ASSERT_TRUE(reader_.Open(path));
  }

  // Each line as "NUMBER:TEXT", "!" behind those that are too long.
  std::vector<std::string> Rest() {
    std::vector<std::string> lines;
    for (;;) {
      const auto line = reader_.Next();
      EXPECT_TRUE(line);
      if (!line || !*line) return lines;
      lines.push_back(std::to_string((*line)->number) + ":" +
                      std::string((*line)->text.substr(0, 20)) + ((*line)->too_long ? "!" : ""));
    }
  }

  fs::path folder_ =
      fs::path(::testing::TempDir()) / ("line_reader_test_" + std::to_string(getpid()));
  LineReader reader_;
};

TEST_F(LineReaderTest, SkipsBlankLinesButCountsThem) {
  Open("a\n\n  \nb\n");
  EXPECT_THAT(Rest(), ElementsAre("1:a", "4:b"));
}

TEST_F(LineReaderTest, TakesAnyLineEndAndNoneAtTheLastLine) {
  Open("a\r\nb\nc");
  EXPECT_THAT(Rest(), ElementsAre("1:a", "2:b", "3:c"));
}

TEST_F(LineReaderTest, DropsAByteOrderMark) {
  Open("\xef\xbb\xbftime,x\n");
  EXPECT_THAT(Rest(), ElementsAre("1:time,x"));
}

TEST_F(LineReaderTest, ALineOfTheLimitPassesAndOneByteMoreIsTooLong) {
  const std::string at(LineReader::kLineBytesMax, 'x');
  Open(at + "\n" + at + "x\nb\n" + at);
  EXPECT_THAT(Rest(), ElementsAre("1:xxxxxxxxxxxxxxxxxxxx", "2:xxxxxxxxxxxxxxxxxxxx!", "3:b",
                                  "4:xxxxxxxxxxxxxxxxxxxx"));
  EXPECT_EQ(reader_.too_long(), 1u);
}

TEST_F(LineReaderTest, AFileWithoutLineEndsIsOneLineThatIsTooLong) {
  Open(std::string(1'000'000, 'x'));
  EXPECT_THAT(Rest(), ElementsAre("1:xxxxxxxxxxxxxxxxxxxx!"));
}

TEST_F(LineReaderTest, LinesAcrossBlocksStayWhole) {
  std::string text;
  for (int i = 0; i < 30'000; ++i) text += "line " + std::to_string(i) + "\n";
  Open(text);
  const auto lines = Rest();
  ASSERT_EQ(lines.size(), 30'000u);
  for (int i = 0; i < 30'000; ++i) {
    ASSERT_EQ(lines[static_cast<std::size_t>(i)],
              std::to_string(i + 1) + ":line " + std::to_string(i));
  }
}

TEST_F(LineReaderTest, RewindsToTheFirstLine) {
  Open("a\nb\n");
  Rest();
  reader_.Rewind();
  EXPECT_THAT(Rest(), ElementsAre("1:a", "2:b"));
}

TEST_F(LineReaderTest, RewindsToAFileThatIsThereByThen) {
  Open("a\nb\n");
  Rest();
  fs::remove(folder_ / "a.csv");
  reader_.Rewind();
  EXPECT_EQ(CodeOf(reader_.Next()), ErrorCode::kUnavailable);
  std::ofstream(folder_ / "a.csv") << "c\n";
  EXPECT_THAT(Rest(), ElementsAre("1:c"));
}

TEST_F(LineReaderTest, AFileThatCannotBeReadIsOpenedAgain) {
  // What the kernel answers with EIO: this process has no memory at 0.
  const fs::path link = folder_ / "link";
  fs::create_symlink("/proc/self/mem", link);
  ASSERT_TRUE(reader_.Open(link));
  EXPECT_EQ(CodeOf(reader_.Next()), ErrorCode::kUnavailable);
  std::ofstream(folder_ / "a.csv") << "a\n";
  fs::remove(link);
  fs::create_symlink(folder_ / "a.csv", link);
  EXPECT_THAT(Rest(), ElementsAre("1:a"));
}

TEST_F(LineReaderTest, SaysWhyAFileCannotBePlayed) {
  EXPECT_EQ(CodeOf(reader_.Open(folder_ / "none")), ErrorCode::kUnavailable);
  EXPECT_EQ(CodeOf(reader_.Open(folder_)), ErrorCode::kInvalid);
  const std::string pipe = folder_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(CodeOf(reader_.Open(pipe)), ErrorCode::kInvalid) << "and without waiting for a writer";
}

class CellsTest : public ::testing::Test {
 protected:
  std::vector<std::string> Split(std::string_view line, char separator = ',') {
    const Status status = cells_.Split(line, separator);
    if (!status) return {"error: " + status.error().text};
    std::vector<std::string> result;
    for (std::size_t i = 0; i < cells_.size(); ++i) result.push_back(cells_[i]);
    return result;
  }
  Cells cells_;
};

TEST_F(CellsTest, SplitsAtTheSeparatorAndTrimsBlanks) {
  EXPECT_THAT(Split("a, b ,,c"), ElementsAre("a", "b", "", "c"));
  EXPECT_THAT(Split("a;b,c", ';'), ElementsAre("a", "b,c"));
  EXPECT_THAT(Split("a\t\tb", '\t'), ElementsAre("a", "", "b"));
}

TEST_F(CellsTest, ASeparatorAtTheEndMakesAnEmptyLastCell) {
  EXPECT_THAT(Split("a,"), ElementsAre("a", ""));
  EXPECT_THAT(Split("\"a\","), ElementsAre("a", ""));
  EXPECT_THAT(Split(","), ElementsAre("", ""));
}

TEST_F(CellsTest, QuotesHoldSeparatorsAndDoubledQuotes) {
  EXPECT_THAT(Split("\"a,b\",\"say \"\"x\"\"\",\"\""), ElementsAre("a,b", "say \"x\"", ""));
}

TEST_F(CellsTest, BrokenQuotesAreErrors) {
  EXPECT_THAT(Split("\"a"), ElementsAre("error: a quote is not closed"));
  EXPECT_THAT(Split("\"a\"b,c"), ElementsAre("error: a quoted cell is followed by 'b,c'"));
}

TEST_F(CellsTest, CellsHaveALimit) {
  EXPECT_TRUE(cells_.Split(std::string(Cells::kCellsMax - 1, ','), ','));
  EXPECT_EQ(cells_.size(), Cells::kCellsMax);
  EXPECT_FALSE(cells_.Split(std::string(Cells::kCellsMax, ','), ','));
}

}  // namespace
}  // namespace edgetwin::replay
