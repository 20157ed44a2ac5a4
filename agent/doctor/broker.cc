// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/doctor/broker.h"

#include <optional>
#include <utility>

#include "agent/api/text.h"
#include "agent/runtime/link_options.h"
#include "sync/link/certificate.h"
#include "twin/base/event_loop.h"
#include "twin/base/random.h"

namespace edgetwin::doctor {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr std::chrono::days kCertificateSoon{30};
constexpr milliseconds kTurn{50};

// One round through the brokers.
class Attempt final : public sync::LinkEvents {
 public:
  void OnLinkUp() override { up_ = true; }
  void OnLinkDown(const Error& why) override { refusals_.push_back(why.text); }
  void OnLinkFrame(std::string_view, std::span<const std::byte>) override {}

  bool up() const { return up_; }
  const std::vector<std::string>& refusals() const { return refusals_; }

 private:
  bool up_ = false;
  std::vector<std::string> refusals_;
};

}  // namespace

Findings ExamineCertificate(const std::string& whose, const std::string& file, WallTime now) {
  const auto end = sync::CertificateEnd(file);
  if (!end) {
    const bool unread = end.error().code == ErrorCode::kUnavailable;
    return {{"certificate", unread ? Verdict::kSkipped : Verdict::kFailed, end.error().text,
             unread ? "Ask again with sudo; or is the name right?" : "Put the right file there."}};
  }
  const auto left = duration_cast<milliseconds>(*end - now);
  const std::string date = api::LocalTime(*end, {});
  if (left.count() <= 0) {
    return {{"certificate", Verdict::kFailed, whose + " " + file + " ended on " + date,
             "Have a new one made, put it there, and restart edgetwind. Is this device's clock "
             "right?"}};
  }
  if (left < kCertificateSoon) {
    return {{"certificate", Verdict::kWarning,
             whose + " " + file + " ends in " + api::Span(left) + ", on " + date,
             "Have a new one made before: without it the cloud can't be reached."}};
  }
  return {{"certificate", Verdict::kOk, whose + " is good until " + date, ""}};
}

Findings ExamineBrokers(const config::AgentConfig& config, milliseconds at_most) {
  auto options = runtime::LinkOptions(config);
  if (!options) {
    return {{"broker", Verdict::kSkipped, options.error().text,
             "Ask again with sudo: the secret is not for everybody."}};
  }
  // As unlike the agent's as that of two clones: nobody is thrown out.
  options->client_id = config.device.id + "-doctor-" + std::to_string(RandomBelow(1'000'000'000));
  const SystemClock clock;
  EventLoop loop(clock);
  const auto link = sync::MakeMqttLink(loop, *std::move(options));
  Attempt attempt;
  if (const Status opened = link->Open(attempt); !opened) {
    return {{"broker", Verdict::kFailed, opened.error().text, "Correct [cloud], or the file."}};
  }
  const MonoTime end = clock.Now() + at_most;
  while (!attempt.up() && attempt.refusals().size() < config.cloud.brokers.size() &&
         clock.Now() < end) {
    loop.RunFor(kTurn);
  }
  const std::string at = link->stats().broker;
  link->Close();
  Findings findings;
  for (const std::string& why : attempt.refusals()) {
    findings.push_back({"broker", attempt.up() ? Verdict::kWarning : Verdict::kFailed, why,
                        "The reason says which it is: name, route, certificate, password, access "
                        "rules."});
  }
  if (attempt.up()) {
    findings.push_back({"broker", Verdict::kOk, "Logged in at " + at, ""});
  } else if (findings.empty()) {
    findings.push_back({"broker", Verdict::kFailed,
                        at + " did not let it in within " + api::Span(at_most),
                        "Is the way there open? 'ping', then the firewall's rules for its port."});
  }
  return findings;
}

}  // namespace edgetwin::doctor
