# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
"""Claims about disks that are cut: python3 tests/rig/power/disk_test.py"""

import pathlib
import struct
import tempfile
import unittest

import disk

FLUSH, FUA, DISCARD = 1, 2, 4


class DiskTest(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        folder = pathlib.Path(self._folder.name)
        self.base, self.log, self.image = folder / "base", folder / "log", folder / "image"
        self.base.write_bytes(b"-" * 16 * disk.SECTOR)
        self.log.write_bytes(struct.pack("<QQQI", 0x6A736677736872, 1, 0, disk.SECTOR)
                             .ljust(disk.SECTOR, b"\0"))

    def add(self, sector=0, text=b"", flags=0):
        """A request; each byte of `text` fills a sector."""
        with open(self.log, "ab") as log:
            log.write(struct.pack("<QQQQ", sector, len(text), flags, 0).ljust(disk.SECTOR, b"\0"))
            if not flags & DISCARD:
                log.write(b"".join(bytes([letter]) * disk.SECTOR for letter in text))
        return self.log.stat().st_size

    def cut(self, seed, limit=None, lying=False):
        """The disk's sectors, a letter each."""
        entries = disk.read_log(self.log)
        self.loss = disk.cut(self.base, self.log, entries, limit or self.log.stat().st_size,
                             self.image, disk.chance_of(seed), lying)
        data = self.image.read_bytes()
        sectors = [data[i:i + disk.SECTOR] for i in range(0, len(data), disk.SECTOR)]
        for sector in sectors:
            self.assertEqual(len(set(sector)), 1, "a sector was torn")
        return bytes(sector[0] for sector in sectors)

    def cuts(self, **more):
        return {self.cut(seed, **more)[:4] for seed in range(64)}

    def test_what_a_flush_covers_is_there(self):
        self.add(0, b"ab")
        self.add(flags=FLUSH)
        self.assertEqual(self.cuts(), {b"ab--"})

    def test_what_no_flush_covers_is_there_or_lost_or_torn(self):
        self.add(0, b"ab")
        self.assertEqual(self.cuts(), {b"ab--", b"----", b"a---", b"-b--"})

    def test_later_writes_may_be_there_without_earlier_ones(self):
        self.add(0, b"a")
        self.add(1, b"b")
        self.assertIn(b"-b--", self.cuts())

    def test_an_unflushed_write_may_be_lost_under_a_flushed_one(self):
        self.add(0, b"a")
        self.add(flags=FLUSH)
        self.add(0, b"b")
        self.assertEqual(self.cuts(), {b"a---", b"b---"})

    def test_a_write_through_the_cache_is_there_and_those_before_it_need_not_be(self):
        self.add(0, b"a")
        self.add(1, b"b", FUA)
        self.assertEqual(self.cuts(), {b"ab--", b"-b--"})

    def test_what_a_flush_carries_is_not_covered_by_it(self):
        self.add(0, b"a")
        self.add(1, b"b", FLUSH)
        self.assertEqual(self.cuts(), {b"ab--", b"a---"})

    def test_what_came_after_the_cut_is_not_there(self):
        limit = self.add(0, b"a", FUA)
        self.add(0, b"b", FUA)
        self.assertEqual(self.cuts(limit=limit), {b"a---"})

    def test_a_request_that_is_not_whole_in_the_log_never_happened(self):
        self.add(0, b"a", FUA)
        end = self.add(1, b"bc", FUA)
        with open(self.log, "r+b") as log:
            log.truncate(end - 1)
        self.assertEqual(self.cuts(), {b"a---"})

    def test_a_discard_makes_zeros(self):
        self.add(1, b"bc", DISCARD)
        self.add(flags=FLUSH)
        self.assertEqual(self.cuts(), {b"-\0\0-"})

    def test_a_disk_that_lies_loses_what_was_flushed(self):
        self.add(0, b"a")
        self.add(flags=FLUSH)
        self.assertEqual(self.cuts(lying=True), {b"a---", b"----"})

    def test_the_same_seed_makes_the_same_disk(self):
        for sector in range(8):
            self.add(sector, b"abcd")
        self.assertEqual(self.cut(7), self.cut(7))

    def test_another_log_is_refused(self):
        self.log.write_bytes(b"\0" * disk.SECTOR)
        with self.assertRaises(disk.LogError):
            disk.read_log(self.log)


if __name__ == "__main__":
    unittest.main()
