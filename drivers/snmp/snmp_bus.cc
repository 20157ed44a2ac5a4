// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/snmp/snmp_bus.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace edgetwin::snmp_driver {
namespace {

using driver::BusAnswer;
using driver::PollStep;

constexpr int kGenErr = 5;
constexpr int kResourceUnavailable = 13;
constexpr int kCommitFailed = 14;
constexpr int kUndoFailed = 15;

// Whether the object is there, and so its type known.
bool IsThere(const Data& data) {
  return data.value.index() != 0;
}

// RFC 3416, 4.2.5. What failed for the agent's own reasons may go well later; after undoFailed
// nobody knows what the object holds.
ErrorCode CodeOf(int status) {
  switch (status) {
    case kGenErr:
    case kResourceUnavailable:
    case kCommitFailed: return ErrorCode::kUnavailable;
    case kUndoFailed: return ErrorCode::kTimeout;
    default: return ErrorCode::kInvalid;
  }
}

Error RefusalOf(int status) {
  return MakeError(CodeOf(status), "the agent says " + StatusName(status));
}

Oid Joined(const Oid& column, const Oid& index) {
  Oid oid = column;
  oid.insert(oid.end(), index.begin(), index.end());
  return oid;
}

}  // namespace

SnmpBus::SnmpBus(SnmpOptions options)
    : options_(std::move(options)),
      session_(options_.agent),
      rows_(options_.rows.size()),
      syntaxes_(options_.properties.size()),
      oids_max_(options_.oids_max) {}

MonoTime SnmpBus::ExchangeDeadline(MonoTime deadline) const {
  return std::min(deadline, clock_.Now() + ExchangeTime(options_.agent));
}

// --- Polling

PollStep SnmpBus::Poll(std::size_t, bool first, MonoTime deadline) {
  if (first) Begin();
  if (!session_.open()) return Connect(deadline);
  if (!searches_.empty()) return SearchOn(deadline);
  if (!planned_) PlanBatches();
  if (!batches_.empty()) return Ask(deadline);
  return {};
}

void SnmpBus::Begin() {
  batches_.clear();
  planned_ = false;
  for (Row& row : rows_) {
    row.wanted = !row.index && clock_.Now() >= row.search_due;
    row.searched = false;
  }
  PlanSearches();
}

void SnmpBus::PlanSearches() {
  searches_.clear();
  std::set<Oid> columns;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (rows_[i].wanted) columns.insert(options_.rows[i].column);
    rows_[i].found = 0;
  }
  for (const Oid& column : columns) searches_.push_back({column, column, 0});
}

void SnmpBus::PlanBatches() {
  planned_ = true;
  // A row's properties stand together, so that its column is asked for as seldom as can be.
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < options_.properties.size(); ++i) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return options_.properties[a].row < options_.properties[b].row;
  });
  for (const std::size_t property : order) Add(batches_, property);
}

void SnmpBus::Add(std::deque<Batch>& batches, std::size_t property) const {
  if (!batches.empty()) {
    Batch longer = batches.back();
    longer.push_back(property);
    if (QuestionOf(longer).oids.size() <= oids_max_) {
      batches.back() = std::move(longer);
      return;
    }
  }
  batches.push_back({property});
}

SnmpBus::Question SnmpBus::QuestionOf(const Batch& batch) const {
  Question question;
  for (const std::size_t i : batch) {
    const PropertyOptions& property = options_.properties[i];
    if (!property.row) {
      question.oids.push_back(property.oid);
      continue;
    }
    question.oids.push_back(Joined(property.oid, rows_[*property.row].index.value_or(Oid())));
    if (std::find(question.rows.begin(), question.rows.end(), *property.row) ==
        question.rows.end()) {
      question.rows.push_back(*property.row);
    }
  }
  for (const std::size_t row : question.rows) {
    question.oids.push_back(Joined(options_.rows[row].column, rows_[row].index.value_or(Oid())));
  }
  return question;
}

