// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The device's side of the snmp driver: polls an agent's objects, finds rows of its tables, and
// sets objects.

#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "drivers/sdk/blocking_driver.h"
#include "drivers/snmp/session.h"
#include "drivers/snmp/snmp_options.h"

namespace edgetwin::snmp_driver {

// One part, the agent; properties in the options' order.
//
// A row is known by what stands in a column, not by its number, which an agent may give to another
// row when it starts again. So a table's column is walked for the row, and each request for a row's
// properties asks for that column, too: when another name stands there, the values are thrown away
// and the row is searched for again.
class SnmpBus final : public driver::BlockingBus {
 public:
  explicit SnmpBus(SnmpOptions options);

  // One exchange. A request whose answer would be too big is cut in two, and from then on no
  // request is longer; one that fails for one of its objects is asked again without that one.
  driver::PollStep Poll(std::size_t part, bool first, MonoTime deadline) override;
  // Reads the object unless its type is known, sets it, and reads it back: that is the effective
  // value.
  driver::BusAnswer Write(std::size_t property, const model::Value& value,
                          MonoTime deadline) override;
  driver::BusAnswer Read(std::size_t property, MonoTime deadline) override;
  void Interrupt() override { session_.Interrupt(); }

 private:
  struct Row {
    std::optional<Oid> index;  // What comes after a column's OID; nothing: not found.
    Oid candidate;             // What the running search has found,
    std::size_t found = 0;     // and how often.
    std::string missing;       // Why it isn't found.
    bool wanted = false;       // The running poll searches for it.
    bool searched = false;     // The running poll has done so.
    MonoTime search_due{};
  };
  // The walk along one column.
  struct Search {
    Oid column;
    Oid at;  // The last object seen.
    std::size_t walked = 0;
  };
  // The properties of one request; the rows' columns come on top.
  using Batch = std::vector<std::size_t>;
  // What a request asks for: each property, then each row's column.
  struct Question {
    std::vector<Oid> oids;
    std::vector<std::size_t> rows;
  };

  void Begin();
  void PlanSearches();
  void PlanBatches();
  void Add(std::deque<Batch>& batches, std::size_t property) const;
  Question QuestionOf(const Batch& batch) const;
  driver::PollStep Connect(MonoTime deadline);
  driver::PollStep SearchOn(MonoTime deadline);
  // False: the column has no more.
  bool Walk(Search& search, const Answer& answer, driver::PollStep& step);
  void EndSearch(const Oid& column, const std::string& trouble);
  driver::PollStep Ask(MonoTime deadline);
  void Refused(const Batch& batch, const Question& question, const Answer& answer,
               driver::PollStep& step);
  void Deliver(const Batch& batch, const Question& question, const Answer& answer,
               driver::PollStep& step);
  // Whether the row is still what it was.
  bool StillThere(std::size_t row, const Binding& name);
  void LoseRow(std::size_t row);
  driver::PollStep FailPoll(const Failure& failure);
  void Fail(std::size_t property, const Error& error, driver::PollStep& step);
  Error Named(std::size_t property, const Error& error) const;

  Outcome<void> EnsureOpen(MonoTime deadline);
  // The object as it is now.
  Outcome<Data> ReadOne(std::size_t property, MonoTime deadline);
  Outcome<void> WriteOne(std::size_t property, const model::Value& value, MonoTime deadline);
  MonoTime ExchangeDeadline(MonoTime deadline) const;

  const SystemClock clock_;
  const SnmpOptions options_;
  Session session_;
  std::vector<Row> rows_;
  std::vector<std::optional<Syntax>> syntaxes_;  // As last read, by property.
  std::size_t oids_max_;                         // Less than the option once an answer was too big.
  // Of the running poll:
  std::deque<Search> searches_;
  std::deque<Batch> batches_;
  bool planned_ = false;
};

}  // namespace edgetwin::snmp_driver
