// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A history that is carried to the cloud in a file: records of it, and what is to be known after.

#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/runtime/agent.h"
#include "agent/runtime/carry.h"
#include "twin/base/clock.h"
#include "twin/base/result.h"
#include "twin/http/http_server.h"
#include "twin/model/twin.h"

namespace edgetwin::api {

struct CarryQuery {
  runtime::CarryRequest request;
  std::string pattern;  // As model::Matches; empty: all.
};

// after, since_last=1, pattern, from, to (milliseconds since 1970).
Result<CarryQuery> ReadCarryQuery(const http::Request& request);

// As records: a head if `query` is for the beginning, and a part. Only what is of properties that
// are shared now. `read`: what runtime::ReadPiece gave for it.
std::string CarryRecords(const CarryQuery& query, runtime::CarryPiece piece,
                         const model::Twin& twin, const std::string& device, WallTime now);

// Each answers, now or later; not once `alive` has gone.
using Alive = std::weak_ptr<void>;
void AnswerExport(runtime::Agent& agent, const http::Request& request, WallTime now,
                  std::shared_ptr<http::Responder> responder, Alive alive);
// ?commit=: everything up to there is in a file that is whole.
void AnswerExported(runtime::Agent& agent, const http::Request& request,
                    std::shared_ptr<http::Responder> responder, Alive alive);
// The body is the receipt's file.
void AnswerReceipt(runtime::Agent& agent, const http::Request& request,
                   std::shared_ptr<http::Responder> responder, Alive alive);

}  // namespace edgetwin::api
