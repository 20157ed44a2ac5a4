-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- cloud.db, version 1: the twins of all devices. Unsigned 64-bit numbers (inc, seq, chain, token)
-- are kept as the signed integer of the same bits. Columns of type ANY hold doubles as REAL, or as
-- a blob of 8 little-endian bytes when they are NaN, which SQLite would turn into NULL.

-- Every opening of this store and its incarnation. A twin's lineage is made of these: see lineage.
CREATE TABLE opening (
  n         INTEGER PRIMARY KEY,
  inc       INTEGER NOT NULL,
  opened_ms INTEGER NOT NULL
) STRICT;

-- head: the last seq of a row of ours (desired). epoch_counter 0: none issued yet.
CREATE TABLE twin (
  id            INTEGER PRIMARY KEY,
  device        TEXT NOT NULL UNIQUE,
  registered_ms INTEGER NOT NULL,
  seen_ms       INTEGER NOT NULL,
  head          INTEGER NOT NULL,
  epoch_counter INTEGER NOT NULL,
  epoch_token   INTEGER NOT NULL
) STRICT;

-- The seqs that an opening gave to rows of a twin. An opening without an entry gave none.
CREATE TABLE lineage (
  twin      INTEGER NOT NULL,
  opening   INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  seq_limit INTEGER NOT NULL,
  PRIMARY KEY (twin, opening)
) STRICT, WITHOUT ROWID;

-- The device's own incarnations as it last told them; n ascends.
CREATE TABLE device_lineage (
  twin      INTEGER NOT NULL,
  n         INTEGER NOT NULL,
  inc       INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  seq_limit INTEGER NOT NULL,
  PRIMARY KEY (twin, n)
) STRICT, WITHOUT ROWID;

-- Up to which seq everything of the device's stream (0 control, 1 state, 2 events, 3 history) is
-- held.
CREATE TABLE cursor (
  twin      INTEGER NOT NULL,
  stream    INTEGER NOT NULL,
  watermark INTEGER NOT NULL,
  PRIMARY KEY (twin, stream)
) STRICT, WITHOUT ROWID;

-- id: dense from 0 in each twin. pid 0: the device has told no number. type: 0 none (only the path
-- is known), 1 bool, 2 int, 3 double, 4 string, 5 bytes.
CREATE TABLE property (
  twin        INTEGER NOT NULL,
  id          INTEGER NOT NULL,
  pid         INTEGER NOT NULL,
  path        TEXT NOT NULL,
  type        INTEGER NOT NULL,
  unit        TEXT NOT NULL,
  decimals    INTEGER,
  writable    INTEGER NOT NULL,
  min         ANY,
  max         ANY,
  description TEXT NOT NULL,
  PRIMARY KEY (twin, id)
) STRICT, WITHOUT ROWID;

-- What the device told of each pid, at the time; chain is the hash over this entry and all before
-- it.
CREATE TABLE dictionary (
  twin        INTEGER NOT NULL,
  pid         INTEGER NOT NULL,
  property    INTEGER NOT NULL,
  chain       INTEGER NOT NULL,
  path        TEXT NOT NULL,
  type        INTEGER NOT NULL,
  unit        TEXT NOT NULL,
  decimals    INTEGER,
  writable    INTEGER NOT NULL,
  min         ANY,
  max         ANY,
  description TEXT NOT NULL,
  PRIMARY KEY (twin, pid)
) STRICT, WITHOUT ROWID;

-- side: 0 reported, 1 desired, 2 status, 3 override. The columns from refers_inc on are NULL for
-- rows without control information.
CREATE TABLE row (
  twin       INTEGER NOT NULL,
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
  PRIMARY KEY (twin, property, side)
) STRICT, WITHOUT ROWID;
