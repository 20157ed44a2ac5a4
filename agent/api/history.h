// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What is known of the past: the documents of /v1/history and of the file of a daemon that is down.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/api/json.h"
#include "agent/runtime/history.h"

namespace edgetwin::api {

struct HistoryQuery {
  std::string path;
  history::ExcerptOptions range;
};

// path (required), from, to (milliseconds since 1970; the last hour), max_points.
Result<HistoryQuery> ReadHistoryQuery(const http::Request& request, WallTime now);

Json HistoryJson(const HistoryQuery& query, const history::Excerpt& excerpt);
Json GapsJson(const std::vector<runtime::HistoryLoss>& losses);
Json AuditJson(const std::vector<runtime::HistoryAudit>& audit);

// The same from `file`, which nobody has open.
Result<Json> StoredHistoryJson(const std::string& file, const HistoryQuery& query);
Result<Json> StoredGapsJson(const std::string& file, const std::string& path);
Result<Json> StoredAuditJson(const std::string& file);

}  // namespace edgetwin::api
