// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The driver, libgpiod and the kernel on a real chip: the PL061 of qemu's machine "virt", in which
// `tests/rig/kernel arm64` runs this. Elsewhere nothing is touched.

#include <gmock/gmock.h>
#include <gpiod.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <utility>

#include "drivers/gpio/gpio_driver.h"
#include "drivers/gpio/gpio_kernel_test_wires.h"
#include "drivers/gpio/libgpiod_lines.h"
#include "drivers/sdk/conformance/conformance.h"
#include "drivers/sdk/testing/code_of.h"
#include "drivers/sdk/testing/options.h"
#include "drivers/sdk/testing/recording_sink.h"
#include "twin/base/event_loop.h"

namespace edgetwin::gpio {
namespace {

using driver::testing::CodeOf;
using model::Value;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Another program that has a line.
class Somebody {
 public:
  explicit Somebody(unsigned line)
      : chip_(gpiod_chip_open_by_label(kRigChip)), line_(gpiod_chip_get_line(chip_, line)) {}
  ~Somebody() { gpiod_chip_close(chip_); }  // Which gives the line back.
  Somebody(const Somebody&) = delete;
  Somebody& operator=(const Somebody&) = delete;

  gpiod_line* line() const { return line_; }

 private:
  gpiod_chip* const chip_;
  gpiod_line* const line_;
};

// Takes the chip from its kernel driver, or gives it back.
void Bind(bool bound) {
  std::ofstream file(std::string("/sys/bus/amba/drivers/pl061_gpio/") +
                     (bound ? "bind" : "unbind"));
  file << kRigChip << std::flush;
  ASSERT_TRUE(file.good());
}

// Its number may be another after each Bind: the kernel keeps that of a chip whose lines were held.
std::string ChipName() {
  gpiod_chip* const chip = gpiod_chip_open_by_label(kRigChip);
  std::string name = gpiod_chip_name(chip);
  gpiod_chip_close(chip);
  return name;
}

std::size_t Descriptors() {
  return static_cast<std::size_t>(std::distance(
      std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator()));
}

class GpioKernelTest : public ::testing::Test {
 protected:
  // Nobody may lose a line to us: a machine whose power button is on the chip is somebody's.
  void SetUp() override {
    const auto chips = ListChips();
    if (!chips || std::ranges::none_of(*chips, [](const ChipInfo& chip) {
          return chip.label == kRigChip && chip.lines == kRigChipLines && chip.used == 0;
        })) {
      GTEST_SKIP() << "there is no chip " << kRigChip << " that nobody uses";
    }
    if (!wires_.Reach()) GTEST_SKIP() << "the chip's registers can't be had";
    for (unsigned line = 0; line < kRigChipLines; ++line) {
      MakeInput(line);
      wires_.Move(line, false);
    }
  }
  ~GpioKernelTest() override { Stop(); }

  static void MakeInput(unsigned line) {
    const Somebody somebody(line);
    ASSERT_EQ(gpiod_line_request_input(somebody.line(), "reset"), 0);
  }

  // `lines`: what stands in a table each.
  void Start(const std::vector<std::string>& lines, const std::string& period = "24h") {
    std::string text =
        std::string("thing = \"p\"\nchip = \"") + kRigChip + "\"\nperiod = \"" + period + "\"\n";
    for (const std::string& line : lines) text += "[[line]]\n" + line;
    const auto options = driver::testing::ParseOptions(text);
    ASSERT_TRUE(options) << options.error().text;
    ConfigProblems problems;
    ConfigReader config(*options, "drivers.panel", problems);
    ASSERT_TRUE(driver_->Init(config)) << problems.ToString();
    ASSERT_TRUE(driver_->Start(loop_, sink_));
    running_ = true;
  }
  void Stop() {
    if (!std::exchange(running_, false)) return;
    driver_->Stop();
    sink_.Revoke();
  }

