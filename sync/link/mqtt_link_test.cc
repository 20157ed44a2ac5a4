// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// With a real mosquitto over plain TCP.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "sync/link/link_test_base.h"
#include "tests/support/broker.h"
#include "tests/support/port.h"

namespace edgetwin::sync {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::SizeIs;
using tests::RunChild;
using tests::TestBroker;

// This process's sockets that are connected to `port`.
std::set<int> SocketsTo(std::uint16_t port) {
  std::set<int> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int fd = std::stoi(entry.path().filename());
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
        peer.sin_family == AF_INET && ntohs(peer.sin_port) == port) {
      found.insert(fd);
    }
  }
  return found;
}

class MqttLinkTest : public LinkTest {
 protected:
  int Publish(const TestBroker& broker, std::vector<std::string> more) {
    std::vector<std::string> args = {"mosquitto_pub", "-h", "127.0.0.1", "-p",
                                     std::to_string(broker.port())};
    args.insert(args.end(), more.begin(), more.end());
    return RunChild({.args = args});
  }

  TestBroker broker_;
  Recorder device_events_;
  Recorder cloud_events_;
};

TEST_F(MqttLinkTest, CarriesFramesBothWaysInOrder) {
  const auto device = MakeMqttLink(loop_, Options("pump-1", {broker_.url()}));
  const auto cloud = MakeMqttLink(loop_, Options("", {broker_.url()}));
  ASSERT_TRUE(device->Open(device_events_));
  ASSERT_TRUE(cloud->Open(cloud_events_));
  ASSERT_TRUE(RunUntil([&] { return device_events_.ups == 1 && cloud_events_.ups == 1; }));
  Frames expected_up;
  Frames expected_down;
  for (int i = 0; i < 200; ++i) {
    // Binary, of sizes around the borders of MQTT's length encoding.
    std::string frame(static_cast<std::size_t>(i), '\0');
    frame += std::to_string(i);
    ASSERT_TRUE(device->Send("pump-1", Bytes(frame)));
    ASSERT_TRUE(cloud->Send("pump-1", Bytes(frame)));
    expected_up.emplace_back("pump-1", frame);
    expected_down.emplace_back("pump-1", frame);
  }
  ASSERT_TRUE(RunUntil(
      [&] { return cloud_events_.frames.size() >= 200 && device_events_.frames.size() >= 200; }));
  EXPECT_EQ(cloud_events_.frames, expected_up);
  EXPECT_EQ(device_events_.frames, expected_down);
  const LinkStats stats = device->stats();
  EXPECT_TRUE(stats.up);
  EXPECT_EQ(stats.frames_sent, 200u);
  EXPECT_EQ(stats.frames_received, 200u);
  // "et/pump-1/u" is sent once, its alias of 3 bytes each time; so 8 of the sizes take one byte for
  // their length instead of two.
  EXPECT_EQ(stats.bytes_sent, stats.bytes_received - 199 * 11 + 200 * 3 - 8);
  EXPECT_EQ(cloud->stats().bytes_received, stats.bytes_received);
}

TEST_F(MqttLinkTest, CountsTheBytesOfItsPublishPackets) {
  const auto device = MakeMqttLink(loop_, Options("a", {broker_.url()}));
  ASSERT_TRUE(device->Open(device_events_));
  ASSERT_TRUE(RunUntil([&] { return device_events_.ups == 1; }));
  ASSERT_TRUE(device->Send("a", Bytes("12345")));
  // Type 1, length 1, topic 2 + 6, properties 1, alias 3, payload 5.
  EXPECT_EQ(device->stats().bytes_sent, 19u);
  ASSERT_TRUE(device->Send("a", Bytes("12345")));
  EXPECT_EQ(device->stats().bytes_sent, 19u + 13u);  // The same without the topic.
}

