// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// TLS: who is believed, and who is shown what.

#include <gmock/gmock.h>

#include "drivers/http/http_driver_test_base.h"
#include "tests/support/certificates.h"

namespace edgetwin::http_driver {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class HttpTlsTest : public HttpDriverTest {
 protected:
  static void SetUpTestSuite() { authority_ = new tests::CertificateAuthority; }
  static void TearDownTestSuite() {
    delete authority_;
    authority_ = nullptr;
  }
  static std::vector<std::string> Files(const tests::Certificate& certificate) {
    return {certificate.certificate_file, certificate.key_file};
  }
  static tests::CertificateAuthority& authority() { return *authority_; }
  static std::string Tls(const std::string& lines = "") {
    return "[request.tls]\nca_file = \"" + authority().ca_file() + "\"\n" + lines;
  }
  std::string ErrorOf(const TestServer& server, const std::string& lines,
                      const std::string& host = "127.0.0.1") {
    server.Serve("state", R"({"a":1})");
    Start(RequestOf(server.Url("/files/state", host), lines));
    return FirstError();
  }

 private:
  static tests::CertificateAuthority* authority_;
};
tests::CertificateAuthority* HttpTlsTest::authority_ = nullptr;

TEST_F(HttpTlsTest, AKnownAuthorityIsBelieved) {
  const TestServer server(Files(authority().Issue()));
  EXPECT_EQ(ErrorOf(server, Tls()), "");
}

TEST_F(HttpTlsTest, AnUnknownAuthorityIsNot) {
  const TestServer server(Files(authority().Issue()));
  EXPECT_EQ(ErrorOf(server, ""), "certificate's issuer is not known, of 127.0.0.1");
  EXPECT_TRUE(server.Asked().empty());
}

TEST_F(HttpTlsTest, VerificationCanBeSwitchedOff) {
  const TestServer server(Files(authority().Issue()));
  EXPECT_EQ(ErrorOf(server, "[request.tls]\nverify = false\n"), "");
}

TEST_F(HttpTlsTest, AnExpiredCertificateIsTold) {
  const TestServer server(Files(authority().IssueExpired()));
  EXPECT_EQ(ErrorOf(server, Tls()), "certificate expired, of 127.0.0.1");
  EXPECT_TRUE(server.Asked().empty());
}

TEST_F(HttpTlsTest, AnotherNameIsTold) {
  tests::CertificateRequest request;
  request.common_name = "elsewhere";
  request.alternative_names = "DNS:elsewhere";
  const TestServer server(Files(authority().Issue(request)));
  EXPECT_EQ(ErrorOf(server, Tls(), "localhost"), "certificate is for another name than localhost");
  EXPECT_TRUE(server.Asked().empty());
}

TEST_F(HttpTlsTest, AClientCertificateIsShown) {
  const tests::Certificate client = authority().Issue();
  std::vector<std::string> files = Files(authority().Issue());
  files.push_back(authority().ca_file());
  const TestServer server(files);
  EXPECT_NE(ErrorOf(server, Tls()), "");
  Renew();
  Start(RequestOf(server.Url("/files/state"), Tls("cert_file = \"" + client.certificate_file +
                                                  "\"\nkey_file = \"" + client.key_file + "\"\n")));
  EXPECT_TRUE(UntilGood("t/a", 1));
}

TEST_F(HttpTlsTest, AMissingClientCertificateIsTold) {
  const TestServer server(Files(authority().Issue()));
  EXPECT_EQ(ErrorOf(server, Tls("cert_file = \"/no/cert\"\nkey_file = \"/no/key\"\n")),
            "cert_file or its key can't be used");
}

TEST_F(HttpTlsTest, AMissingAuthorityIsTold) {
  const TestServer server(Files(authority().Issue()));
  EXPECT_EQ(ErrorOf(server, "[request.tls]\nca_file = \"/no/ca\"\n"), "ca_file can't be used");
}

TEST_F(HttpTlsTest, APlainServerIsNoTlsServer) {
  const TestServer plain;
  Start(RequestOf("https://127.0.0.1:" + plain.port() + "/files/state", Tls()));
  EXPECT_EQ(FirstError(), "no TLS with 127.0.0.1");
}

TEST_F(HttpTlsTest, ARedirectToPlainHttpIsRefused) {
  const TestServer plain;
  const TestServer server(Files(authority().Issue()));
  Start(RequestOf(server.Url("/to?" + plain.Url("/files/state")), Tls()));
  EXPECT_EQ(FirstError(), "it redirects from https to http");
  EXPECT_TRUE(plain.Asked().empty());
}

TEST_F(HttpTlsTest, AnotherHostIsShownNoClientCertificate) {
  const tests::Certificate client = authority().Issue();
  std::vector<std::string> files = Files(authority().Issue());
  const TestServer first(files);
  files.push_back(authority().ca_file());
  const TestServer second(files);  // Wants one.
  second.Serve("state", R"({"a":1})");
  Start(RequestOf(first.Url("/to?" + second.Url("/files/state")),
                  Tls("cert_file = \"" + client.certificate_file + "\"\nkey_file = \"" +
                      client.key_file + "\"\n")));
  EXPECT_NE(FirstError(), "");
  EXPECT_TRUE(second.Asked().empty());
}

}  // namespace
}  // namespace edgetwin::http_driver
