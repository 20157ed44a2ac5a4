// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <utility>
#include <variant>
#include <vector>

#include "sync/carry/carry.h"
#include "sync/cloud/cli/operator.h"
#include "sync/cloud/cli/text.h"
#include "twin/base/event_loop.h"

namespace edgetwin::cloudcli {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t kPieceBytes = 256 << 10;
// Of one request; a record more than that goes alone. The API takes a megabyte.
constexpr std::size_t kRequestBytes = 768 << 10;
constexpr std::chrono::seconds kSayPeriod{2};
// The cloud may have too much to store for a moment.
constexpr int kTries = 30;
constexpr std::chrono::seconds kTryPeriod{1};

Failure Failed(const std::string& doing, int number) {
  Exit exit = Exit::kProblems;
  if (number == EACCES || number == EPERM) exit = Exit::kPermission;
  if (number == ENOENT) exit = Exit::kNotFound;
  return {exit, "can't " + doing + ": " + std::strerror(number)};
}

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() { close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

Outcome<void> WriteFile(const std::string& name, const std::string& bytes) {
  const std::string part = name + ".part";
  {
    const File file(open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
    if (file.fd() < 0) return tl::unexpected(Failed("make " + part, errno));
    const ssize_t written = write(file.fd(), bytes.data(), bytes.size());
    if (written != static_cast<ssize_t>(bytes.size()) || fsync(file.fd()) != 0) {
      return tl::unexpected(Failed("write " + part, errno));
    }
  }
  if (std::rename(part.c_str(), name.c_str()) != 0) {
    return tl::unexpected(Failed("move " + part + " to " + name, errno));
  }
  return {};
}

class Importer {
 public:
  Importer(const Client& client, const Asked& asked) : client_(client), asked_(asked) {}

  // What is sound of the file is in the cloud then.
  Outcome<void> Run() {
    const File file(open(asked_.file.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.fd() < 0) return tl::unexpected(Failed("open " + asked_.file, errno));
    std::vector<char> piece(kPieceBytes);
    while (damage_.empty()) {
      const ssize_t bytes = read(file.fd(), piece.data(), piece.size());
      if (bytes < 0 && errno == EINTR) continue;
      // A stick with a bad spot: what precedes that is taken.
      if (bytes < 0) damage_ = Failed("read on in " + asked_.file, errno).text;
      if (bytes <= 0) break;
      reader_.Push({piece.data(), static_cast<std::size_t>(bytes)});
      if (auto taken = TakeRecords(); !taken) return taken;
    }
    if (damage_.empty()) {
      if (const auto whole = reader_.Finish(); !whole) damage_ = whole.error().text;
    }
    if (head_.empty()) return Fail(Exit::kRefused, asked_.file + ": " + damage_);
    return Send();
  }

  Outcome<void> WriteReceipt() {
    if (asked_.receipt.empty()) return {};
    const sync::CarryHead& head = content_;
    if (!head.everything()) {
      why_no_receipt_ = "the file has but some of the history, by --path, --from or --to";
    } else if (!continues_) {
      why_no_receipt_ = "this is not the cloud that the device spoke with last, or it was set back";
    } else if (end_.commit <= head.since) {
      why_no_receipt_ = "there was nothing new in the file";
    }
    if (!why_no_receipt_.empty()) return {};
    const sync::CarryReceipt receipt{head.device, head.since, end_, head.known, mark_};
    receipt_ = true;
    return WriteFile(asked_.receipt, std::string(sync::CarryMagic()) + sync::EncodeRecord(receipt));
  }

  Exit Show() const {
    const bool all = damage_.empty() && refused_ == 0;
    if (asked_.json) {
      Document({{"file", asked_.file},
                {"device", content_.device},
                {"known", known_},
                {"blocks", blocks_},
                {"samples", samples_},
                {"already_held", held_},
                {"refused", refused_},
                {"losses", losses_},
                {"bytes", reader_.offset()},
                {"complete", damage_.empty()},
                {"damage", damage_.empty() ? Json() : Json(damage_)},
                {"receipt", receipt_ ? Json(asked_.receipt) : Json()}});
    } else {
      Line(content_.device + ": " + std::to_string(samples_) + " samples in " +
           std::to_string(blocks_) + " blocks taken, " + std::to_string(held_) +
           " blocks were here already, " + std::to_string(losses_) + " records of losses");
    }
    if (!known_) {
      Say("'" + content_.device +
          "' has never been heard of over the network: only its history is " +
          "here, at /v1/twins/" + content_.device + "/history");
    }
    if (refused_ != 0) Say(std::to_string(refused_) + " blocks are not whole, and were not taken");
    if (!damage_.empty()) {
      Say(asked_.file + ": " + damage_ + "; everything before that is taken. Export again, and " +
          "import that: nothing is taken twice");
    }
    if (!why_no_receipt_.empty()) {
      Say("no receipt: " + why_no_receipt_ + "; the device finds out when it is connected");
    }
    return all ? Exit::kOk : Exit::kProblems;
  }

 private:
  Outcome<void> TakeRecords() {
    while (true) {
      auto record = reader_.Next();
      if (!record) {
        damage_ = record.error().text;
        return {};
      }
      if (!*record) return {};
      if (std::holds_alternative<sync::CarryReceipt>((*record)->content)) {
        return Fail(Exit::kRefused, asked_.file + " is a receipt: it is for `edgetwin receipt`");
      }
      if (auto* head = std::get_if<sync::CarryHead>(&(*record)->content)) {
        content_ = std::move(*head);
        head_ = std::string(sync::CarryMagic()) + (*record)->bytes;
        pending_ = head_;
        continue;
      }
      const auto* part = std::get_if<sync::CarryPart>(&(*record)->content);
      if (part == nullptr) continue;
      if (pending_.size() > head_.size() &&
          pending_.size() + (*record)->bytes.size() > kRequestBytes) {
        if (auto sent = Send(); !sent) return sent;
      }
      pending_ += (*record)->bytes;
      end_ = part->end;
    }
  }

  Outcome<void> Send() {
    SystemClock clock;
    EventLoop loop(clock);
    Outcome<Json> answer;
    for (int tries = 0; tries < kTries; ++tries) {
      answer = client_.PostBytes("/v1/import", pending_, sync::kCarryContentType);
      if (answer || answer.error().status != 429) break;
      loop.RunFor(kTryPeriod);
    }
    if (!answer) {
      Failure failure = answer.error();
      failure.text += "; " + std::to_string(blocks_ + held_) +
                      " blocks are taken: the same command again goes on";
      return tl::unexpected(std::move(failure));
    }
    pending_ = head_;
    blocks_ += NumberAt(*answer, "blocks");
    samples_ += NumberAt(*answer, "samples");
    held_ += NumberAt(*answer, "already_held");
    refused_ += NumberAt(*answer, "refused");
    losses_ += NumberAt(*answer, "losses");
    known_ = At(*answer, "known") == Json(true);
    continues_ = At(*answer, "continues") == Json(true);
    const std::string inc = TextAt(At(*answer, "commit"), "inc", "");
    std::from_chars(inc.data(), inc.data() + inc.size(), mark_.inc, 16);
    mark_.commit = NumberAt(At(*answer, "commit"), "number");
    if (mark_.inc == 0) return Fail(Exit::kUnreachable, "the answer is not edgetwin-cloud's");
    const Steady::time_point now = Steady::now();
    if (now >= say_at_) {
      say_at_ = now + kSayPeriod;
      Say(std::to_string(reader_.offset() >> 20) + " MiB read, " + std::to_string(samples_) +
          " samples taken so far …");
    }
    return {};
  }

  const Client& client_;
  const Asked& asked_;
  sync::CarryReader reader_;
  sync::CarryHead content_;
  std::string head_;     // As it lies in the file, with the magic.
  std::string pending_;  // The next request.
  sync::CarryPlace end_;
  std::string damage_, why_no_receipt_;
  std::uint64_t blocks_ = 0, samples_ = 0, held_ = 0, refused_ = 0, losses_ = 0;
  sync::HistoryMark mark_;
  bool known_ = true, continues_ = false, receipt_ = false;
  Steady::time_point say_at_ = Steady::now() + kSayPeriod;
};

}  // namespace

Done Import(const Client& client, const Asked& asked) {
  Importer importer(client, asked);
  if (auto done = importer.Run(); !done) return tl::unexpected(done.error());
  if (auto done = importer.WriteReceipt(); !done) return tl::unexpected(done.error());
  return importer.Show();
}

}  // namespace edgetwin::cloudcli
