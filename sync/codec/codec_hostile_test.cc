// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What Decode refuses. Each message is a valid one with one thing wrong, and the refusal must name
// that thing.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/codec/hostile_test_base.h"

namespace edgetwin::sync {
namespace {

using testing::HasSubstr;

v1::Frame PathDelta() {
  v1::Frame frame = StateDelta();
  frame.set_pid(0);
  for (const char* path : {"a/b", "a/c", "a/d"}) frame.add_paths(path);
  return frame;
}

v1::Frame HelloFrame() {
  v1::Frame frame;
  frame.set_session(9);
  v1::Incarnation& one = *frame.mutable_hello()->add_lineage();
  one.set_inc(11);
  one.set_count(100);
  return frame;
}

v1::Frame WelcomeFrame() {
  v1::Frame frame = StateDelta();
  v1::Welcome& welcome = *frame.mutable_welcome();
  welcome.set_frame_bytes_max(1000);
  welcome.set_window_frames_max(1);
  welcome.set_returned_to(3);
  *welcome.add_lineage() = HelloFrame().hello().lineage(0);
  return frame;
}

v1::Frame HelloWithDelta() {
  v1::Frame frame = StateDelta();
  *frame.mutable_hello() = HelloFrame().hello();
  frame.mutable_hello()->set_delta_to(3);
  return frame;
}

v1::Frame NackFrame() {
  v1::Frame frame;
  frame.mutable_nack()->set_reason(v1::Nack::REASON_GAP);
  return frame;
}

v1::Frame DictionaryOf(const char* path) {
  v1::Frame frame;
  frame.mutable_dictionary()->set_first(1);
  frame.mutable_dictionary()->add_entries()->set_path(path);
  return frame;
}

v1::Property& FirstEntry(v1::Frame& frame) {
  return *frame.mutable_dictionary()->mutable_entries(0);
}

TEST(CodecHostileMessagesTest, AreValidBeforeSomethingIsWrong) {
  for (const v1::Frame& frame :
       {StateDelta(), ControlDelta(), PathDelta(), HelloFrame(), HelloWithDelta(), WelcomeFrame(),
        NackFrame(), DictionaryOf("a/b")}) {
    const Result<Frame> decoded = DecodeMessage(frame);
    EXPECT_TRUE(decoded.has_value()) << decoded.error().text;
  }
}

TEST_P(CodecHostileTest, IsRefused) {
  v1::Frame frame = GetParam().valid();
  GetParam().spoil(frame);
  const Result<Frame> decoded = DecodeMessage(frame);
  ASSERT_FALSE(decoded.has_value());
  EXPECT_THAT(decoded.error().text, HasSubstr(GetParam().says));
}

v1::Frame SomeEntry() {
  return DictionaryOf("a/b");
}

const Wrong kWrongRows[] = {
    {"MoreRowsThanSeqs", StateDelta, [](v1::Frame& f) { f.set_to(2); }, "up to seq 2"},
    {"SkipsMoreThanThereAre", StateDelta, [](v1::Frame& f) { f.set_skipped(98); }, "skip 98"},
    {"SkipsAlmostAll64Bits", StateDelta, [](v1::Frame& f) { f.set_skipped(kMax); }, "skip"},
    {"GapsExceedWhatIsSkipped", StateDelta,
     [](v1::Frame& f) {
       f.set_skipped(5);
       for (const int gap : {3, 3, 0}) f.add_seq_gaps(gap);
     },
     "gaps"},
    {"GapsThatWrapAround", StateDelta,
     [](v1::Frame& f) {
       f.set_skipped(5);
       for (const std::uint64_t gap : {std::uint64_t{4}, kMax, std::uint64_t{2}})
         f.add_seq_gaps(gap);
     },
     "gaps"},
    {"TooFewGaps", StateDelta,
     [](v1::Frame& f) {
       f.add_seq_gaps(0);
       f.add_seq_gaps(0);
     },
     "seq_gaps"},
    {"GapRunsWithoutGaps", StateDelta, [](v1::Frame& f) { f.add_seq_runs(1); }, "seq_gaps"},
    {"GapRunsBeyondTheRows", StateDelta,
     [](v1::Frame& f) {
       f.add_seq_gaps(0);
       f.add_seq_gaps(0);
       f.add_seq_runs(3);
     },
     "seq_gaps"},
    {"AnEmptyRunOfGaps", StateDelta,
     [](v1::Frame& f) {
       f.add_seq_gaps(0);
       f.add_seq_gaps(0);
       f.add_seq_runs(0);
     },
     "seq_gaps"},
    {"TooFewPids", StateDelta, [](v1::Frame& f) { f.add_pid_steps(1); }, "pid"},
    {"TooManyPids", StateDelta,
     [](v1::Frame& f) {
       for (int i = 0; i < 3; ++i) f.add_pid_steps(1);
     },
     "pid"},
    {"PidRunsWithoutSteps", StateDelta, [](v1::Frame& f) { f.add_pid_runs(1); }, "pid"},
    {"APidBelow0", StateDelta,
     [](v1::Frame& f) {
       f.add_pid_steps(-6);
       f.add_pid_steps(1);
     },
     "out of range"},
    {"APidAbove32Bits", StateDelta, [](v1::Frame& f) { f.set_pid(~0u); }, "out of range"},
    {"NeitherPidNorPath", StateDelta, [](v1::Frame& f) { f.set_pid(0); }, "neither"},
    {"APathForARowWithAPid", StateDelta, [](v1::Frame& f) { f.add_paths("a/b"); }, "more paths"},
    {"TooFewPaths", PathDelta, [](v1::Frame& f) { f.mutable_paths()->RemoveLast(); }, "neither"},
    {"APathOfOneSegment", PathDelta, [](v1::Frame& f) { f.set_paths(1, "abc"); }, "'abc'"},
    {"APathWithDots", PathDelta, [](v1::Frame& f) { f.set_paths(1, "a/../b"); }, "'.'"},
    {"AnEmptyPath", PathDelta, [](v1::Frame& f) { f.set_paths(1, ""); }, "path ''"},
    {"APathThatIsTooLong", PathDelta,
     [](v1::Frame& f) { f.set_paths(1, "a/" + std::string(model::kPathBytesMax, 'b')); }, "longer"},
    {"APathThatIsNotUtf8", PathDelta, [](v1::Frame& f) { f.set_paths(1, kNotUtf8); }, "not UTF-8"},
    {"AnUnknownSide", StateDelta, [](v1::Frame& f) { f.set_side(static_cast<v1::Side>(6)); },
     "side 6"},
    {"ANegativeSide", StateDelta, [](v1::Frame& f) { f.set_side(static_cast<v1::Side>(-1)); },
     "side -1"},
    {"ASideOfAnotherStream", StateDelta,
     [](v1::Frame& f) { f.add_side_runs(1 << 2 | v1::SIDE_DESIRED); }, "side desired in the state"},
    {"AReportedRowAmongControl", ControlDelta,
     [](v1::Frame& f) { f.set_side_runs(0, 1 << 2 | v1::SIDE_REPORTED); }, "side reported"},
    {"RowsOfTheEventStream", StateDelta, [](v1::Frame& f) { f.set_side(v1::SIDE_NONE_EVENTS); },
     "no rows of the twin"},
    {"SideRunsBeyondTheRows", ControlDelta, [](v1::Frame& f) { f.add_side_runs(2 << 2 | 1); },
     "side"},
    {"AnEmptySideRun", ControlDelta, [](v1::Frame& f) { f.set_side_runs(0, 1); }, "side"},
    {"IncsOfMoreRows", StateDelta,
     [](v1::Frame& f) {
       f.add_incs(1);
       f.add_incs(2);
       f.add_inc_runs(3);
     },
     "incs"},
    {"IncsWithoutRuns", StateDelta,
     [](v1::Frame& f) {
       f.add_incs(1);
       f.add_incs(2);
     },
     "incs"},
    {"IncRunsWithoutIncs", StateDelta, [](v1::Frame& f) { f.add_inc_runs(1); }, "incs"},
    {"TooFewTimes", StateDelta, [](v1::Frame& f) { f.add_time_steps(1); }, "time"},
    {"TimeRunsBeyondTheRows", StateDelta,
     [](v1::Frame& f) {
       f.add_time_steps(1);
       f.add_time_runs(kMax);
     },
     "time"},
    {"UnknownFlags", StateDelta, [](v1::Frame& f) { f.set_flags(8); }, "flags 8"},
    {"FlagRunsBeyondTheRows", StateDelta, [](v1::Frame& f) { f.add_flag_runs(4 << 3); }, "flags"},
};

const Wrong kWrongValues[] = {
    {"AnUnknownShape", StateDelta, [](v1::Frame& f) { f.set_shape(static_cast<v1::Shape>(16)); },
     "shape 16"},
    {"ANegativeShape", StateDelta, [](v1::Frame& f) { f.set_shape(static_cast<v1::Shape>(-1)); },
     "shape"},
    {"AnEmptyShapeRun", StateDelta, [](v1::Frame& f) { f.add_shape_runs(v1::SHAPE_NONE); },
     "empty"},
    {"ShapesOfTooManyRows", StateDelta,
     [](v1::Frame& f) { f.add_shape_runs((kFrameRowsMax - 2) << 4 | v1::SHAPE_NONE); }, "20000"},
    {"ShapesOf2To60Rows", StateDelta,
     [](v1::Frame& f) { f.add_shape_runs(kMax - 15 + v1::SHAPE_NONE); }, "20000"},
    {"TooManyValues", StateDelta,
     [](v1::Frame& f) {
       f.set_to(kMax);
       for (std::size_t i = 0; i < kFrameRowsMax; ++i) f.add_numbers(1);
     },
     "20000"},
    {"TooFewNumbers", StateDelta, [](v1::Frame& f) { f.add_shape_runs(4 << 4 | v1::SHAPE_INT); },
     "do not fit"},
    {"RealsThatNoRowTakes", StateDelta, [](v1::Frame& f) { f.add_reals(1); }, "do not fit"},
    {"TextsThatNoRowTakes", StateDelta, [](v1::Frame& f) { f.add_texts("x"); }, "do not fit"},
    {"NumbersThatNoRowTakes", StateDelta, [](v1::Frame& f) { f.set_shape(v1::SHAPE_NONE); },
     "do not fit"},
    {"ABoolOf2", StateDelta, [](v1::Frame& f) { f.set_shape(v1::SHAPE_BOOL); }, "2 is not a bool"},
    {"AScaledDoubleBeyond53Bits", StateDelta,
     [](v1::Frame& f) { f.set_numbers(0, std::int64_t{1} << 53); }, "too large"},
    {"AStringThatIsNotUtf8", ControlDelta, [](v1::Frame& f) { f.set_texts(1, kNotUtf8); },
     "not UTF-8"},
    {"AStringThatIsTooLong", ControlDelta,
     [](v1::Frame& f) { f.set_texts(1, std::string(model::kValueBytesMax + 1, 'x')); }, "longer"},
    {"BytesThatAreTooLong", ControlDelta,
     [](v1::Frame& f) {
       f.set_shape(v1::SHAPE_BYTES);
       f.set_texts(1, std::string(model::kValueBytesMax + 1, 'x'));
     },
     "longer"},
};

const Wrong kWrongControl[] = {
    {"RefersOfMoreStatuses", ControlDelta, [](v1::Frame& f) { f.add_refer_steps(1); }, "refer"},
    {"AnUnknownState", ControlDelta, [](v1::Frame& f) { f.set_state(static_cast<v1::State>(8)); },
     "state 8"},
    {"StatesOfMoreStatuses", ControlDelta, [](v1::Frame& f) { f.add_state_runs(2 << 3); }, "state"},
    {"ReferIncsOfMoreStatuses", ControlDelta,
     [](v1::Frame& f) {
       f.add_refer_incs(1);
       f.add_refer_incs(2);
       f.add_refer_inc_runs(1);
     },
     "refer_incs"},
    {"ReferIncsWithoutAStatus", ControlDelta,
     [](v1::Frame& f) {
       f.set_side_runs(1, 1 << 2 | v1::SIDE_DESIRED);
       f.add_refer_incs(1);
     },
     "refer_incs"},
    {"NotesOfMoreRows", ControlDelta,
     [](v1::Frame& f) {
       f.add_notes("x");
       f.add_note_runs(3);
     },
     "notes"},
    {"ANoteThatIsTooLong", ControlDelta,
     [](v1::Frame& f) { f.set_notes(0, std::string(model::kNoteBytesMax + 1, 'x')); }, "longer"},
    {"ANoteThatIsNotUtf8", ControlDelta, [](v1::Frame& f) { f.set_notes(0, kNotUtf8); },
     "not UTF-8"},
    {"UntilsOfMoreRows", ControlDelta,
     [](v1::Frame& f) {
       f.add_untils(1);
       f.add_until_runs(2);
     },
     "untils"},
};

const Wrong kWrongOthers[] = {
    {"NoKindAtAll", StateDelta, [](v1::Frame& f) { f.clear_to(); }, "no known kind"},
    {"AHelloWithoutSession", HelloFrame, [](v1::Frame& f) { f.clear_session(); }, "session"},
    {"AHelloWithoutLineage", HelloFrame, [](v1::Frame& f) { f.mutable_hello()->clear_lineage(); },
     "lineage"},
    {"ALineageThatIsTooLong", HelloFrame,
     [](v1::Frame& f) {
       for (std::size_t i = 0; i < model::kLineageMax; ++i) {
         f.mutable_hello()->add_lineage()->set_inc(100 + i);
       }
     },
     "65"},
    {"AnIncarnationOf0", HelloFrame,
     [](v1::Frame& f) { f.mutable_hello()->mutable_lineage(0)->set_inc(0); }, "of 0"},
    {"AnIncarnationTwice", HelloFrame,
     [](v1::Frame& f) { *f.mutable_hello()->add_lineage() = f.hello().lineage(0); }, "twice"},
    {"ALineageBeyondTheLastSeq", HelloFrame,
     [](v1::Frame& f) {
       f.mutable_hello()->mutable_lineage(0)->set_count(kMax);
       f.mutable_hello()->add_lineage()->set_inc(12);
     },
     "begins beyond"},
    {"AnIncarnationThatWrapsAround", HelloFrame,
     [](v1::Frame& f) {
       f.mutable_hello()->mutable_lineage(0)->set_skipped(1);
       f.mutable_hello()->mutable_lineage(0)->set_count(kMax);
     },
     "ends beyond"},
    {"SoftwareThatIsTooLong", HelloFrame,
     [](v1::Frame& f) {
       f.mutable_hello()->set_software(std::string(model::kNoteBytesMax + 1, 'x'));
     },
     "longer"},
    {"SoftwareThatIsNotUtf8", HelloFrame,
     [](v1::Frame& f) { f.mutable_hello()->set_software(kNotUtf8); }, "not UTF-8"},
    {"AWelcomeThatAllowsNoFrames", WelcomeFrame,
     [](v1::Frame& f) { f.mutable_welcome()->clear_window_frames_max(); }, "allows no frames"},
    {"AWelcomeWithoutLineage", WelcomeFrame,
     [](v1::Frame& f) { f.mutable_welcome()->clear_lineage(); }, "lineage"},
    {"AWelcomeThatReturnsDesiredRows", WelcomeFrame,
     [](v1::Frame& f) { f.set_side(v1::SIDE_DESIRED); }, "desired among what the device wrote"},
    {"AWelcomeThatReturnsRowsOfNoSide", WelcomeFrame,
     [](v1::Frame& f) { f.set_side(v1::SIDE_NONE_EVENTS); }, "side 4"},
    {"ANoteForAReturnedReportedRow", WelcomeFrame, [](v1::Frame& f) { f.add_notes("x"); }, "notes"},
    {"ALadderThatIsTooLong", WelcomeFrame,
     [](v1::Frame& f) {
       for (std::size_t i = 0; i <= kLadderMax; ++i) {
         f.mutable_welcome()->add_ladder()->set_n(static_cast<std::uint32_t>(i));
       }
     },
     "41"},
    {"ALadderThatDoesNotAscend", WelcomeFrame,
     [](v1::Frame& f) {
       for (const unsigned n : {3, 3}) f.mutable_welcome()->add_ladder()->set_n(n);
     },
     "ascend"},
    {"HardwareThatIsTooLong", HelloFrame,
     [](v1::Frame& f) {
       f.mutable_hello()->set_hardware(std::string(model::kNoteBytesMax + 1, 'x'));
     },
     "longer"},
    {"HardwareThatIsNotUtf8", HelloFrame,
     [](v1::Frame& f) { f.mutable_hello()->set_hardware(kNotUtf8); }, "not UTF-8"},
    {"AHelloWithRowsBeforeTheFirstSeq", HelloWithDelta,
     [](v1::Frame& f) { f.mutable_hello()->set_delta_to(2); }, "up to seq 2"},
    {"AHelloWithRowsOfAnotherStream", HelloWithDelta,
     [](v1::Frame& f) { f.set_side(v1::SIDE_STATUS); }, "side"},
    {"AnAddressThatIsTooLong", HelloFrame,
     [](v1::Frame& f) { f.mutable_hello()->set_address("123456789"); }, "address"},
    {"AnAddressThatIsATopic", HelloFrame,
     [](v1::Frame& f) { f.mutable_hello()->set_address("a/#"); }, "address"},
    {"AWelcomeThatReturnsRowsOfNoSeq", WelcomeFrame,
     [](v1::Frame& f) { f.mutable_welcome()->clear_returned_to(); }, "up to seq 0"},
    {"ANackWithoutReason", NackFrame, [](v1::Frame& f) { f.mutable_nack()->clear_reason(); },
     "reason 0"},
    {"ANackOfAnUnknownReason", NackFrame,
     [](v1::Frame& f) { f.mutable_nack()->set_reason(static_cast<v1::Nack::Reason>(9)); },
     "reason 9"},
    {"ANackOfAnUnknownStream", NackFrame,
     [](v1::Frame& f) {
       f.mutable_nack()->mutable_refused()->set_stream(static_cast<v1::Stream>(4));
     },
     "stream 4"},
    {"ANackOfADeltaThatEndsTooEarly", NackFrame,
     [](v1::Frame& f) { f.mutable_nack()->mutable_refused()->set_from(1); }, "before it begins"},
    {"ANackThatNamesTooMany", NackFrame,
     [](v1::Frame& f) {
       v1::Nack& nack = *f.mutable_nack();
       nack.mutable_refused()->set_to(100);
       for (std::size_t i = 0; i <= kRefusedEntriesMax; ++i) nack.add_entries(1);
     },
     "65 refused entries"},
    {"ANackThatNamesAnEntryTwice", NackFrame,
     [](v1::Frame& f) {
       f.mutable_nack()->mutable_refused()->set_to(2);
       f.mutable_nack()->add_entries(0);
     },
     "outside of its delta"},
    {"ANackThatNamesWhatItsDeltaDoesNotHave", NackFrame,
     [](v1::Frame& f) {
       f.mutable_nack()->mutable_refused()->set_from(5);
       f.mutable_nack()->mutable_refused()->set_to(7);
       f.mutable_nack()->add_entries(2);
       f.mutable_nack()->add_entries(~std::uint64_t{0});
     },
     "outside of its delta"},
    {"ANackThatNamesEntriesOfNoDelta", NackFrame,
     [](v1::Frame& f) { f.mutable_nack()->add_entries(1); }, "outside of its delta"},
    {"ANackThatIsNotUtf8", NackFrame, [](v1::Frame& f) { f.mutable_nack()->set_text(kNotUtf8); },
     "not UTF-8"},
    {"ADictionaryFromPid0", SomeEntry, [](v1::Frame& f) { f.mutable_dictionary()->clear_first(); },
     "pid 0"},
    {"ADictionaryBeyond32Bits", SomeEntry,
     [](v1::Frame& f) { f.mutable_dictionary()->set_first(~0u); }, "begin at pid"},
    {"TooManyEntries", SomeEntry,
     [](v1::Frame& f) {
       for (std::size_t i = 0; i < kFrameEntriesMax; ++i) f.mutable_dictionary()->add_entries();
     },
     "5001"},
    {"AnEntryThatWithdrawsItself", SomeEntry, [](v1::Frame& f) { FirstEntry(f).set_withdraws(1); },
     "withdraw 1"},
    {"AnEntryThatWithdrawsAndDefines", SomeEntry,
     [](v1::Frame& f) {
       f.mutable_dictionary()->set_first(2);
       FirstEntry(f).set_withdraws(1);
     },
     "has a path"},
    {"AnEntryOfAWrongPath", [] { return DictionaryOf("nothing"); }, [](v1::Frame&) {}, "'nothing'"},
    {"AnEntryOfAnUnknownType", SomeEntry,
     [](v1::Frame& f) { FirstEntry(f).set_type(static_cast<v1::Property::Type>(6)); }, "type 6"},
    {"AnEntryOfANegativeType", SomeEntry,
     [](v1::Frame& f) { FirstEntry(f).set_type(static_cast<v1::Property::Type>(-1)); }, "type -1"},
    {"AnEntryOfTooManyDecimals", SomeEntry,
     [](v1::Frame& f) { FirstEntry(f).set_decimals(0xffffffff); }, "decimals 10"},
    {"AStringWithDecimals", SomeEntry,
     [](v1::Frame& f) {
       FirstEntry(f).set_type(v1::Property::TYPE_STRING);
       FirstEntry(f).set_decimals(2);
     },
     "decimals are for doubles"},
    {"AMinAboveItsMax", SomeEntry,
     [](v1::Frame& f) {
       FirstEntry(f).set_min(2);
       FirstEntry(f).set_max(1);
     },
     "above max"},
    {"AUnitThatIsNotUtf8", SomeEntry, [](v1::Frame& f) { FirstEntry(f).set_unit(kNotUtf8); },
     "not UTF-8"},
};

INSTANTIATE_TEST_SUITE_P(Rows, CodecHostileTest, testing::ValuesIn(kWrongRows), NameOf);
INSTANTIATE_TEST_SUITE_P(Values, CodecHostileTest, testing::ValuesIn(kWrongValues), NameOf);
INSTANTIATE_TEST_SUITE_P(Control, CodecHostileTest, testing::ValuesIn(kWrongControl), NameOf);
INSTANTIATE_TEST_SUITE_P(Others, CodecHostileTest, testing::ValuesIn(kWrongOthers), NameOf);

TEST(CodecSizeTest, AFrameThatIsTooLargeIsNotParsed) {
  const std::vector<std::byte> bytes(kFrameBytesMax + 1);
  const Result<Frame> decoded = Decode(bytes);
  ASSERT_FALSE(decoded.has_value());
  EXPECT_EQ(decoded.error().code, ErrorCode::kExhausted);
}

TEST(CodecSizeTest, BytesThatAreNoFrameAreRefused) {
  for (const std::string_view text :
       {std::string_view(), std::string_view("\x0a"),
        std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
        std::string_view("{\"json\": true}")}) {
    EXPECT_FALSE(Decode(std::as_bytes(std::span(text))).has_value()) << text;
  }
}

}  // namespace
}  // namespace edgetwin::sync
