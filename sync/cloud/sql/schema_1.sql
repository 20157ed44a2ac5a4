-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- cloud.db, version 1: the twins of all devices. Unsigned 64-bit numbers (inc, seq, chain, token,
-- command ids) are kept as the signed integer of the same bits. Columns of type ANY hold doubles as
-- REAL, or as a blob of 8 little-endian bytes when they are NaN, which SQLite would turn into NULL.

-- Every opening of this store and its incarnation. A twin's lineage is made of these: see lineage.
CREATE TABLE opening (
  n         INTEGER PRIMARY KEY,
  inc       INTEGER NOT NULL,
  opened_ms INTEGER NOT NULL
) STRICT;

-- head: the last seq of a row or command of ours. epoch_counter 0: none issued yet. setback_floor:
-- seqs of the device's up to here were given by a branch of its store that is gone, and the device
-- has not shown yet that it knows; 0: no such thing. setback_epoch: the counter of the epoch that
-- the last setback began, 0: there was none; see setback_mark. admission: 0 normal, 1 the next
-- claimant, 2 nobody, 3 anyone.
CREATE TABLE twin (
  id               INTEGER PRIMARY KEY,
  device           TEXT NOT NULL UNIQUE,
  registered_ms    INTEGER NOT NULL,
  seen_ms          INTEGER NOT NULL,
  head             INTEGER NOT NULL,
  epoch_counter    INTEGER NOT NULL,
  epoch_token      INTEGER NOT NULL,
  setback_floor    INTEGER NOT NULL,
  setback_epoch    INTEGER NOT NULL,
  interest_version INTEGER NOT NULL,
  admission        INTEGER NOT NULL
) STRICT;

-- The seqs that an opening gave to rows and commands of a twin. An opening without an entry gave
-- none.
CREATE TABLE lineage (
  twin      INTEGER NOT NULL,
  opening   INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  seq_limit INTEGER NOT NULL,
  PRIMARY KEY (twin, opening)
) STRICT, WITHOUT ROWID;

-- The device's own incarnations as it last told them; n ascends. kept: up to where it has what it
-- promised before the next one.
CREATE TABLE device_lineage (
  twin      INTEGER NOT NULL,
  n         INTEGER NOT NULL,
  inc       INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  seq_limit INTEGER NOT NULL,
  kept      INTEGER NOT NULL,
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

-- What a store that was set back shares with this one, by the device's stream. common: the store
-- that it has now, which knows; told: one that has not heard of it.
CREATE TABLE setback_mark (
  twin   INTEGER NOT NULL,
  stream INTEGER NOT NULL,
  common INTEGER NOT NULL,
  told   INTEGER NOT NULL,
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
-- it. withdraws: the pid whose property the entry takes back (it then defines nothing), or 0.
CREATE TABLE dictionary (
  twin        INTEGER NOT NULL,
  pid         INTEGER NOT NULL,
  property    INTEGER NOT NULL,
  withdraws   INTEGER NOT NULL,
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

-- What the device told of, in the order of arrival: n counts up without gaps in each twin, and only
-- the lowest are ever removed. A device whose store is another one counts its seqs anew, so seq
-- alone neither orders nor names an event. severity: 0 info, 1 warning, 2 alarm. property: NULL
-- when it is about none. command: the one that it answers, or 0.
CREATE TABLE event (
  twin     INTEGER NOT NULL,
  n        INTEGER NOT NULL,
  inc      INTEGER NOT NULL,
  seq      INTEGER NOT NULL,
  time_ms  INTEGER NOT NULL,
  unsynced INTEGER NOT NULL,
  severity INTEGER NOT NULL,
  kind     TEXT NOT NULL,
  property INTEGER,
  type     INTEGER NOT NULL,
  value    ANY,
  text     TEXT NOT NULL,
  command  INTEGER NOT NULL,
  PRIMARY KEY (twin, n),
  UNIQUE (twin, seq, inc)
) STRICT, WITHOUT ROWID;

-- Commands to the device; inc and seq are ours. state: 0 open, 1 done, 2 failed, 3 expired, 4
-- unknown.
CREATE TABLE command (
  twin       INTEGER NOT NULL,
  id         INTEGER NOT NULL,
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
  result     TEXT NOT NULL,
  PRIMARY KEY (twin, id)
) STRICT, WITHOUT ROWID;

-- The patterns of the properties that the device holds; none for all of them.
CREATE TABLE interest (
  twin    INTEGER NOT NULL,
  n       INTEGER NOT NULL,
  pattern TEXT NOT NULL,
  PRIMARY KEY (twin, n)
) STRICT, WITHOUT ROWID;

-- Incarnations of the device whose branch was given up.
CREATE TABLE superseded (
  twin INTEGER NOT NULL,
  n    INTEGER NOT NULL,
  inc  INTEGER NOT NULL,
  PRIMARY KEY (twin, n)
) STRICT, WITHOUT ROWID;

-- The last one who was not let in as the device.
CREATE TABLE claim (
  twin     INTEGER PRIMARY KEY,
  inc      INTEGER NOT NULL,
  at_ms    INTEGER NOT NULL,
  why      TEXT NOT NULL,
  hardware TEXT NOT NULL
) STRICT;
