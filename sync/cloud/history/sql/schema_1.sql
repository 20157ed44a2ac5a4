-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- The cloud's history.db, version 1. inc and ordinals are kept as the signed integer of the same
-- bits. Times end in _ms: milliseconds since 1970, UTC.

-- Openings of this file, and the first commit of each. Commits are counted from 1 on, over all of
-- them; a copy of the file counts on from where it was copied, as another opening.
CREATE TABLE opening (
  n            INTEGER PRIMARY KEY,
  inc          INTEGER NOT NULL,
  first_commit INTEGER NOT NULL
) STRICT;

-- One row: how many commits there were.
CREATE TABLE progress (
  commits INTEGER NOT NULL
) STRICT;
INSERT INTO progress (commits) VALUES (0);

-- span_max_ms: the longest time from the first to the last sample of any of its blocks.
CREATE TABLE path (
  id          INTEGER PRIMARY KEY,
  device      TEXT NOT NULL,
  path        TEXT NOT NULL,
  span_max_ms INTEGER NOT NULL,
  UNIQUE (device, path)
) STRICT;

-- bytes: docs/HISTORY_FORMAT.md. inc: the opening of the device's history that committed it. Time
-- stamps of blocks of one path may overlap.
CREATE TABLE block (
  id       INTEGER PRIMARY KEY,
  path     INTEGER NOT NULL,
  inc      INTEGER NOT NULL,
  first    INTEGER NOT NULL,
  count    INTEGER NOT NULL,
  t_min_ms INTEGER NOT NULL,
  t_max_ms INTEGER NOT NULL,
  bytes    BLOB NOT NULL
) STRICT;
CREATE INDEX block_by_time ON block (path, t_min_ms);
CREATE INDEX block_by_age ON block (t_max_ms);

-- Ordinals of samples that were taken, from first to last, be they here still or in loss by now.
CREATE TABLE held (
  path  INTEGER NOT NULL,
  inc   INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last  INTEGER NOT NULL,
  PRIMARY KEY (path, inc, first)
) STRICT, WITHOUT ROWID;

-- Samples that are gone. here 0: from the device, as its ledger says; 1: from this file.
-- reason: as in the device's history.db. exact 0: at most so many. inc 0: of several openings.
CREATE TABLE loss (
  path    INTEGER NOT NULL,
  here    INTEGER NOT NULL,
  reason  INTEGER NOT NULL,
  exact   INTEGER NOT NULL,
  inc     INTEGER NOT NULL,
  first   INTEGER NOT NULL,
  last    INTEGER NOT NULL,
  count   INTEGER NOT NULL,
  from_ms INTEGER NOT NULL,
  to_ms   INTEGER NOT NULL,
  PRIMARY KEY (path, here, reason, exact, inc, first)
) STRICT, WITHOUT ROWID;
