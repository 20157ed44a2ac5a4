-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- What a schema says about itself, and single numbers of the store.
CREATE TABLE IF NOT EXISTS meta (
  key   TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
