# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
"""What a disk holds after its power was cut, made of the log of all its writes.

The log is that of the kernel's Documentation/admin-guide/device-mapper/log-writes.rst, which
QEMU's block filter blklogwrites writes too. An entry is there before the guest learns that its
request is done: so whoever has been told of something has its writes, and the flush after them,
below the log's size at that moment.
"""

import dataclasses
import os
import random
import struct

_MAGIC = 0x6A736677736872
_SUPER = struct.Struct("<QQQI")
_ENTRY = struct.Struct("<QQQQ")
_FLUSH, _FUA, _DISCARD = 1, 2, 4
# A disk's unit: it writes one whole or not at all.
SECTOR = 512


@dataclasses.dataclass(frozen=True)
class Entry:
    end: int  # The log's size once it was logged.
    offset: int  # On the disk, in bytes.
    size: int
    data: int  # Where its bytes are in the log.
    flush: bool
    fua: bool
    discard: bool


class LogError(Exception):
    pass


def read_log(path):
    """All whole entries, in order; what the kill cut off is not among them."""
    size = os.path.getsize(path)
    entries = []
    with open(path, "rb") as log:
        magic, version, _, sector = _SUPER.unpack(log.read(_SUPER.size))
        if magic != _MAGIC or version != 1 or sector != SECTOR:
            raise LogError(f"{path} is no log of writes in sectors of {SECTOR}")
        at = sector
        while at + sector <= size:
            log.seek(at)
            first, sectors, flags, _ = _ENTRY.unpack(log.read(_ENTRY.size))
            if flags & ~(_FLUSH | _FUA | _DISCARD):
                raise LogError(f"unknown flags {flags:#x} at {at}")
            # The hole that a request under way has left.
            if not sectors and not flags:
                break
            discard = bool(flags & _DISCARD)
            data = at + sector
            at = data + (0 if discard else sectors * sector)
            if at > size:
                break
            entries.append(
                Entry(at, first * sector, sectors * sector, data, bool(flags & _FLUSH),
                      bool(flags & _FUA), discard))
    return entries


@dataclasses.dataclass
class Loss:
    """What a cut took, for the report."""

    unflushed: int = 0  # Writes that no flush had covered.
    lost: int = 0  # Of these: not on the disk at all,
    torn: int = 0  # or with some of their sectors only.


def _sectors_kept(entry, keep, tear, chance):
    """Indices of the sectors that reached the disk."""
    count = entry.size // SECTOR
    if chance.random() >= keep:
        return []
    if count > 1 and chance.random() < tear:
        return [i for i in range(count) if chance.random() < 0.5]
    return range(count)


def cut(base, log_path, entries, limit, image, chance, lying=False):
    """Makes `image`: the disk `base` with the power cut when the log had `limit` bytes.

    Everything that a flush covers is there. What came after the last one was in the disk's cache:
    each write of it is kept or lost, and some are torn, whatever their order. With `lying` the disk
    ignores flushes, as it must not: what it took within its last two hundred requests is at stake.
    """
    happened = [entry for entry in entries if entry.end <= limit]
    safe = max((i for i, entry in enumerate(happened) if entry.flush), default=0)
    if lying:
        safe = min(safe, max(0, len(happened) - 200))
    keep, tear = chance.choice([0.0, 0.3, 0.7, 1.0]), chance.choice([0.0, 0.5, 1.0])
    loss = Loss()
    _copy(base, image)
    with open(log_path, "rb") as log, open(image, "r+b") as disk:
        for i, entry in enumerate(happened):
            if not entry.size:
                continue
            if i < safe or (entry.fua and not lying):
                kept = range(entry.size // SECTOR)
            else:
                kept = _sectors_kept(entry, keep, tear, chance)
                loss.unflushed += 1
                loss.lost += not kept
                loss.torn += 0 < len(kept) < entry.size // SECTOR
            _write(log, disk, entry, kept)
    return loss


def _write(log, disk, entry, kept):
    if not kept:
        return
    if entry.discard:
        data = bytes(entry.size)
    else:
        log.seek(entry.data)
        data = log.read(entry.size)
    if isinstance(kept, range):
        disk.seek(entry.offset)
        disk.write(data)
        return
    for i in kept:
        disk.seek(entry.offset + i * SECTOR)
        disk.write(data[i * SECTOR:(i + 1) * SECTOR])


def _copy(source, target):
    """With its holes."""
    size = os.path.getsize(source)
    with open(source, "rb") as old, open(target, "wb") as new:
        new.truncate(size)
        at = 0
        while at < size:
            try:
                at = os.lseek(old.fileno(), at, os.SEEK_DATA)
            except OSError:  # No more data.
                break
            end = os.lseek(old.fileno(), at, os.SEEK_HOLE)
            while at < end:
                at += os.copy_file_range(old.fileno(), new.fileno(), end - at, at, at)


def chance_of(seed, *names):
    """A generator of its own for each purpose, so that one more draw here changes nothing there."""
    return random.Random(":".join(map(str, (seed, *names))))
