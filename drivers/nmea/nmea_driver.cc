// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/nmea/nmea_driver.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <string_view>
#include <utility>

#include "drivers/sdk/serial/find_ports.h"

namespace edgetwin::nmea {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kOpenWaitMin{1'000};
constexpr milliseconds kOpenWaitMax{30'000};
constexpr int kBaud = 4'800;  // NMEA 0183.

struct Property {
  std::string_view name;
  model::ValueType type;
  std::string_view unit;
  int decimals;
  std::string_view source;
  std::string_view description;
};

// By Quantity.
constexpr std::array<Property, kQuantities> kProperties = {{
    {"latitude", model::ValueType::kDouble, "deg", 7, "GGA, GLL, RMC", "North is positive"},
    {"longitude", model::ValueType::kDouble, "deg", 7, "GGA, GLL, RMC", "East is positive"},
    {"altitude", model::ValueType::kDouble, "m", 1, "GGA", "Above mean sea level"},
    {"speed", model::ValueType::kDouble, "m/s", 2, "RMC, VTG", "Over ground"},
    {"course", model::ValueType::kDouble, "deg", 1, "RMC, VTG", "Over ground, from true north"},
    {"fix_quality", model::ValueType::kInt, "", 0, "GGA",
     "0 none, 1 GNSS, 2 differential, 4 RTK, 5 RTK float, 6 dead reckoning"},
    {"fix_mode", model::ValueType::kInt, "", 0, "GSA",
     "1 none, 2 two-dimensional, 3 three-dimensional"},
    {"satellites", model::ValueType::kInt, "", 0, "GGA", "In use"},
    {"hdop", model::ValueType::kDouble, "", 2, "GGA, GSA", "Horizontal dilution of precision"},
    {"pdop", model::ValueType::kDouble, "", 2, "GSA", "Dilution of precision"},
    {"vdop", model::ValueType::kDouble, "", 2, "GSA", "Vertical dilution of precision"},
    {"time", model::ValueType::kInt, "s", 0, "RMC, ZDA", "UTC, since 1970-01-01"},
}};

// A clock changes with every look at it: once a minute shows that it runs, and costs little.
constexpr milliseconds kTimePeriodMin{60'000};

const Property& PropertyOf(Quantity quantity) {
  return kProperties.at(static_cast<std::size_t>(quantity));
}

model::Value ValueOf(const Property& property, double value) {
  if (property.type == model::ValueType::kInt) {
    return model::Value(static_cast<std::int64_t>(std::llround(value)));
  }
  return model::Value(driver::Rounded(value, property.decimals));
}

}  // namespace

namespace {

// Whether a receiver is there only its sentences tell, at a speed that nobody has said.
Result<std::vector<driver::Found>> ScanForPorts(ConfigReader& options, const driver::GoOn&) {
  return serial::ScanPorts(options, "position", "where a satellite receiver may be",
                           "kind = \"nmea\"\nbaud = 9600\n");
}

}  // namespace

driver::DriverKind NmeaKind() {
  return {"nmea", "Satellite receivers (NMEA 0183) on serial lines",
          []() -> std::unique_ptr<driver::Driver> { return std::make_unique<NmeaDriver>(); }, false,
          ScanForPorts};
}

NmeaDriver::~NmeaDriver() {
  Stop();
}

bool NmeaDriver::Init(ConfigReader& config) {
  const std::size_t problems = config.problems().count();
  instance_ = config.prefix();
  port_options_.baud = kBaud;
  serial::ReadPortOptions(config, port_options_);
  thing_ = driver::ReadThing(config);
  period_ = config.Duration("period", period_, milliseconds(100), std::chrono::hours(24));
  timeout_ = config.Duration("timeout", timeout_, milliseconds(1'000), std::chrono::hours(24));
  rules_.Read(config);
  return config.problems().count() == problems;
}

Status NmeaDriver::Start(Loop& loop, driver::SampleSink& sink) {
  loop_ = &loop;
  sink_ = &sink;
  started_ = loop.Now();
  heard_at_.reset();
  bytes_unheard_ = 0;
  known_ = {};
  open_wait_ = milliseconds(0);
  last_error_.clear();
  period_timer_ = loop.Every(period_, [this] { OnPeriod(); });
  TryOpen();
  return {};
}

void NmeaDriver::Stop() {
  if (loop_ == nullptr) return;
  ClosePort();
  for (Loop::Id* timer : {&open_timer_, &period_timer_}) {
    loop_->Cancel(*timer);
    *timer = Loop::Id::kNone;
  }
  loop_ = nullptr;
  sink_ = nullptr;
}

void NmeaDriver::ClosePort() {
  loop_->Cancel(watch_);
  watch_ = Loop::Id::kNone;
  port_.Close();
  lines_.Clear();
}

void NmeaDriver::TryOpen() {
  open_timer_ = Loop::Id::kNone;
  Result<serial::Port> port = open_(port_options_, instance_);
  if (!port) return OpenLater(port.error());
  port_ = *std::move(port);
  port_error_.clear();
  watch_ = loop_->Watch(port_.fd(), Loop::kReadable, [this](unsigned) { OnReadable(); });
}

void NmeaDriver::OpenLater(const Error& why) {
  port_error_ = last_error_ = why.text;
  // Until a sentence is heard the pauses grow: a port that opens and fails at once is no better
  // than one that can't be opened.
  open_wait_ = std::clamp(open_wait_ * 2, kOpenWaitMin, kOpenWaitMax);
  open_timer_ = loop_->After(open_wait_, [this] { TryOpen(); });
}

void NmeaDriver::OnReadable() {
  std::array<char, 1'024> bytes;
  const ssize_t got = read(port_.fd(), bytes.data(), bytes.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    ClosePort();
    return OpenLater(Unavailable(port_options_.device + " is gone"));
  }
  bytes_unheard_ += static_cast<std::uint64_t>(got);
  lines_.Add({bytes.data(), static_cast<std::size_t>(got)},
             [this](std::string_view line) { OnLine(line); });
}

void NmeaDriver::OnLine(std::string_view line) {
  const Result<std::vector<Reading>> readings = ReadSentence(line);
  if (!readings) {
    ++(readings.error().code == ErrorCode::kCorrupt ? checksums_wrong_ : fields_wrong_);
    last_error_ = readings.error().text;
    return;
  }
  const MonoTime now = loop_->Now();
  heard_at_ = now;
  bytes_unheard_ = 0;
  open_wait_ = milliseconds(0);
  for (const Reading& reading : *readings) {
    Known& known = known_.at(static_cast<std::size_t>(reading.quantity));
    known.value = reading.value;
    if (sink_->wants_raw()) known.raw = line;  // ASCII.
    known.heard = true;
    known.at = now;
  }
}

bool NmeaDriver::Define(Quantity quantity, Known& known) {
  if (known.id != model::kNoProperty) return true;
  const Property& property = PropertyOf(quantity);
  const Result<model::Path> path = model::Path::Parse(thing_ + "/" + std::string(property.name));
  if (!path) return false;  // Not after Init.
  model::PropertyDef def;
  def.path = *path;
  def.type = property.type;
  def.unit = property.unit;
  if (def.type == model::ValueType::kDouble) def.decimals = property.decimals;
  def.description = property.description;
  def.source = property.source;
  if (quantity == Quantity::kTime) def.policy.min_period = kTimePeriodMin;
  rules_.Apply(property.name, def);
  const Result<model::PropertyId> id = sink_->Define(std::move(def));
  if (!id) {
    last_error_ = id.error().text;
    return false;
  }
  known.id = *id;
  return true;
}

void NmeaDriver::ReportBad(Known& known) {
  if (known.bad) return;
  known.bad = true;
  sink_->ReportBad(known.id);
}

void NmeaDriver::OnPeriod() {
  const MonoTime now = loop_->Now();
  for (std::size_t i = 0; i < kQuantities; ++i) {
    const auto quantity = static_cast<Quantity>(i);
    Known& known = known_[i];
    const bool fresh = now - known.at < timeout_;
    if (known.heard) {
      known.heard = false;
      if (!Define(quantity, known)) continue;
      if (!known.raw.empty()) sink_->Raw(known.id, known.raw);
      if (known.value && fresh) {
        known.bad = false;
        sink_->Report(known.id, ValueOf(PropertyOf(quantity), *known.value));
      } else {
        ReportBad(known);
      }
    } else if (known.id != model::kNoProperty && !fresh) {
      ReportBad(known);
    }
    if (sink_ == nullptr) return;  // Stopped by whom we reported to.
  }
  sink_->Polled({}, std::chrono::microseconds(0), Health());
}

Status NmeaDriver::Health() const {
  if (!port_.open()) return Unavailable(port_error_);
  const MonoTime now = loop_->Now();
  if (now - heard_at_.value_or(started_) < timeout_) return {};
  std::string text =
      port_options_.ToString() + ": no sentence for " +
      FormatDuration(std::chrono::duration_cast<milliseconds>(now - heard_at_.value_or(started_)));
  if (bytes_unheard_ > 0) {
    text += ", but " + std::to_string(bytes_unheard_) +
            " bytes that are none; is the baud rate the receiver's?";
  }
  return TimedOut(std::move(text));
}

std::vector<driver::PartStatus> NmeaDriver::parts() const {
  if (loop_ == nullptr) return {};
  const Status health = Health();
  driver::PartStatus status{
      "receiver", health ? "ok" : "failing", health ? last_error_ : health.error().text, {}};
  return {std::move(status)};
}

std::vector<LimitReport> NmeaDriver::limits() const {
  return {{"line_bytes", kLineBytesMax, 0, lines_.longest_bytes(), lines_.too_long()},
          {"checksums_wrong", 0, 0, 0, checksums_wrong_},
          {"fields_wrong", 0, 0, 0, fields_wrong_}};
}

}  // namespace edgetwin::nmea
