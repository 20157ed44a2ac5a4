// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// With a real mosquitto over TLS.

#include <gmock/gmock.h>

#include <filesystem>

#include "sync/link/link_test_base.h"
#include "tests/support/broker.h"
#include "tests/support/certificates.h"
#include "tests/support/port.h"

namespace edgetwin::sync {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using tests::Certificate;
using tests::CertificateAuthority;
using tests::Child;
using tests::TempDir;
using tests::TestBroker;

class MqttTlsTest : public LinkTest {
 protected:
  static void SetUpTestSuite() { authority_ = std::make_unique<CertificateAuthority>(); }
  static void TearDownTestSuite() { authority_.reset(); }

  MqttOptions TlsOptions(const std::string& url) {
    MqttOptions options = Options("a", {url});
    options.ca_file = authority_->ca_file();
    return options;
  }

  // Opens a link with `options`, expects a failure and returns its text.
  std::string FailureOf(const MqttOptions& options) {
    const auto link = MakeMqttLink(loop_, options);
    Recorder events;
    if (const Status opened = link->Open(events); !opened) return "Open: " + opened.error().text;
    if (!RunUntil([&] { return events.ups > 0 || !events.downs.empty(); })) return "nothing";
    return events.ups > 0 ? "up" : events.downs[0].text;
  }

