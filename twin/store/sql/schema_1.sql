-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- twin.db, version 1. Unsigned 64-bit numbers (inc, seq, chain, token, command ids) are kept as
-- the signed integer of the same bits. Columns of type ANY hold doubles as REAL, or as a blob of 8
-- little-endian bytes when they are NaN, which SQLite would turn into NULL.

-- owner 0: this store's incarnations; 1: the peer's as it last told them. n ascends. kept: the
-- highest seq of what was promised (control rows and events) that was here when the next opening
-- began; 0 for the current one.
CREATE TABLE lineage (
  owner     INTEGER NOT NULL CHECK (owner IN (0, 1)),
  n         INTEGER NOT NULL,
  inc       INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  seq_limit INTEGER NOT NULL,
  kept      INTEGER NOT NULL,
  PRIMARY KEY (owner, n)
) STRICT, WITHOUT ROWID;

-- pid 0: not on the wire. type: 0 none, 1 bool, 2 int, 3 double, 4 string, 5 bytes.
CREATE TABLE property (
  id               INTEGER PRIMARY KEY,
  pid              INTEGER NOT NULL,
  path             TEXT NOT NULL,
  type             INTEGER NOT NULL,
  unit             TEXT NOT NULL,
  decimals         INTEGER,
  writable         INTEGER NOT NULL,
  local_only       INTEGER NOT NULL,
  min              ANY,
  max              ANY,
  deadband         ANY NOT NULL,
  min_period_ms    INTEGER NOT NULL,
  heartbeat_ms     INTEGER NOT NULL,
  alarm_high       ANY,
  alarm_low        ANY,
  alarm_hysteresis ANY NOT NULL,
  alarm_delay_ms   INTEGER NOT NULL,
  description      TEXT NOT NULL,
  instance         TEXT NOT NULL,
  source           TEXT NOT NULL
) STRICT;

-- What the peer was told of each pid, at the time; chain is the hash over this entry and all
-- before it. withdraws: the pid whose property the entry takes back (it then defines nothing), or
-- 0.
CREATE TABLE dictionary (
  pid              INTEGER PRIMARY KEY,
  property         INTEGER NOT NULL,
  withdraws        INTEGER NOT NULL,
  chain            INTEGER NOT NULL,
  path             TEXT NOT NULL,
  type             INTEGER NOT NULL,
  unit             TEXT NOT NULL,
  decimals         INTEGER,
  writable         INTEGER NOT NULL,
  local_only       INTEGER NOT NULL,
  min              ANY,
  max              ANY,
  deadband         ANY NOT NULL,
  min_period_ms    INTEGER NOT NULL,
  heartbeat_ms     INTEGER NOT NULL,
  alarm_high       ANY,
  alarm_low        ANY,
  alarm_hysteresis ANY NOT NULL,
  alarm_delay_ms   INTEGER NOT NULL,
  description      TEXT NOT NULL,
  instance         TEXT NOT NULL,
  source           TEXT NOT NULL
) STRICT;

-- side: 0 reported, 1 desired, 2 status, 3 override. The columns from refers_inc on are NULL for
-- rows without control information. What `tail` holds is newer than what stands here.
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

-- What happened here and is not forgotten yet; what `tail` holds is newer, here and in the tables
-- command, alarm and hold. severity: 0 info, 1 warning, 2 alarm. property: NULL when it is
-- about none. command: the one that it answers, or 0.
CREATE TABLE event (
  seq      INTEGER PRIMARY KEY,
  inc      INTEGER NOT NULL,
  time_ms  INTEGER NOT NULL,
  unsynced INTEGER NOT NULL,
  severity INTEGER NOT NULL,
  kind     TEXT NOT NULL,
  property INTEGER,
  type     INTEGER NOT NULL,
  value    ANY,
  text     TEXT NOT NULL,
  command  INTEGER NOT NULL
) STRICT;

-- The cloud's commands; inc and seq are the cloud's. state: 0 open, 1 done, 2 failed, 3 expired,
-- 4 unknown.
CREATE TABLE command (
  id         INTEGER PRIMARY KEY,
  inc        INTEGER NOT NULL,
  seq        INTEGER NOT NULL,
  epoch      INTEGER NOT NULL,
  name       TEXT NOT NULL,
  path       TEXT NOT NULL,
  type       INTEGER NOT NULL,
  value      ANY,
  expires_ms INTEGER NOT NULL,
  who        TEXT NOT NULL,
  state      INTEGER NOT NULL,
  result     TEXT NOT NULL
) STRICT;

-- Alarms that are raised or not acknowledged. kind: 0 high, 1 low. value: what raised it.
CREATE TABLE alarm (
  property     INTEGER NOT NULL,
  kind         INTEGER NOT NULL,
  raised       INTEGER NOT NULL,
  acknowledged INTEGER NOT NULL,
  since_ms     INTEGER NOT NULL,
  type         INTEGER NOT NULL,
  value        ANY,
  who          TEXT NOT NULL,
  PRIMARY KEY (property, kind)
) STRICT, WITHOUT ROWID;

-- How long each override still holds.
CREATE TABLE hold (
  property INTEGER PRIMARY KEY,
  left_ms  INTEGER NOT NULL
) STRICT;

-- The patterns of the cloud's properties that are held here; none for all of them. Their version is
-- in meta.
CREATE TABLE interest (
  n       INTEGER PRIMARY KEY,
  pattern TEXT NOT NULL
) STRICT;

-- Commits not yet folded into the tables above, oldest first; the format of body is in
-- tail_codec.h.
CREATE TABLE tail (
  n    INTEGER PRIMARY KEY,
  body BLOB NOT NULL
) STRICT;