  bool Until(const std::function<bool()>& holds) {
    const MonoTime end = clock_.Now() + driver::testing::kPatience;
    while (!holds() && clock_.Now() < end) loop_.RunFor(milliseconds(5));
    return holds();
  }
  bool Has(const std::string& path, const Value& value) {
    return Until([&] {
      return sink_.Last(path).value == value && sink_.Last(path).quality == model::Quality::kGood;
    });
  }
  bool IsBad(const std::string& path) {
    return Until([&] { return sink_.Last(path).quality == model::Quality::kBad; });
  }
  // What came of it: "true", or "unavailable: …".
  std::string Write(const std::string& path, bool level) {
    return Outcome([&](driver::WriteDone done) {
      return driver_->Write(sink_.IdOf(path), Value(level), std::move(done));
    });
  }
  std::string Read(const std::string& path) {
    return Outcome(
        [&](driver::ReadDone done) { return driver_->Read(sink_.IdOf(path), std::move(done)); });
  }
  std::uint64_t Hits(std::string_view name) {
    const auto limits = driver_->limits();
    return std::ranges::find(limits, name, &LimitReport::name)->hits;
  }

  std::string Outcome(const std::function<Status(driver::ReadDone)>& call) {
    std::optional<Result<Value>> result;
    const Status begun = call([&](Result<Value> got) { result = std::move(got); });
    if (!begun) return Text(begun.error());
    if (!Until([&] { return result.has_value(); })) return "none";
    return *result ? ToJson(**result) : Text(result->error());
  }
  static std::string Text(const Error& error) {
    return std::string(ToString(error.code)) + ": " + error.text;
  }

