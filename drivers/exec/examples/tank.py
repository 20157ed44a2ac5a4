#!/usr/bin/env python3
# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
"""A driver in Python: a tank that fills through a valve, which can be written.

    [drivers.tank]
    kind = "exec"
    program = "/usr/local/lib/edgetwin/tank.py"
    [drivers.tank.options]
    every_s = 1.0
    height_m = 4.5

It reports by itself, every `every_s` seconds, and answers writes in between. When it is told to
stop, or its stdin is closed, it closes the valve first.
"""

import json
import queue
import sys
import threading
import time


class Tank:
    """Stands for the device; a real driver talks to one here."""

    def __init__(self, height_m):
        self.height_m = height_m
        self.level_m = 0.0
        self.valve = 0.0  # 0 is closed, 100 open.

    def pass_time(self, seconds):
        self.level_m = min(self.height_m, self.level_m + seconds * 0.01 * self.valve)


def say(name, body):
    print(json.dumps({name: body}), flush=True)


def listen(lines):
    for line in sys.stdin:
        lines.put(json.loads(line))
    lines.put({"stop": {}})


def handle_write(tank, write):
    if write["path"] != "valve":
        say("write_done", {"id": write["id"], "error": "there is only a valve to write"})
        return
    tank.valve = float(write["value"])
    # What was read back from the device: it is the valve's new value.
    say("write_done", {"id": write["id"], "value": tank.valve})


def main():
    hello = json.loads(sys.stdin.readline())["hello"]
    options = hello["options"]
    every_s = float(options.get("every_s", 1.0))
    tank = Tank(float(options.get("height_m", 4.5)))

    say("define", [
        {"path": "level", "type": "double", "unit": "m", "decimals": 3},
        {"path": "valve", "type": "double", "unit": "%", "decimals": 0, "writable": True,
         "min": 0, "max": 100},
    ])
    say("ready", {})

    # A thread waits for the agent's lines, so that this one can wait for either.
    lines = queue.Queue()
    threading.Thread(target=listen, args=(lines,), daemon=True).start()
    due = time.monotonic()
    while True:
        try:
            message = lines.get(timeout=max(0.0, due - time.monotonic()))
        except queue.Empty:
            tank.pass_time(every_s)
            say("values", {"level": tank.level_m, "valve": tank.valve})
            due += every_s
            continue
        if "stop" in message:
            tank.valve = 0.0
            say("values", {"valve": tank.valve})
            return
        if "write" in message:
            handle_write(tank, message["write"])


if __name__ == "__main__":
    main()
