# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
"""The emulated machine whose power is cut: Debian's kernel and an initramfs with the agent."""

import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
# In the order in which they are loaded.
MODULES = """drivers/virtio/virtio_ring drivers/virtio/virtio drivers/virtio/virtio_pci_legacy_dev
drivers/virtio/virtio_pci_modern_dev drivers/virtio/virtio_pci drivers/block/virtio_blk
net/core/failover drivers/net/net_failover drivers/net/virtio_net
drivers/char/hw_random/virtio-rng crypto/crc32c_generic lib/libcrc32c lib/crc16 fs/mbcache
fs/jbd2/jbd2 fs/ext4/ext4""".split()
DISK_BYTES = 96 << 20
BOOT_S_MAX = 900


class Unavailable(Exception):
    """What the machine is made of can't be had here."""


class Dead(Exception):
    """The machine doesn't answer."""


def _run(*args, **more):
    return subprocess.run(args, check=True, stdout=subprocess.PIPE, **more).stdout


def _pack(folder, target):
    """The folder as a cpio archive, which the kernel unpacks after others."""
    names = "\n".join(str(path.relative_to(folder)) for path in sorted(folder.rglob("*")))
    with open(target, "wb") as out:
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=folder, stdout=out, check=True,
                       input=names.encode())


def make_disk(path, folder):
    """A file system as Debian's installer makes it, but small, with what is in the folder."""
    with open(path, "wb") as disk:
        disk.truncate(DISK_BYTES)
    _run("mke2fs", "-q", "-t", "ext4", "-b", "4096", "-E", "lazy_itable_init=0,nodiscard",
         "-d", folder, path)


