// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Alarms as the API shows them.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/api/json.h"
#include "agent/api/view.h"
#include "twin/model/alarm.h"

namespace edgetwin::api {

// Those that are raised or that nobody has acknowledged; by property, high before low.
std::vector<model::AlarmRecord> AlarmsOf(const View& view);

// "raised", "acknowledged" (raised still, and seen), or "cleared" (over, and not seen).
std::string_view AlarmState(const model::AlarmRecord& alarm);
// "is above its limit of 90 °C".
std::string AlarmText(const model::AlarmRecord& alarm, const model::PropertyDef& def);

// {"path","kind","state","limit","value","shown","since","who"}; `value` is what raised it.
Json AlarmJson(const View& view, const model::AlarmRecord& alarm);
// {"alarms":[…]}, each with what the property is now as "now" and "now_shown". By path.
Json AlarmsJson(const View& view);

// {"who":"…"?}, or an empty body. kInvalid says what is wrong.
Result<std::string> ParseAcknowledge(std::string_view body, const std::string& user);

}  // namespace edgetwin::api