PollStep SnmpBus::Connect(MonoTime deadline) {
  const Outcome<void> opened = session_.Open(ExchangeDeadline(deadline));
  if (!opened) return FailPoll(opened.error());
  PollStep step;
  step.more = true;
  return step;
}

PollStep SnmpBus::FailPoll(const Failure& failure) {
  PollStep step;
  step.status = failure.error;
  step.answered = failure.answered;
  for (std::size_t i = 0; i < options_.properties.size(); ++i) step.readings.push_back({i, {}});
  searches_.clear();
  batches_.clear();
  return step;
}

PollStep SnmpBus::SearchOn(MonoTime deadline) {
  Search& search = searches_.front();
  const auto count = static_cast<int>(std::min(oids_max_, options_.walked_max - search.walked + 1));
  const Outcome<Answer> answer = session_.GetBulk(search.at, count, ExchangeDeadline(deadline));
  if (!answer) return FailPoll(answer.error());
  PollStep step;
  if (!Walk(search, *answer, step)) {
    EndSearch(search.column, step.status ? "" : step.status.error().text);
    searches_.pop_front();
  }
  step.more = true;
  return step;
}

bool SnmpBus::Walk(Search& search, const Answer& answer, PollStep& step) {
  const std::string where = "the column " + ToString(search.column);
  if (answer.status != 0) {
    step.status = MakeError(CodeOf(answer.status), where + " can't be walked: the agent says " +
                                                       StatusName(answer.status));
    return false;
  }
  if (answer.bindings.empty()) return false;
  for (const Binding& binding : answer.bindings) {
    if (binding.data.syntax == Syntax::kEndOfMibView || !IsBelow(binding.oid, search.column)) {
      return false;
    }
    if (binding.oid <= search.at) {  // RFC 3416, 4.2.2; else it would never end.
      step.status = Corrupt(where + " can't be walked: after " + ToString(search.at) +
                            " the agent has " + ToString(binding.oid));
      return false;
    }
    if (search.walked == options_.walked_max) {
      step.status = Exhausted(where + " has more than " + std::to_string(search.walked) +
                              " rows (max_walked)");
      return false;
    }
    ++search.walked;
    search.at = binding.oid;
    const std::optional<std::string> name = RowName(binding.data);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const RowOptions& row = options_.rows[i];
      if (!rows_[i].wanted || row.column != search.column || row.value != name) continue;
      ++rows_[i].found;
      rows_[i].candidate = Oid(binding.oid.begin() + static_cast<std::ptrdiff_t>(row.column.size()),
                               binding.oid.end());
    }
  }
  return true;
}

void SnmpBus::EndSearch(const Oid& column, const std::string& trouble) {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    Row& row = rows_[i];
    if (!row.wanted || options_.rows[i].column != column) continue;
    row.wanted = false;
    row.searched = true;
    row.search_due = clock_.Now() + options_.search_period;
    // One of several rows that are called alike would be any one of them.
    if (row.found == 1) {
      row.index = std::move(row.candidate);
      continue;
    }
    const std::string where = Shown(options_.rows[i].value) + " stands in ";
    row.missing =
        row.found > 1 ? where + std::to_string(row.found) + " rows of " : where + "no row of ";
    row.missing += ToString(column);
    if (row.found == 0 && !trouble.empty()) row.missing = trouble;
  }
}

PollStep SnmpBus::Ask(MonoTime deadline) {
  PollStep step;
  Batch batch;
  for (const std::size_t property : batches_.front()) {
    const std::optional<std::size_t> row = options_.properties[property].row;
    if (row && !rows_[*row].index) {
      Fail(property, NotFound(rows_[*row].missing), step);
    } else {
      batch.push_back(property);
    }
  }
  batches_.pop_front();
  if (!batch.empty()) {
    const Question question = QuestionOf(batch);
    const Outcome<Answer> answer = session_.Get(question.oids, ExchangeDeadline(deadline));
    if (!answer) return FailPoll(answer.error());
    if (answer->status != 0) {
      Refused(batch, question, *answer, step);
    } else {
      Deliver(batch, question, *answer, step);
    }
  }
  step.more = !batches_.empty() || !searches_.empty();
  return step;
}

