// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/mqtt/connection.h"

#include <algorithm>
#include <utility>

#include "twin/base/random.h"

namespace edgetwin::mqtt_driver {
namespace {

using std::chrono::milliseconds;

std::span<const std::byte> Bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

}  // namespace

Connection::Connection(Loop& loop, const ConnectionOptions& options, mqtt::Traffic& traffic,
                       ConnectionEvents& events)
    : loop_(loop),
      options_(options),
      traffic_(traffic),
      events_(events),
      backoff_(options.backoff_min, options.backoff_max, RandomBelow) {
  timer_ = loop_.After(milliseconds(0), [this] { Try(); });
}

Connection::~Connection() {
  loop_.Cancel(timer_);
  if (client_) client_->Disconnect();
}

void Connection::Try() {
  timer_ = Loop::Id::kNone;
  next_try_.reset();
  mqtt::TlsFiles files{options_.ca_file, options_.cert_file, {}};
  if (!options_.key.empty()) {
    Result<std::string> key = driver::Locate(options_.key);
    if (!key) return Fail(key.error());
    files.key_file = *std::move(key);
  }
  // One whose thread is still blocked is waited for again: never two.
  if (!lookup_) {
    lookup_ = std::make_unique<mqtt::Lookup>(
        loop_, options_.broker, files,
        [this](Result<mqtt::Route> route) { OnRoute(std::move(route)); });
  }
  timer_ = loop_.After(options_.client.connect_timeout, [this] {
    Fail(TimedOut("resolving \"" + options_.broker.host + "\" takes longer than " +
                  FormatDuration(options_.client.connect_timeout)));
  });
}

void Connection::OnRoute(Result<mqtt::Route> route) {
  lookup_.reset();
  loop_.Cancel(std::exchange(timer_, Loop::Id::kNone));
  next_try_.reset();  // What was found late is good now.
  if (!route) return Fail(route.error());
  route_ = *std::move(route);
  address_ = 0;
  Connect();
}

Status Connection::ReadSecrets() {
  client_options_ = options_.client;
  if (options_.password.empty()) return {};
  Result<std::string> password = driver::ReadSecret(options_.password);
  if (!password) return password.error();
  client_options_.password = *std::move(password);
  return {};
}

void Connection::Connect() {
  if (Status read = ReadSecrets(); !read) return Fail(read.error());
  mqtt::ClientTarget target;
  target.address = route_.addresses[address_];
  target.port = options_.broker.port;
  target.name = options_.broker.text;
  target.tls = route_.tls;
  target.protocol = options_.protocol != 0 ? options_.protocol : refuses_5_ ? 4 : 5;
  target.subscriptions = options_.subscriptions;
  target.qos = options_.qos;
  target.retained = true;
  target.clean_start = options_.clean_start;
  target.session_expiry = options_.session_expiry;
  client_ = std::make_unique<mqtt::Client>(loop_, client_options_, traffic_,
                                           static_cast<mqtt::ClientEvents&>(*this));
  if (Status begun = client_->Connect(std::move(target)); !begun) {
    mqtt::ClientLoss loss;
    loss.why = begun.error();
    loss.reached = true;  // Another address is no better.
    OnClientDown(loss);
  }
}

void Connection::OnClientUp() {
  up_since_ = loop_.Now();
  events_.OnUp();
}

void Connection::OnClientDown(const mqtt::ClientLoss& loss) {
  client_.reset();
  client_options_.password.clear();
  if (loss.refused_version && options_.protocol == 0 && !refuses_5_) {
    refuses_5_ = true;
    return Connect();
  }
  // A broker's other addresses help against a dead route, not against its refusal.
  if (!loss.reached && address_ + 1 < route_.addresses.size()) {
    ++address_;
    return Connect();
  }
  // Only a connection that lasted has proved itself: some brokers throw out whom they let in.
  if (loss.was_up && loop_.Now() - up_since_ >= options_.backoff_max) backoff_.Reset();
  Fail(loss.why);
}

void Connection::Fail(const Error& why) {
  const milliseconds pause = backoff_.Next();
  next_try_ = loop_.Now() + pause;
  loop_.Cancel(timer_);
  timer_ = loop_.After(pause, [this] { Try(); });
  // TLS hides behind kPermission what a clock or a certificate cures; nothing here is final.
  events_.OnDown(why);
}

void Connection::OnClientMessage(std::string_view topic, std::span<const std::byte> bytes,
                                 bool retained) {
  events_.OnMessage(topic, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, retained);
}

Status Connection::Send(const std::string& topic, std::string_view payload) {
  if (!client_) return Unavailable("not connected to " + options_.broker.text);
  return client_->Send(topic, Bytes(payload));
}

Result<int> Connection::Publish(const std::string& topic, std::string_view payload, bool retain) {
  if (!client_) return Unavailable("not connected to " + options_.broker.text);
  return client_->Publish(topic, Bytes(payload), retain);
}

std::optional<milliseconds> Connection::next_try() const {
  if (!next_try_) return {};
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(*next_try_ - loop_.Now()));
}

}  // namespace edgetwin::mqtt_driver
