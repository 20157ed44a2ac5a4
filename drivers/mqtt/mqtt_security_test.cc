// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Passwords, certificates and who is trusted, with a real broker.

#include "drivers/mqtt/mqtt_driver_test_base.h"
#include "tests/support/certificates.h"
#include "tests/support/temp_dir.h"

namespace edgetwin::mqtt_driver {
namespace {

using model::Value;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kTopic =
    "[[topic]]\ntopic = \"a\"\nformat = \"text\"\n[[topic.property]]\nname = \"a\"\n";

class MqttSecurityTest : public MqttDriverTest {
 protected:
  bool Connects(const std::string& options) {
    StartAlone("broker = \"" + broker().url() + "\"\nbackoff_max = \"100ms\"\n" + options + kTopic);
    return Until([&] { return Part("broker").state == "ok" || !sink_.polls().empty(); }) &&
           Part("broker").state == "ok";
  }
  std::string Error() { return Part("broker").last_error; }

  tests::TempDir folder_;
};

TEST_F(MqttSecurityTest, APasswordIsReadForEachConnection) {
  broker_options_.passwords = {{"gateway", "right"}};
  const std::string file = folder_.Write("password", "wrong\n");
  EXPECT_FALSE(Connects("user = \"gateway\"\npassword_file = \"" + file + "\"\n"));
  EXPECT_THAT(Error(), HasSubstr("refused us with the user name \"gateway\""));
  EXPECT_THAT(Error(), Not(HasSubstr("wrong\n")));
  (void)folder_.Write("password", "right\n");
  EXPECT_TRUE(Until([&] { return Part("broker").state == "ok"; })) << Error();
}

TEST_F(MqttSecurityTest, APasswordThatIsMissingIsTold) {
  EXPECT_FALSE(Connects("user = \"gateway\"\npassword_file = \"" + folder_.File("none") + "\"\n"));
  EXPECT_THAT(Error(), HasSubstr(folder_.File("none")));
}

TEST_F(MqttSecurityTest, ACertificateOfTheAuthorityIsTrustedAndOursShown) {
  tests::CertificateAuthority authority;
  broker_options_.tls = authority.Issue();
  broker_options_.client_ca_file = authority.ca_file();
  const tests::Certificate own = authority.Issue({.common_name = "gateway"});
  EXPECT_TRUE(Connects("[tls]\nca_file = \"" + authority.ca_file() + "\"\ncert_file = \"" +
                       own.certificate_file + "\"\nkey_file = \"" + own.key_file + "\"\n"))
      << Error();
}

TEST_F(MqttSecurityTest, ACertificateOfAnotherAuthorityIsNot) {
  tests::CertificateAuthority authority;
  tests::CertificateAuthority other;
  broker_options_.tls = authority.Issue();
  EXPECT_FALSE(Connects("[tls]\nca_file = \"" + other.ca_file() + "\"\n"));
  EXPECT_THAT(Error(), HasSubstr("is not signed by an authority in"));
}

}  // namespace
}  // namespace edgetwin::mqtt_driver