TEST_F(MqttLinkTest, TheTopicIsSentOnceInEachConnection) {
  const auto device = MakeMqttLink(loop_, Options("a", {broker_.url()}));
  const auto cloud = MakeMqttLink(loop_, Options("", {broker_.url()}));
  ASSERT_TRUE(cloud->Open(cloud_events_));
  ASSERT_TRUE(RunUntil([&] { return cloud_events_.ups == 1; }));
  for (int round = 1; round <= 2; ++round) {
    ASSERT_TRUE(device->Open(device_events_));
    ASSERT_TRUE(RunUntil([&] { return device_events_.ups == round; }));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(device->Send("a", Bytes("12345")));
    const auto expected = static_cast<std::size_t>(3 * round);
    ASSERT_TRUE(RunUntil([&] { return cloud_events_.frames.size() == expected; }));
    EXPECT_EQ(device->stats().bytes_sent, static_cast<std::uint64_t>(round) * (19 + 2 * 13));
    device->Close();
  }
  EXPECT_EQ(cloud_events_.frames, Frames(6, {"a", "12345"}));
}

TEST_F(MqttLinkTest, ADeviceIsReachedAtTheShortAddressThatItOffers) {
  const auto device = MakeMqttLink(loop_, Options("a", {broker_.url()}));
  const auto cloud = MakeMqttLink(loop_, Options("", {broker_.url()}));
  EXPECT_EQ(device->OfferAddress(), "");
  ASSERT_TRUE(device->Open(device_events_));
  ASSERT_TRUE(cloud->Open(cloud_events_));
  ASSERT_TRUE(RunUntil([&] { return device_events_.ups == 1 && cloud_events_.ups == 1; }));
  const std::string address = device->OfferAddress();
  EXPECT_THAT(address, SizeIs(4));
  ASSERT_TRUE(cloud->SendTo("a", address, Bytes("short")));
  ASSERT_TRUE(cloud->SendTo("a", "", Bytes("long")));
  EXPECT_FALSE(cloud->SendTo("a", "no/topic", Bytes("lost")));
  ASSERT_TRUE(RunUntil([&] { return device_events_.frames.size() == 2; }));
  EXPECT_EQ(device_events_.frames, (Frames{{"a", "short"}, {"a", "long"}}));
  EXPECT_EQ(device->OfferAddress(), address);
}

// As a broker's access rules may have it, which let the subscription through all the same.
TEST_F(MqttLinkTest, AnAddressAtWhichNothingCameIsNotOfferedAgain) {
  const auto device = MakeMqttLink(loop_, Options("a", {broker_.url()}));
  ASSERT_TRUE(device->Open(device_events_));
  ASSERT_TRUE(RunUntil([&] { return device_events_.ups == 1; }));
  EXPECT_NE(device->OfferAddress(), "");
  EXPECT_EQ(device->OfferAddress(), "");
  EXPECT_EQ(device->OfferAddress(), "");
}

// Nobody was there to answer: that says nothing of the address.
TEST_F(MqttLinkTest, AnAddressIsOfferedAgainToACloudThatHasOnlyJustCome) {
  const auto device = MakeMqttLink(loop_, Options("a", {broker_.url()}));
  const auto cloud = MakeMqttLink(loop_, Options("", {broker_.url()}));
  ASSERT_TRUE(device->Open(device_events_));
  ASSERT_TRUE(cloud->Open(cloud_events_));
  ASSERT_TRUE(RunUntil([&] { return device_events_.ups == 1 && cloud_events_.ups == 1; }));
  EXPECT_NE(device->OfferAddress(), "");
  ASSERT_TRUE(cloud->Send(kEveryDevice, Bytes("here")));
  ASSERT_TRUE(RunUntil([&] { return device_events_.frames.size() == 1; }));
  EXPECT_NE(device->OfferAddress(), "");
}

TEST_F(MqttLinkTest, ReachesEveryDeviceAtOnce) {
  const auto cloud = MakeMqttLink(loop_, Options("", {broker_.url()}));
  const auto one = MakeMqttLink(loop_, Options("one", {broker_.url()}));
  const auto two = MakeMqttLink(loop_, Options("two", {broker_.url()}));
  Recorder other;
  ASSERT_TRUE(cloud->Open(cloud_events_));
  ASSERT_TRUE(one->Open(device_events_));
  ASSERT_TRUE(two->Open(other));
  ASSERT_TRUE(RunUntil(
      [&] { return cloud_events_.ups == 1 && device_events_.ups == 1 && other.ups == 1; }));
  ASSERT_TRUE(cloud->Send(kEveryDevice, Bytes("hello all")));
  ASSERT_TRUE(RunUntil([&] { return !device_events_.frames.empty() && !other.frames.empty(); }));
  EXPECT_EQ(device_events_.frames, (Frames{{"one", "hello all"}}));
  EXPECT_EQ(other.frames, (Frames{{"two", "hello all"}}));
}

