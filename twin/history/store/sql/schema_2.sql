-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- history.db, version 2. Of samples that were evicted: how many there were of a path in one hour
-- (since 1970, UTC), how many of them were known numbers, and of these the least, mean and
-- greatest; null for none. In the order in which evictions come.
CREATE TABLE aggregate (
  hour    INTEGER NOT NULL,
  path    INTEGER NOT NULL,
  count   INTEGER NOT NULL,
  numbers INTEGER NOT NULL,
  min     REAL,
  mean    REAL,
  max     REAL,
  PRIMARY KEY (hour, path)
) STRICT, WITHOUT ROWID;
