// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/iio/capture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "drivers/iio/stamp_clock.h"
#include "drivers/sdk/sysfs/text.h"
#include "twin/base/utf8.h"

namespace edgetwin::iio {
namespace {

constexpr std::string_view kHowToGetIt =
    " (90-edgetwin-iio.rules and iio-buffer.conf of the examples give it to the agent)";
constexpr std::size_t kTriggersShownMax = 8;

// Of a file that is there for whoever may use it.
Error WithHint(Error error) {
  if (error.code == ErrorCode::kPermission) error.text += kHowToGetIt;
  return error;
}

Status Set(const std::string& file, std::string_view text) {
  Status written = sysfs::WriteOnce(file, text);
  if (!written) return WithHint(written.error());
  return {};
}

// For attributes that may take a text and do something else: a trigger that vanished is none.
Status SetAndCheck(const std::string& file, const std::string& text) {
  if (sysfs::TextOr(file, "") == text) return {};
  if (Status set = Set(file, text); !set) return set;
  const Result<std::string> now = sysfs::ReadOnce(file);
  if (!now) return now.error();
  if (*now == text) return {};
  return Unavailable(file + ": is '" + ToUtf8(*now, 40) + "' after '" + text + "' was written");
}

// Nobody may write it: the driver has one value only.
bool IsFixed(const std::string& file) {
  struct stat about {};
  return stat(file.c_str(), &about) != 0 || (about.st_mode & 0222) == 0;
}

Result<ElementType> ReadType(const std::string& file) {
  const Result<std::string> text = sysfs::ReadOnce(file);
  if (!text) return text.error();
  Result<ElementType> type = ParseElementType(*text);
  if (!type) return MakeError(type.error().code, file + ": " + type.error().text);
  return type;
}

Result<std::uint64_t> ReadUnsigned(const std::string& file, std::uint64_t max) {
  const Result<std::string> text = sysfs::ReadOnce(file);
  if (!text) return text.error();
  const std::optional<std::uint64_t> number = sysfs::ParseUnsigned(*text);
  if (!number || *number > max) {
    return Corrupt(file + ": '" + ToUtf8(*text, 40) + "' is no number up to " +
                   std::to_string(max));
  }
  return *number;
}

// The names of all triggers, for people.
std::string TriggerNames(const std::string& folder) {
  std::vector<std::string> names;
  for (const std::uint64_t number : sysfs::Numbers(folder, "trigger", "")) {
    names.push_back(sysfs::TextOr(folder + "/trigger" + std::to_string(number) + "/name", ""));
  }
  std::erase(names, "");
  if (names.empty()) return "this machine has no triggers";
  std::string text = "this machine has ";
  for (std::size_t i = 0; i < std::min(names.size(), kTriggersShownMax); ++i) {
    if (i > 0) text += ", ";
    text += "'" + names[i] + "'";
  }
  if (names.size() > kTriggersShownMax) text += ", …";
  return text;
}

}  // namespace

Capture::Capture(const CaptureSpec& spec)
    : spec_(spec), enable_(spec.buffer.attributes + "/enable"), enabled_(enable_) {}

Result<std::unique_ptr<Capture>> Capture::Begin(const CaptureSpec& spec) {
  std::unique_ptr<Capture> capture(new Capture(spec));
  if (Status opened = capture->Open(); !opened) return opened.error();
  if (Status set_up = capture->SetUp(); !set_up) return set_up.error();
  return capture;
}

Capture::~Capture() {
  // Of a device that is gone all of this fails, and nothing is left to do.
  if (on_) (void)sysfs::WriteOnce(enable_, "0");
  if (trigger_before_) {
    // A line end alone names no trigger, which takes the one away that is there.
    const std::string& before = trigger_before_->empty() ? "\n" : *trigger_before_;
    (void)sysfs::WriteOnce(spec_.folder + "/trigger/current_trigger", before);
  }
  if (fd_ >= 0) close(fd_);
}

Status Capture::Open() {
  do {
    fd_ = open(spec_.node.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  } while (fd_ < 0 && errno == EINTR);
  if (fd_ >= 0) return {};
  if (errno == EBUSY) return Unavailable(spec_.node + ": somebody else captures from it");
  Error error = sysfs::SystemError(spec_.node, errno);
  // The unit has a /dev of its own, in which devices are only by its drop-in.
  if (error.code == ErrorCode::kNotFound && sysfs::Exists(spec_.folder)) error.text += kHowToGetIt;
  return WithHint(std::move(error));
}

Status Capture::SetUp() {
  const Result<std::string> enabled = sysfs::ReadOnce(enable_);
  if (!enabled) return enabled.error();
  if (*enabled != "0") {
    if (Status off = Set(enable_, "0"); !off) return off;
  }
  if (Status trigger = SetTrigger(); !trigger) return trigger;
  if (Status selected = SelectElements(); !selected) return selected;
  if (Status length = SetLength(); !length) return length;
  if (Status layout = ReadLayout(); !layout) return layout;
  return SwitchOn();
}

Status Capture::SetTrigger() {
  if (spec_.trigger.empty()) return {};
  const std::string file = spec_.folder + "/trigger/current_trigger";
  if (!sysfs::Exists(file)) {
    return Unsupported(spec_.folder + ": takes no trigger; leave 'trigger' out");
  }
  const Result<std::string> before = sysfs::ReadOnce(file);
  if (!before) return before.error();
  if (*before == spec_.trigger) return {};
  const std::vector<std::uint64_t> all = sysfs::Numbers(spec_.triggers, "trigger", "");
  const bool known = std::ranges::any_of(all, [&](std::uint64_t number) {
    const std::string name = spec_.triggers + "/trigger" + std::to_string(number) + "/name";
    return sysfs::TextOr(name, "") == spec_.trigger;
  });
  if (!known) {
    return NotFound("there is no trigger '" + spec_.trigger + "': " + TriggerNames(spec_.triggers));
  }
  // Before it is written: what comes back may be neither.
  trigger_before_ = *before;
  return SetAndCheck(file, spec_.trigger);
}

Status Capture::SelectElements() {
  const Result<std::vector<std::string>> files = sysfs::ListFolder(spec_.buffer.elements);
  if (!files) return files.error();
  std::vector<std::string> wanted = {"in_timestamp_en"};
  for (const std::string& channel : spec_.channels) wanted.push_back("in_" + channel + "_en");
  // First what is too much: some chips take one channel at a time.
  for (const std::string on : {"0", "1"}) {
    for (const std::string& file : *files) {
      if (!file.starts_with("in_") || !file.ends_with("_en")) continue;
      const bool is_wanted = std::ranges::find(wanted, file) != wanted.end();
      if (is_wanted != (on == "1")) continue;
      if (Status set = SetAndCheck(spec_.buffer.elements + "/" + file, on); !set) return set;
    }
  }
  return {};
}

Status Capture::SetLength() {
  // Before the watermark, which may not be more.
  const std::string length = spec_.buffer.attributes + "/length";
  if (!IsFixed(length)) {
    if (Status set = Set(length, std::to_string(spec_.length)); !set) return set;
  }
  const Result<std::uint64_t> made = ReadUnsigned(length, 1u << 30);
  if (!made) return made.error();
  length_ = *made;
  if (!spec_.watermark) return {};
  const std::string watermark = spec_.buffer.attributes + "/watermark";
  if (IsFixed(watermark)) {
    return Unsupported(watermark + ": can't be set; leave 'watermark' out");
  }
  return Set(watermark, std::to_string(std::min(*spec_.watermark, length_)));
}

Status Capture::ReadLayout() {
  constexpr std::uint64_t kIndexMax = 4095;
  for (const std::string& channel : spec_.channels) {
    const std::string element = spec_.buffer.elements + "/in_" + channel;
    const Result<std::uint64_t> index = ReadUnsigned(element + "_index", kIndexMax);
    if (!index) return index.error();
    const Result<ElementType> type = ReadType(element + "_type");
    if (!type) return type.error();
    elements_.push_back({*index, *type});
  }
  if (sysfs::Exists(spec_.buffer.elements + "/in_timestamp_en")) {
    const Result<ElementType> type = ReadType(spec_.buffer.elements + "/in_timestamp_type");
    if (!type) return type.error();
    timestamp_ = *type;
    // Before Linux 4.7 it was always this one.
    const std::string file = spec_.folder + "/current_timestamp_clock";
    const Result<clockid_t> clock = ParseStampClock(sysfs::TextOr(file, "realtime"));
    if (!clock) return MakeError(clock.error().code, file + ": " + clock.error().text);
    clock_ = *clock;
  }
  Result<ScanLayout> layout = LayOut(elements_, timestamp_);
  if (!layout) return MakeError(layout.error().code, spec_.folder + ": " + layout.error().text);
  layout_ = *std::move(layout);
  return {};
}

Status Capture::SwitchOn() {
  // Even if this fails it may be on.
  on_ = true;
  const Status on = Set(enable_, "1");
  if (on) return {};
  const std::string trigger = spec_.folder + "/trigger/current_trigger";
  if (!sysfs::Exists(trigger) || !sysfs::TextOr(trigger, "").empty()) return on;
  Error error = on.error();
  error.text += "; it has no trigger: set 'trigger' (" + TriggerNames(spec_.triggers) + ")";
  return error;
}

Result<std::size_t> Capture::Read(std::span<std::uint8_t> bytes) {
  const std::size_t whole = bytes.size() / layout_.bytes * layout_.bytes;
  ssize_t got = 0;
  do {
    got = read(fd_, bytes.data(), whole);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN) {
    if (Status on = CheckIsOn(); !on) return on.error();
    return 0;
  }
  if (got < 0) return sysfs::SystemError(spec_.node, errno);
  if (got == 0) return Unavailable(spec_.node + ": ended");
  const auto size = static_cast<std::size_t>(got);
  if (size % layout_.bytes == 0) return size / layout_.bytes;
  return Corrupt(spec_.node + ": gave " + std::to_string(size) + " bytes, no whole scans of " +
                 std::to_string(layout_.bytes));
}

Status Capture::CheckIsOn() {
  const Result<std::string_view> text = enabled_.Read(text_);
  if (!text) return text.error();
  if (sysfs::Trimmed(*text) == "1") return {};
  on_ = false;
  return Unavailable(enable_ + ": somebody switched the buffer off");
}

}  // namespace edgetwin::iio
