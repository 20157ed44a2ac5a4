// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/iio/capture.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>

#include "drivers/iio/iio_test_tree.h"
#include "drivers/sdk/testing/code_of.h"
#include "drivers/sdk/testing/pty.h"

namespace edgetwin::iio {
namespace {

namespace fs = std::filesystem;
using driver::testing::CodeOf;
using ::testing::AllOf;
using testing::BufferTree;
using ::testing::HasSubstr;
using testing::Stamped;

class CaptureTest : public ::testing::Test {
 protected:
  CaptureTest() {
    tree_.AddElement("voltage0", 0, "le:u16/16>>0");
    tree_.AddElement("voltage1", 1, "le:u16/16>>0");
  }

  Error ErrorOf(const CaptureSpec& spec) {
    const auto capture = Capture::Begin(spec);
    EXPECT_FALSE(capture);
    return capture ? Error{} : capture.error();
  }

  BufferTree tree_;
  CaptureSpec spec_ = tree_.SpecOf({"voltage0"});
  std::uint8_t bytes_[64] = {};
};

TEST_F(CaptureTest, ABufferIsSetUpSwitchedOnAndOffAgain) {
  tree_.Put("buffer0/in_voltage1_en", "1\n");
  spec_.watermark = 16;
  {
    const auto capture = Capture::Begin(spec_);
    ASSERT_TRUE(capture) << capture.error().text;
    EXPECT_EQ(tree_.Get("buffer0/enable"), "1");
    EXPECT_EQ(tree_.Get("buffer0/in_voltage0_en"), "1");
    EXPECT_EQ(tree_.Get("buffer0/in_voltage1_en"), "0") << "it would be in the scans";
    EXPECT_EQ(tree_.Get("buffer0/length"), "1024");
    EXPECT_EQ(tree_.Get("buffer0/watermark"), "16");
    EXPECT_EQ((*capture)->length(), 1024u);
    EXPECT_EQ((*capture)->layout().bytes, 2u);
  }
  EXPECT_EQ(tree_.Get("buffer0/enable"), "0");
}

TEST_F(CaptureTest, ScansAreReadAsTheyComeAndNeverWaitedFor) {
  const auto capture = Capture::Begin(spec_);
  ASSERT_TRUE(capture) << capture.error().text;
  EXPECT_EQ(*(*capture)->Read(bytes_), 0u);
  tree_.Measure({1, 0, 2, 0, 3, 0});
  EXPECT_EQ(*(*capture)->Read(std::span(bytes_, 5)), 2u) << "whole ones only";
  EXPECT_EQ(*(*capture)->Read(bytes_), 1u);
  EXPECT_EQ(bytes_[0], 3);
  EXPECT_EQ(*(*capture)->Read(bytes_), 0u);
}

TEST_F(CaptureTest, ATimeStampIsTakenAlongWhereThereIsOne) {
  tree_.AddElement("timestamp", 7, "le:s64/64>>0");
  tree_.Put("current_timestamp_clock", "monotonic\n");
  const auto capture = Capture::Begin(spec_);
  ASSERT_TRUE(capture) << capture.error().text;
  EXPECT_EQ(tree_.Get("buffer0/in_timestamp_en"), "1");
  EXPECT_EQ((*capture)->layout().timestamp_at, 8u);
  EXPECT_EQ((*capture)->clock(), CLOCK_MONOTONIC);
  tree_.Put("current_timestamp_clock", "sundial\n");
  EXPECT_THAT(ErrorOf(spec_).text, HasSubstr("current_timestamp_clock: 'sundial'"));
}

TEST_F(CaptureTest, TheTriggerIsSetAndLeftAsItWasFound) {
  tree_.AddTrigger(0, "tick");
  tree_.AddTrigger(1, "tock");
  tree_.Put("trigger/current_trigger", "tick\n");
  spec_.trigger = "tock";
  {
    const auto capture = Capture::Begin(spec_);
    ASSERT_TRUE(capture) << capture.error().text;
    EXPECT_EQ(tree_.Get("trigger/current_trigger"), "tock");
  }
  EXPECT_EQ(tree_.Get("trigger/current_trigger"), "tick");
  // And also when it comes to nothing.
  tree_.Put("buffer0/in_voltage0_type", "nonsense\n");
  ErrorOf(spec_);
  EXPECT_EQ(tree_.Get("trigger/current_trigger"), "tick");
}

TEST_F(CaptureTest, ATriggerThatIsNotThereIsToldWithThoseThatAre) {
  // The kernel would take the trigger away, and say nothing.
  tree_.AddTrigger(0, "tick");
  tree_.AddTrigger(12, "mcp3008-dev0");
  tree_.Put("trigger/current_trigger", "tick\n");
  spec_.trigger = "tack";
  const Error error = ErrorOf(spec_);
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_EQ(error.text, "there is no trigger 'tack': this machine has 'tick', 'mcp3008-dev0'");
  EXPECT_EQ(tree_.Get("trigger/current_trigger"), "tick");
}

TEST_F(CaptureTest, AnAttributeThatIsSomethingElseAfterwardsIsTold) {
  tree_.AddTrigger(0, "tock");
  tree_.Put("trigger/current_trigger", "ticker");  // A file keeps what isn't written over.
  spec_.trigger = "tock";
  const Error error = ErrorOf(spec_);
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(error.text, HasSubstr("current_trigger: is 'tocker' after 'tock' was written"));
}

TEST_F(CaptureTest, ADeviceWithoutTriggersTakesNone) {
  spec_.trigger = "tick";
  EXPECT_EQ(ErrorOf(spec_).code, ErrorCode::kUnsupported);
}

TEST_F(CaptureTest, WhoMissesATriggerIsToldWhichThereAre) {
  tree_.AddTrigger(0, "tick");
  tree_.Put("trigger/current_trigger", "\n");
  tree_.Forbid("buffer0/enable", "0");  // The kernel says EINVAL; here it is EPERM.
  EXPECT_THAT(ErrorOf(spec_).text,
              HasSubstr("it has no trigger: set 'trigger' (this machine has 'tick')"));
  tree_.Put("trigger/current_trigger", "tick\n");
  EXPECT_THAT(ErrorOf(spec_).text, ::testing::Not(HasSubstr("it has no trigger")));
}

TEST_F(CaptureTest, AFileThatMayNotBeWrittenIsNamedWithWhatHelps) {
  tree_.Forbid("buffer0/in_voltage0_en", "0");
  const Error error = ErrorOf(spec_);
  EXPECT_EQ(error.code, ErrorCode::kPermission);
  EXPECT_THAT(error.text, AllOf(HasSubstr("buffer0/in_voltage0_en: Operation not permitted"),
                                HasSubstr("90-edgetwin-iio.rules")));
}

TEST_F(CaptureTest, WhatIsRightAlreadyIsNotWritten) {
  tree_.Forbid("buffer0/in_voltage0_en", "1");
  EXPECT_TRUE(Capture::Begin(spec_));
}

TEST_F(CaptureTest, ABufferThatWasLeftOnIsSwitchedOffBeforeItIsChanged) {
  tree_.Put("buffer0/in_voltage1_en", "1\n");
  tree_.Forbid("buffer0/enable", "1");
  EXPECT_THAT(ErrorOf(spec_).text, HasSubstr("buffer0/enable"));
  EXPECT_EQ(tree_.Get("buffer0/in_voltage1_en"), "1") << "the kernel refuses this while it is on";
}

TEST_F(CaptureTest, ALengthThatIsTheDriversOwnIsTakenAsItIs) {
  fs::permissions(tree_.device() + "/buffer0/length", fs::perms::owner_read);
  const auto capture = Capture::Begin(spec_);
  ASSERT_TRUE(capture) << capture.error().text;
  EXPECT_EQ((*capture)->length(), 2u);
  fs::permissions(tree_.device() + "/buffer0/watermark", fs::perms::owner_read);
  spec_.watermark = 2;
  EXPECT_EQ(ErrorOf(spec_).code, ErrorCode::kUnsupported);
}

TEST_F(CaptureTest, AWatermarkIsNotMoreThanTheLengthThatTheKernelMade) {
  fs::permissions(tree_.device() + "/buffer0/length", fs::perms::owner_read);
  spec_.watermark = 9;
  EXPECT_TRUE(Capture::Begin(spec_));
  EXPECT_EQ(tree_.Get("buffer0/watermark"), "2");
}

TEST_F(CaptureTest, ScansThatCanNotBeTakenApartAreRefusedByTheirFile) {
  tree_.Put("buffer0/in_voltage0_type", "le:s16/16X4>>0\n");
  EXPECT_THAT(ErrorOf(spec_).text, HasSubstr("buffer0/in_voltage0_type: 'le:s16/16X4>>0'"));
  tree_.Put("buffer0/in_voltage0_type", "le:s16/16>>0\n");
  for (const char* index : {"-1", "4096", "x", ""}) {
    tree_.Put("buffer0/in_voltage0_index", index);
    EXPECT_THAT(ErrorOf(spec_).text, HasSubstr("buffer0/in_voltage0_index: '")) << index;
  }
  tree_.Put("buffer0/in_voltage0_index", "1\n");
  EXPECT_EQ(ErrorOf(tree_.SpecOf({"voltage0", "voltage1"})).code, ErrorCode::kCorrupt);
  EXPECT_EQ(ErrorOf(tree_.SpecOf({"voltage2"})).code, ErrorCode::kNotFound);
  EXPECT_EQ(tree_.Get("buffer0/enable"), "0");
}

TEST_F(CaptureTest, ADeviceFileThatIsHiddenIsToldWithWhatHelps) {
  tree_.Unplug();
  const Error error = ErrorOf(spec_);
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_THAT(error.text,
              AllOf(HasSubstr("/dev/iio:device0: No such file"), HasSubstr("iio-buffer.conf")));
}

TEST_F(CaptureTest, ADeviceThatEndsIsUnavailable) {
  const auto capture = Capture::Begin(spec_);
  ASSERT_TRUE(capture) << capture.error().text;
  tree_.Unplug();
  EXPECT_EQ(CodeOf((*capture)->Read(bytes_)), ErrorCode::kUnavailable);
}

TEST_F(CaptureTest, HalfAScanIsNone) {
  const auto capture = Capture::Begin(spec_);
  ASSERT_TRUE(capture) << capture.error().text;
  tree_.Measure({1, 0, 2});
  const auto got = (*capture)->Read(bytes_);
  ASSERT_EQ(CodeOf(got), ErrorCode::kCorrupt);
  EXPECT_THAT(got.error().text, HasSubstr("3 bytes, no whole scans of 2"));
}

TEST_F(CaptureTest, ABufferThatSomebodySwitchedOffIsTold) {
  const auto capture = Capture::Begin(spec_);
  ASSERT_TRUE(capture) << capture.error().text;
  tree_.Put("buffer0/enable", "0\n");
  tree_.Measure({1, 0});
  EXPECT_EQ(*(*capture)->Read(bytes_), 1u) << "what there was";
  const auto got = (*capture)->Read(bytes_);
  ASSERT_EQ(CodeOf(got), ErrorCode::kUnavailable);
  EXPECT_THAT(got.error().text, HasSubstr("somebody switched the buffer off"));
}

TEST_F(CaptureTest, KernelsBefore511HaveTheirFilesElsewhere) {
  BufferTree old(BufferTree::Kernel::kBefore511);
  old.AddElement("voltage0", 0, "le:u16/16>>0");
  EXPECT_EQ(FindBuffer(old.device())->attributes, old.device() + "/buffer");
  EXPECT_EQ(FindBuffer(old.device())->elements, old.device() + "/scan_elements");
  EXPECT_EQ(FindBuffer(tree_.device())->elements, tree_.device() + "/buffer0");
  const auto capture = Capture::Begin(old.SpecOf({"voltage0"}));
  ASSERT_TRUE(capture) << capture.error().text;
  EXPECT_EQ(old.Get("buffer/enable"), "1");
  EXPECT_EQ(old.Get("scan_elements/in_voltage0_en"), "1");
  EXPECT_FALSE(FindBuffer(old.root()));
}

// While it lives, this thread is no administrator, who may open what is somebody else's.
class WithoutAdministration {
 public:
  WithoutAdministration() {
    EXPECT_EQ(syscall(SYS_capget, &header_, before_), 0);
    __user_cap_data_struct less[2] = {before_[0], before_[1]};
    less[0].effective &= ~(1u << CAP_SYS_ADMIN);
    EXPECT_EQ(syscall(SYS_capset, &header_, less), 0);
  }
  ~WithoutAdministration() { EXPECT_EQ(syscall(SYS_capset, &header_, before_), 0); }
  WithoutAdministration(const WithoutAdministration&) = delete;
  WithoutAdministration& operator=(const WithoutAdministration&) = delete;

 private:
  __user_cap_header_struct header_{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct before_[2] = {};
};

// A pseudo terminal that somebody opened for himself: like an IIO device that somebody reads, the
// kernel says EBUSY to whoever opens it.
TEST_F(CaptureTest, ADeviceThatSomebodyElseHasIsUnavailable) {
  const driver::testing::Pty pty;
  const int other = open(pty.target().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(other, 0);
  ASSERT_EQ(ioctl(other, TIOCEXCL), 0);
  spec_.node = pty.target();
  {
    const WithoutAdministration less;
    const Error error = ErrorOf(spec_);
    EXPECT_EQ(error.code, ErrorCode::kUnavailable);
    EXPECT_EQ(error.text, pty.target() + ": somebody else captures from it");
  }
  close(other);
  EXPECT_EQ(tree_.Get("buffer0/enable"), "0");
}

}  // namespace
}  // namespace edgetwin::iio
