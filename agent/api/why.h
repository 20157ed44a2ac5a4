// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// One value explained from end to end: where it comes from, when it was read, what was reported,
// sent and acknowledged, what the cloud wants and what became of that, and what a technician may
// do.

#pragma once

#include "agent/api/json.h"
#include "agent/api/view.h"

namespace edgetwin::api {

// {"path","source","last_read","reported","sent","flash","desired","outcome","superseded",
//  "override","may","lines":[{"topic","text"}]}. What is not known is null there, and said so in
// `lines`.
Json WhyJson(const View& view, model::PropertyId id);

}  // namespace edgetwin::api
