// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What agents that don't keep to the rules answer, by a socket of the test's own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <thread>

#include "drivers/snmp/snmp_driver_test_base.h"

namespace edgetwin::snmp_driver {
namespace {

using ::testing::HasSubstr;

constexpr unsigned char kSequence = 0x30;
constexpr unsigned char kGetBulk = 0xa5;

// X.690 with lengths of one or three bytes.
std::string Tlv(unsigned char tag, const std::string& content) {
  std::string bytes(1, static_cast<char>(tag));
  if (content.size() < 128) {
    bytes += static_cast<char>(content.size());
  } else {
    bytes += '\x82';
    bytes += static_cast<char>(content.size() >> 8);
    bytes += static_cast<char>(content.size() & 0xff);
  }
  return bytes + content;
}
std::string Integer(int number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 0xff);
  return Tlv(2, bytes);
}

struct Asked {
  unsigned char command = 0;
  std::string id;                 // The whole INTEGER.
  std::vector<std::string> oids;  // Each a whole OBJECT IDENTIFIER.
};

// Requests of the community "public" with short lengths or long ones, as the library writes them.
class Parser {
 public:
  explicit Parser(std::string bytes) : bytes_(std::move(bytes)) {}
  Asked Read() {
    Asked asked;
    Enter();
    Skip();  // The version.
    Skip();  // The community.
    asked.command = static_cast<unsigned char>(bytes_.at(at_));
    Enter();
    asked.id = Skip();
    Skip();
    Skip();
    Enter();
    while (at_ < bytes_.size()) {
      Enter();
      asked.oids.push_back(Skip());
      Skip();
    }
    return asked;
  }

 private:
  std::size_t Length() {
    ++at_;
    const auto first = static_cast<unsigned char>(bytes_.at(at_++));
    if (first < 128) return first;
    std::size_t length = 0;
    for (int i = 0; i < (first & 0x7f); ++i) {
      length = length << 8 | static_cast<unsigned char>(bytes_.at(at_++));
    }
    return length;
  }
  void Enter() { Length(); }
  std::string Skip() {
    const std::size_t from = at_;
    const std::size_t length = Length();
    at_ += length;
    return bytes_.substr(from, at_ - from);
  }

  std::string bytes_;
  std::size_t at_ = 0;
};

std::string Response(const std::string& id, int status, int index,
                     const std::vector<std::pair<std::string, std::string>>& bindings) {
  std::string list;
  for (const auto& [oid, value] : bindings) list += Tlv(kSequence, oid + value);
  const std::string pdu = Tlv(0xa2, id + Integer(status) + Integer(index) + Tlv(kSequence, list));
  return Tlv(kSequence, Tlv(2, std::string(1, '\1')) + Tlv(4, "public") + pdu);
}
// Each object is 42.
std::string GoodResponse(const Asked& asked) {
  std::vector<std::pair<std::string, std::string>> bindings;
  for (const std::string& oid : asked.oids) bindings.emplace_back(oid, Integer(42));
  return Response(asked.id, 0, 0, bindings);
}

class BrokenAgent {
 public:
  // What is answered to a request, a datagram each.
  using Answer = std::function<std::vector<std::string>(const Asked&)>;

  explicit BrokenAgent(Answer answer)
      : answer_(std::move(answer)), fd_(BoundSocket(port_)), stop_(eventfd(0, EFD_CLOEXEC)) {
    thread_ = std::thread([this] { Run(); });
  }
  ~BrokenAgent() {
    const std::uint64_t one = 1;
    EXPECT_EQ(write(stop_, &one, sizeof one), static_cast<ssize_t>(sizeof one));
    thread_.join();
    close(fd_);
    close(stop_);
  }
  BrokenAgent(const BrokenAgent&) = delete;
  BrokenAgent& operator=(const BrokenAgent&) = delete;

  std::string Place() const {
    return "host = \"127.0.0.1\"\nport = " + std::to_string(port_) + "\n";
  }

