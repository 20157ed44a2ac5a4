// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The cloud's half of P3 for one device: frames become requests to the cloud's history, answers
// become acks. Pure. Nothing is acknowledged before it was said to be durable.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sync/engine/frame.h"
#include "sync/engine/ordinal_set.h"
#include "twin/base/result.h"
#include "twin/model/twin.h"

namespace edgetwin::sync {

// To be made durable, all of it or nothing.
struct HistoryPut {
  std::uint64_t inc = 0;
  struct Block {
    std::string path;
    std::string bytes;  // As they came: whoever stores them decodes them first.
  };
  struct Loss {
    std::string path;
    LossRecord record;
  };
  std::vector<Block> blocks;
  std::vector<Loss> losses;
};
struct HistoryPutDone {
  HistoryMark mark;
  // Of each block the interval of what is held that it is in; nothing: it can't be taken, ever.
  std::vector<std::optional<OrdinalSet::Interval>> held;
  std::uint64_t repeated = 0;  // Blocks that were held before.
  std::uint64_t samples = 0;   // Of those that were not.
};

// What is held, or accounted for.
struct HistoryLook {
  HistoryMark known;
  std::vector<std::string> paths;
};
struct HistoryLooked {
  HistoryMark mark;
  bool continues = false;  // `known` was given by this history; then `held` is empty.
  struct Held {
    std::size_t place = 0;  // Of the path.
    std::uint64_t inc = 0;
    OrdinalSet::Interval interval;
  };
  std::vector<Held> held;  // By path.
};

struct HistoryRequest {
  std::uint64_t token = 0;
  std::variant<HistoryPut, HistoryLook> work;
};

// SINGLE-THREADED.
class CloudBackfill {
 public:
  // Tokens of requests begin above `token`: a random number, so that an answer to somebody's
  // request before is no answer to this one's.
  CloudBackfill(const model::Twin& twin, std::uint64_t token) : twin_(twin), token_(token) {}

  // kNotFound: an entry of the dictionary is missing.
  Status OnHistory(HistoryFrame frame);
  void OnAsk(const HistoryAsk& ask);
  // The session is over: answers that are out are for nobody.
  void End();

  // An error is not answered; the device asks again.
  void PutDone(std::uint64_t token, const Result<HistoryPutDone>& result);
  void Looked(std::uint64_t token, const Result<HistoryLooked>& result);

  // What is to be done, and said, since the last call. `session`: the number for frames.
  std::vector<HistoryRequest> TakeRequests() { return std::exchange(requests_, {}); }
  std::vector<Frame> TakeFrames(std::uint32_t session);

  struct Counts {
    std::uint64_t frames = 0, repeated = 0, asks = 0;
    std::uint64_t blocks = 0, blocks_refused = 0, losses = 0, bytes = 0;
    std::string trouble;  // Why nothing is stored; empty.
  };
  const Counts& status() const { return counts_; }

 private:
  struct Put {
    std::uint64_t token = 0;
    std::uint32_t number = 0;
    std::uint64_t inc = 0;
    std::vector<std::optional<model::Pid>>
        pids;  // Of the frame's blocks; nothing: isn't asked for.
    std::size_t losses = 0;
  };
  struct Look {
    std::uint64_t token = 0;
    std::vector<model::Pid> pids;
    model::Pid next = 0;
  };

  const model::Twin& twin_;
  std::uint64_t token_;
  std::optional<Put> put_;
  std::optional<Look> look_;
  std::vector<HistoryRequest> requests_;
  std::vector<Frame> frames_;
  Counts counts_;
};

}  // namespace edgetwin::sync
