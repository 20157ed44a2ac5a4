// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/modbus/rtu_line.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <utility>

namespace edgetwin::driver {
namespace {

using std::chrono::microseconds;

// What a noisy line may bring while an answer is awaited; only its end is kept then.
constexpr std::size_t kLineBytesMax = 4 * kRtuFrameBytesMax;

// 3.5 characters, and above 19200 baud always 1.75 ms: MODBUS over Serial Line V1.02, 2.5.1.1.
microseconds SilenceOf(const serial::PortOptions& port) {
  constexpr microseconds kFast{1'750};
  return port.baud > 19'200 ? kFast : std::max(kFast, port.CharacterTime() * 7 / 2);
}

}  // namespace

RtuLine::RtuLine(RtuOptions options, int wake)
    : options_(std::move(options)), wake_(wake), silence_(SilenceOf(options_.port)) {}

Error RtuLine::Gone() {
  port_.Close();
  return Unavailable(options_.port.device + " is gone");
}

Status RtuLine::Open() {
  if (port_.open()) {
    // An adapter that was unplugged and is back has another descriptor.
    pollfd state{port_.fd(), 0, 0};
    if (poll(&state, 1, 0) == 0) return {};
    port_.Close();
  }
  Result<serial::Port> port = serial::Port::Open(options_.port, options_.instance);
  if (!port) return port.error();
  port_ = *std::move(port);
  busy_until_ = clock_.Now();
  return {};
}

RtuLine::Wait RtuLine::ReadSome(MonoTime until) {
  while (true) {
    const microseconds left = std::max(until - clock_.Now(), microseconds(0));
    const timespec time{static_cast<time_t>(left.count() / 1'000'000),
                        static_cast<long>(left.count() % 1'000'000 * 1'000)};
    std::array<pollfd, 2> wait{{{port_.fd(), POLLIN, 0}, {wake_, POLLIN, 0}}};
    const int ready = ppoll(wait.data(), wait.size(), &time, nullptr);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return Wait::kTime;
    if (wait[1].revents != 0) return Wait::kEnd;
    std::array<std::uint8_t, kRtuFrameBytesMax> bytes;
    const ssize_t got = read(port_.fd(), bytes.data(), bytes.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return Wait::kGone;
    busy_until_ = clock_.Now();
    line_.insert(line_.end(), bytes.begin(), bytes.begin() + got);
    if (line_.size() > kLineBytesMax) {
      line_.erase(line_.begin(), line_.end() - static_cast<std::ptrdiff_t>(kRtuFrameBytesMax));
    }
    return Wait::kBytes;
  }
}

Status RtuLine::AwaitSilence(int unit, MonoTime deadline) {
  std::size_t noise_bytes = 0;
  const auto late = late_until_.find(unit);
  const MonoTime late_until = late == late_until_.end() ? MonoTime() : late->second;
  while (true) {
    line_.clear();
    const MonoTime silent = std::max(busy_until_ + silence_, late_until);
    const Wait wait = ReadSome(std::min(silent, deadline));
    if (wait == Wait::kGone) return Gone();
    if (wait == Wait::kEnd) return Unavailable("interrupted");
    noise_bytes += line_.size();
    const MonoTime now = clock_.Now();
    if (wait == Wait::kTime && now >= silent) break;
    if (now < deadline) continue;
    if (noise_bytes == 0) return TimedOut("no answer before, and a late one is waited for");
    return Unavailable(options_.port.device + " is never silent: " + std::to_string(noise_bytes) +
                       " bytes that nobody asked for");
  }
  late_until_.erase(unit);
  return {};
}

Status RtuLine::Send(const Bytes& frame, MonoTime deadline) {
  for (std::size_t sent = 0; sent < frame.size();) {
    const ssize_t written = write(port_.fd(), frame.data() + sent, frame.size() - sent);
    if (written > 0) {
      sent += static_cast<std::size_t>(written);
      continue;
    }
    if (written < 0 && errno == EINTR) continue;
    if (written >= 0 || errno != EAGAIN) return Gone();
    std::array<pollfd, 2> wait{{{port_.fd(), POLLOUT, 0}, {wake_, POLLIN, 0}}};
    const int ready = poll(wait.data(), wait.size(), PollTimeout(deadline - clock_.Now()));
    if (wait[1].revents != 0) return Unavailable("interrupted");
    if (ready == 0) return TimedOut(options_.port.device + " takes no bytes");
  }
  const auto characters = static_cast<std::int64_t>(frame.size());
  busy_until_ = clock_.Now() + options_.port.CharacterTime() * characters;
  return {};
}

Status RtuLine::SkipEcho(const Bytes& frame, MonoTime deadline) {
  while (line_.size() < frame.size()) {
    switch (ReadSome(deadline)) {
      case Wait::kGone: return Gone();
      case Wait::kEnd: return Unavailable("interrupted");
      case Wait::kTime: return TimedOut("no echo of what was sent; does the adapter hear itself?");
      case Wait::kBytes: break;
    }
  }
  const auto end = line_.begin() + static_cast<std::ptrdiff_t>(frame.size());
  if (!std::equal(frame.begin(), frame.end(), line_.begin())) {
    return Corrupt("the echo is not what was sent: somebody else sends, too");
  }
  line_.erase(line_.begin(), end);
  return {};
}

Result<Bytes> RtuLine::Receive(int unit, const AnswerShape& shape, MonoTime deadline) {
  while (true) {
    RtuFound found = FindAnswer(line_, unit, shape);
    if (found.state == RtuSearch::kWhole) return std::move(found.pdu);
    const bool begun = found.state != RtuSearch::kNothing;
    const MonoTime until =
        begun ? std::min(deadline, busy_until_ + options_.byte_timeout) : deadline;
    switch (ReadSome(until)) {
      case Wait::kGone: return Gone();
      case Wait::kEnd: return Unavailable("interrupted");
      case Wait::kBytes: break;
      case Wait::kTime:
        if (found.state == RtuSearch::kDamaged) {
          return Corrupt("an answer with a wrong checksum");
        }
        if (begun) return Corrupt("an answer that breaks off");
        if (line_.empty()) return TimedOut("no answer");
        return TimedOut("no answer, but " + std::to_string(line_.size()) +
                        " bytes that are none; are baud and parity those of the device?");
    }
    // A line that is never silent makes ReadSome never wait.
    if (clock_.Now() >= deadline + options_.byte_timeout) return TimedOut("no answer");
  }
}

Result<Bytes> RtuLine::Exchange(int unit, const Bytes& pdu, const AnswerShape& shape,
                                MonoTime deadline) {
  if (Status open = Open(); !open) return open.error();
  if (Status silent = AwaitSilence(unit, deadline); !silent) return silent.error();
  deadline = std::min(deadline, clock_.Now() + options_.timeout);
  const Bytes frame = RtuFrame(unit, pdu);
  if (Status sent = Send(frame, deadline); !sent) return sent.error();
  if (options_.echo) {
    if (Status heard = SkipEcho(frame, deadline); !heard) return heard.error();
  }
  Result<Bytes> answer = Receive(unit, shape, deadline);
  if (!answer && answer.error().code == ErrorCode::kTimeout) {
    late_until_[unit] = clock_.Now() + options_.timeout;
  }
  return answer;
}

}  // namespace edgetwin::driver
