// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/nmea/nmea_sentence.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <string>

namespace edgetwin::nmea {
namespace {

constexpr double kMetresPerSecond = 1852.0 / 3600;  // Of a knot.
constexpr double kKnotsMax = 100'000;
constexpr double kMetresMax = 1'000'000;
constexpr double kDopMax = 1'000;  // 99.99 is what receivers say when it is hopeless.

std::optional<int> HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return {};
}

// What stands between '$' and '*', if the checksum after it says so.
std::optional<std::string_view> Checked(std::string_view line) {
  if (line.size() < 4 || line.front() != '$') return {};
  const std::string_view body = line.substr(1, line.size() - 4);
  if (line[line.size() - 3] != '*') return {};
  const std::optional<int> high = HexDigit(line[line.size() - 2]);
  const std::optional<int> low = HexDigit(line[line.size() - 1]);
  if (!high || !low) return {};
  int sum = 0;
  for (const char c : body) {
    if (c < 0x20 || c > 0x7e) return {};  // Printable ASCII, and so never a broken text.
    sum ^= c;
  }
  return sum == *high * 16 + *low ? std::optional(body) : std::nullopt;
}

// The fields of a sentence, read in any order. What is not there is as if it were empty: older
// receivers know fewer fields.
class Fields {
 public:
  explicit Fields(std::string_view body) {
    for (std::size_t at = 0; at <= body.size();) {
      const std::size_t comma = std::min(body.find(',', at), body.size());
      fields_.push_back(body.substr(at, comma - at));
      at = comma + 1;
    }
  }

  bool good() const { return wrong_ == 0; }
  // The first field that is wrong, for people.
  std::string Problem() const {
    return "'" + std::string(Text(wrong_)) + "' in field " + std::to_string(wrong_) + " of " +
           std::string(Text(0));
  }

