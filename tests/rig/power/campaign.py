# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
"""Flights: the machine runs, works, and loses its power; and all the cuts that one flight gives."""

import collections
import concurrent.futures
import contextlib
import dataclasses
import itertools
import pathlib
import shutil
import subprocess
import time
import traceback

import disk
import machine
import old_store
import outside
import shift
import survivor
import upgrade

# History that is full within seconds, and one that never is.
HISTORY_MIB = {"sync": 24, "evict": 1, "migrate": 24, "upgrade": 24}
# Of an upgrade's cuts so many are booted; each takes a minute or two.
BOOTS_OF_UPGRADE = 1
WINDOWS = 3  # A flight's moments at which the cloud stands still for a while.
CUTS_OF_WINDOW = 6


@dataclasses.dataclass
class Window:
    """While the cloud stood still: its store goes with the disk at any moment of it."""

    phase: str
    first: int  # The log's size when it began
    last: int  # and when it ended.
    cloud: pathlib.Path
    promises: survivor.Promises


class Campaign:
    def __init__(self, work, bin_folder, seed, lying, talk, phases, packages):
        self._work, self._bin, self._seed = work, bin_folder, seed
        self._lying, self._talk = lying, talk
        self._began = time.monotonic()
        self._machine = machine.Machine(work, bin_folder)
        self._phases = phases
        self._debian = upgrade.Debian(work / "debian", packages) if "upgrade" in phases else None
        self._recording = work / "recording.csv"
        self._recording.write_text(outside.recording(disk.chance_of(seed, "recording")))
        self._cloud = outside.Cloud(work / "outside", bin_folder)
        self._disk = work / "disk"
        (work / "empty/store").mkdir(parents=True)
        machine.make_disk(self._disk, work / "empty")
        self._promises = survivor.Promises()
        self._steps = itertools.count(1)
        self._flights = 0
        self._cuts = 0
        self._by_kind, self._by_phase = collections.Counter(), collections.Counter()
        self._checks, self._writes = collections.Counter(), collections.Counter()
        self._violations = []
        # One looks at survivors while the next flight is under way.
        self._pool = concurrent.futures.ThreadPoolExecutor(1)
        self._looking = []

    def go(self, cuts):
        """Makes so many cuts; the report. `stuck`: why a machine did not get far enough."""
        stuck = None
        try:
            while self._cuts < cuts:
                phase = self._phases[self._flights % len(self._phases)]
                self._flights += 1
                if phase == "migrate":
                    self._migrate(cuts)
                elif phase == "upgrade":
                    self._upgrade(cuts)
                else:
                    self._fly(phase, cuts)
            self._looked_at_all()
        except machine.Dead as error:
            stuck = f"flight-{self._flights}: {error}"
            self._looked_at_all()
        finally:
            self._pool.shutdown(cancel_futures=True)
            self._cloud.stop()
        return {"seed": self._seed, "cuts": self._cuts, "flights": self._flights,
                "by_kind": dict(self._by_kind), "by_phase": dict(self._by_phase),
                "checks": dict(self._checks), "writes": dict(self._writes),
                "violations": self._violations, "stuck": stuck, "lying_disk": self._lying,
                "wall_s": round(time.monotonic() - self._began, 1)}

    def _boot(self, name, image, cloud, mib):
        files = {"recording.csv": self._recording.read_text(),
                 "edgetwin.toml": outside.config(
                     "/data/store", "/run", f"mqtt://10.0.2.2:{cloud.broker_port}",
                     "/etc/recording.csv", "/bin/actuator", "/dev/ttyS2", mib)}
        folder = self._work / name
        folder.mkdir()
        base = folder / "base"
        subprocess.run(["cp", "--sparse=always", image, base], check=True)
        return self._machine.boot(name, image, folder / "log", files), base

    # Flights

    def _fly(self, phase, cuts):
        """The machine starts on the disk that the last flight left, works, and is cut."""
        name = f"flight-{self._flights}"
        chance = disk.chance_of(self._seed, name)
        run, base = self._boot(name, self._disk, self._cloud, HISTORY_MIB[phase])
        windows = []
        try:
            # Promises of runs before bind this one from its first byte on.
            self._promises = self._promises.settled()
            people = shift.Shift(run, self._cloud, self._promises, chance, self._steps)
            with self._stand_still(people, "open", f"{name}/cloud-0", windows):
                people.start_agent()
            people.until_live()
            self._found(f"{name} boots", people.look() + self._put_aside(run))
            self._checks["booted"] += 1
            for i in range(1, WINDOWS):
                people.work_for(chance.uniform(1.0, 5.0))
                with self._stand_still(people, phase, f"{name}/cloud-{i}", windows):
                    people.operate()
                    time.sleep(chance.uniform(0.1, 2.0))
            people.work_for(chance.uniform(0.5, 4.0))
        finally:
            run.cut()
        entries = disk.read_log(run.log)
        for window in windows:
            self._cut_window(name, base, run.log, entries, window, HISTORY_MIB[phase],
                             min(CUTS_OF_WINDOW, cuts - 1 - self._cuts), chance)
        self._cut_machine(name, base, run.log, entries, phase, chance)

    @contextlib.contextmanager
    def _stand_still(self, people, phase, copy, windows):
        """The cloud stands still meanwhile, so that its store goes with any moment of the disk."""
        people.note()
        people.cloud.pause()
        try:
            first = people.run.logged()
            people.cloud.copy_store(self._work / copy)
            yield
            last = people.run.logged()
        finally:
            people.cloud.resume()
        windows.append(Window(phase, first, last, self._work / copy, people.promises.copy()))

    def _put_aside(self, run):
        _, said = run.run("ls /data/store")
        return [f"put aside: {said}"] if ".corrupt" in said or ".before" in said else []

    # Cuts

    def _cut_window(self, name, base, log, entries, window, mib, count, chance, look=None):
        look = look or self._look
        inside = [entry for entry in entries if window.first < entry.end <= window.last]
        # Most while the cache holds what no flush has covered; no moment twice.
        dirty = [entry.end for entry in inside if not entry.flush]
        others = [window.first, *(entry.end for entry in inside if entry.flush)]
        for _ in range(max(0, count)):
            if not dirty and not others:
                break
            limits = dirty if dirty and (not others or chance.random() < 0.75) else others
            limit = limits.pop(chance.randrange(len(limits)))
            label = f"{name}-{window.phase}-{self._cuts}"
            self._cuts += 1
            self._by_kind["log"] += 1
            self._by_phase[window.phase] += 1
            self._later(label, look, label, base, log, entries, limit,
                        window.promises.until(limit), window.cloud, mib)

    def _look(self, label, base, log, entries, limit, promises, cloud, mib):
        work = self._work / label
        work.mkdir()
        image = work / "image"
        loss = disk.cut(base, log, entries, limit, image,
                        disk.chance_of(self._seed, label), self._lying)
        self._writes.update(dataclasses.asdict(loss))
        copy = work / "cloud"
        shutil.copytree(cloud, copy)
        wrong = survivor.check(work, self._bin, image, self._recording, promises, copy, mib)
        self._checks["looked_at"] += 1
        self._checks["twins_compared"] += 1
        self._found(f"{label} at {limit}", wrong)
        if not wrong:
            shutil.rmtree(work)

    def _cut_machine(self, name, base, log, entries, phase, chance):
        """The next flight starts on what this kill left, with or without the disk's cache."""
        kind = chance.choice(["kill", "kill and cache"])
        self._cuts += 1
        self._by_kind[kind] += 1
        self._by_phase[phase] += 1
        if kind != "kill":
            loss = disk.cut(base, log, entries, entries[-1].end, self._disk,
                            disk.chance_of(self._seed, name, "cache"), self._lying)
            self._writes.update(dataclasses.asdict(loss))
        image = self._work / f"{name}-left"
        subprocess.run(["cp", "--sparse=always", self._disk, image], check=True)
        promises = self._promises.copy()
        self._later(name, self._look_at_left, name, image, promises, HISTORY_MIB[phase])

    def _look_at_left(self, name, image, promises, mib):
        work = self._work / f"{name}-left-work"
        work.mkdir()
        wrong = survivor.check(work, self._bin, image, self._recording, promises, None, mib)
        self._checks["looked_at"] += 1
        self._found(f"{name} is killed", wrong)
        if not wrong:
            shutil.rmtree(work)
            image.unlink()

    def _later(self, label, look, *args):
        """Lets the other thread look at it; a mistake of the rig itself is a finding, too."""

        def guarded():
            try:
                look(*args)
            except Exception:  # pylint: disable=broad-except
                self._found(label, [f"the rig: {traceback.format_exc()}"])

        self._looking.append(self._pool.submit(guarded))

    def _looked_at_all(self):
        for looking in self._looking:
            looking.result()

    def _found(self, label, wrong):
        for text in wrong:
            self._violations.append({"cut": label, "text": text})
        if self._talk:
            print(f"powercut: {label}: " + ("ok" if not wrong else "FAILED: " + "; ".join(wrong)),
                  flush=True)

    # An earlier release's store

    def _migrate(self, cuts):
        """A device with an older history starts with today's agent, again and again."""
        name = f"flight-{self._flights}"
        chance = disk.chance_of(self._seed, name)
        folder = self._work / f"{name}-old"
        folder.mkdir()
        mib = HISTORY_MIB["migrate"]
        cloud = outside.Cloud(folder / "outside", self._bin)
        try:
            audit = old_store.record(folder, self._bin, cloud, self._recording, mib, 5)
            old_store.make_old(folder / "store" / "history.db", chance.choice([2, 3, 4]))
            promises = survivor.Promises(audits=[(0, survivor.accounts(audit))])
            (folder / "root").mkdir()
            shutil.move(folder / "store", folder / "root" / "store")
            image = folder / "disk"
            machine.make_disk(image, folder / "root")
            run, base = self._boot(name, image, cloud, mib)
            windows = []
            try:
                people = shift.Shift(run, cloud, promises, chance, self._steps)
                with self._stand_still(people, "migrate", f"{name}-old/cloud-copy", windows):
                    people.start_agent()
                    people.until_recording()
            finally:
                run.cut()
        finally:
            cloud.stop()
        entries = disk.read_log(run.log)
        self._cut_window(name, base, run.log, entries, windows[0], mib,
                         min(2 * CUTS_OF_WINDOW, cuts - self._cuts), chance)

    # A newer release

    def _upgrade(self, cuts):
        """A whole Debian is cut while dpkg puts the next release in."""
        name = f"flight-{self._flights}"
        chance = disk.chance_of(self._seed, name)
        folder = self._work / name
        folder.mkdir()
        mib = HISTORY_MIB["upgrade"]
        cloud = outside.Cloud(folder / "outside", self._bin)
        windows = []
        try:
            self._debian.put_in(cloud.broker_port, self._recording, mib)
            base, image = self._debian.image / "disk.ext4", folder / "disk"
            subprocess.run(["cp", "--sparse=always", base, image], check=True)
            run = self._debian.boot(f"{name}-run", image)
            try:
                upgrade.install_old(run)
                people = shift.Shift(run, cloud, survivor.Promises(), chance, self._steps)
                people.until_live()
                people.work_for(chance.uniform(5.0, 10.0))
                people.operate()
                with self._stand_still(people, "upgrade", f"{name}/cloud-copy", windows):
                    upgrade.install_new(run)
                    people.until_recording()
            finally:
                run.cut()
        finally:
            cloud.stop()
        image.unlink()
        entries = disk.read_log(run.log)
        boots = itertools.count()

        def look(label, *cut):
            self._look_upgraded(label, *cut, next(boots) < BOOTS_OF_UPGRADE, cloud.broker_port)

        self._cut_window(name, base, run.log, entries, windows[0], mib,
                         min(2 * CUTS_OF_WINDOW, cuts - self._cuts), chance, look)

    def _look_upgraded(self, label, base, log, entries, limit, promises, cloud, mib, boot, port):
        work = self._work / label
        work.mkdir()
        image, copy = work / "image", work / "cloud"

        def cut():
            return disk.cut(base, log, entries, limit, image, disk.chance_of(self._seed, label),
                            self._lying)

        self._writes.update(dataclasses.asdict(cut()))
        shutil.copytree(cloud, copy)
        wrong = survivor.check(work, self._bin, image, self._recording, promises, copy, mib,
                               upgrade.STORE)
        torn, release = upgrade.check_program(image, self._debian.programs, work)
        wrong += torn
        self._checks["looked_at"] += 1
        self._checks["twins_compared"] += 1
        self._checks[f"release: {release}"] += 1
        if boot:
            cut()  # The same disk again: what looked at it has repaired and changed it.
            shutil.rmtree(copy)
            shutil.copytree(cloud, copy)
            wrong += self._boot_upgraded(f"{label}-booted", image, copy, promises, port)
            self._checks["booted"] += 1
        self._found(f"{label} at {limit}, {release} release{', booted' if boot else ''}", wrong)
        image.unlink()
        if not wrong:
            shutil.rmtree(work)

    def _boot_upgraded(self, name, image, cloud_store, promises, port):
        outer = outside.Cloud(self._work / f"{name}-outside", self._bin, cloud_store, port)
        try:
            run = self._debian.boot(name, image)
            try:
                people = shift.Shift(run, outer, promises.settled(), None, self._steps)
                return upgrade.after_boot(run, people)
            finally:
                run.cut()
        except machine.Dead as error:
            return [str(error)]
        finally:
            outer.stop()
