// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/host/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "drivers/sdk/testing/code_of.h"

namespace edgetwin::host {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FilesTest : public ::testing::Test {
 protected:
  FilesTest() { fs::create_directories(folder_); }
  ~FilesTest() override { fs::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::trunc) << text;
    return folder_ / name;
  }

  fs::path folder_ =
      fs::path(::testing::TempDir()) / ("host_files_test_" + std::to_string(getpid()));
  ReadBuffer buffer_;
};

TEST_F(FilesTest, EachReadingBeginsAtTheFirstByteOfWhatIsThereNow) {
  KeptFile file(Write("a", "one"));
  EXPECT_EQ(*file.Read(buffer_), "one");
  EXPECT_EQ(*file.Read(buffer_), "one");
  Write("a", "something longer");
  EXPECT_EQ(*file.Read(buffer_), "something longer");
  Write("a", "");
  EXPECT_EQ(*file.Read(buffer_), "");
}

TEST_F(FilesTest, AFileLargerThanTheBufferIsReadWhole) {
  const std::string text(100'000, 'x');
  KeptFile file(Write("a", text));
  EXPECT_EQ(*file.Read(buffer_), text);
}

TEST_F(FilesTest, AFileWithoutEndIsRefused) {
  KeptFile file("/dev/zero");
  const auto content = file.Read(buffer_);
  ASSERT_FALSE(content);
  EXPECT_EQ(content.error().code, ErrorCode::kExhausted);
}

TEST_F(FilesTest, AFileThatComesBackIsReadAgain) {
  KeptFile file(folder_ / "a");
  auto content = file.Read(buffer_);
  ASSERT_FALSE(content);
  EXPECT_EQ(content.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(content.error().text, HasSubstr("/a: No such file"));
  Write("a", "back");
  EXPECT_EQ(*file.Read(buffer_), "back");
}

TEST_F(FilesTest, AReadErrorIsUnavailableAndNotTheEnd) {
  KeptFile file(folder_);  // read(2) of a folder fails with EISDIR.
  const auto content = file.Read(buffer_);
  ASSERT_FALSE(content);
  EXPECT_EQ(content.error().code, ErrorCode::kUnavailable);
}

TEST_F(FilesTest, APipeWithoutAWriterDoesNotBlock) {
  const std::string pipe = folder_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  KeptFile file(pipe);
  EXPECT_FALSE(file.Read(buffer_)) << "a pipe has no first byte to go back to";
}

TEST_F(FilesTest, ProcFilesOfManyPagesAreReadToTheirEnd) {
  // One read(2) of such a file returns a page at most.
  KeptFile file("/proc/self/smaps");
  const auto content = file.Read(buffer_);
  ASSERT_TRUE(content) << content.error().text;
  EXPECT_GT(content->size(), 8192u);
  EXPECT_TRUE(content->ends_with("\n"));
  EXPECT_THAT(std::string(*content), HasSubstr("[stack]"));
}

TEST_F(FilesTest, ListsFoldersInOrderAndToTheirLimit) {
  Write("b", "");
  Write("a", "");
  EXPECT_THAT(*ListFolder(folder_), ElementsAre("a", "b"));
  EXPECT_EQ(ListFolder(folder_, 1)->size(), 1u);
  EXPECT_EQ(driver::testing::CodeOf(ListFolder(folder_ / "none")), ErrorCode::kNotFound);
}

TEST_F(FilesTest, ALinkHasTheNameOfWhatItPointsTo) {
  fs::create_symlink("../../nvme0", folder_ / "device");
  EXPECT_EQ(LinkName(folder_ / "device"), "nvme0");
  EXPECT_EQ(LinkName(folder_ / "none"), "");
}

}  // namespace
}  // namespace edgetwin::host
