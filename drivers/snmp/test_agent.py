#!/usr/bin/env python3
# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
"""Objects of a test's, for snmpd's pass_persist: test_agent.py FOLDER

They stand in FOLDER/objects, a line each: OID TYPE MAX VALUE. A set of a number above MAX is
refused as wrongValue, and one of an object whose MAX is "ro" as notWritable. The file is read
afresh for each request, so a test changes it while the agent runs.
"""

import os
import sys


def read(path):
    objects = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            oid, kind, most, value = line.rstrip("\n").split(" ", 3)
            objects[tuple(int(part) for part in oid.strip(".").split("."))] = [kind, most, value]
    return objects


def write(path, objects):
    with open(path + ".new", "w", encoding="utf-8") as out:
        for oid, (kind, most, value) in sorted(objects.items()):
            out.write(".".join(map(str, oid)) + f" {kind} {most} {value}\n")
    os.rename(path + ".new", path)


def say(*lines):
    print(*lines, sep="\n", flush=True)


def show(objects, oid):
    say("." + ".".join(map(str, oid)), objects[oid][0], objects[oid][2])


def put(path, objects, oid, text):
    kind, most, _ = objects.get(oid, ("", "ro", ""))
    given, value = text.split(" ", 1)
    value = value.strip('"')
    if most == "ro":
        say("not-writable")
    elif given.lower() != kind:
        say("wrong-type")
    elif most != "-" and int(value) > int(most):
        say("wrong-value")
    else:
        objects[oid][2] = value
        write(path, objects)
        say("DONE")


def main():
    path = os.path.join(sys.argv[1], "objects")
    while line := sys.stdin.readline():
        command = line.strip()
        if command == "PING":
            say("PONG")
        if command not in ("get", "getnext", "set"):
            continue  # snmpd sends an empty line after a set.
        oid = tuple(int(part) for part in sys.stdin.readline().strip().strip(".").split("."))
        objects = read(path)
        if command == "set":
            put(path, objects, oid, sys.stdin.readline().strip())
        elif command == "get" and oid in objects:
            show(objects, oid)
        elif command == "getnext" and (after := [o for o in sorted(objects) if o > oid]):
            show(objects, after[0])
        else:
            say("NONE")


main()
