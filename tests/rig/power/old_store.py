# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
"""A store as an earlier release left it: a real one, with history.db in its older form.

twin.db has had no other version yet. As OldBlocksTest in twin/history/store does it.
"""

import sqlite3
import time

import outside

_OLD_BLOCKS = """CREATE TABLE block (batch INTEGER NOT NULL, priority INTEGER NOT NULL,
  path INTEGER NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL, t_min_ms INTEGER NOT NULL,
  t_max_ms INTEGER NOT NULL, bytes BLOB NOT NULL,
  PRIMARY KEY (batch, priority, path, first)) STRICT, WITHOUT ROWID"""


def record(work, bin_folder, cloud, recording_file, history_mib, seconds):
    """Lets an agent of today fill `work`/store; its accounts."""
    store = work / "store"
    store.mkdir(parents=True)
    agent = outside.Agent(work, bin_folder, store, cloud.broker_port, recording_file, history_mib)
    agent.config.write_text(agent.config.read_text().replace("loop = false",
                                                             "loop = true\nspeed = 10"))
    agent.start()
    time.sleep(seconds)
    if agent.stop() != 0:
        raise RuntimeError(f"the agent did not stop cleanly: {agent.words()}")
    return agent.cli("history", "audit")[1]


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def make_old(file, version):
    """Turns the history of version 4 into one of version 2 or 3."""
    database = sqlite3.connect(file, isolation_level=None)
    times = dict((n, span) for n, *span in database.execute(
        "SELECT n, t_min_ms, t_max_ms FROM batch"))
    old = []
    for key, after, before, data in database.execute("SELECT * FROM block"):
        batch, priority, path = key >> 34, key >> 32 & 3, key >> 12 & 0xFFFFF
        count, at = _varint(data, 2)  # docs/HISTORY_FORMAT.md
        first, _ = _varint(data, at)
        t_min, t_max = times[batch]
        old.append((batch, priority, path, first, count, t_min + after, t_max - before, data))
    database.execute("BEGIN")
    database.execute("DROP TABLE block")
    database.execute(_OLD_BLOCKS)
    database.executemany("INSERT INTO block VALUES (?, ?, ?, ?, ?, ?, ?, ?)", old)
    if version < 3:
        database.execute("DROP TABLE delivered")
        database.execute("ALTER TABLE loss DROP COLUMN told")
    database.execute("UPDATE meta SET value = ? WHERE key = 'version'", (version,))
    database.execute("UPDATE meta SET value = ? WHERE key = 'min_reader'",
                     (1 if version < 3 else 3,))
    database.execute("COMMIT")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return len(old)
