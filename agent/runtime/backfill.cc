// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/runtime/backfill.h"

#include <utility>

namespace edgetwin::runtime {

sync::BackfillOptions ToOptions(const config::HistoryConfig& config) {
  sync::BackfillOptions options;
  options.order = config.backfill == config::BackfillPolicy::kOldest ? sync::BackfillOrder::kOldest
                                                                     : sync::BackfillOrder::kNewest;
  options.bytes_per_hour_max = config.backfill_bytes_per_hour_max;
  return options;
}

history::DeliveryRequest ToRequest(const sync::BackfillRead& read) {
  history::DeliveryRequest request;
  if (read.anew) {
    request.held.emplace();
    for (const sync::BackfillRead::HeldPath& held : *read.anew) {
      request.held->push_back({held.path, {}});
      for (const auto& interval : held.intervals) {
        request.held->back().intervals.push_back({interval.first, interval.last});
      }
    }
  }
  request.delivered = read.delivered;
  request.mark = {read.mark.inc, read.mark.commit};
  request.order = read.order == sync::BackfillOrder::kNewest ? history::DeliveryOrder::kNewest
                                                             : history::DeliveryOrder::kOldest;
  request.bytes_max = read.bytes_max;
  return request;
}

sync::BackfillChunk ToChunk(NamedUndelivered named) {
  sync::BackfillChunk chunk;
  chunk.inc = named.undelivered.inc;
  for (std::size_t i = 0; i < named.undelivered.blocks.size(); ++i) {
    history::BlockRecord& block = named.undelivered.blocks[i];
    chunk.blocks.push_back(
        {std::move(named.block_paths[i]), block.first, block.count, std::move(block.bytes)});
  }
  for (std::size_t i = 0; i < named.undelivered.losses.size(); ++i) {
    const history::Loss& loss = named.undelivered.losses[i];
    chunk.losses.push_back({std::move(named.loss_paths[i]), ToRecord(loss)});
  }
  return chunk;
}

sync::LossRecord ToRecord(const history::Loss& loss) {
  sync::LossRecord record;
  record.reason = static_cast<std::uint32_t>(loss.reason);
  record.exact = loss.exact;
  record.inc = loss.inc;
  record.first = loss.first;
  record.last = loss.last;
  record.count = loss.count;
  record.from = loss.from;
  record.to = loss.to;
  return record;
}

sync::HistoryMark ToMark(const history::CloudMark& mark) {
  return {mark.inc, mark.commit};
}

}  // namespace edgetwin::runtime