  Wires wires_;
  SystemClock clock_;
  EventLoop loop_{clock_};
  driver::testing::RecordingSink sink_{clock_};
  std::unique_ptr<driver::Driver> driver_ = GpioKind().make();
  bool running_ = false;
};

Value Int(std::int64_t value) {
  return Value(value);
}

constexpr const char* kDoor = "name = \"door\"\noffset = 0\n";
constexpr const char* kPulses = "name = \"pulses\"\noffset = 1\nmode = \"counter\"\n";
constexpr const char* kPump = "name = \"pump\"\noffset = 2\nmode = \"output\"\n";

TEST_F(GpioKernelTest, AScanListsTheChipWithItsFreeLines) {
  const auto scan = [] {
    const auto options = driver::testing::ParseOptions("");
    ConfigProblems problems;
    ConfigReader config(*options, "scan", problems);
    return GpioKind().scan(config, [](const std::string&) { return true; });
  };
  auto found = scan();
  ASSERT_TRUE(found) << found.error().text;
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->at(0).device, kRigChip);
  EXPECT_EQ(found->at(0).what, ChipName() + ", 8 lines, 0 in use");
  EXPECT_THAT(found->at(0).config, HasSubstr("chip = \"9030000.pl061\""));
  const Somebody somebody(5);
  ASSERT_EQ(gpiod_line_request_input(somebody.line(), "somebody"), 0);
  found = scan();
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(found->at(0).what, ChipName() + ", 8 lines, 1 in use");
}

TEST_F(GpioKernelTest, AnInputFollowsItsWireByEdges) {
  wires_.Move(0, true);
  // The chip has no pull-ups, which is no reason to refuse the line.
  Start({kDoor, "name = \"closed\"\noffset = 3\nactive_low = true\nbias = \"pull_up\"\n"});
  EXPECT_TRUE(Has("p/door", Value(true)));
  EXPECT_TRUE(Has("p/closed", Value(true)));
  wires_.Move(0, false);
  wires_.Move(3, true);
  EXPECT_TRUE(Has("p/door", Value(false)));
  EXPECT_TRUE(Has("p/closed", Value(false)));
  // A pulse that is over when we look is told as well.
  const std::size_t before = sink_.Samples("p/door").size();
  wires_.Move(0, true);
  wires_.Move(0, false);
  EXPECT_TRUE(Until([&] { return sink_.Samples("p/door").size() >= before + 2; }));
  EXPECT_EQ(sink_.Samples("p/door").at(before).value, Value(true));
  EXPECT_TRUE(Has("p/door", Value(false)));
  EXPECT_EQ(Hits("missed_edges"), 0U);
}

TEST_F(GpioKernelTest, ALineIsReadWhenAsked) {
  Start({kDoor});
  ASSERT_TRUE(Has("p/door", Value(false)));
  wires_.Move(0, true);
  EXPECT_EQ(Read("p/door"), "true");
}

TEST_F(GpioKernelTest, AGlitchIsDebouncedByTheKernelsTime) {
  Start({std::string(kDoor) + "debounce = \"200ms\"\n"});
  ASSERT_TRUE(Has("p/door", Value(false)));
  const std::size_t before = sink_.Samples("p/door").size();
  wires_.Move(0, true);
  wires_.Move(0, false);
  wires_.Move(0, true);
  EXPECT_TRUE(Has("p/door", Value(true)));
  EXPECT_EQ(sink_.Samples("p/door").size(), before + 1);
  EXPECT_EQ(Hits("missed_edges"), 0U);
}

TEST_F(GpioKernelTest, EdgesAreCountedByTheirKind) {
  Start({kPulses, "name = \"falls\"\noffset = 3\nmode = \"counter\"\nedge = \"falling\"\n",
         "name = \"both\"\noffset = 4\nmode = \"counter\"\nedge = \"both\"\n"},
        "100ms");
  ASSERT_TRUE(Has("p/pulses", Int(0)) && Has("p/falls", Int(0)) && Has("p/both", Int(0)));
  for (int i = 0; i < 5; ++i) {
    for (const unsigned line : {1U, 3U, 4U}) wires_.Move(line, true);
    loop_.RunFor(milliseconds(1));
    for (const unsigned line : {1U, 3U, 4U}) wires_.Move(line, i == 4);
  }
  EXPECT_TRUE(Has("p/pulses", Int(5)));
  EXPECT_TRUE(Has("p/falls", Int(4)));
  EXPECT_TRUE(Has("p/both", Int(9)));
}

// The chip keeps one, and tells it when somebody listens.
TEST_F(GpioKernelTest, AnEdgeFromBeforeIsNotOurs) {
  for (const unsigned line : {0U, 1U}) {
    wires_.Move(line, true);
    wires_.Move(line, false);
  }
  Start({kDoor, kPulses});
  ASSERT_TRUE(Has("p/door", Value(false)) && Has("p/pulses", Int(0)));
  for (const unsigned line : {0U, 1U}) wires_.Move(line, true);
  EXPECT_EQ(Read("p/pulses"), "1");
  EXPECT_EQ(Read("p/door"), "true");
  EXPECT_EQ(Hits("missed_edges"), 0U);
}

TEST_F(GpioKernelTest, WhatTheKernelsQueueCantKeepIsTold) {
  Start({kPulses, kDoor}, "100ms");
  ASSERT_TRUE(Has("p/pulses", Int(0)) && Has("p/door", Value(false)));
  for (int i = 0; i < 17; ++i) {
    wires_.Move(1, true);
    wires_.Move(1, false);
    wires_.Move(0, i % 2 == 0);
  }
  EXPECT_TRUE(Has("p/pulses", Int(16)));
  EXPECT_GE(Hits("edge_queue"), 2U);
  // The last edge was lost, not the level.
  EXPECT_TRUE(Has("p/door", Value(true)));
}

TEST_F(GpioKernelTest, AnOutputIsSetReadBackAndLeftAtItsSafeLevel) {
  Start({std::string(kPump) + "safe = false\n",
         "name = \"valve\"\noffset = 3\nmode = \"output\"\nactive_low = true\nsafe = true\n"});
  ASSERT_TRUE(Has("p/pump", Value(false)));
  ASSERT_TRUE(Has("p/valve", Value(true)));
  EXPECT_TRUE(wires_.IsOutput(2));
  EXPECT_FALSE(wires_.Level(2));
  EXPECT_FALSE(wires_.Level(3));
  EXPECT_EQ(Write("p/pump", true), "true");
  EXPECT_TRUE(wires_.Level(2));
  EXPECT_EQ(Write("p/valve", false), "false");
  EXPECT_TRUE(wires_.Level(3));
  EXPECT_EQ(gpiod_line_consumer(Somebody(2).line()), std::string("edgetwin:pump"));
  Stop();
  EXPECT_TRUE(wires_.IsOutput(2));
  EXPECT_FALSE(wires_.Level(2));
  EXPECT_FALSE(wires_.Level(3));
  EXPECT_FALSE(gpiod_line_is_used(Somebody(2).line()));
}

TEST_F(GpioKernelTest, AnOutputThatIsOneAlreadyKeepsItsLevel) {
  {
    const Somebody somebody(2);
    ASSERT_EQ(gpiod_line_request_output(somebody.line(), "somebody", 1), 0);
  }
  Start({std::string(kPump) + "safe = false\n", "name = \"new\"\noffset = 3\nmode = \"output\"\n"});
  EXPECT_TRUE(Has("p/pump", Value(true)));
  EXPECT_TRUE(wires_.Level(2));
  EXPECT_TRUE(Has("p/new", Value(false)));
  // Without a safe level it stays as it is, when we go, too.
  EXPECT_EQ(Write("p/new", true), "true");
  Stop();
  EXPECT_TRUE(wires_.Level(3));
}

TEST_F(GpioKernelTest, AnOpenDrainOutputIsWhatItsWireIs) {
  Start({std::string(kPump) + "drive = \"open_drain\"\n"}, "100ms");
  ASSERT_TRUE(Has("p/pump", Value(false)));
  // Nobody pulls it up.
  EXPECT_EQ(Write("p/pump", true), "false");
  EXPECT_FALSE(wires_.IsOutput(2));
  wires_.Move(2, true);
  EXPECT_TRUE(Has("p/pump", Value(true)));
  EXPECT_EQ(Write("p/pump", false), "false");
  EXPECT_TRUE(wires_.IsOutput(2));
}

TEST_F(GpioKernelTest, ALineOfSomebodyElseIsToldAndHadOnceItIsFree) {
  std::optional<Somebody> somebody(0);
  ASSERT_EQ(gpiod_line_request_input(somebody->line(), "somebody"), 0);
  Start({kDoor, kPump});
  EXPECT_TRUE(IsBad("p/door"));
  EXPECT_TRUE(Has("p/pump", Value(false)));
  const auto parts = driver_->parts();
  EXPECT_EQ(parts.at(0).state, "failing");
  EXPECT_EQ(parts.at(0).last_error, "line 0 of 9030000.pl061 is used by 'somebody'");
  EXPECT_EQ(parts.at(1).state, "ok");
  somebody.reset();
  EXPECT_TRUE(Has("p/door", Value(false)));
  wires_.Move(0, true);
  EXPECT_TRUE(Has("p/door", Value(true)));
}

TEST_F(GpioKernelTest, ALineThatTheChipHasNotIsUnavailable) {
  LineSpec spec;
  spec.chip = ChipName();
  spec.offset = kRigChipLines;
  const auto line = LibgpiodLines().Request(spec);
  EXPECT_EQ(CodeOf(line), ErrorCode::kUnavailable);
  EXPECT_EQ(line.error().text, "there is no line 8 of " + ChipName());
}

TEST_F(GpioKernelTest, AChipThatIsUnpluggedComesBackWithItsEdges) {
  const std::size_t without = Descriptors();
  Start({kDoor, kPulses, kPump}, "100ms");
  ASSERT_TRUE(Has("p/door", Value(false)) && Has("p/pump", Value(false)));
  wires_.Move(1, true);
  ASSERT_TRUE(Has("p/pulses", Int(1)));
  wires_.Move(1, false);
  const std::size_t with = Descriptors();
  for (int i = 0; i < 3; ++i) {
    Bind(false);
    EXPECT_TRUE(IsBad("p/door") && IsBad("p/pulses") && IsBad("p/pump"));
    EXPECT_EQ(Descriptors(), without);
    EXPECT_THAT(Write("p/pump", true), StartsWith("unavailable: "));
    Bind(true);
    EXPECT_TRUE(Has("p/door", Value(false)) && Has("p/pump", Value(false)));
    EXPECT_TRUE(Has("p/pulses", Int(1 + i)));
    EXPECT_EQ(Descriptors(), with);
    wires_.Move(0, true);
    EXPECT_TRUE(Has("p/door", Value(true)));
    wires_.Move(0, false);
    EXPECT_TRUE(Has("p/door", Value(false)));
    wires_.Move(1, true);
    EXPECT_TRUE(Has("p/pulses", Int(2 + i)));
    wires_.Move(1, false);
  }
}

TEST_F(GpioKernelTest, AWriteToAChipThatIsGoneFailsAndTheNextOneDoesNot) {
  Start({kPump});
  ASSERT_TRUE(Has("p/pump", Value(false)));
  Bind(false);
  EXPECT_EQ(Write("p/pump", true), "unavailable: line 2 of 9030000.pl061: No such device");
  EXPECT_TRUE(IsBad("p/pump"));
  Bind(true);
  EXPECT_TRUE(Has("p/pump", Value(false)));
  EXPECT_EQ(Write("p/pump", true), "true");
  EXPECT_TRUE(wires_.Level(2));
}

TEST_F(GpioKernelTest, AChipThatIsGoneWhenTheDriverStopsIsNoHarm) {
  const std::size_t descriptors = Descriptors();
  Start({kDoor, std::string(kPump) + "safe = true\n"});
  ASSERT_TRUE(Has("p/door", Value(false)) && Has("p/pump", Value(true)));
  Bind(false);
  Stop();
  EXPECT_EQ(Descriptors(), descriptors);
  Bind(true);
}

// The conformance suite, test by test. It doesn't hang: a line is read by one call to the kernel,
// which ends by itself.
class PanelBench final : public driver::testing::Bench {
 public:
  std::string options() const override {
    return std::string("chip = \"") + kRigChip + "\"\nperiod = \"100ms\"\n[[line]]\n" + kDoor +
           "debounce = \"5ms\"\n[[line]]\n" + kPulses + "[[line]]\n" + kPump + "safe = false\n";
  }
  std::vector<std::string> mistakes() const override { return {"period = \"1ms\"", "chip = 1"}; }
  std::vector<std::string> paths() const override {
    return {"conformance/door", "conformance/pulses", "conformance/pump"};
  }
  bool Unplug() override {
    Bind(false);
    return true;
  }
  void Replug() override { Bind(true); }
  std::optional<Writing> writing() const override {
    return Writing{"conformance/pump", Value(true), {}};
  }
};

class GpioKernelConformance : public GpioKernelTest {
 protected:
  const driver::testing::Subject subject_{GpioKind(),
                                          [] { return std::make_unique<PanelBench>(); }};
};

TEST_F(GpioKernelConformance, InitDoesNoIo) {
  CheckInitDoesNoIo(subject_);
}
TEST_F(GpioKernelConformance, MistakesAreReported) {
  CheckMistakesAreReported(subject_);
}
TEST_F(GpioKernelConformance, TheDeviceIsRead) {
  CheckTheDeviceIsRead(subject_);
}
TEST_F(GpioKernelConformance, StopIsFinal) {
  CheckStopIsFinal(subject_);
}
TEST_F(GpioKernelConformance, UnplugAndReplug) {
  CheckUnplugAndReplug(subject_);
}
TEST_F(GpioKernelConformance, WritesReportTheirOutcome) {
  CheckWritesReportTheirOutcome(subject_);
}

}  // namespace
}  // namespace edgetwin::gpio
