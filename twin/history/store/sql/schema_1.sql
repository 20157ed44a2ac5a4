-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- history.db, version 1. inc and ordinals are kept as the signed integer of the same bits. Times
-- end in _ms: milliseconds since 1970, UTC.

-- Openings of this file. window_samples: how many samples of a path there are at most in memory;
-- what an unclean stop can have taken. clean: it was closed after everything was committed.
CREATE TABLE incarnation (
  n              INTEGER PRIMARY KEY,
  inc            INTEGER NOT NULL,
  opened_ms      INTEGER NOT NULL,
  window_samples INTEGER NOT NULL,
  clean          INTEGER NOT NULL
) STRICT;

-- next: the ordinal of the path's next sample, as of the batch that meta's nexts_at names; blocks
-- of that batch and later ones, and losses, may be beyond it. live: it had samples since the last
-- clean stop, so that an unclean one may have taken some.
CREATE TABLE path (
  id   INTEGER PRIMARY KEY,
  path TEXT NOT NULL,
  next INTEGER NOT NULL,
  live INTEGER NOT NULL
) STRICT;

-- One commit. t_min_ms and t_max_ms: of all its blocks, when it was made.
CREATE TABLE batch (
  n           INTEGER PRIMARY KEY,
  incarnation INTEGER NOT NULL,
  t_min_ms    INTEGER NOT NULL,
  t_max_ms    INTEGER NOT NULL
) STRICT;

-- In the order of commits, so that one touches no page but the last ones; whoever wants one path
-- looks it up in every batch of his time. An index by path would have a page for each path touched
-- in each commit. priority: 0 low, 1 normal, 2 high. bytes: docs/HISTORY_FORMAT.md.
CREATE TABLE block (
  batch    INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  path     INTEGER NOT NULL,
  first    INTEGER NOT NULL,
  count    INTEGER NOT NULL,
  t_min_ms INTEGER NOT NULL,
  t_max_ms INTEGER NOT NULL,
  bytes    BLOB NOT NULL,
  PRIMARY KEY (batch, priority, path, first)
) STRICT, WITHOUT ROWID;

-- The ledger: count of the path's samples from first to last are gone. exact 0: at most so many.
-- inc 0: of several openings. reason: 0 unclean_stop, 1 bytes_max, 2 age_max, 3 not_stored,
-- 4 damaged, 5 file_lost.
CREATE TABLE loss (
  path    INTEGER NOT NULL,
  reason  INTEGER NOT NULL,
  exact   INTEGER NOT NULL,
  first   INTEGER NOT NULL,
  last    INTEGER NOT NULL,
  count   INTEGER NOT NULL,
  inc     INTEGER NOT NULL,
  from_ms INTEGER NOT NULL,
  to_ms   INTEGER NOT NULL,
  PRIMARY KEY (path, reason, exact, first)
) STRICT, WITHOUT ROWID;
