// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "agent/api/carry.h"
#include "agent/api/text.h"
#include "agent/cli/commands.h"
#include "agent/cli/document.h"
#include "agent/cli/part_file.h"
#include "agent/cli/when.h"
#include "agent/config/file_text.h"
#include "twin/base/clock.h"
#include "twin/history/store/history_store.h"
#include "twin/store/twin_store.h"

namespace edgetwin::cli {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds kSayPeriod{2};
constexpr std::size_t kReceiptBytesMax = 4 << 10;

// The records of one piece: of the beginning for an empty place, else of what follows it.
using Source = std::function<Outcome<std::string>(const std::optional<sync::CarryPlace>& after)>;

struct Piece {
  std::optional<sync::CarryHead> head;
  std::string head_bytes;
  sync::CarryPart part;
  std::string part_bytes;
};

// `head`: the record that a piece of its own lacks.
Outcome<Piece> Parse(const std::string& records, const std::string& head) {
  Piece piece;
  sync::CarryReader reader;
  reader.Push(sync::CarryMagic());
  reader.Push(head);
  reader.Push(records);
  bool part = false;
  while (true) {
    auto record = reader.Next();
    if (!record) return Fail(Exit::kUnreachable, "the daemon's answer: " + record.error().text);
    if (!*record) break;
    if (auto* found = std::get_if<sync::CarryHead>(&(*record)->content)) {
      piece.head = std::move(*found);
      piece.head_bytes = std::move((*record)->bytes);
    } else if (auto* found_part = std::get_if<sync::CarryPart>(&(*record)->content)) {
      piece.part = std::move(*found_part);
      piece.part_bytes = std::move((*record)->bytes);
      part = true;
    }
  }
  if (!piece.head || !part) return Fail(Exit::kUnreachable, "the daemon's answer is not whole");
  return piece;
}

Source OfDaemon(const Client& client, const api::CarryQuery& query) {
  std::string target = "/v1/history/export?pattern=" + Escaped(query.pattern, true);
  if (query.request.since_last) target += "&since_last=1";
  const auto time = [&target](const char* key, WallTime at) {
    target += std::string("&") + key + "=" + std::to_string(at.time_since_epoch().count());
  };
  if (query.request.from != WallTime::min()) time("from", query.request.from);
  if (query.request.to != WallTime::max()) time("to", query.request.to);
  return [&client, target](const std::optional<sync::CarryPlace>& after) {
    return client.Download("GET", target + (after ? "&after=" + sync::ToText(*after) : ""));
  };
}

// What the daemon would give, from the files that it has left.
Outcome<Source> OfStore(const Context& context, const api::CarryQuery& query) {
  const std::string& folder = context.store_only ? context.places.store : context.places.history;
  auto opened = history::HistoryStore::Inspect(folder + "/history.db");
  if (!opened) {
    const bool none = opened.error().code == ErrorCode::kNotFound;
    return Fail(none ? Exit::kNotFound : ExitOf(opened.error()), opened.error().text);
  }
  // It says what is shared; without it, anything could be private.
  auto held = store::TwinStore::Inspect(context.places.store + "/twin.db");
  if (!held) {
    return Fail(ExitOf(held.error()),
                "what may leave the device can't be known: " + held.error().text);
  }
  if (context.places.device.empty()) {
    return Fail(Exit::kConfig, "whose history it is can't be known: give the configuration, -c");
  }
  model::TwinLimits limits;
  limits.properties_max = limits.unknown_paths_max = std::numeric_limits<std::uint64_t>::max();
  auto twin = std::make_shared<model::Twin>(model::Role::kDevice, limits);
  twin->Load(*held);
  std::shared_ptr<history::HistoryStore> store = std::move(*opened);
  return [store, twin, query, device = context.places.device](
             const std::optional<sync::CarryPlace>& after) -> Outcome<std::string> {
    api::CarryQuery next = query;
    if (after) next.request.after = *after;
    auto piece = runtime::ReadPiece(*store, next.request);
    if (!piece) {
      const bool other = piece.error().code == ErrorCode::kConflict;
      return Fail(other ? Exit::kRefused : ExitOf(piece.error()), piece.error().text);
    }
    return api::CarryRecords(next, std::move(*piece), *twin, device, SystemClock().UntrustedWall());
  };
}

// Whether what is there may go for it.
Done CheckReplaced(const std::string& file, const sync::CarryHead& head) {
  for (const std::string& name : {file, file + ".part"}) {
    const auto found = ReadHead(name);
    if (!found && found.error().code != ErrorCode::kCorrupt &&
        found.error().code != ErrorCode::kUnsupported) {
      continue;  // There is none, or writing it will say what is wrong.
    }
    if (!found) {
      // Cut before its head was whole.
      if (name != file) continue;
      return Fail(Exit::kRefused, name + ": " + found.error().text + "; --force replaces it");
    }
    if (found->device != head.device) {
      return Fail(Exit::kRefused, name + " has the history of '" + found->device + "', this is '" +
                                      head.device + "'; --force replaces it");
    }
    const bool less = !head.everything() || head.since != 0;
    if (name == file && less) {
      return Fail(Exit::kRefused, name + " is there already, and what it has may not be in the " +
                                      "cloud yet; take another name, or --force replaces it");
    }
  }
  return Exit::kOk;
}

class Exporter {
 public:
  Exporter(const Context& context, const ExportArguments& arguments, Source source)
      : context_(context), arguments_(arguments), source_(std::move(source)) {}