class Machine:
    """One such machine; each `boot` is another run of it."""

    def __init__(self, work, bin_folder):
        self.work = work
        for tool in ("qemu-system-x86_64", "busybox", "cpio", "strip", "mke2fs", "mosquitto"):
            if not shutil.which(tool):
                raise Unavailable(f"{tool} is not installed")
        try:
            self._kernel = pathlib.Path(_run(HERE.parent / "kernel_files").decode().strip())
        except subprocess.CalledProcessError as error:
            raise Unavailable("Debian's kernel can't be fetched") from error
        self._make_base(bin_folder)

    def _make_base(self, bin_folder):
        root = self.work / "initramfs"
        for name in ("bin", "dev", "proc", "sys", "tmp", "run", "data", "etc"):
            (root / name).mkdir(parents=True)
        shutil.copy(shutil.which("busybox"), root / "bin")
        for name in ("sh", "cat", "echo", "kill", "sleep", "sync"):
            os.symlink("busybox", root / "bin" / name)
        (root / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\n")
        (root / "etc/group").write_text("root:x:0:\n")
        # One program under two names, which opens libcurl by its own.
        _run("strip", "-o", root / "bin/edgetwin", bin_folder / "edgetwin")
        os.symlink("edgetwin", root / "bin/edgetwind")
        libraries = _run("ldconfig", "-p").decode().split()
        curl = next((word for word in libraries if word.endswith("/libcurl.so.4")), None)
        if not curl:
            raise Unavailable("libcurl is not installed")
        for word in [curl, *_run("ldd", bin_folder / "edgetwin", curl).decode().split()]:
            word = word.rstrip(":")
            if word.startswith("/") and ".so" in word and not (root / word[1:]).exists():
                (root / word[1:]).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(word, root / word[1:])
        names = []
        modules = next((self._kernel / "lib/modules").iterdir()) / "kernel"
        for module in MODULES:
            file = modules / (module + ".ko")
            shutil.copy(file, root)
            names.append(file.name)
        (root / "modules").write_text("\n".join(names) + "\n")
        shutil.copy(HERE / "actuator", root / "bin")
        shutil.copy(HERE / "guest_init", root / "init")
        _pack(root, self.work / "base.cpio")
        shutil.rmtree(root)

    def boot(self, name, disk, log, files):
        """Starts it on `disk`, all writes to which are logged; `files` (name: text) are in /etc."""
        work = self.work / name
        etc = work / "in" / "etc"
        etc.mkdir(parents=True)
        for file, text in files.items():
            (etc / file).write_text(text)
        _pack(work / "in", work / "more.cpio")
        with open(work / "initrd", "wb") as initrd:
            for part in (self.work / "base.cpio", work / "more.cpio"):
                initrd.write(part.read_bytes())
                initrd.write(bytes(-initrd.tell() % 4))
        vmlinuz = next((self._kernel / "boot").glob("vmlinuz-*"))
        return Run(work, disk, log, f"""-m 512 -serial file:{work}/kernel.log -serial chardev:shell
            -serial file:{work}/effects -kernel {vmlinuz} -initrd {work}/initrd""",
                   "console=ttyS0 quiet panic=-1 no_timer_check", "@power ready")


class Run:
    """From power on to power off; a shell waits on the character device `shell` of `args`."""

    def __init__(self, work, disk, log, args, kernel_args, ready):
        self.log = log
        self._work = work
        log.write_bytes(b"")
        self._console = socket.socket(socket.AF_UNIX)
        self._unread = b""
        self._begin(disk, args.split(), kernel_args)
        try:
            self._await(ready, BOOT_S_MAX)
        except Dead:
            self.cut()
            raise

    def _begin(self, disk, more, kernel_args):
        console = self._work / "shell"
        # As in tests/rig/run: no /dev/kvm, and no check of the timer.
        args = f"""setpriv --pdeathsig KILL qemu-system-x86_64 -accel tcg,thread=multi
            -machine q35 -cpu max -smp 1 -nodefaults -no-user-config -display none -no-reboot
            -chardev socket,id=shell,path={console},server=on,wait=off
            -netdev user,id=net -device virtio-net-pci,netdev=net,romfile=
            -object rng-random,id=rng,filename=/dev/urandom -device virtio-rng-pci,rng=rng
            -blockdev driver=file,filename={disk},node-name=file
            -blockdev driver=file,filename={self.log},node-name=log
            -blockdev driver=blklogwrites,file=file,log=log,node-name=disk
            -device virtio-blk-pci,drive=disk,write-cache=on,discard=off,write-zeroes=off"""
        args = [*args.split(), *more, "-append", kernel_args]
        with open(self._work / "qemu.log", "wb") as out:
            self._qemu = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                          env={**os.environ, "TMPDIR": str(self._work)})
        end = time.monotonic() + 30
        while True:
            try:
                self._console.connect(str(console))
                return
            except OSError as error:
                if self._qemu.poll() is not None or time.monotonic() > end:
                    raise Dead(f"qemu: {(self._work / 'qemu.log').read_text()}") from error
                time.sleep(0.02)

    def _await(self, word, seconds):
        """What came before `word`."""
        end = time.monotonic() + seconds
        while word.encode() not in self._unread:
            self._console.settimeout(max(0.01, end - time.monotonic()))
            try:
                more = self._console.recv(65536)
            except TimeoutError as error:
                raise Dead(f"no {word} within {seconds} s: {self.words()}") from error
            if not more:
                raise Dead(f"the machine has ended: {self.words()}")
            self._unread += more
        said, self._unread = self._unread.split(word.encode(), 1)
        return said.decode(errors="replace")

    def words(self):
        """The end of what kernel and agent had to say."""
        said = self._work / "kernel.log"
        return said.read_text(errors="replace")[-3000:] if said.exists() else repr(
            self._unread[-3000:])

    def run(self, command, seconds=120):
        """Runs a line of shell; its exit status and what it printed."""
        self._console.sendall(
            f"eval {shlex.quote(command)}; echo \"@power done $?\"\n".encode())
        said = self._await("@power done ", seconds)
        return int(self._await("\n", 10)), said

    def logged(self):
        """How much of the disk's log is there: what was promised before has its writes in it."""
        return os.path.getsize(self.log)

    def effects(self):
        """What the actuator was told so far, outside of the machine."""
        said = (self._work / "effects").read_text()
        return said.replace("\r", "").split("\n")[:-1]

    def cut(self):
        """The power goes."""
        if self._qemu.poll() is None:
            self._qemu.send_signal(signal.SIGKILL)
        self._qemu.wait()
        self._console.close()