void SnmpBus::Refused(const Batch& batch, const Question& question, const Answer& answer,
                      PollStep& step) {
  const auto at = static_cast<std::size_t>(std::max(answer.index, 0));  // From 1; 0: none.
  const bool too_big = answer.status == kTooBig;
  if (batch.size() > 1 && (too_big || at == 0 || at > batch.size())) {
    if (too_big) oids_max_ = std::max<std::size_t>(2, question.oids.size() / 2);
    const auto middle = batch.begin() + static_cast<std::ptrdiff_t>(batch.size() / 2);
    batches_.push_front(Batch(middle, batch.end()));
    batches_.push_front(Batch(batch.begin(), middle));
    return;
  }
  const std::size_t bad = batch.size() == 1 ? 0 : at - 1;
  Fail(batch[bad], RefusalOf(answer.status), step);
  Batch rest = batch;
  rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(bad));
  if (!rest.empty()) batches_.push_front(std::move(rest));
}

void SnmpBus::Deliver(const Batch& batch, const Question& question, const Answer& answer,
                      PollStep& step) {
  if (answer.bindings.size() != question.oids.size()) {
    const Error wrong = Corrupt("the agent answers " + std::to_string(answer.bindings.size()) +
                                " objects when asked for " + std::to_string(question.oids.size()));
    for (const std::size_t property : batch) Fail(property, wrong, step);
    return;
  }
  std::set<std::size_t> moved;
  for (std::size_t i = 0; i < question.rows.size(); ++i) {
    const Binding& name = answer.bindings[batch.size() + i];
    const bool same = name.oid == question.oids[batch.size() + i];
    if (!same || !StillThere(question.rows[i], name)) moved.insert(question.rows[i]);
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const PropertyOptions& property = options_.properties[batch[i]];
    const Binding& binding = answer.bindings[i];
    if (property.row && moved.contains(*property.row)) {
      if (rows_[*property.row].wanted) {
        Add(batches_, batch[i]);  // It is asked for again once the row is found.
      } else {
        Fail(batch[i], Unavailable("the row moves"), step);
      }
      continue;
    }
    if (binding.oid != question.oids[i]) {
      Fail(batch[i], Corrupt("the agent answers " + ToString(binding.oid) + " instead"), step);
      continue;
    }
    if (IsThere(binding.data)) syntaxes_[batch[i]] = binding.data.syntax;
    Result<model::Value> value = ToValue(binding.data, property.conversion);
    if (value) {
      step.readings.push_back({batch[i], *std::move(value)});
    } else {
      Fail(batch[i], value.error(), step);
    }
    if (raw_wanted()) step.readings.back().raw = ShownData(binding.data);
  }
  if (!moved.empty()) PlanSearches();
}

bool SnmpBus::StillThere(std::size_t row, const Binding& name) {
  if (RowName(name.data) == options_.rows[row].value) return true;
  LoseRow(row);
  return false;
}

void SnmpBus::LoseRow(std::size_t row) {
  rows_[row].index.reset();
  rows_[row].missing = "the row has moved";
  rows_[row].search_due = {};                // Whatever the last search found.
  rows_[row].wanted = !rows_[row].searched;  // Once a poll.
}

Error SnmpBus::Named(std::size_t property, const Error& error) const {
  const PropertyOptions& options = options_.properties[property];
  const std::string name = options.row ? options_.rows[*options.row].name + "/" : std::string();
  return MakeError(error.code, name + std::string(options.def.path.property()) + " (" +
                                   ToString(options.oid) + "): " + error.text);
}

void SnmpBus::Fail(std::size_t property, const Error& error, PollStep& step) {
  if (step.status) step.status = Named(property, error);
  step.readings.push_back({property, {}});
}

// --- Writes and single reads

Outcome<void> SnmpBus::EnsureOpen(MonoTime deadline) {
  if (session_.open()) return {};
  return session_.Open(ExchangeDeadline(deadline));
}

