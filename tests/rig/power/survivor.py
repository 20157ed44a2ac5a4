# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
"""What must hold of a disk that has lost its power, and of an agent that starts on it."""

import dataclasses
import pathlib
import shutil
import sqlite3
import subprocess
import time

import outside

SETTLE_S_MAX = 300


@dataclasses.dataclass
class Promises:
    """What somebody was told, each with the size of the disk's log by then."""

    held: list = dataclasses.field(default_factory=list)  # Overrides that the operator was told of.
    asked: list = dataclasses.field(default_factory=list)  # Those he asked for, by then or later.
    applied: list = dataclasses.field(default_factory=list)  # Wishes; the cloud has the status.
    effects: list = dataclasses.field(default_factory=list)  # Commands that the actuator has seen.
    audits: list = dataclasses.field(default_factory=list)  # {path: account}

    def until(self, log_bytes):
        """Those that bind a disk that was cut at this size of its log."""
        return Promises(*([promise for promise in getattr(self, field.name)
                           if promise[0] <= log_bytes] for field in dataclasses.fields(self)))

    def settled(self):
        """As they bind the next run of the machine, with a log of its own."""
        return Promises(*([(0, what) for _, what in getattr(self, field.name)]
                          for field in dataclasses.fields(self)))

    def copy(self):
        return Promises(*(list(getattr(self, field.name)) for field in dataclasses.fields(self)))

    def newest(self, name, otherwise=0):
        return max((what for _, what in getattr(self, name)), default=otherwise)


def accounts(audit):
    """{path: (kept or accounted for, gone for known reasons or delivered)} of an audit."""
    return {path["path"]: (path["stored"] + path["lost"] + path["delivered"],
                           path["lost"] + path["delivered"]) for path in audit["paths"]}


