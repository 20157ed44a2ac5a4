// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/withheld.h"

#include "history_store_sql.h"
#include "twin/store/columns.h"

namespace edgetwin::history {
namespace {

using store::Statement;

constexpr std::string_view kKey = "withheld/";  // With the path after it.

}  // namespace

Status Withheld::Load(store::Database& db) {
  return store::ForEach(db, sql::kSelectWithheld, [this](const Statement& row) -> Status {
    const std::string_view key = row.Text(0);
    if (key.starts_with(kKey)) before_[std::string(key.substr(kKey.size()))] = row.Uint(1);
    return {};
  });
}

Status Withheld::Set(store::Database& db, const std::string& path, std::uint64_t before) {
  Result<Statement> upsert = db.Prepare(sql::kUpsertMeta);
  if (!upsert) return upsert.error();
  const Status saved = upsert->BindText(1, std::string(kKey) + path).BindUint(2, before).Run();
  if (saved) before_[path] = before;
  return saved;
}

std::size_t Withheld::Erase(const std::vector<PathRecord>& paths,
                            std::vector<BlockRecord>& blocks) const {
  if (before_.empty()) return 0;
  return std::erase_if(blocks, [&](const BlockRecord& block) {
    const auto found = before_.find(paths.at(block.path - 1).path);
    return found != before_.end() && block.first < found->second;
  });
}

}  // namespace edgetwin::history