TEST_F(MqttLinkTest, ComesBackAfterTheBrokerWasKilled) {
  const auto device = MakeMqttLink(loop_, Options("a", {broker_.url()}));
  ASSERT_TRUE(device->Open(device_events_));
  for (int round = 1; round <= 3; ++round) {
    ASSERT_TRUE(RunUntil([&] { return device_events_.ups == round; }));
    const std::size_t before = device_events_.downs.size();
    broker_.Kill();
    ASSERT_TRUE(RunUntil([&] { return device_events_.downs.size() > before; }));
    EXPECT_FALSE(device->stats().up);
    const Status sent = device->Send("a", Bytes("lost"));
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code, ErrorCode::kUnavailable);
    broker_.Start();
  }
  ASSERT_TRUE(RunUntil([&] { return device_events_.ups == 4; }));
  ASSERT_TRUE(device->Send("a", Bytes("sent")));
  EXPECT_EQ(device->stats().connects, 4u);
}

TEST_F(MqttLinkTest, KeepsTryingWithoutABroker) {
  broker_.Kill();
  const auto device = MakeMqttLink(loop_, Options("a", {broker_.url()}));
  ASSERT_TRUE(device->Open(device_events_));
  ASSERT_TRUE(RunUntil([&] { return device_events_.downs.size() >= 5; }));
  EXPECT_THAT(device_events_.downs[0].text, HasSubstr("Connection refused"));
  EXPECT_GE(device->stats().failures, 5u);
  EXPECT_EQ(device->stats().connects, 0u);
  broker_.Start();
  EXPECT_TRUE(RunUntil([&] { return device_events_.ups == 1; }));
}

TEST_F(MqttLinkTest, KeepsTryingANameThatDoesNotExist) {
  const auto device = MakeMqttLink(loop_, Options("a", {"mqtt://no-such-host.invalid"}));
  ASSERT_TRUE(device->Open(device_events_));
  ASSERT_TRUE(RunUntil([&] { return device_events_.downs.size() >= 2; }, seconds(60)));
  EXPECT_THAT(device_events_.downs[0].text, HasSubstr("no-such-host.invalid"));
}

TEST_F(MqttLinkTest, PublishesTheWillWhenTheConnectionDiesButNotOnClose) {
  const auto cloud = MakeMqttLink(loop_, Options("", {broker_.url()}));
  ASSERT_TRUE(cloud->Open(cloud_events_));
  ASSERT_TRUE(RunUntil([&] { return cloud_events_.ups == 1; }));
  const std::set<int> clouds_own = SocketsTo(broker_.port());
  MqttOptions options = Options("a", {broker_.url()});
  int asked = 0;
  options.will = [&asked] { return "bye " + std::to_string(++asked); };
  const auto device = MakeMqttLink(loop_, options);
  ASSERT_TRUE(device->Open(device_events_));
  ASSERT_TRUE(RunUntil([&] { return device_events_.ups == 1; }));
  for (const int fd : SocketsTo(broker_.port())) {
    if (!clouds_own.contains(fd)) shutdown(fd, SHUT_RDWR);
  }
  ASSERT_TRUE(RunUntil([&] { return device_events_.ups == 2 && !cloud_events_.frames.empty(); }));
  EXPECT_EQ(cloud_events_.frames, (Frames{{"a", "bye 1"}}));
  device->Close();
  // What comes after the goodbye: had there been a Will, it would have come before.
  const auto last = MakeMqttLink(loop_, Options("z", {broker_.url()}));
  Recorder last_events;
  ASSERT_TRUE(last->Open(last_events));
  ASSERT_TRUE(RunUntil([&] { return last_events.ups == 1; }));
  ASSERT_TRUE(last->Send("", Bytes("after")));
  ASSERT_TRUE(RunUntil([&] { return cloud_events_.frames.size() >= 2; }));
  EXPECT_EQ(cloud_events_.frames, (Frames{{"a", "bye 1"}, {"z", "after"}}));
}

