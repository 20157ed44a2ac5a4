# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
"""Broker, cloud and agent on this machine: what no cut reaches, and what looks at a survivor."""

import http.client
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
DEVICE = "power-1"
ROWS = 100


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def recording(chance, rows=ROWS, text_bytes=4000):
    """Rows of their number and a text that begins with it and hardly compresses."""
    lines = ["time,text,number"]
    for row in range(rows):
        text = "".join(chance.choices("abcdefghijklmnop", k=text_bytes))
        lines.append(f"{row * 0.05:.2f},{row}-{text},{row}")
    return "\n".join(lines) + "\n"


def config(store, run, broker, recording_file, actuator, effects, history_mib, loop=True):
    """The agent's configuration; `run`: where its socket is."""
    return f"""
[device]
id = "{DEVICE}"
[store]
directory = "{store}"
commit_window = "300ms"
[cloud]
brokers = ["{broker}"]
[api]
socket = "{run}/edgetwind.sock"
[history]
bytes_max = "{history_mib}MiB"
[properties."played/*"]
history = "high"
[drivers.act]
kind = "exec"
program = "{actuator}"
env = {{ ACTUATOR_LOG = "{effects}" }}
[drivers.played]
kind = "replay"
file = "{recording_file}"
time_column = "time"
time_format = "unix_s"
loop = {str(loop).lower()}
column = [
  {{ column = "text", property = "text", type = "string" }},
  {{ column = "number", property = "number", type = "int" }},
]
"""


class Process:
    """A program that is started, paused and killed."""

    def __init__(self, log, *args):
        self.log = log
        with open(log, "ab") as out:
            # Whatever ends us, it doesn't outlive us.
            self._child = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *map(str, args)],
                                           stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def running(self):
        return self._child.poll() is None

    def pause(self):
        """Returns once it stands still."""
        self._child.send_signal(signal.SIGSTOP)
        stat = pathlib.Path(f"/proc/{self._child.pid}/task")
        while any(task.joinpath("stat").read_text().rsplit(")", 1)[1].split()[0] not in "TtZX"
                  for task in stat.iterdir()):
            time.sleep(0.001)

    def resume(self):
        self._child.send_signal(signal.SIGCONT)

    def stop(self, number=signal.SIGTERM, seconds=60):
        """Its exit status."""
        if self.running():
            self._child.send_signal(number)
        try:
            return self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            self._child.kill()
            return self._child.wait()

    def words(self):
        return pathlib.Path(self.log).read_text(errors="replace")[-3000:]


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _ask(connection, method, path, body=None, content="application/json"):
    """Status and document; (0, None) when nobody answers."""
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None,
                           {"Content-Type": content} if body is not None else {})
        answer = connection.getresponse()
        data = answer.read()
    except (OSError, http.client.HTTPException):
        return 0, None
    finally:
        connection.close()
    try:
        return answer.status, json.loads(data)
    except ValueError:
        return answer.status, None


class Cloud:
    """edgetwin-cloud with a broker of its own."""

    def __init__(self, work, bin_folder, store=None, broker_port=None):
        work.mkdir(parents=True, exist_ok=True)
        self._work, self._bin = work, bin_folder
        self.store = store or work / "cloud"
        self.broker_port, self.port = broker_port or free_port(), free_port()
        (work / "mosquitto.conf").write_text(
            f"listener {self.broker_port} 127.0.0.1\nallow_anonymous true\nuser root\n"
            "persistence false\nset_tcp_nodelay true\n")
        self._broker = Process(work / "broker.log", "mosquitto", "-c", work / "mosquitto.conf")
        try:
            self._cloud = Process(work / "cloud.log", bin_folder / "edgetwin-cloud", "--broker",
                                  f"mqtt://127.0.0.1:{self.broker_port}", "--store", self.store,
                                  "--listen", f"127.0.0.1:{self.port}")
        except OSError:
            self._broker.stop()
            raise

    def ask(self, path, method="GET", body=None, content="application/json"):
        return _ask(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20), method, path,
                    body, content)

    def twin(self, what=""):
        return self.ask(f"/v1/twins/{DEVICE}{what}")[1] or {}

    def device(self):
        return self.ask(f"/v1/devices/{DEVICE}")[1] or {}

    def desire(self, path, value):
        """True once the wish is durable in the cloud."""
        return self.ask(f"/v1/twins/{DEVICE}/desired", "PATCH", {path: value},
                        "application/merge-patch+json")[0] == 202

    def command(self, path, value):
        """The id of a command to write, once it is durable; None otherwise."""
        status, answer = self.ask(f"/v1/devices/{DEVICE}/commands", "POST",
                                  {"name": "write", "path": path, "value": value})
        return answer["id"] if status == 201 else None

    def connected(self):
        return bool(self.twin().get("connected"))

    def pause(self):
        self._cloud.pause()

    def resume(self):
        self._cloud.resume()

    def copy_store(self, target):
        """While it is paused: what a kill of it would leave."""
        shutil.copytree(self.store, target)

    def stop(self):
        self._cloud.resume()
        status = self._cloud.stop()
        self._broker.stop()
        return status

    def words(self):
        return self._cloud.words()


class Agent:
    """edgetwind on a store on this machine."""

    def __init__(self, work, bin_folder, store, cloud_port, recording_file, history_mib):
        self._work, self._bin = work, bin_folder
        self.store = store
        self.effects_file = work / "effects"
        self.effects_file.touch()
        self.config = work / "edgetwin.toml"
        self.config.write_text(config(store, work, f"mqtt://127.0.0.1:{cloud_port}", recording_file,
                                      HERE / "actuator", self.effects_file, history_mib, False))
        self._process = None

    def start(self):
        self._process = Process(self._work / "agent.log", self._bin / "edgetwind", "--config",
                                self.config)

    def running(self):
        return self._process is not None and self._process.running()

    def ask(self, path):
        return _ask(_UnixConnection(str(self._work / "edgetwind.sock")), "GET", path)[1] or {}

    def stop(self):
        return self._process.stop() if self._process else 0

    def cli(self, *args):
        """Exit status and document of a command; what isn't JSON as it is."""
        ran = subprocess.run([self._bin / "edgetwin", "--json", "--config", self.config, *args],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        try:
            return ran.returncode, json.loads(ran.stdout)
        except ValueError:
            return ran.returncode, (ran.stdout + ran.stderr).decode(errors="replace")

    def words(self):
        return self._process.words() if self._process else ""
