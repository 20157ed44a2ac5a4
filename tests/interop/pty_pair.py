#!/usr/bin/env python3
# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
"""pty_pair.py A B: two serial ports that lead to each other, as links of these names, until stdin ends."""

import os
import pty
import select
import sys
import tty

masters = []
for name in sys.argv[1:3]:
    master, slave = pty.openpty()
    tty.setraw(slave)  # Kept open: a side that closes its port doesn't hang the line up.
    os.symlink(os.ttyname(slave), name)
    masters.append(master)
while True:
    for fd in select.select([0, *masters], [], [])[0]:
        data = os.read(fd, 4096)
        if fd == 0 and not data:
            sys.exit()
        if fd != 0:
            os.write(masters[1 - masters.index(fd)], data)