TEST_F(MqttLinkTest, SendsAtOnceAndNoticesADeadRouteWithinHalfAMinute) {
  const auto device = MakeMqttLink(loop_, Options("a", {broker_.url()}));
  ASSERT_TRUE(device->Open(device_events_));
  ASSERT_TRUE(RunUntil([&] { return device_events_.ups == 1; }));
  const std::set<int> sockets = SocketsTo(broker_.port());
  ASSERT_FALSE(sockets.empty());
  const auto option = [&](int name) {
    int value = 0;
    socklen_t size = sizeof value;
    EXPECT_EQ(getsockopt(*sockets.begin(), IPPROTO_TCP, name, &value, &size), 0);
    return value;
  };
  EXPECT_EQ(option(TCP_NODELAY), 1);
  EXPECT_EQ(option(TCP_USER_TIMEOUT), 30'000);
}

TEST_F(MqttLinkTest, OpensAgainAfterClose) {
  const auto device = MakeMqttLink(loop_, Options("a", {broker_.url()}));
  for (int round = 1; round <= 3; ++round) {
    ASSERT_TRUE(device->Open(device_events_));
    ASSERT_TRUE(RunUntil([&] { return device_events_.ups == round; }));
    device->Close();
    EXPECT_FALSE(device->stats().up);
    EXPECT_EQ(device->Send("a", Bytes("x")).error().code, ErrorCode::kUnavailable);
  }
  EXPECT_THAT(device_events_.downs, SizeIs(0));
}

TEST_F(MqttLinkTest, DropsAndCountsOversizedFrames) {
  MqttOptions options = Options("", {broker_.url()});
  options.frame_bytes_max = 100;
  const auto cloud = MakeMqttLink(loop_, options);
  const auto device = MakeMqttLink(loop_, Options("a", {broker_.url()}));
  ASSERT_TRUE(cloud->Open(cloud_events_));
  ASSERT_TRUE(device->Open(device_events_));
  ASSERT_TRUE(RunUntil([&] { return cloud_events_.ups == 1 && device_events_.ups == 1; }));
  ASSERT_TRUE(device->Send("a", Bytes(std::string(101, 'x'))));
  ASSERT_TRUE(device->Send("a", Bytes(std::string(100, 'y'))));
  ASSERT_TRUE(RunUntil([&] { return !cloud_events_.frames.empty(); }));
  EXPECT_EQ(cloud_events_.frames, (Frames{{"a", std::string(100, 'y')}}));
  EXPECT_EQ(cloud->stats().oversized_dropped, 1u);
}

TEST_F(MqttLinkTest, LetsTheBrokerKeepFarTooLargeFrames) {
  MqttOptions options = Options("", {broker_.url()});
  options.frame_bytes_max = 100;
  const auto cloud = MakeMqttLink(loop_, options);
  const auto device = MakeMqttLink(loop_, Options("a", {broker_.url()}));
  ASSERT_TRUE(cloud->Open(cloud_events_));
  ASSERT_TRUE(device->Open(device_events_));
  ASSERT_TRUE(RunUntil([&] { return cloud_events_.ups == 1 && device_events_.ups == 1; }));
  ASSERT_TRUE(device->Send("a", Bytes(std::string(5000, 'x'))));
  ASSERT_TRUE(device->Send("a", Bytes("y")));
  ASSERT_TRUE(RunUntil([&] { return !cloud_events_.frames.empty(); }));
  EXPECT_EQ(cloud_events_.frames, (Frames{{"a", "y"}}));
  // It never reached us.
  EXPECT_EQ(cloud->stats().oversized_dropped, 0u);
}

TEST_F(MqttLinkTest, IgnoresGarbageTopicsAndCountsThem) {
  const auto cloud = MakeMqttLink(loop_, Options("", {broker_.url()}));
  ASSERT_TRUE(cloud->Open(cloud_events_));
  ASSERT_TRUE(RunUntil([&] { return cloud_events_.ups == 1; }));
  for (const char* topic : {"et/a b/u", "et/.hidden/u", "et/*/u", "et//u"}) {
    ASSERT_EQ(Publish(broker_, {"-t", topic, "-m", "garbage"}), 0);
  }
  ASSERT_EQ(Publish(broker_, {"-t", "et/a/u", "-m", "fine"}), 0);
  ASSERT_TRUE(RunUntil([&] { return !cloud_events_.frames.empty(); }));
  EXPECT_EQ(cloud_events_.frames, (Frames{{"a", "fine"}}));
  EXPECT_EQ(cloud->stats().foreign_dropped, 4u);
}

TEST_F(MqttLinkTest, DropsRetainedMessages) {
  ASSERT_EQ(Publish(broker_, {"-t", "et/a/d", "-m", "stale", "-r"}), 0);
  // MQTT 3.1.1 can't ask the broker not to send them.
  MqttOptions options = Options("a", {broker_.url()});
  options.protocol = 4;
  const auto device = MakeMqttLink(loop_, options);
  ASSERT_TRUE(device->Open(device_events_));
  ASSERT_TRUE(RunUntil([&] { return device->stats().retained_dropped == 1; }));
  EXPECT_THAT(device_events_.frames, SizeIs(0));
}

TEST_F(MqttLinkTest, SpeaksMqtt311) {
  MqttOptions options = Options("a", {broker_.url()});
  options.protocol = 4;
  options.will = [] { return std::string("bye"); };
  const auto device = MakeMqttLink(loop_, options);
  options.device.clear();
  options.client_id += "-cloud";
  const auto cloud = MakeMqttLink(loop_, options);
  ASSERT_TRUE(device->Open(device_events_));
  ASSERT_TRUE(cloud->Open(cloud_events_));
  ASSERT_TRUE(RunUntil([&] { return device_events_.ups == 1 && cloud_events_.ups == 1; }));
  ASSERT_TRUE(device->Send("a", Bytes("up")));
  ASSERT_TRUE(cloud->Send("a", Bytes("down")));
  ASSERT_TRUE(
      RunUntil([&] { return !device_events_.frames.empty() && !cloud_events_.frames.empty(); }));
  EXPECT_EQ(device_events_.frames, (Frames{{"a", "down"}}));
  EXPECT_EQ(cloud_events_.frames, (Frames{{"a", "up"}}));
  // mosquitto's own number for 3.1.1.
  EXPECT_THAT(broker_.log(), HasSubstr("(p2, c1"));
}

TEST_F(MqttLinkTest, FallsBackToALowerBrokerAndStaysThereUntilItIsLost) {
  TestBroker second;
  broker_.Kill();
  const auto device = MakeMqttLink(loop_, Options("a", {broker_.url(), second.url()}));
  ASSERT_TRUE(device->Open(device_events_));
  ASSERT_TRUE(RunUntil([&] { return device_events_.ups == 1; }));
  EXPECT_EQ(device->stats().broker, second.url());
  ASSERT_THAT(device_events_.downs, SizeIs(1));
  EXPECT_THAT(device_events_.downs[0].text, HasSubstr(broker_.url()));
  broker_.Start();
  ASSERT_FALSE(RunUntil([&] { return device->stats().broker != second.url(); }, milliseconds(200)));
  second.Kill();
  ASSERT_TRUE(RunUntil([&] { return device_events_.ups == 2; }));
  EXPECT_EQ(device->stats().broker, broker_.url());
}

TEST_F(MqttLinkTest, ABlackHoleDelaysTheNextBrokerByItsTimeoutOnly) {
  // A listener whose queue is full: further SYNs are dropped, as on a dead route.
  const int hole = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(hole, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(hole, 0), 0);
  ASSERT_EQ(getsockname(hole, reinterpret_cast<sockaddr*>(&address), &size), 0);
  std::vector<int> fillers;
  for (int i = 0; i < 4; ++i) {
    fillers.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    (void)connect(fillers.back(), reinterpret_cast<sockaddr*>(&address), size);
  }
  MqttOptions options =
      Options("a", {"mqtt://127.0.0.1:" + std::to_string(ntohs(address.sin_port)), broker_.url()});
  options.connect_timeout = milliseconds(300);
  const auto device = MakeMqttLink(loop_, options);
  ASSERT_TRUE(device->Open(device_events_));
  // The loop is never blocked meanwhile.
  int ticks = 0;
  const auto ticker = loop_.Every(milliseconds(10), [&] { ++ticks; });
  ASSERT_TRUE(RunUntil([&] { return device_events_.ups == 1; }));
  loop_.Cancel(ticker);
  EXPECT_GE(ticks, 20);
  ASSERT_THAT(device_events_.downs, SizeIs(1));
  EXPECT_EQ(device_events_.downs[0].code, ErrorCode::kTimeout);
  EXPECT_THAT(device_events_.downs[0].text, HasSubstr("300 ms"));
  for (const int fd : fillers) close(fd);
  close(hole);
}

TEST_F(MqttLinkTest, NoticesABrokerThatAnswersNoMore) {
  MqttOptions options = Options("a", {broker_.url()});
  options.keepalive = seconds(5);
  const auto device = MakeMqttLink(loop_, options);
  ASSERT_TRUE(device->Open(device_events_));
  ASSERT_TRUE(RunUntil([&] { return device_events_.ups == 1; }));
  broker_.Freeze();
  ASSERT_TRUE(RunUntil([&] { return !device_events_.downs.empty(); }));
  EXPECT_THAT(device_events_.downs[0].text, HasSubstr("has not answered for 5 s"));
  broker_.Thaw();
  EXPECT_TRUE(RunUntil([&] { return device_events_.ups == 2; }));
}

TEST_F(MqttLinkTest, SaysThatAPasswordIsWrongAndGoesOnWithBackoff) {
  TestBroker guarded({.passwords = {{"plant", "secret"}}});
  for (const int protocol : {4, 5}) {
    MqttOptions options = Options("a", {guarded.url()});
    options.protocol = protocol;
    options.username = "plant";
    options.password = "wrong";
    const auto device = MakeMqttLink(loop_, options);
    Recorder events;
    ASSERT_TRUE(device->Open(events));
    ASSERT_TRUE(RunUntil([&] { return events.downs.size() >= 3; }));
    EXPECT_EQ(events.downs[0].code, ErrorCode::kPermission);
    EXPECT_THAT(events.downs[0].text, HasSubstr("user name \"plant\""));
    EXPECT_THAT(events.downs[0].text, HasSubstr("not authorized"));
    EXPECT_EQ(events.downs[0].text.find("wrong user"), std::string::npos);
    EXPECT_GE(device->stats().failures, 3u);
    EXPECT_EQ(events.ups, 0);
  }
  MqttOptions options = Options("a", {guarded.url()});
  options.username = "plant";
  options.password = "secret";
  const auto device = MakeMqttLink(loop_, options);
  ASSERT_TRUE(device->Open(device_events_));
  EXPECT_TRUE(RunUntil([&] { return device_events_.ups == 1; }));
}

// Ends the link from within an event, at every kind of event.
class Quitter : public Recorder {
 public:
  void OnLinkUp() override {
    Recorder::OnLinkUp();
    if (quit_on_up) link.reset();
  }
  void OnLinkDown(const Error& why) override {
    Recorder::OnLinkDown(why);
    link.reset();
  }
  void OnLinkFrame(std::string_view peer, std::span<const std::byte> bytes) override {
    Recorder::OnLinkFrame(peer, bytes);
    link.reset();
  }
  bool quit_on_up = false;
  std::unique_ptr<Link> link;
};

TEST_F(MqttLinkTest, MayBeDestroyedInEachOfItsEvents) {
  const auto cloud = MakeMqttLink(loop_, Options("", {broker_.url()}));
  ASSERT_TRUE(cloud->Open(cloud_events_));
  Quitter on_frame;
  on_frame.link = MakeMqttLink(loop_, Options("a", {broker_.url()}));
  ASSERT_TRUE(on_frame.link->Open(on_frame));
  ASSERT_TRUE(RunUntil([&] { return on_frame.ups == 1 && cloud_events_.ups == 1; }));
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(cloud->Send("a", Bytes("x")));
  ASSERT_TRUE(RunUntil([&] { return !on_frame.link; }));
  EXPECT_THAT(on_frame.frames, SizeIs(1));

  Quitter on_up;
  on_up.quit_on_up = true;
  on_up.link = MakeMqttLink(loop_, Options("b", {broker_.url()}));
  ASSERT_TRUE(on_up.link->Open(on_up));
  ASSERT_TRUE(RunUntil([&] { return !on_up.link; }));

  Quitter on_loss;
  on_loss.link = MakeMqttLink(loop_, Options("c", {broker_.url()}));
  ASSERT_TRUE(on_loss.link->Open(on_loss));
  ASSERT_TRUE(RunUntil([&] { return on_loss.ups == 1; }));
  broker_.Kill();
  ASSERT_TRUE(RunUntil([&] { return !on_loss.link; }));

  Quitter on_failure;
  on_failure.link = MakeMqttLink(loop_, Options("d", {broker_.url()}));
  ASSERT_TRUE(on_failure.link->Open(on_failure));
  EXPECT_TRUE(RunUntil([&] { return !on_failure.link; }));
}

TEST_F(MqttLinkTest, AnswersWithinAnEventReachTheSocketAtOnce) {
  class Echo : public Recorder {
   public:
    void OnLinkFrame(std::string_view peer, std::span<const std::byte> bytes) override {
      Recorder::OnLinkFrame(peer, bytes);
      ASSERT_TRUE(link->Send(peer, bytes));
      for (const LimitReport& report : link->limits()) {
        if (report.name == "link_backlog_bytes") backlog = report.used;
      }
    }
    Link* link = nullptr;
    std::uint64_t backlog = 1;
  };
  const auto cloud = MakeMqttLink(loop_, Options("", {broker_.url()}));
  const auto device = MakeMqttLink(loop_, Options("a", {broker_.url()}));
  Echo echo;
  echo.link = device.get();
  ASSERT_TRUE(cloud->Open(cloud_events_));
  ASSERT_TRUE(device->Open(echo));
  ASSERT_TRUE(RunUntil([&] { return echo.ups == 1 && cloud_events_.ups == 1; }));
  ASSERT_TRUE(cloud->Send("a", Bytes("ping")));
  ASSERT_TRUE(RunUntil([&] { return !cloud_events_.frames.empty(); }));
  EXPECT_EQ(echo.backlog, 0u);
}

TEST_F(MqttLinkTest, RefusesPeersThatAreNotItsOwn) {
  const auto cloud = MakeMqttLink(loop_, Options("", {broker_.url()}));
  const auto device = MakeMqttLink(loop_, Options("a", {broker_.url()}));
  EXPECT_EQ(cloud->Send("a/b", Bytes("x")).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(cloud->Send("", Bytes("x")).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(device->Send("b", Bytes("x")).error().code, ErrorCode::kInvalid);
}

TEST_F(MqttLinkTest, RefusesOptionsThatNoRetryCures) {
  const auto open = [&](auto change) {
    MqttOptions options = Options("a", {broker_.url()});
    change(options);
    return MakeMqttLink(loop_, options)->Open(device_events_);
  };
  EXPECT_TRUE(open([](MqttOptions&) {}));
  EXPECT_FALSE(open([](MqttOptions& o) { o.brokers.clear(); }));
  EXPECT_FALSE(open([](MqttOptions& o) { o.client_id.clear(); }));
  EXPECT_FALSE(open([](MqttOptions& o) { o.device = "a/b"; }));
  EXPECT_FALSE(open([](MqttOptions& o) { o.keepalive = seconds(4); }));
  EXPECT_FALSE(open([](MqttOptions& o) { o.protocol = 3; }));
  EXPECT_FALSE(open([](MqttOptions& o) { o.password = "x"; }));
  EXPECT_FALSE(open([](MqttOptions& o) { o.username = std::string(65'536, 'x'); }));
}

}  // namespace
}  // namespace edgetwin::sync