 private:
  void Run() const {
    for (;;) {
      std::array<pollfd, 2> wait{{{fd_, POLLIN, 0}, {stop_, POLLIN, 0}}};
      poll(wait.data(), wait.size(), -1);
      if (wait[1].revents != 0) return;
      std::string bytes(2'000, '\0');
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const ssize_t count =
          recvfrom(fd_, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (count <= 0) continue;
      bytes.resize(static_cast<std::size_t>(count));
      for (const std::string& answer : answer_(Parser(bytes).Read())) {
        sendto(fd_, answer.data(), answer.size(), 0, reinterpret_cast<const sockaddr*>(&from),
               size);
      }
    }
  }

  const Answer answer_;
  std::uint16_t port_ = 0;
  const int fd_;
  const int stop_;
  std::thread thread_;
};

class BrokenAgentTest : public SnmpDriverTest {
 protected:
  void Begin(BrokenAgent::Answer answer, const std::string& options, int properties = 1) {
    agent_.emplace(std::move(answer));
    std::string text = agent_->Place() + options;
    for (int i = 0; i < properties; ++i) {
      text += PropertyOf("p" + std::to_string(i), std::to_string(i) + ".0", "writable = true");
    }
    Start(text);
  }
  bool AllGood(int properties) {
    for (int i = 0; i < properties; ++i) {
      if (!UntilGood("t/p" + std::to_string(i), 42)) return false;
    }
    return true;
  }
  std::optional<BrokenAgent> agent_;
};

TEST_F(BrokenAgentTest, NoiseBeforeTheAnswerIsPassedOver) {
  Begin(
      [](const Asked& asked) {
        const std::string good = GoodResponse(asked);
        Asked other = asked;
        other.id.back() = static_cast<char>(other.id.back() ^ 1);
        return std::vector<std::string>{"",
                                        "noise",
                                        std::string(1'500, '\xff'),
                                        good.substr(0, good.size() / 2),
                                        good.substr(0, good.size() - 1),
                                        Response(other.id, 0, 0, {{asked.oids[0], Integer(666)}}),
                                        good};
      },
      "period = \"100ms\"\n");
  ASSERT_TRUE(UntilGood("t/p0", 42));
  ASSERT_TRUE(Until([&] { return sink_.Samples("t/p0").size() > 5; }));
  for (const model::Sample& sample : sink_.Samples("t/p0")) {
    EXPECT_EQ(sample.value, model::Value(std::int64_t{42}));
  }
  EXPECT_EQ(Failures(), "");
}

TEST_F(BrokenAgentTest, NothingButNoiseIsATimeout) {
  Begin(
      [](const Asked&) {
        return std::vector<std::string>{"noise", std::string(3, '\x30')};
      },
      "timeout = \"50ms\"\nretries = 1\n");
  EXPECT_TRUE(UntilFailure("no answer of 127.0.0.1")) << Failures();
}

TEST_F(BrokenAgentTest, AnotherRequestsAnswerIsNone) {
  Begin(
      [](const Asked& asked) {
        Asked other = asked;
        other.id.back() = static_cast<char>(other.id.back() ^ 1);
        return std::vector<std::string>{GoodResponse(other)};
      },
      "timeout = \"50ms\"\nretries = 1\n");
  EXPECT_TRUE(UntilFailure("no answer of 127.0.0.1")) << Failures();
  EXPECT_TRUE(sink_.Last("t/p0").value.none());
}

TEST_F(BrokenAgentTest, ALostRequestIsSentAgain) {
  int heard = 0;
  Begin(
      [&heard](const Asked& asked) {
        return ++heard < 3 ? std::vector<std::string>()
                           : std::vector<std::string>{GoodResponse(asked)};
      },
      "timeout = \"100ms\"\nretries = 3\nperiod = \"1h\"\n");
  EXPECT_TRUE(UntilGood("t/p0", 42));
  EXPECT_EQ(Failures(), "");
}

TEST_F(BrokenAgentTest, WhatIsTooBigIsAskedForInHalves) {
  std::size_t longest_good = 0;
  std::vector<std::size_t> lengths;
  Begin(
      [&](const Asked& asked) {
        lengths.push_back(asked.oids.size());
        if (asked.oids.size() > 3) return std::vector<std::string>{Response(asked.id, 1, 0, {})};
        longest_good = std::max(longest_good, asked.oids.size());
        return std::vector<std::string>{GoodResponse(asked)};
      },
      "period = \"100ms\"\n", 20);
  ASSERT_TRUE(AllGood(20)) << Failures();
  const std::size_t first = sink_.Samples("t/p0").size();
  ASSERT_TRUE(Until([&] { return sink_.Samples("t/p0").size() > first + 3; }));
  EXPECT_EQ(Failures(), "");
  driver_->Stop();
  agent_.reset();  // Its thread writes what follows.
  EXPECT_EQ(lengths.front(), 20u);
  // 20, twice 10 and four times 5, in the first poll only: it is remembered.
  EXPECT_EQ(std::count_if(lengths.begin(), lengths.end(), [](std::size_t n) { return n > 3; }), 7);
  EXPECT_LE(longest_good, 3u);
}

TEST_F(BrokenAgentTest, OneObjectThatIsTooBigIsBad) {
  Begin([](const Asked& asked) { return std::vector<std::string>{Response(asked.id, 1, 0, {})}; },
        "period = \"100ms\"\n", 2);
  EXPECT_TRUE(UntilFailure("the agent says tooBig"));
  EXPECT_TRUE(UntilBad("t/p0"));
  EXPECT_TRUE(UntilBad("t/p1"));
}

// An agent of version 1 behind a proxy.
TEST_F(BrokenAgentTest, AnErrorOfOneObjectIsNotTheOthers) {
  for (const int index : {2, 0, 77, -1}) {
    Renew();
    std::string bad;
    Begin(
        [index, &bad](const Asked& asked) {
          if (bad.empty()) bad = asked.oids[1];
          for (std::size_t i = 0; i < asked.oids.size(); ++i) {
            if (asked.oids[i] != bad) continue;
            return std::vector<std::string>{Response(
                asked.id, 5, index > 0 && index < 10 ? static_cast<int>(i) + 1 : index, {})};
          }
          return std::vector<std::string>{GoodResponse(asked)};
        },
        "period = \"100ms\"\n", 4);
    EXPECT_TRUE(UntilGood("t/p0", 42)) << index;
    EXPECT_TRUE(UntilBad("t/p1")) << index;
    EXPECT_TRUE(UntilGood("t/p2", 42)) << index;
    EXPECT_TRUE(UntilGood("t/p3", 42)) << index;
    EXPECT_TRUE(UntilFailure("p1 (1.3.6.1.4.1.8072.9999.2.1.0): the agent says genErr"))
        << Failures();
    driver_->Stop();
  }
}

TEST_F(BrokenAgentTest, AnswersOfOtherObjectsAreNone) {
  Begin(
      [](const Asked& asked) {
        std::vector<std::pair<std::string, std::string>> bindings = {{asked.oids[1], Integer(1)},
                                                                     {asked.oids[0], Integer(2)}};
        return std::vector<std::string>{Response(asked.id, 0, 0, bindings)};
      },
      "period = \"100ms\"\n", 2);
  EXPECT_TRUE(UntilFailure("the agent answers 1.3.6.1.4.1.8072.9999.2.1.0 instead"));
  EXPECT_TRUE(sink_.Last("t/p0").value.none());
}

TEST_F(BrokenAgentTest, TooFewOrTooManyObjectsAreNone) {
  for (const int count : {0, 1, 3}) {
    Renew();
    Begin(
        [count](const Asked& asked) {
          std::vector<std::pair<std::string, std::string>> bindings;
          for (int i = 0; i < count; ++i) bindings.emplace_back(asked.oids[0], Integer(1));
          return std::vector<std::string>{Response(asked.id, 0, 0, bindings)};
        },
        "period = \"100ms\"\n", 2);
    EXPECT_TRUE(
        UntilFailure("the agent answers " + std::to_string(count) + " objects when asked for 2"));
    EXPECT_TRUE(sink_.Last("t/p0").value.none());
    driver_->Stop();
  }
}

// RFC 3416, 4.2.2: each is after the one before.
TEST_F(BrokenAgentTest, AWalkThatTurnsBackEnds) {
  agent_.emplace([](const Asked& asked) {
    if (asked.command != kGetBulk) return std::vector<std::string>{GoodResponse(asked)};
    // 1.3.6.1.4.1.8072.9999.2.31.1.1, again and again.
    const std::string oid =
        Tlv(6, std::string("\x2b\x06\x01\x04\x01\xbf\x08\xce\x0f\x02\x1f\x01\x01", 13));
    return std::vector<std::string>{Response(asked.id, 0, 0, {{oid, Tlv(4, "eth9")}})};
  });
  Start(agent_->Place() + "[[row]]\ncolumn = \"" + TestAgent::Oid("31.1") +
        "\"\nvalue = \"eth1\"\n[[row.property]]\nname = \"in\"\noid = \"" + TestAgent::Oid("31.6") +
        "\"\n");
  EXPECT_TRUE(
      UntilFailure("can't be walked: after 1.3.6.1.4.1.8072.9999.2.31.1.1 the agent has "
                   "1.3.6.1.4.1.8072.9999.2.31.1.1"))
      << Failures();
}

}  // namespace
}  // namespace edgetwin::snmp_driver
