# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
"""The whole Debian of tests/rig/run, which loses its power while dpkg puts a newer release in."""

import pathlib
import shutil
import subprocess

import machine
import outside

RIG = pathlib.Path(__file__).resolve().parent.parent
STORE = "/var/lib/edgetwin"
PROGRAM, DAEMON = "/usr/bin/edgetwin", "/usr/sbin/edgetwind"  # The latter is a link to the other.
INSTALL_S_MAX = 600
_NETWORK = """modprobe virtio_net; for i in /sys/class/net/e*; do i=${i##*/}; ip link set $i up
  ip address replace 10.0.2.15/24 dev $i; ip route replace default via 10.0.2.2; done"""


def _sh(*args, **more):
    subprocess.run(args, check=True, stdout=subprocess.DEVNULL, **more)


class Debian:
    """The machine, with a release and the next."""

    def __init__(self, work, packages):
        try:
            self.image = pathlib.Path(subprocess.run(
                [RIG / "image", "amd64", packages], check=True,
                stdout=subprocess.PIPE).stdout.decode().strip())
        except (OSError, subprocess.CalledProcessError) as error:
            raise machine.Unavailable("the rig's machine can't be made") from error
        self._work = work
        self.inside = work / "inside"
        self.inside.mkdir(parents=True)
        shutil.copy(next(packages.glob("edgetwin_*.deb")), self.inside / "old.deb")
        _sh(RIG / "next_release", self.inside / "old.deb", self.inside / "new.deb")
        self.programs = {}
        for release in ("old", "new"):
            tree = work / release
            _sh("dpkg-deb", "-x", self.inside / f"{release}.deb", tree)
            self.programs[release] = (tree / PROGRAM[1:]).read_bytes()
            shutil.rmtree(tree)

    def boot(self, name, image):
        """The machine on that disk; a shell on its console."""
        work = self._work / name
        work.mkdir()
        archive = work / "in.tar"
        _sh("tar", "-C", self.inside, "--owner=0", "--group=0", "-cf", archive, ".")
        _sh("truncate", "-s", "%512", archive)
        (work / "effects").touch()
        return machine.Run(work, image, work / "log", f"""-m 768 -serial chardev:shell
            -serial file:{work}/effects
            -drive file={archive},format=raw,if=virtio,readonly=on
            -kernel {self.image}/vmlinuz -initrd {self.image}/initrd""",
                           "root=/dev/vda rw console=ttyS0 loglevel=3 panic=-1 no_timer_check",
                           "@rig ready\n")

    def put_in(self, broker_port, recording_file, history_mib):
        """What the guest finds in /rig, next to the packages."""
        (self.inside / "edgetwin.toml").write_text(outside.config(
            STORE, "/run/edgetwin", f"mqtt://10.0.2.2:{broker_port}", "/rig/recording.csv",
            "/rig/actuator", "/run/edgetwin/effects", history_mib))
        shutil.copy(recording_file, self.inside / "recording.csv")
        shutil.copy(outside.HERE / "actuator", self.inside / "actuator")


def install_old(run):
    """The older release, as a user would; its agent runs at the end."""
    reach_out(run)
    must(run, "dpkg -i /rig/old.deb")
    must(run, "cp /rig/edgetwin.toml /etc/edgetwin/edgetwin.toml")
    must(run, "ln -s edgetwin/edgetwin.toml /etc/edgetwin.toml")
    must(run, "systemctl restart edgetwind")


def install_new(run):
    must(run, "dpkg -i /rig/new.deb")


def after_boot(run, people):
    """As a user would after a cut: looks, lets dpkg finish, and looks again; what is wrong."""
    reach_out(run)
    before = run.run("systemctl is-active edgetwind")[1].strip()
    must(run, "dpkg --configure -a && dpkg -i /rig/new.deb")
    people.until_live()
    wrong = people.look()
    version = must(run, "dpkg-query -W -f '${Status} ${Version}' edgetwin").strip()
    if not version.startswith("install ok installed ") or not version.endswith("+next"):
        wrong.append(f"dpkg says: {version}")
    said = must(run, f"ls {STORE}")
    if ".corrupt" in said or ".before" in said:
        wrong.append(f"put aside: {said}")
    if before not in ("active", "activating"):
        wrong.append(f"before dpkg had finished the agent was {before}")
    return wrong


def must(run, command, seconds=INSTALL_S_MAX):
    status, said = run.run(command, seconds)
    if status != 0:
        raise machine.Dead(f"{command!r} ends with {status}: {said[-2000:]}")
    return said


def reach_out(run):
    """The guest has a network, and what is put into it."""
    must(run, _NETWORK.replace("\n", ";"))
    must(run, "mkdir -p /rig && chmod 755 /rig && tar -x -C /rig --no-same-owner -f /dev/vdb")


def check_program(image, programs, work):
    """What is wrong with it: it is one release's or the other's, whole; and whose it is."""
    out = work / "program"
    subprocess.run(["debugfs", "-R", f"dump {PROGRAM} {out}", image], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    found = out.read_bytes() if out.exists() else b""
    out.unlink(missing_ok=True)
    stat = subprocess.run(["debugfs", "-R", f"stat {DAEMON}", image], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
    wrong = [] if "bin/edgetwin" in stat else [f"{DAEMON} is no link to the program: {stat}"]
    for release, content in programs.items():
        if found == content:
            return wrong, release
    return [*wrong, f"{PROGRAM} is neither release's: {len(found)} bytes"], "broken"