  std::string_view Text(std::size_t i) const {
    return i < fields_.size() ? fields_[i] : std::string_view();
  }
  char Letter(std::size_t i, std::string_view allowed) {
    const std::string_view text = Text(i);
    if (text.empty()) return '\0';
    if (text.size() == 1 && allowed.find(text.front()) != allowed.npos) return text.front();
    Wrong(i);
    return '\0';
  }
  std::optional<double> Number(std::size_t i, double min, double max) {
    const std::string_view text = Text(i);
    if (text.empty()) return {};
    double value = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    // The second: infinity and NaN have spellings, too.
    if (error != std::errc() || end != text.data() + text.size() || !(value >= min) ||
        !(value <= max)) {
      Wrong(i);
      return {};
    }
    return value;
  }
  std::optional<double> Integer(std::size_t i, int max) {
    const std::optional<double> value = Number(i, 0, max);
    if (value && *value != std::floor(*value)) Wrong(i);
    return value;
  }
  // ddmm.mmm and its hemisphere, in the two fields from `i` on.
  std::optional<double> Angle(std::size_t i, std::string_view hemispheres, int degrees_max) {
    const std::optional<double> packed = Number(i, 0, degrees_max * 100.0);
    const char hemisphere = Letter(i + 1, hemispheres);
    if (!packed) return {};
    const double degrees = std::floor(*packed / 100);
    const double minutes = *packed - degrees * 100;
    if (minutes >= 60) Wrong(i);
    if (hemisphere == '\0') Wrong(i + 1);
    const double angle = degrees + minutes / 60;
    return hemisphere == hemispheres.back() ? -angle : angle;
  }
  // Seconds of the day, of hhmmss.sss; whole ones.
  std::optional<std::chrono::seconds> TimeOfDay(std::size_t i) {
    const std::optional<double> packed = Number(i, 0, 235'960.999);  // A leap second is 60.
    if (!packed) return {};
    const int whole = static_cast<int>(*packed);
    if (whole / 100 % 100 > 59 || whole % 100 > 60) Wrong(i);
    return std::chrono::hours(whole / 10'000) + std::chrono::minutes(whole / 100 % 100) +
           std::chrono::seconds(whole % 100);
  }
  void Wrong(std::size_t i) {
    if (wrong_ == 0) wrong_ = i;
  }

 private:
  std::vector<std::string_view> fields_;
  std::size_t wrong_ = 0;  // Field 0 is the sentence's own name.
};

using Readings = std::vector<Reading>;

std::optional<double> When(bool known, std::optional<double> value) {
  return known ? value : std::nullopt;
}

void AddPosition(Fields& fields, std::size_t i, bool valid, Readings& readings) {
  readings.push_back({Quantity::kLatitude, When(valid, fields.Angle(i, "NS", 90))});
  readings.push_back({Quantity::kLongitude, When(valid, fields.Angle(i + 2, "EW", 180))});
}

void AddSpeed(Fields& fields, std::size_t i, bool valid, Readings& readings) {
  std::optional<double> knots = When(valid, fields.Number(i, 0, kKnotsMax));
  if (knots) knots = *knots * kMetresPerSecond;
  readings.push_back({Quantity::kSpeed, knots});
}

void AddTime(Fields& fields, std::size_t time, std::size_t date_field, std::chrono::year year,
             unsigned month, unsigned day, Readings& readings) {
  const std::optional<std::chrono::seconds> of_day = fields.TimeOfDay(time);
  const std::chrono::year_month_day date(year, std::chrono::month(month), std::chrono::day(day));
  if (!date.ok()) fields.Wrong(date_field);
  if (!of_day || !date.ok()) return;
  const auto seconds = std::chrono::sys_days(date) + *of_day;
  readings.push_back(
      {Quantity::kTime, static_cast<double>(seconds.time_since_epoch() / std::chrono::seconds(1))});
}

void ReadGga(Fields& fields, Readings& readings) {
  fields.TimeOfDay(1);
  const std::optional<double> quality = fields.Integer(6, 9);
  const bool valid = quality.value_or(0) > 0;
  AddPosition(fields, 2, valid, readings);
  readings.push_back({Quantity::kFixQuality, quality});
  readings.push_back({Quantity::kSatellites, fields.Integer(7, 999)});
  readings.push_back({Quantity::kHdop, When(valid, fields.Number(8, 0, kDopMax))});
  readings.push_back({Quantity::kAltitude, When(valid, fields.Number(9, -kMetresMax, kMetresMax))});
}

void ReadGll(Fields& fields, Readings& readings) {
  fields.TimeOfDay(5);
  // Without a status (before version 2.3) a position is one.
  AddPosition(fields, 1, fields.Letter(6, "AV") != 'V', readings);
}

void ReadGsa(Fields& fields, Readings& readings) {
  const std::optional<double> mode = fields.Integer(2, 3);
  const bool valid = mode.value_or(0) > 1;
  readings.push_back({Quantity::kFixMode, mode});
  readings.push_back({Quantity::kPdop, When(valid, fields.Number(15, 0, kDopMax))});
  readings.push_back({Quantity::kHdop, When(valid, fields.Number(16, 0, kDopMax))});
  readings.push_back({Quantity::kVdop, When(valid, fields.Number(17, 0, kDopMax))});
}

void ReadRmc(Fields& fields, Readings& readings) {
  const bool valid = fields.Letter(2, "AV") == 'A';
  AddPosition(fields, 3, valid, readings);
  AddSpeed(fields, 7, valid, readings);
  readings.push_back({Quantity::kCourse, When(valid, fields.Number(8, 0, 360))});
  const std::optional<double> date = fields.Integer(9, 319'999);
  // Without a fix it is the receiver's own clock's, which may be years off.
  if (!valid || !date) return;
  const auto packed = static_cast<unsigned>(*date);
  const int year = static_cast<int>(packed % 100);
  AddTime(fields, 1, 9, std::chrono::year(year < 80 ? 2000 + year : 1900 + year),
          packed / 100 % 100, packed / 10'000, readings);
}

void ReadVtg(Fields& fields, Readings& readings) {
  const bool valid = fields.Letter(9, "ADEMNSPRF") != 'N';
  readings.push_back({Quantity::kCourse, When(valid, fields.Number(1, 0, 360))});
  AddSpeed(fields, 5, valid, readings);
}

void ReadZda(Fields& fields, Readings& readings) {
  const std::optional<double> day = fields.Integer(2, 31);
  const std::optional<double> month = fields.Integer(3, 12);
  const std::optional<double> year = fields.Integer(4, 9'999);
  if (!day || !month || !year) return;
  AddTime(fields, 1, 2, std::chrono::year(static_cast<int>(*year)), static_cast<unsigned>(*month),
          static_cast<unsigned>(*day), readings);
}

struct Format {
  std::string_view name;
  void (*read)(Fields& fields, Readings& readings);
};
constexpr std::array<Format, 6> kFormats = {{{"GGA", ReadGga},
                                             {"GLL", ReadGll},
                                             {"GSA", ReadGsa},
                                             {"RMC", ReadRmc},
                                             {"VTG", ReadVtg},
                                             {"ZDA", ReadZda}}};

}  // namespace

Result<std::vector<Reading>> ReadSentence(std::string_view line) {
  const std::optional<std::string_view> body = Checked(line);
  if (!body) return Corrupt("a line that is no sentence with a right checksum");
  const std::string_view address = body->substr(0, body->find(','));
  Readings readings;
  // Two characters of the talker and three of the sentence; proprietary ones begin with P.
  if (address.size() != 5 || address.front() == 'P') return readings;
  for (const Format& format : kFormats) {
    if (address.substr(2) != format.name) continue;
    Fields fields(*body);
    format.read(fields, readings);
    if (!fields.good()) return Invalid(fields.Problem());
  }
  return readings;
}

}  // namespace edgetwin::nmea