  // Where the last piece ended; the file is whole then.
  Outcome<sync::CarryPlace> Run() {
    auto first = Next(std::nullopt, "");
    if (!first) return tl::unexpected(first.error());
    head_ = *first->head;
    head_bytes_ = first->head_bytes;
    if (!arguments_.force) {
      if (Done may = CheckReplaced(arguments_.file, head_); !may) {
        return tl::unexpected(may.error());
      }
    }
    auto file = PartFile::Open(arguments_.file);
    if (!file) return NotWritten(file.error(), false);
    std::optional<Piece> piece = std::move(*first);
    if (auto done = GoOn(*file, piece); !done) return tl::unexpected(done.error());
    while (piece) {
      if (auto done = Write(*file, *piece); !done) return tl::unexpected(done.error());
      if (piece->part.last) break;
      auto next = Next(end_, head_bytes_);
      if (!next) return tl::unexpected(next.error());
      piece = std::move(*next);
      Say();
    }
    const std::string end = sync::EncodeRecord(counted_);
    bytes_ += end.size();
    if (const auto done = file->Append(end); !done) return NotWritten(done.error(), true);
    if (const auto done = file->Finish(); !done) return NotWritten(done.error(), true);
    return end_;
  }

  const sync::CarryHead& head() const { return head_; }
  const sync::CarryEnd& counted() const { return counted_; }
  std::uint64_t bytes() const { return bytes_; }
  bool resumed() const { return resumed_; }

 private:
  Outcome<Piece> Next(const std::optional<sync::CarryPlace>& after, const std::string& head) {
    const auto records = source_(after);
    if (!records) return tl::unexpected(records.error());
    return Parse(*records, head);
  }

  // With what a run before has left, if it is of the same. `piece`: the first one; then the one to
  // go on with, or nothing when everything is there.
  Outcome<void> GoOn(PartFile& file, std::optional<Piece>& piece) {
    const auto sound = file.Read();
    if (!sound) return NotWritten(sound.error(), false);
    sync::CarryHead same = head_;
    if (sound->head) same.made = sound->head->made;
    if (sound->head == same && sound->counted.parts > 0) {
      auto next = sound->last ? Outcome<Piece>(Piece()) : Next(sound->end, head_bytes_);
      if (next) {
        resumed_ = true;
        counted_ = sound->counted;
        end_ = sound->end;
        bytes_ = sound->bytes;
        piece = sound->last ? std::optional<Piece>() : std::move(*next);
        if (const auto kept = file.Keep(bytes_); !kept) return NotWritten(kept.error(), false);
        return {};
      }
      // Of a history that is there no longer.
      if (next.error().exit != Exit::kRefused) return tl::unexpected(next.error());
    }
    if (const auto kept = file.Keep(0); !kept) return NotWritten(kept.error(), false);
    const std::string begin = std::string(sync::CarryMagic()) + head_bytes_;
    bytes_ = begin.size();
    if (const auto done = file.Append(begin); !done) return NotWritten(done.error(), true);
    return {};
  }

  Outcome<void> Write(PartFile& file, const Piece& piece) {
    end_ = piece.part.end;
    const sync::HistoryFrame& history = piece.part.history;
    if (history.blocks.empty() && history.losses.empty() && !piece.part.last) return {};
    if (const auto done = file.Append(piece.part_bytes); !done) {
      return NotWritten(done.error(), true);
    }
    CountPart(piece.part, counted_);
    bytes_ += piece.part_bytes.size();
    return {};
  }

