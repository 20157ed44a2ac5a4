# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
"""What people and the cloud do while the machine runs, and what they are told: the promises."""

import json
import time

import machine
import survivor

_CLI = "edgetwin -c /etc/edgetwin.toml"


class Shift:
    """Works on one run of the machine. `steps` gives numbers that only grow."""

    def __init__(self, run, cloud, promises, chance, steps):
        self.run, self.cloud, self.promises = run, cloud, promises
        self._chance, self._steps = chance, steps

    def work_for(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            what = self._chance.choice(["operate", "wish", "command", "audit", "rest"])
            if what == "operate":
                self.operate()
            elif what == "wish":
                self.cloud.desire("act/wished", next(self._steps))
            elif what == "command":
                self.cloud.command("act/commanded", next(self._steps))
            elif what == "audit":
                status, said = self.run.run(f"{_CLI} --json history audit")
                if status == 0:
                    known = survivor.accounts(json.loads(said))
                    self.promises.audits[:] = [(self.run.logged(), known)]
            else:
                time.sleep(self._chance.uniform(0.0, 0.5))
            self.note()

    def operate(self):
        """The operator holds a value; success is a promise."""
        value = next(self._steps)
        self.promises.asked.append((0, value))
        status, _ = self.run.run(f"{_CLI} override act/held {value} --for 30d >/dev/null")
        # 1: it is held, and not applied yet.
        if status == 0:
            self.promises.held.append((self.run.logged(), value))

    def note(self):
        """What the cloud and the actuator know by now is in the log by now."""
        rows = self.cloud.twin("/snapshot").get("rows", [])
        effects = self.run.effects()
        at = self.run.logged()
        wish = {row["side"]: row for row in rows if row["path"] == "act/wished"}
        status = wish.get("status")
        if (status and status["state"] == "applied" and status["durable"]
                and status["refers_to"] == wish["desired"]["dot"]):
            self.promises.applied.append((at, wish["desired"]["value"]))
        known = {what for _, what in self.promises.effects}
        self.promises.effects += [(at, effect) for effect in effects
                                  if effect.startswith("commanded ") and effect not in known]

    def until(self, holds, what, seconds=survivor.SETTLE_S_MAX):
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                raise machine.Dead(f"waited in vain for {what}: {self.run.words()}")
            time.sleep(0.05)

    def until_live(self):
        self.until(lambda: '"state":"live"' in self.run.run(
            f"{_CLI} --json sync status")[1].replace(" ", ""), "the device to be live")

    def start_agent(self):
        """Returns once it has an answer; 69: it can't be reached."""
        self.run.run("edgetwind -c /etc/edgetwin.toml >/dev/ttyS0 2>&1 &")
        self.until(lambda: self.run.run(f"{_CLI} status >/dev/null 2>&1")[0] != 69,
                   "the agent to answer")

    def until_recording(self):
        self.until(lambda: self.run.run(f"{_CLI} history audit >/dev/null 2>&1")[0] == 0,
                   "the history to be open")

    def look(self):
        """The machine after its cut, in step with the cloud that was never cut: what is wrong."""
        wrong = []
        status, said = self.run.run(f"{_CLI} --json history audit")
        if status != 0 or not json.loads(said)["adds_up"]:
            wrong.append(f"the audit in the machine: {said}")
        status, said = self.run.run(f"{_CLI} --json get act/held")
        held = (json.loads(said).get("override") or {}).get("value", 0) if status == 0 else 0
        if held < self.promises.newest("held"):
            wrong.append(f"act/held is at {held}, not at {self.promises.newest('held')}: {said}")
        device = self.cloud.device()
        if device.get("epoch") != 1 or device.get("stores_given_up") != 0:
            wrong.append(f"the cloud on the device: {device}")
        old = {what for _, what in self.promises.effects}
        again = [effect for effect in self.run.effects() if effect in old]
        if again:
            wrong.append(f"commands had their effect twice: {again}")
        return wrong