class Survivor:
    """A disk's image, taken apart on this machine. `wrong` collects what should not be."""

    def __init__(self, work, bin_folder, image, recording_file):
        self.work, self._bin, self._image = work, bin_folder, image
        self._recording_file = recording_file
        self.wrong = []
        self.store = work / "store"

    def _claim(self, holds, text):
        if not holds:
            self.wrong.append(text)
        return holds

    def take_out(self, store):
        """The folder `store`. Replays the file system's journal, as the kernel does at a mount."""
        replay = subprocess.run(["e2fsck", "-E", "journal_only", "-y", self._image],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        check = subprocess.run(["e2fsck", "-f", "-y", self._image], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, check=False)
        said = (replay.stdout + check.stdout).decode(errors="replace")
        # 1: something was corrected; the kernel corrects orphans and counters itself.
        self._claim(check.returncode in (0, 1), f"the file system is broken: {said}")
        subprocess.run(["debugfs", "-R", f"rdump {store} {self.work}", self._image],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        taken_out = self.work / pathlib.Path(store).name
        if taken_out.is_dir():
            taken_out.rename(self.store)
        return self._claim(self.store.is_dir(), f"there is no store: {said}")

    def check_files(self):
        """SQLite's own word; on copies, since opening them with it changes them."""
        copies = self.work / "copies"
        shutil.copytree(self.store, copies)
        for name in ("twin.db", "history.db"):
            if not (copies / name).exists():
                continue
            try:
                database = sqlite3.connect(copies / name)
                answer = [row[0] for row in database.execute("PRAGMA integrity_check")]
                database.close()
            except sqlite3.Error as error:
                answer = [str(error)]
            self._claim(answer == ["ok"], f"{name}: integrity_check says {answer[:5]}")
        shutil.rmtree(copies)

    def check_promises(self, agent, promises):
        """The stopped agent's store, read by the command line; what act/held is held at."""
        status, audit = agent.cli("history", "audit")
        if status == 0 and isinstance(audit, dict):
            self._check_audit(audit, promises, "at rest")
            self._check_samples(agent)
        else:
            # The command line doesn't change a file: it is the agent that moves the blocks of an
            # earlier version, among them those of a new file that was never opened whole.
            moving = status == 74 and "has blocks of an earlier version" in audit
            unborn = status == 3 and not promises.audits
            self._claim(moving or unborn, f"history audit ends with {status}: {audit}")
        status, held = agent.cli("get", "act/held")
        value = (held.get("override") or {}).get("value", 0) if status == 0 else 0
        self._claim(promises.newest("held") <= value <= promises.newest("asked"),
                    f"act/held is held at {value}; the operator was told that it is at "
                    f"{promises.newest('held')}, and asked for {promises.newest('asked')} at most: "
                    f"{held}")
        at_rest = value
        status, wished = agent.cli("get", "act/wished")
        value = (wished.get("desired") or {}).get("value", 0) if status == 0 else 0
        self._claim(value >= promises.newest("applied"),
                    f"{value} is desired of act/wished; {promises.newest('applied')} was applied, "
                    f"and the cloud was told: {wished}")
        return at_rest

    def _check_audit(self, audit, promises, when):
        self._claim(audit["adds_up"], f"the audit doesn't add up {when}: {audit}")
        now = accounts(audit)
        for _, before in promises.audits:
            for path, (known, gone) in before.items():
                has = now.get(path, (0, 0))
                self._claim(has[0] >= known and has[1] >= gone,
                            f"{path} had {known} samples stored or accounted for, {gone} of them "
                            f"gone; {when} it has {has[0]} and {has[1]}")

    def _check_samples(self, agent):
        """Each text is the recording's own, and nothing is missing that has no record."""
        rows = [line.split(",")[1:] for line in
                pathlib.Path(self._recording_file).read_text().splitlines()[1:]]
        _, gaps = agent.cli("history", "gaps")
        for column, path in enumerate(("played/text", "played/number")):
            status, history = agent.cli("history", path, "--from", "1d")
            if status != 0:
                continue
            self._claim(not history.get("damaged_blocks"), f"{path} has damaged blocks")
            jumps, last = 0, None
            for sample in history["samples"]:
                row = int(str(sample["value"]).split("-")[0])
                self._claim(str(sample["value"]) == rows[row][column],
                            f"{path} has a sample that nobody made: {sample}"[:300])
                jumps += last is not None and row not in (0, (last + 1) % len(rows))
                last = row
            records = sum(gap["path"] == path for gap in gaps["gaps"])
            self._claim(jumps <= records,
                        f"samples of {path} are missing at {jumps} places, and there are "
                        f"{records} records of losses")

    def check_twins(self, agent, cloud, promises, at_rest):
        """The agent starts on it, and device and cloud agree, on history too."""
        agent.start()
        end = time.monotonic() + SETTLE_S_MAX
        differences, problems, caught_up = ["never compared"], [], False
        while time.monotonic() < end and agent.running() and (differences or problems or
                                                              not caught_up):
            time.sleep(0.05)
            differences = compare(agent.ask("/v1/snapshot"), cloud.twin("/snapshot"))
            status = agent.ask("/v1/status")
            backfill = (status.get("history") or {}).get("backfill") or {}
            caught_up = bool(backfill.get("caught_up"))
            # The recording has only one row here, and its end is told.
            problems = [problem for problem in status.get("problems", [])
                        if problem["severity"] != "notice" and problem["code"] != "device_ended"]
        if not (self._claim(agent.running(), f"the agent has ended: {agent.words()}")
                and self._claim(not differences, f"the twins differ: {differences[:3]}; "
                                f"{agent.words()}; {cloud.words()}")
                and self._claim(caught_up, f"history is not delivered: {backfill}")):
            return
        self._claim(not problems, f"problems: {problems}")
        self._check_quiet(agent, cloud)
        held = (agent.cli("get", "act/held")[1].get("override") or {}).get("value", 0)
        self._claim(held == at_rest, f"act/held is held at {held} once the agent runs; before its "
                    f"start it was at {at_rest}: {agent.words()}")
        _, audit = agent.cli("history", "audit")
        self._check_audit(audit, promises, "once the agent runs")
        self._check_delivery(audit, agent.cli("history", "gaps")[1], cloud.twin("/history/audit"))
        repeated = {line for line in agent.effects_file.read_text().split("\n")
                    if line.startswith("commanded ")} & {what for _, what in promises.effects}
        self._claim(not repeated, f"commands had their effect twice: {sorted(repeated)}")
        self._claim(agent.stop() == 0, f"the agent did not stop cleanly: {agent.words()}")
        status, audit = agent.cli("history", "audit")
        if self._claim(status == 0, f"history audit ends with {status} after a stop: {audit}"):
            self._check_audit(audit, promises, "after a clean stop")
            self._check_samples(agent)

    def _check_quiet(self, agent, cloud):
        """No alarm was raised that nothing warrants."""
        left = [file.name for file in self.store.iterdir() if ".db." in file.name]
        self._claim(not left, f"put aside: {left}: {agent.words()}")
        _, sync = agent.cli("sync", "status")
        self._claim(sync["state"] == "live" and sync["set_back_to"] is None,
                    f"the device's sync: {sync}")
        kinds = {event["kind"] for event in agent.cli("events")[1]["events"]}
        self._claim(not kinds - {"command_done", "command_failed", "command_unknown",
                                 "command_expired"}, f"events: {sorted(kinds)}")
        device = cloud.device()
        self._claim(device["state"] == "connected" and device["stores_given_up"] == 0
                    and device["epoch"] == 1, f"the cloud on the device: {device}")

    def _check_delivery(self, audit, gaps, held):
        """Each sample that was ever numbered is in the cloud, in memory, or in the ledger."""
        self._claim(held.get("adds_up"), f"the cloud's audit doesn't add up: {held}")
        for path in audit["paths"]:
            known = []
            for holding in held.get("paths", []):
                if holding["path"] == path["path"]:
                    known += [(span["first"], span["last"]) for span in holding["held"]]
            taken = sorted(known)
            twice = sum(second[0] <= first[1] for first, second in zip(taken, taken[1:]))
            self._claim(not twice, f"the cloud has samples of {path['path']} twice: {taken}")
            known += [(gap["first"], gap["last"]) for gap in gaps["gaps"]
                      if gap["path"] == path["path"]]
            missing = _missing(known, path["produced"] - path["in_memory"])
            self._claim(not missing, f"samples {missing} of {path['path']} are neither in the "
                        f"cloud nor in the ledger: {path}")


def _missing(spans, count):
    """Numbers below `count` that are in none of the spans (first, last)."""
    missing, at = [], 0
    for first, last in sorted(spans):
        if first > at:
            missing.append((at, min(first, count) - 1))
        at = max(at, last + 1)
        if at >= count:
            break
    if at < count:
        missing.append((at, count - 1))
    return [span for span in missing if span[0] <= span[1]]


def _rows(snapshot):
    """By path and side; whether a row is durable is each side's own matter."""
    return {(row["path"], row["side"]): {key: row[key] for key in row if key != "durable"}
            for row in snapshot["rows"] if not row.get("gone")}


def compare(device, cloud):
    """Why the two snapshots are not one twin at one moment; empty when they are."""
    if "rows" not in device or "rows" not in cloud:
        return ["no answer"]
    here, there = _rows(device), _rows(cloud)
    wishes = max((row["dot"]["seq"] for (_, side), row in there.items() if side == "desired"),
                 default=0)
    differences = [f"{stream}: the device is at {device['heads'].get(stream, 0)}, the cloud at "
                   f"{cloud['watermarks'].get(stream, 0)}" for stream in ("state", "control")
                   if device["heads"].get(stream, 0) != cloud["watermarks"].get(stream, 0)]
    if device["watermarks"].get("control", 0) < wishes:
        differences.append(f"the device has not heard of wish {wishes}")
    differences += [f"device {here.get(key)}, cloud {there.get(key)}"[:500]
                    for key in sorted(here.keys() | there.keys())
                    if here.get(key) != there.get(key)]
    return differences


def check(work, bin_folder, image, recording_file, promises, cloud_store, history_mib,
          store="/store"):
    """All of it; what is wrong. `cloud_store`: the cloud's as of the cut; it is used up."""
    survivor = Survivor(work, bin_folder, image, recording_file)
    if not survivor.take_out(store):
        return survivor.wrong
    survivor.check_files()
    if cloud_store is None:
        agent = outside.Agent(work, bin_folder, survivor.store, 1, recording_file, history_mib)
        survivor.check_promises(agent, promises)
        return survivor.wrong
    one_row = work / "one_row.csv"
    one_row.write_text("\n".join(recording_file.read_text().split("\n")[:2]) + "\n")
    cloud = outside.Cloud(work / "outside", bin_folder, cloud_store)
    try:
        agent = outside.Agent(work, bin_folder, survivor.store, cloud.broker_port, one_row,
                              history_mib)
        try:
            at_rest = survivor.check_promises(agent, promises)
            survivor.check_twins(agent, cloud, promises, at_rest)
        finally:
            agent.stop()
    finally:
        cloud.stop()
    return survivor.wrong