  tl::unexpected<Failure> NotWritten(const Error& error, bool begun) const {
    return Fail(ExitOf(error), "can't " + error.text +
                                   (begun ? "; the same command goes on with what is in " +
                                                arguments_.file + ".part"
                                          : ""));
  }

  void Say() {
    const Steady::time_point now = Steady::now();
    if (now < say_at_) return;
    say_at_ = now + kSayPeriod;
    context_.out.Say(Bytes(bytes_) + " written, " + api::Grouped(counted_.samples) +
                     " samples, and there are more …");
  }

  const Context& context_;
  const ExportArguments& arguments_;
  const Source source_;
  sync::CarryHead head_;
  std::string head_bytes_;
  sync::CarryEnd counted_;
  sync::CarryPlace end_;
  std::uint64_t bytes_ = 0;
  bool resumed_ = false;
  Steady::time_point say_at_ = Steady::now() + kSayPeriod;
};

Outcome<api::CarryQuery> ReadArguments(const ExportArguments& arguments) {
  api::CarryQuery query;
  query.request.since_last = arguments.since_last;
  query.pattern = arguments.pattern;
  const WallTime now = SystemClock().UntrustedWall();
  for (const auto& [text, time] : {std::pair(&arguments.from, &query.request.from),
                                   std::pair(&arguments.to, &query.request.to)}) {
    if (text->empty()) continue;
    const auto when = ReadWhen(*text, now);
    if (!when) return tl::unexpected(when.error());
    *time = *when;
  }
  if (query.request.from > query.request.to) return Fail(Exit::kUsage, "--from is after --to");
  return query;
}

}  // namespace

Done Export(const Context& context, const ExportArguments& arguments) {
  const auto query = ReadArguments(arguments);
  if (!query) return tl::unexpected(query.error());
  bool stored = context.store_only;
  Source source;
  if (!stored) {
    source = OfDaemon(context.client, *query);
    const auto there = context.client.Get("/healthz");
    if (!there) {
      if (!there.error().down) return tl::unexpected(there.error());
      context.out.Say(there.error().text + "; reading its history file");
      stored = true;
    }
  }
  if (stored) {
    auto of_store = OfStore(context, *query);
    if (!of_store) return tl::unexpected(of_store.error());
    source = std::move(*of_store);
  }
  Exporter exporter(context, arguments, std::move(source));
  const auto end = exporter.Run();
  if (!end) return tl::unexpected(end.error());
  const sync::CarryHead& head = exporter.head();
  std::string untold;  // Why the device doesn't know that this was carried away.
  if (head.everything() && stored) untold = "the daemon is down";
  if (head.everything() && !stored) {
    const auto told = context.client.Send(
        "POST", "/v1/history/exported?commit=" + std::to_string(std::max(end->commit, head.since)));
    if (!told) untold = told.error().text;
  }
  const sync::CarryEnd& counted = exporter.counted();
  if (context.out.json()) {
    context.out.Document({{"file", arguments.file},
                          {"device", head.device},
                          {"blocks", counted.blocks},
                          {"samples", counted.samples},
                          {"losses", counted.losses},
                          {"bytes", exporter.bytes()},
                          {"since", head.since},
                          {"up_to", end->commit},
                          {"resumed", exporter.resumed()},
                          {"remembered", head.everything() && untold.empty()}});
  } else {
    context.out.Line(Printable(arguments.file) + ": " + Bytes(exporter.bytes()) + ", " +
                     api::Count(counted.samples, "sample", "samples") + " in " +
                     api::Count(counted.blocks, "block", "blocks") + ", " +
                     api::Count(counted.losses, "record", "records") + " of losses");
    context.out.Line("next: edgetwin-cloud import FILE, where the cloud is");
  }
  if (!untold.empty()) {
    context.out.Say("--since-last will not know of this file: " + untold);
  }
  return Exit::kOk;
}

Done TakeReceipt(const Context& context, const std::string& file) {
  const auto receipt = config::ReadFileText(file, kReceiptBytesMax);
  if (!receipt) {
    const bool none = receipt.error().code == ErrorCode::kNotFound;
    return Fail(none ? Exit::kNotFound : ExitOf(receipt.error()),
                file + ": " + receipt.error().text);
  }
  const auto reply = context.client.Send("POST", "/v1/history/receipt", *receipt);
  if (!reply) return tl::unexpected(reply.error());
  if (context.out.json()) {
    context.out.Document(reply->body);
  } else {
    context.out.Line("what the file had is with the cloud: it is not sent again");
  }
  return Exit::kOk;
}

}  // namespace edgetwin::cli