  static std::unique_ptr<CertificateAuthority> authority_;
  Recorder events_;
};

std::unique_ptr<CertificateAuthority> MqttTlsTest::authority_;

TEST_F(MqttTlsTest, CarriesFramesOverBothVersionsOfTls) {
  TestBroker broker({.tls = authority_->Issue()});
  TestBroker old({.tls = authority_->Issue(), .lines = {"tls_version tlsv1.2"}});
  for (const std::string& url : {broker.url(), old.url()}) {
    Recorder device_events;
    Recorder cloud_events;
    MqttOptions options = TlsOptions(url);
    const auto device = MakeMqttLink(loop_, options);
    options.device.clear();
    options.client_id = "cloud";
    const auto cloud = MakeMqttLink(loop_, options);
    ASSERT_TRUE(device->Open(device_events));
    ASSERT_TRUE(cloud->Open(cloud_events));
    ASSERT_TRUE(RunUntil([&] { return device_events.ups == 1 && cloud_events.ups == 1; }));
    Frames expected;
    for (int i = 0; i < 100; ++i) {
      const std::string frame(static_cast<std::size_t>(i) * 97, static_cast<char>('a' + i % 26));
      ASSERT_TRUE(device->Send("a", Bytes(frame)));
      expected.emplace_back("a", frame);
    }
    ASSERT_TRUE(RunUntil([&] { return cloud_events.frames.size() >= 100; }));
    EXPECT_EQ(cloud_events.frames, expected);
  }
}

TEST_F(MqttTlsTest, ComesBackAfterTheBrokerWasKilled) {
  TestBroker broker({.tls = authority_->Issue()});
  const auto device = MakeMqttLink(loop_, TlsOptions(broker.url()));
  ASSERT_TRUE(device->Open(events_));
  ASSERT_TRUE(RunUntil([&] { return events_.ups == 1; }));
  broker.Kill();
  ASSERT_TRUE(RunUntil([&] { return events_.downs.size() >= 2; }));
  EXPECT_THAT(events_.downs.back().text, HasSubstr("Connection refused"));
  broker.Start();
  EXPECT_TRUE(RunUntil([&] { return events_.ups == 2; }));
}

TEST_F(MqttTlsTest, RefusesABrokerOfAnotherAuthority) {
  CertificateAuthority other;
  TestBroker broker({.tls = other.Issue()});
  EXPECT_THAT(FailureOf(TlsOptions(broker.url())),
              HasSubstr("is not signed by an authority in \"" + authority_->ca_file() + "\""));
  MqttOptions options = TlsOptions(broker.url());
  options.ca_file.clear();
  EXPECT_THAT(FailureOf(options), HasSubstr("not signed by an authority in the system's store"));
}

TEST_F(MqttTlsTest, RefusesAnExpiredBroker) {
  TestBroker broker({.tls = authority_->IssueExpired()});
  EXPECT_THAT(FailureOf(TlsOptions(broker.url())),
              HasSubstr("the broker's certificate expired on 2021-01-01"));
}

TEST_F(MqttTlsTest, RefusesABrokerFromTheFuture) {
  TestBroker broker({.tls = authority_->Issue({.not_before = "20990101000000Z"})});
  EXPECT_THAT(FailureOf(TlsOptions(broker.url())), HasSubstr("is this device's clock right?"));
}

TEST_F(MqttTlsTest, RefusesABrokerOfAnotherName) {
  TestBroker broker({.tls = authority_->Issue(
                         {.common_name = "localhost", .alternative_names = "DNS:other.example"})});
  EXPECT_THAT(FailureOf(TlsOptions(broker.url())),
              HasSubstr("is for \"other.example\", not for \"localhost\""));
}

TEST_F(MqttTlsTest, VerifiesAddressesToo) {
  const auto by_address = [&](const std::string& names) {
    TestBroker broker({.tls = authority_->Issue({.alternative_names = names})});
    return FailureOf(TlsOptions("mqtts://127.0.0.1:" + std::to_string(broker.port())));
  };
  EXPECT_EQ(by_address("IP:127.0.0.1"), "up");
  EXPECT_THAT(by_address("IP:127.0.0.2"), HasSubstr("is for \"127.0.0.2\", not for \"127.0.0.1\""));
}

TEST_F(MqttTlsTest, SaysThatTheBrokerWantsACertificate) {
  TestBroker broker({.tls = authority_->Issue(), .client_ca_file = authority_->ca_file()});
  EXPECT_THAT(FailureOf(TlsOptions(broker.url())),
              testing::AnyOf(HasSubstr("certificate required"),
                             HasSubstr("does it want a client certificate?")));
}

TEST_F(MqttTlsTest, ShowsItsCertificate) {
  TestBroker broker({.tls = authority_->Issue(), .client_ca_file = authority_->ca_file()});
  const Certificate own = authority_->Issue({.common_name = "a"});
  MqttOptions options = TlsOptions(broker.url());
  options.certificate_file = own.certificate_file;
  options.key_file = own.key_file;
  EXPECT_EQ(FailureOf(options), "up");
}

TEST_F(MqttTlsTest, SaysThatItsOwnCertificateExpired) {
  TestBroker broker({.tls = authority_->Issue(), .client_ca_file = authority_->ca_file()});
  const Certificate own = authority_->IssueExpired();
  MqttOptions options = TlsOptions(broker.url());
  options.certificate_file = own.certificate_file;
  options.key_file = own.key_file;
  EXPECT_THAT(FailureOf(options),
              HasSubstr("\"" + own.certificate_file + "\" expired on 2021-01-01"));
}

TEST_F(MqttTlsTest, NamesTheFileThatIsWrong) {
  const TempDir folder;
  const Certificate own = authority_->Issue();
  const Certificate other = authority_->Issue();
  const auto failure = [&](auto change) {
    MqttOptions options = TlsOptions("mqtts://localhost");
    options.certificate_file = own.certificate_file;
    options.key_file = own.key_file;
    change(options);
    return FailureOf(options);
  };
  const std::string junk = folder.Write("junk", "junk");
  EXPECT_THAT(failure([](MqttOptions& o) { o.ca_file = "/no/ca"; }),
              HasSubstr("Open: cannot read ca_file \"/no/ca\": No such file"));
  EXPECT_THAT(failure([&](MqttOptions& o) { o.ca_file = junk; }),
              HasSubstr("Open: ca_file \"" + junk + "\" holds no PEM certificate"));
  EXPECT_THAT(failure([](MqttOptions& o) { o.certificate_file = "/no/cert"; }),
              HasSubstr("Open: cannot read certificate_file \"/no/cert\""));
  EXPECT_THAT(failure([&](MqttOptions& o) { o.certificate_file = junk; }),
              HasSubstr("Open: certificate_file \"" + junk + "\" holds no PEM certificate"));
  EXPECT_THAT(failure([](MqttOptions& o) { o.key_file = "/no/key"; }),
              HasSubstr("Open: cannot read key_file \"/no/key\""));
  EXPECT_THAT(failure([&](MqttOptions& o) { o.key_file = junk; }),
              HasSubstr("Open: key_file \"" + junk + "\" holds no PEM key"));
  EXPECT_THAT(failure([&](MqttOptions& o) { o.key_file = other.key_file; }),
              HasSubstr("is not the key of certificate_file"));
  EXPECT_THAT(failure([](MqttOptions& o) { o.key_file.clear(); }), HasSubstr("go together"));
}

TEST_F(MqttTlsTest, RefusesAKeyWithAPassPhraseWithoutAsking) {
  const TempDir folder;
  const Certificate own = authority_->Issue();
  const std::string locked = folder.File("locked.key");
  ASSERT_EQ(tests::RunChild({.args = {"openssl", "pkey", "-in", own.key_file, "-aes256", "-passout",
                                      "pass:x", "-out", locked}}),
            0);
  MqttOptions options = TlsOptions("mqtts://localhost");
  options.certificate_file = own.certificate_file;
  options.key_file = locked;
  EXPECT_THAT(FailureOf(options), HasSubstr("holds no PEM key without a pass phrase"));
}

TEST_F(MqttTlsTest, ReadsRenewedFilesAtTheNextAttempt) {
  CertificateAuthority other;
  TestBroker broker({.tls = authority_->Issue()});
  const TempDir folder;
  MqttOptions options = TlsOptions(broker.url());
  options.ca_file = folder.Write("ca.pem", tests::ReadFile(other.ca_file()));
  const auto device = MakeMqttLink(loop_, options);
  ASSERT_TRUE(device->Open(events_));
  ASSERT_TRUE(RunUntil([&] { return !events_.downs.empty(); }));
  folder.Write("ca.pem", tests::ReadFile(authority_->ca_file()));
  EXPECT_TRUE(RunUntil([&] { return events_.ups == 1; }));
}

TEST_F(MqttTlsTest, SaysThatThePeerSpeaksNoTls) {
  TestBroker broker;
  EXPECT_THAT(FailureOf(TlsOptions("mqtts://localhost:" + std::to_string(broker.port()))),
              HasSubstr("no TLS connection to mqtts://localhost"));
}

TEST_F(MqttTlsTest, AHandshakeThatStallsIsGivenUp) {
  TestBroker broker({.tls = authority_->Issue()});
  broker.Freeze();
  MqttOptions options = TlsOptions(broker.url());
  options.handshake_timeout = std::chrono::milliseconds(200);
  EXPECT_THAT(FailureOf(options), HasSubstr("handshake took longer than 200 ms"));
}

// openssl's own server, which tells what name the client asked for.
TEST_F(MqttTlsTest, NamesTheHostInTheHandshakeButNeverAnAddress) {
  const Certificate certificate = authority_->Issue();
  const TempDir folder;
  for (const std::string host : {"localhost", "127.0.0.1"}) {
    const std::uint16_t port = tests::FreePort();
    const std::string output = folder.File(host);
    Child server({.args = {"openssl", "s_server", "-accept", std::to_string(port), "-cert",
                           certificate.certificate_file, "-key", certificate.key_file,
                           "-servername", "localhost", "-cert2", certificate.certificate_file,
                           "-key2", certificate.key_file, "-tlsextdebug", "-www"},
                  .output_file = output});
    ASSERT_TRUE(tests::WaitForPort(port, seconds(10)));
    const auto device =
        MakeMqttLink(loop_, TlsOptions("mqtts://" + host + ":" + std::to_string(port)));
    ASSERT_TRUE(device->Open(events_));
    ASSERT_TRUE(RunUntil(
        [&] { return tests::ReadFile(output).find("\"key share\"") != std::string::npos; }));
    if (host == "localhost") {
      EXPECT_THAT(tests::ReadFile(output), HasSubstr(".....localhost\n"));
    } else {
      EXPECT_EQ(tests::ReadFile(output).find("TLS client extension \"server name\""),
                std::string::npos);
    }
  }
}

}  // namespace
}  // namespace edgetwin::sync
