# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
"""What the checks of tests/deploy share: commands, a server on free ports, the counting of checks."""

import os
import random
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOY = ROOT / "deploy"
GUIDE = ROOT / "docs/guide"
BINARY = Path(os.environ.get("CONFAB_BINARY", ROOT / "build/release/confab")).resolve()
SECRET = "a-secret-of-at-least-thirty-two-characters"
KEYS = f"APIdeploy: {SECRET}"
PLACEHOLDER = "<secret of confab generate-keys>"


def run(*command, **more):
    """Fails with what the command said; returns its output."""
    done = run_any(*command, **more)
    assert done.returncode == 0, f"{command[0]}: exit code {done.returncode}: {(done.stderr or done.stdout).strip()[-2000:]}"
    return done.stdout


def run_any(*command, **more):
    return subprocess.run([str(word) for word in command], text=True, capture_output=True, check=False,
                          **{"timeout": 60, **more})


def free_port(kind=socket.SOCK_STREAM):
    # Below those that the system gives to connections of others.
    while True:
        port = random.randrange(10000, 30000)
        with socket.socket(socket.AF_INET, kind) as s:
            try:
                s.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port


def http_status(url, wait=10.0):
    end = time.monotonic() + wait
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except (urllib.error.URLError, OSError):
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


class Server:
    """`command` with flags for ports of its own behind it; ended by SIGTERM, and then it has to end with 0."""

    def __init__(self, command, environment, log, **more):
        self.port = free_port()
        ports = ["--port", str(self.port), "--rtc.tcp_port", str(free_port()),
                 "--rtc.udp_port", str(free_port(socket.SOCK_DGRAM))]
        # Ports that the configuration gives to other things are in use elsewhere on this machine.
        environment = {"LIVEKIT_PROMETHEUS_PORT": "0", "LIVEKIT_RTC_USE_EXTERNAL_IP": "false", **environment}
        self.log = Path(log)
        with self.log.open("w") as file:
            self.process = subprocess.Popen([*(str(word) for word in command), *ports], stdout=file, stderr=file,
                                            env={"PATH": os.environ["PATH"], **environment}, **more)

    def __enter__(self):
        return self

    def __exit__(self, failed, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        assert failed or code == 0, f"the server ended with {code}: {self.log.read_text()[-2000:]}"

    def status(self, path="/"):
        try:
            return http_status(f"http://127.0.0.1:{self.port}{path}", 5)
        except OSError as error:
            raise AssertionError(f"{error}: {self.log.read_text()[-2000:]}") from error

    def wait_for(self, text):
        for _ in range(100):
            if text in self.log.read_text():
                return
            time.sleep(0.05)
        raise AssertionError(f"'{text}' is not in the log: {self.log.read_text()[-2000:]}")


def seconds(text):
    """Of a duration as systemd, Compose and confab write it: 30m, 31min, 17960s."""
    parts = re.findall(r"(\d+)\s*([a-z]*)", str(text))
    factors = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}
    return sum(int(number) * factors[unit] for number, unit in parts)


def same(actual, wanted, what):
    assert actual == wanted, f"{what}: {actual!r}, not {wanted!r}"


def run_checks(checks, wanted):
    """Each a name and a function; what it returns stands behind its name. Returns passed and failed."""
    passed = failed = 0
    for name, check in checks:
        if wanted not in name:
            continue
        try:
            detail = check()
            passed += 1
            print(f"ok     {name}{': ' + detail if detail else ''}", flush=True)
        except (AssertionError, OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError, IndexError,
                AttributeError) as error:
            failed += 1
            print(f"FAILED {name}\n       {type(error).__name__}: {error}", flush=True)
    return passed, failed
