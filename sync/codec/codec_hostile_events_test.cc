// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What Decode refuses of events, commands, scope-ins and healing. The test itself is in
// codec_hostile_test.cc.

#include "sync/codec/hostile_test_base.h"

namespace edgetwin::sync {
namespace {

// Events 97 and 99 of (96, 100].
v1::Frame EventDelta() {
  v1::Frame frame;
  frame.set_session(9);
  frame.set_side(v1::SIDE_NONE_EVENTS);
  frame.set_to(100);
  frame.set_skipped(2);
  frame.add_events()->set_kind("started");
  v1::Event& second = *frame.add_events();
  second.set_skipped(1);
  second.set_kind("alarm_raised");
  second.mutable_value()->set_text("high");
  second.set_text("level is high");
  return frame;
}

// Rows 98, 99, 100 as in ControlDelta, after the commands 95 and 97 of (94, 100].
v1::Frame CommandDelta() {
  v1::Frame frame = ControlDelta();
  frame.set_skipped(1);
  for (std::uint64_t i = 0; i < 2; ++i) {
    v1::Command& command = *frame.add_commands();
    command.set_skipped(i);
    command.set_id(40 + i);
    command.set_name("write");
    command.set_path("a/b");
    command.mutable_value()->set_bytes("x");
    command.set_who("somebody");
  }
  return frame;
}

// Desired rows 98, 99, 100.
v1::Frame ScopeInDelta() {
  v1::Frame frame = StateDelta();
  frame.set_side(v1::SIDE_DESIRED);
  frame.mutable_scope_in()->set_version(2);
  frame.mutable_scope_in()->set_part(1);
  return frame;
}

// Desired rows 7, 8, 6.
v1::Frame OfferFrame() {
  v1::Frame frame = StateDelta();
  frame.set_side(v1::SIDE_DESIRED);
  frame.mutable_offer();
  for (const int step : {7, 1, -2}) frame.add_seq_steps(step);
  return frame;
}

v1::Frame HealAskFrame() {
  v1::Frame frame;
  frame.mutable_heal_ask()->set_cells(kHealCellsMax);
  frame.mutable_heal_ask()->add_desired(1);
  return frame;
}

v1::Frame HealAnswerFrame() {
  v1::Frame frame = OfferFrame();
  frame.mutable_heal_answer()->set_cells("0123456789");
  return frame;
}

v1::Frame InterestMessage() {
  v1::Frame frame;
  frame.mutable_interest()->add_patterns("plant/**");
  return frame;
}

TEST(CodecHostileMessagesTest, OfEventsAndHealingAreValidBeforeSomethingIsWrong) {
  for (const v1::Frame& frame : {EventDelta(), CommandDelta(), ScopeInDelta(), OfferFrame(),
                                 HealAskFrame(), HealAnswerFrame(), InterestMessage()}) {
    const Result<Frame> decoded = DecodeMessage(frame);
    EXPECT_TRUE(decoded.has_value()) << decoded.error().text;
  }
}

const Wrong kWrongEvents[] = {
    {"MoreEventsThanSeqs", EventDelta, [](v1::Frame& f) { f.set_to(1); }, "up to seq 1"},
    {"AnEventBeyondTheDelta", EventDelta, [](v1::Frame& f) { f.mutable_events(1)->set_skipped(3); },
     "beyond seq 100"},
    {"AnEventAfterTheLastSeq", EventDelta,
     [](v1::Frame& f) { f.mutable_events(0)->set_skipped(3); }, "beyond seq 100"},
    {"AnEventThatWrapsAround", EventDelta,
     [](v1::Frame& f) { f.mutable_events(1)->set_skipped(kMax); }, "beyond seq 100"},
    {"TooManyEvents", EventDelta,
     [](v1::Frame& f) {
       f.set_to(kMax);
       for (std::size_t i = 1; i < kFrameEventsMax; ++i) f.add_events();
     },
     "2001"},
    {"EventsOfTheStateStream", EventDelta, [](v1::Frame& f) { f.clear_side(); },
     "events are of the event stream"},
    {"EventsOfTheHistoryStream", EventDelta,
     [](v1::Frame& f) { f.set_side(v1::SIDE_NONE_HISTORY); }, "events are of the event stream"},
    {"AnUnknownSeverity", EventDelta,
     [](v1::Frame& f) { f.mutable_events(0)->set_severity(static_cast<v1::Event::Severity>(3)); },
     "severity 3"},
    {"AKindThatIsTooLong", EventDelta,
     [](v1::Frame& f) {
       f.mutable_events(0)->set_kind(std::string(model::kEventKindBytesMax + 1, 'x'));
     },
     "kind of an event of 65 bytes"},
    {"AKindThatIsNotUtf8", EventDelta,
     [](v1::Frame& f) { f.mutable_events(0)->set_kind(kNotUtf8); }, "not UTF-8"},
    {"AnEventsTextThatIsTooLong", EventDelta,
     [](v1::Frame& f) {
       f.mutable_events(1)->set_text(std::string(model::kEventTextBytesMax + 1, 'x'));
     },
     "text of an event of 513 bytes"},
    {"AnEventsTextThatIsNotUtf8", EventDelta,
     [](v1::Frame& f) { f.mutable_events(1)->set_text(kNotUtf8); }, "text of an event is not"},
    {"AnEventsValueThatIsTooLong", EventDelta,
     [](v1::Frame& f) {
       f.mutable_events(1)->mutable_value()->set_text(std::string(model::kValueBytesMax + 1, 'x'));
     },
     "a string value of 16385 bytes"},
    {"AnEventsValueThatIsNotUtf8", EventDelta,
     [](v1::Frame& f) { f.mutable_events(1)->mutable_value()->set_text(kNotUtf8); },
     "a string value is not UTF-8"},
    {"ADigestOfTheEventStream", EventDelta, [](v1::Frame& f) { f.mutable_digest(); }, "digest"},
};

const Wrong kWrongDigests[] = {
    {"ADigestWithoutAPropertyTwice", CommandDelta,
     [](v1::Frame& f) {
       for (const std::uint32_t pid : {3u, 5u, 5u}) f.mutable_digest()->add_except(pid);
     },
     "ascending"},
    {"ADigestWithoutTooMany", CommandDelta,
     [](v1::Frame& f) {
       for (std::uint32_t pid = 1; pid <= 65; ++pid) f.mutable_digest()->add_except(pid);
     },
     "at most 64"},
};

const Wrong kWrongCommands[] = {
    {"MoreRowsAndCommandsThanSeqs", CommandDelta, [](v1::Frame& f) { f.set_to(4); }, "5 of them"},
    {"GapsBeyondWhatCommandsLeave", CommandDelta,
     [](v1::Frame& f) {
       for (const int gap : {2, 2, 0}) f.add_seq_gaps(gap);
     },
     "gaps"},
    {"ACommandBeyondTheDelta", CommandDelta,
     [](v1::Frame& f) { f.mutable_commands(1)->set_skipped(5); }, "beyond seq 100"},
    {"ACommandWithTheSeqOfARow", CommandDelta,
     [](v1::Frame& f) { f.mutable_commands(1)->set_skipped(3); }, "the same seq"},
    {"TooManyCommands", CommandDelta,
     [](v1::Frame& f) {
       f.set_to(kMax);
       const v1::Command command = f.commands(0);
       for (std::size_t i = 1; i < kFrameCommandsMax; ++i) *f.add_commands() = command;
     },
     "2001"},
    {"CommandsOfTheStateStream", CommandDelta, [](v1::Frame& f) { f.clear_side(); },
     "commands are of the control stream"},
    {"ACommandWithoutAnId", CommandDelta, [](v1::Frame& f) { f.mutable_commands(0)->clear_id(); },
     "without an id"},
    {"ANameThatIsTooLong", CommandDelta,
     [](v1::Frame& f) {
       f.mutable_commands(0)->set_name(std::string(model::kCommandNameBytesMax + 1, 'x'));
     },
     "name of a command of 65 bytes"},
    {"ANameThatIsNotUtf8", CommandDelta,
     [](v1::Frame& f) { f.mutable_commands(0)->set_name(kNotUtf8); }, "not UTF-8"},
    {"ACommandOfAWrongPath", CommandDelta,
     [](v1::Frame& f) { f.mutable_commands(0)->set_path("nothing"); }, "'nothing'"},
    {"ACommandOfAPathThatIsNotUtf8", CommandDelta,
     [](v1::Frame& f) { f.mutable_commands(0)->set_path(kNotUtf8); }, "not UTF-8"},
    {"WhoIsTooLong", CommandDelta,
     [](v1::Frame& f) {
       f.mutable_commands(0)->set_who(std::string(model::kNoteBytesMax + 1, 'x'));
     },
     "513"},
    {"WhoIsNotUtf8", CommandDelta, [](v1::Frame& f) { f.mutable_commands(0)->set_who(kNotUtf8); },
     "not UTF-8"},
    {"ACommandsValueThatIsTooLong", CommandDelta,
     [](v1::Frame& f) {
       f.mutable_commands(0)->mutable_value()->set_bytes(
           std::string(model::kValueBytesMax + 1, 'x'));
     },
     "a value of 16385 bytes"},
    {"AScopeInOfTheStateStream", ScopeInDelta, [](v1::Frame& f) { f.clear_side(); },
     "scope-in is of the control stream"},
    {"AScopeInOfStatusRows", ScopeInDelta, [](v1::Frame& f) { f.set_side(v1::SIDE_STATUS); },
     "side status among what the cloud wrote"},
    {"AScopeInOfPart0", ScopeInDelta, [](v1::Frame& f) { f.mutable_scope_in()->clear_part(); },
     "count from 1"},
    {"AScopeInWithCommands", ScopeInDelta, [](v1::Frame& f) { f.add_commands()->set_id(1); },
     "neither commands nor a digest"},
    {"AScopeInWithADigest", ScopeInDelta, [](v1::Frame& f) { f.mutable_digest(); },
     "neither commands nor a digest"},
    {"AScopeInOfMoreRowsThanSeqs", ScopeInDelta, [](v1::Frame& f) { f.set_to(2); }, "up to seq 2"},
};

const Wrong kWrongHealing[] = {
    {"AnOfferOfReportedRows", OfferFrame, [](v1::Frame& f) { f.clear_side(); },
     "side reported among what the cloud wrote"},
    {"AnOfferWithTooFewSeqs", OfferFrame, [](v1::Frame& f) { f.mutable_seq_steps()->RemoveLast(); },
     "seq_steps"},
    {"AnOfferWithTooManySeqs", OfferFrame, [](v1::Frame& f) { f.add_seq_steps(1); }, "seq_steps"},
    {"AnOfferOfARowWithoutASeq", OfferFrame, [](v1::Frame& f) { f.set_seq_steps(2, -8); },
     "without a seq"},
    {"TooManyCellsAskedFor", HealAskFrame,
     [](v1::Frame& f) { f.mutable_heal_ask()->set_cells(kHealCellsMax + 1); }, "16001"},
    {"TooManyDesiredRowsAskedFor", HealAskFrame,
     [](v1::Frame& f) {
       for (std::size_t i = 0; i < kHealDesiredMax; ++i) f.mutable_heal_ask()->add_desired(1);
     },
     "2001"},
    {"ThePid0AskedFor", HealAskFrame, [](v1::Frame& f) { f.mutable_heal_ask()->add_desired(0); },
     "pid 0"},
    {"RowsOfBothKindsAskedFor", HealAskFrame,
     [](v1::Frame& f) {
       f.mutable_heal_ask()->add_desired(1);
       f.mutable_heal_ask()->mutable_unnumbered();
     },
     "at once"},
    {"RowsAfterWhatIsNoPathAskedFor", HealAskFrame,
     [](v1::Frame& f) {
       f.mutable_heal_ask()->clear_desired();
       f.mutable_heal_ask()->mutable_unnumbered()->set_after("plant");
     },
     "plant"},
    {"TooManyCellsAnswered", HealAnswerFrame,
     [](v1::Frame& f) {
       f.mutable_heal_answer()->set_cells(std::string(10 * kHealCellsMax + 1, 'x'));
     },
     "160001"},
    {"ReportedRowsAnswered", HealAnswerFrame, [](v1::Frame& f) { f.clear_side(); },
     "side reported among what the cloud wrote"},
    {"RowsAnsweredWithoutSeqs", HealAnswerFrame, [](v1::Frame& f) { f.clear_seq_steps(); },
     "seq_steps"},
    {"TooManyPatterns", InterestMessage,
     [](v1::Frame& f) {
       for (std::size_t i = 0; i < kInterestPatternsMax; ++i) {
         f.mutable_interest()->add_patterns("**");
       }
     },
     "65"},
    {"APatternWithinASegment", InterestMessage,
     [](v1::Frame& f) { f.mutable_interest()->add_patterns("plant/lev*"); }, "'plant/lev*'"},
    {"APatternThatIsTooLong", InterestMessage,
     [](v1::Frame& f) {
       f.mutable_interest()->add_patterns("*/" + std::string(model::kPathBytesMax, 'x'));
     },
     "longer"},
    {"APatternThatIsNotUtf8", InterestMessage,
     [](v1::Frame& f) { f.mutable_interest()->add_patterns(kNotUtf8); }, "not UTF-8"},
};

INSTANTIATE_TEST_SUITE_P(Events, CodecHostileTest, testing::ValuesIn(kWrongEvents), NameOf);
INSTANTIATE_TEST_SUITE_P(Digests, CodecHostileTest, testing::ValuesIn(kWrongDigests), NameOf);
INSTANTIATE_TEST_SUITE_P(Commands, CodecHostileTest, testing::ValuesIn(kWrongCommands), NameOf);
INSTANTIATE_TEST_SUITE_P(Healing, CodecHostileTest, testing::ValuesIn(kWrongHealing), NameOf);

}  // namespace
}  // namespace edgetwin::sync
