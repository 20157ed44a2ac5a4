-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- twin.db, version 1. Unsigned 64-bit numbers (inc, seq, chain, token) are kept as the signed
-- integer of the same
-- bits. Columns of type ANY hold doubles as REAL, or as a blob of 8 little-endian bytes when they
-- are NaN, which
-- SQLite would turn into NULL.

-- owner 0: this store's incarnations; 1: the peer's as it last told them. n ascends.
CREATE TABLE lineage (
  owner     INTEGER NOT NULL CHECK (owner IN (0, 1)),
  n         INTEGER NOT NULL,
  inc       INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  seq_limit INTEGER NOT NULL,
  PRIMARY KEY (owner, n)
) STRICT, WITHOUT ROWID;

-- pid 0: not on the wire. type: 0 none, 1 bool, 2 int, 3 double, 4 string, 5 bytes.
CREATE TABLE property (
  id            INTEGER PRIMARY KEY,
  pid           INTEGER NOT NULL,
  path          TEXT NOT NULL,
  type          INTEGER NOT NULL,
  unit          TEXT NOT NULL,
  decimals      INTEGER,
  writable      INTEGER NOT NULL,
  local_only    INTEGER NOT NULL,
  min           ANY,
  max           ANY,
  deadband      ANY NOT NULL,
  min_period_ms INTEGER NOT NULL,
  heartbeat_ms  INTEGER NOT NULL,
  description   TEXT NOT NULL,
  instance      TEXT NOT NULL,
  source        TEXT NOT NULL
) STRICT;

-- What the peer was told of each pid, at the time; chain is the hash over this entry and all
-- before it.
CREATE TABLE dictionary (
  pid           INTEGER PRIMARY KEY,
  property      INTEGER NOT NULL,
  chain         INTEGER NOT NULL,
  path          TEXT NOT NULL,
  type          INTEGER NOT NULL,
  unit          TEXT NOT NULL,
  decimals      INTEGER,
  writable      INTEGER NOT NULL,
  local_only    INTEGER NOT NULL,
  min           ANY,
  max           ANY,
  deadband      ANY NOT NULL,
  min_period_ms INTEGER NOT NULL,
  heartbeat_ms  INTEGER NOT NULL,
  description   TEXT NOT NULL,
  instance      TEXT NOT NULL,
  source        TEXT NOT NULL
) STRICT;

-- side: 0 reported, 1 desired, 2 status, 3 override. The columns from refers_inc on are NULL for
-- rows without control
-- information. What `tail` holds is newer than what stands here.
CREATE TABLE row (
  property   INTEGER NOT NULL,
  side       INTEGER NOT NULL,
  type       INTEGER NOT NULL,
  value      ANY,
  inc        INTEGER NOT NULL,
  seq        INTEGER NOT NULL,
  time_ms    INTEGER NOT NULL,
  quality    INTEGER NOT NULL,
  unsynced   INTEGER NOT NULL,
  refers_inc INTEGER,
  refers_seq INTEGER,
  state      INTEGER,
  note       TEXT,
  until_ms   INTEGER,
  PRIMARY KEY (property, side)
) STRICT, WITHOUT ROWID;

-- Up to which seq everything of the peer's stream (0 control, 1 state, 2 events, 3 history) is
-- held.
CREATE TABLE cursor (
  stream    INTEGER PRIMARY KEY,
  watermark INTEGER NOT NULL
) STRICT;

-- Commits not yet folded into the tables above, oldest first; the format of body is in
-- tail_codec.h.
CREATE TABLE tail (
  n    INTEGER PRIMARY KEY,
  body BLOB NOT NULL
) STRICT;
