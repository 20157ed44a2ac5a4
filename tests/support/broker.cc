// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/support/broker.h"

#include <stdexcept>

#include "tests/support/port.h"

namespace edgetwin::tests {
namespace {

using std::chrono::seconds;

std::string PasswordFile(const TempDir& folder, const std::map<std::string, std::string>& users) {
  std::string file = folder.Write("passwords", "");
  for (const auto& [user, password] : users) {
    if (RunChild({.args = {"mosquitto_passwd", "-b", file, user, password},
                  .output_file = folder.File("log")}) != 0) {
      throw std::runtime_error("mosquitto_passwd: " + ReadFile(folder.File("log")));
    }
  }
  return file;
}

std::string Config(const TempDir& folder, std::uint16_t port, const BrokerOptions& options) {
  std::string text = "listener " + std::to_string(port) + " 127.0.0.1\n";
  const auto line = [&text](const std::string& key, const std::string& value) {
    text += key + " " + value + "\n";
  };
  if (options.tls) {
    line("certfile", options.tls->certificate_file);
    line("keyfile", options.tls->key_file);
  }
  if (!options.client_ca_file.empty()) {
    line("cafile", options.client_ca_file);
    line("require_certificate", "true");
  }
  line("allow_anonymous", options.passwords.empty() ? "true" : "false");
  if (!options.passwords.empty()) line("password_file", PasswordFile(folder, options.passwords));
  if (!options.acl.empty()) line("acl_file", folder.Write("acl", options.acl));
  // Started by root, mosquitto would change its user and lose the test's private folder.
  line("user", "root");
  line("persistence", "false");
  line("set_tcp_nodelay", "true");
  line("log_dest", "file " + folder.File("broker.log"));
  line("log_type", "all");
  for (const std::string& more : options.lines) text += more + "\n";
  return text;
}

}  // namespace

TestBroker::TestBroker(const BrokerOptions& options)
    : port_(FreePort()), tls_(options.tls.has_value()) {
  folder_.Write("mosquitto.conf", Config(folder_, port_, options));
  Start();
}

TestBroker::~TestBroker() = default;

std::string TestBroker::url() const {
  return (tls_ ? "mqtts://localhost:" : "mqtt://127.0.0.1:") + std::to_string(port_);
}

std::string TestBroker::log() const {
  return ReadFile(folder_.File("log")) + ReadFile(folder_.File("broker.log"));
}

void TestBroker::Start() {
  process_ = std::make_unique<Child>(
      ChildOptions{.args = {"/usr/sbin/mosquitto", "-c", folder_.File("mosquitto.conf")},
                   .output_file = folder_.File("log")});
  if (!WaitForPort(port_, seconds(20)) || !process_->running()) {
    throw std::runtime_error("mosquitto does not start: " + log());
  }
}

void TestBroker::Kill() {
  process_.reset();
}

void TestBroker::Stop() {
  process_->Kill(SIGTERM);
  if (!process_->Wait(seconds(20))) throw std::runtime_error("mosquitto does not stop: " + log());
  process_.reset();
}

void TestBroker::Freeze() {
  process_->Kill(SIGSTOP);
}
void TestBroker::Thaw() {
  process_->Kill(SIGCONT);
}

}  // namespace edgetwin::tests
