// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/sysfs/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "drivers/sdk/testing/code_of.h"

namespace edgetwin::sysfs {
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
      fs::path(::testing::TempDir()) / ("sysfs_files_test_" + std::to_string(getpid()));
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

TEST_F(FilesTest, ErrorsOfTheSystemSayWhatCanBeDone) {
  EXPECT_EQ(SystemError("/a", ENODEV).code, ErrorCode::kNotFound);
  EXPECT_EQ(SystemError("/a", EACCES).code, ErrorCode::kPermission);
  EXPECT_EQ(SystemError("/a", EROFS).code, ErrorCode::kPermission);
  EXPECT_EQ(SystemError("/a", EBUSY).code, ErrorCode::kUnavailable);
  EXPECT_EQ(SystemError("/a", EBUSY).text, "/a: Device or resource busy");
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

TEST_F(FilesTest, ADeviceHasTheNameThatItsPlaceGivesItAndNotACount) {
  const auto name_of = [&](const std::string& device) {
    fs::remove_all(folder_ / "devices");
    fs::remove(folder_ / "link");
    fs::create_directories(folder_ / "devices" / device);
    fs::create_symlink("devices/" + device, folder_ / "link");
    return DeviceName(folder_ / "link");
  };
  EXPECT_EQ(name_of("platform/soc/i2c-1/1-0048/hwmon/hwmon3"), "1-0048");
  EXPECT_EQ(name_of("platform/soc/i2c-1/1-0076/iio:device0"), "1-0076");
  EXPECT_EQ(name_of("pci0000:00/0000:01:00.0/nvme/nvme0"), "0000:01:00.0");
  EXPECT_EQ(name_of("pci0000:00/ata3/host2/target2:0:0/2:0:0:0"), "ata3");
  EXPECT_EQ(name_of("usb1/1-4/1-4:1.0/0003:1B1C:1C0B.0002"), "1-4:1.0");
  EXPECT_EQ(name_of("usb1/1-4/1-4:1.0/0003:8086:09D8.0001/HID-SENSOR-200073.3.auto/iio:device0"),
            "1-4:1.0");
  EXPECT_EQ(name_of("virtual/thermal/thermal_zone0"), "");
  EXPECT_EQ(name_of("virtual/hwmon/hwmon0"), "");
  EXPECT_EQ(DeviceName(folder_ / "none"), "");
}

TEST_F(FilesTest, DevicesBehindAMultiplexerShareItsWire) {
  const auto wire_of = [&](const std::string& device) {
    fs::create_directories(folder_ / device);
    return WireName(folder_ / device);
  };
  EXPECT_EQ(wire_of("soc/fe804000.i2c/i2c-1/1-0048/hwmon/hwmon3"), "i2c-1");
  EXPECT_EQ(wire_of("soc/fe804000.i2c/i2c-1/i2c-7/7-0048/hwmon/hwmon4"), "i2c-1");
  EXPECT_EQ(wire_of("soc/spi_master/spi0/spi0.1/iio:device0"), "spi0");
  EXPECT_EQ(wire_of("platform/coretemp.0/hwmon/hwmon1"), "");
  EXPECT_EQ(WireName(folder_ / "none"), "");
}

TEST_F(FilesTest, TextThatIsEmptyMissingOrNoUtf8IsReplaced) {
  EXPECT_EQ(TextOr(Write("a", "lm75\n"), "x"), "lm75");
  EXPECT_EQ(TextOr(Write("a", "\n"), "x"), "x");
  EXPECT_EQ(TextOr(Write("a", "\xff"), "x"), "x");
  EXPECT_EQ(TextOr(folder_ / "none", "x"), "x");
}

TEST_F(FilesTest, NumberedNamesComeInTheOrderOfTheirNumbers) {
  for (const char* name : {"hwmon10", "hwmon2", "hwmon", "hwmonx", "other3"}) Write(name, "");
  EXPECT_THAT(Numbers(folder_, "hwmon", ""), ElementsAre(2u, 10u));
  EXPECT_THAT(Numbers(folder_ / "none", "hwmon", ""), ElementsAre());
}

}  // namespace
}  // namespace edgetwin::sysfs
