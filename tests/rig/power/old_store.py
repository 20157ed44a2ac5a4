# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
"""A store as an earlier release left it: a real one, with history.db in its older form.

As OldBlocksTest in twin/history/store does it. twin.db's version 1 differs from today's in no table.
"""

import ctypes
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


def _signed(data, at):
    number, at = _varint(data, at)
    return number >> 1 ^ -(number & 1), at


def _unpacked(data):
    if data[0] != 0x82:
        return data
    size, at = _varint(data, 1)
    plain = ctypes.create_string_buffer(size)
    zstd = ctypes.CDLL("libzstd.so.1")
    zstd.ZSTD_decompress.restype = ctypes.c_size_t
    got = zstd.ZSTD_decompress(plain, ctypes.c_size_t(size), data[at:],
                               ctypes.c_size_t(len(data) - at))
    if got != size:
        raise ValueError("a bundle can't be unpacked")
    return plain.raw


def _blocks(path, after, before, data):
    """Of a row of version 5, which may be a bundle: docs/HISTORY.md, "The file"."""
    data = _unpacked(data)
    if data[0] != 0x81:
        return [(path, after, before, data)]
    count, at = _varint(data, 1)
    heads = []
    for _ in range(count):
        step, at = _varint(data, at)
        later, at = _signed(data, at)
        earlier, at = _signed(data, at)
        size, at = _varint(data, at)
        path, after, before = path + step, after + later, before + earlier
        heads.append((path, after, before, size))
    at += 4  # The head's checksum.
    blocks = []
    for path, after, before, size in heads:
        blocks.append((path, after, before, data[at:at + size]))
        at += size
    return blocks


def make_old(file, version):
    """Turns the history of version 5 into one of version 2, 3 or 4."""
    database = sqlite3.connect(file, isolation_level=None)
    times = dict((n, span) for n, *span in database.execute(
        "SELECT n, t_min_ms, t_max_ms FROM batch"))
    old, places = [], {}
    for key, *row in database.execute("SELECT * FROM block ORDER BY id"):
        batch, priority = key >> 34, key >> 32 & 3
        for path, after, before, data in _blocks(key >> 12 & 0xFFFFF, *row):
            if version == 4:
                begin = batch << 34 | priority << 32 | path << 12
                place = places.get(begin, 0)
                places[begin] = place + 1
                old.append((begin | place, after, before, data))
                continue
            count, at = _varint(data, 2)  # docs/HISTORY_FORMAT.md
            first, _ = _varint(data, at)
            t_min, t_max = times[batch]
            old.append((batch, priority, path, first, count, t_min + after, t_max - before, data))
    database.execute("BEGIN")
    if version == 4:
        database.execute("DELETE FROM block")
        database.executemany("INSERT INTO block VALUES (?, ?, ?, ?)", old)
    else:
        database.execute("DROP TABLE block")
        database.execute(_OLD_BLOCKS)
        database.executemany("INSERT INTO block VALUES (?, ?, ?, ?, ?, ?, ?, ?)", old)
    if version < 3:
        database.execute("DROP TABLE delivered")
        database.execute("ALTER TABLE loss DROP COLUMN told")
    database.execute("UPDATE meta SET value = ? WHERE key = 'version'", (version,))
    database.execute("UPDATE meta SET value = ? WHERE key = 'min_reader'",
                     ({2: 1, 3: 3, 4: 4}[version],))
    database.execute("COMMIT")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return len(old)