Outcome<Data> SnmpBus::ReadOne(std::size_t property, MonoTime deadline) {
  const auto failed = [](Error error) { return tl::unexpected(Failure{std::move(error), true}); };
  if (const Outcome<void> opened = EnsureOpen(deadline); !opened) {
    return tl::unexpected(opened.error());
  }
  const std::optional<std::size_t> row = options_.properties[property].row;
  if (row && !rows_[*row].index) {
    return failed(Unavailable(rows_[*row].missing.empty() ? "its row is not found yet"
                                                          : rows_[*row].missing));
  }
  const Question question = QuestionOf({property});
  const Outcome<Answer> answer = session_.Get(question.oids, ExchangeDeadline(deadline));
  if (!answer) return tl::unexpected(answer.error());
  if (answer->status != 0) return failed(RefusalOf(answer->status));
  if (answer->bindings.size() != question.oids.size() ||
      answer->bindings[0].oid != question.oids[0]) {
    return failed(Corrupt("the agent answers other objects"));
  }
  if (row && !StillThere(*row, answer->bindings[1])) {
    return failed(Unavailable("its row has moved and must be found first"));
  }
  if (IsThere(answer->bindings[0].data)) syntaxes_[property] = answer->bindings[0].data.syntax;
  return answer->bindings[0].data;
}

Outcome<void> SnmpBus::WriteOne(std::size_t property, const model::Value& value,
                                MonoTime deadline) {
  const auto failed = [](Error error) { return tl::unexpected(Failure{std::move(error), true}); };
  const PropertyOptions& options = options_.properties[property];
  std::optional<Syntax> syntax = options.syntax ? options.syntax : syntaxes_[property];
  if (Outcome<void> opened = EnsureOpen(deadline); !opened) return opened;
  if (options.row || !syntax) {
    const Outcome<Data> now = ReadOne(property, deadline);
    if (!now) return tl::unexpected(now.error());
    if (!syntax) syntax = syntaxes_[property];
  }
  if (!syntax) return failed(Unsupported("its type is not known: say its 'syntax'"));
  Result<Data> data = ToData(value, options.conversion, *syntax);
  if (!data) return failed(data.error());
  const Outcome<Answer> set =
      session_.Set({QuestionOf({property}).oids[0], *std::move(data)}, ExchangeDeadline(deadline));
  if (!set) {
    Failure failure = set.error();
    if (failure.error.code == ErrorCode::kTimeout) {
      failure.error.text += "; whether it was written is not known";
    }
    return tl::unexpected(std::move(failure));
  }
  if (set->status != 0) return failed(RefusalOf(set->status));
  return {};
}

BusAnswer SnmpBus::Write(std::size_t property, const model::Value& value, MonoTime deadline) {
  if (const Outcome<void> written = WriteOne(property, value, deadline); !written) {
    return {Named(property, written.error().error), written.error().answered, false};
  }
  const Outcome<Data> back = ReadOne(property, deadline);
  if (!back) {
    return {MakeError(back.error().error.code,
                      "written, but not confirmed: " + Named(property, back.error().error).text),
            back.error().answered, false};
  }
  switch (back->syntax) {
    case Syntax::kNoSuchObject:  // The agent took it and shows nothing: it can be written only.
    case Syntax::kNoSuchInstance: return {value, true, false};
    default: break;
  }
  Result<model::Value> effective = ToValue(*back, options_.properties[property].conversion);
  if (!effective) return {Named(property, effective.error()), true, false};
  return {*std::move(effective)};
}

BusAnswer SnmpBus::Read(std::size_t property, MonoTime deadline) {
  const Outcome<Data> data = ReadOne(property, deadline);
  if (!data) return {Named(property, data.error().error), data.error().answered, false};
  Result<model::Value> value = ToValue(*data, options_.properties[property].conversion);
  if (!value) return {Named(property, value.error()), true, false};
  return {*std::move(value)};
}

}  // namespace edgetwin::snmp_driver
