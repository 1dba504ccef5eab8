# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
"""A bare Debian 12 in a folder: what a new machine has before anything is installed on it, without systemd. Programs
run in it by chroot, servers in a network namespace of their own, where every port is free."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time

from support import DEPLOY, run, run_any

sys.path.insert(0, str(DEPLOY / "container"))
import debian  # noqa: E402

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "HOME": "/root"}


def settings_of_apt():
    """How this machine's apt gets to its mirrors: proxies, and whether it trusts its clock."""
    said = run("apt-config", "dump", "Acquire")
    return "".join(line + "\n" for line in said.splitlines() if re.match(r"Acquire::(https?|Check)", line))


class Tree:
    def __init__(self, folder):
        self.path = folder
        with tempfile.NamedTemporaryFile("w", suffix=".list") as sources:
            sources.write("\n".join(debian.apt_sources()) + "\n")
            sources.flush()
            run("mmdebstrap", "--quiet", "--variant=apt", "--skip=cleanup/apt", debian.SUITE, folder, sources.name, timeout=300)
        (folder / "etc/apt/apt.conf.d/99this-machine").write_text(settings_of_apt())

    def run_any(self, *words, user=None, **more):
        """`user`: name:group. Returns what subprocess.run does."""
        as_user = [f"--userspec={user}"] if user else []
        return run_any("chroot", *as_user, self.path, *words, env=ENVIRONMENT, **{"timeout": 120, **more})

    def run(self, *words, **more):
        done = self.run_any(*words, **more)
        assert done.returncode == 0, f"{' '.join(map(str, words))}: exit code {done.returncode}: {(done.stdout + done.stderr).strip()[-2000:]}"
        return done.stdout + done.stderr

    def file(self, name):
        return self.path / name.lstrip("/")

    def rights(self, name):
        """As stat prints them inside, where users have their names."""
        return self.run("stat", "--format=%U:%G %a", name).strip()


class Network:
    """A network namespace with loopback and one address, behind which nobody is."""

    def __init__(self):
        self.name = f"confab-deploy-{os.getpid()}"

    def __enter__(self):
        run("ip", "netns", "add", self.name)
        self.run("ip", "link", "add", "link0", "type", "veth", "peer", "name", "link1")
        self.run("ip", "address", "add", "192.0.2.1/24", "dev", "link0")
        for link in ("lo", "link0", "link1"):
            self.run("ip", "link", "set", link, "up")
        return self

    def __exit__(self, *_):
        run("ip", "netns", "delete", self.name)

    def words(self, *words):
        return ["ip", "netns", "exec", self.name, *map(str, words)]

    def run(self, *words):
        return run(*self.words(*words))

    def status(self, url, wait=10.0):
        """Of GET `url`, asked from inside; tries for `wait` seconds whether anybody is there."""
        asked = ("import sys, urllib.request, urllib.error\n"
                 "try: print(urllib.request.urlopen(sys.argv[1], timeout=5).status)\n"
                 "except urllib.error.HTTPError as error: print(error.code)\n")
        end = time.monotonic() + wait
        while True:
            done = run_any(*self.words("/usr/bin/python3", "-c", asked, url))
            if done.returncode == 0:
                return int(done.stdout)
            if time.monotonic() > end:
                raise AssertionError(done.stderr.strip().splitlines()[-1])
            time.sleep(0.1)


class Service:
    """A command in a tree, as a user, with the environment of its unit; SIGTERM ends it, and then with 0."""

    def __init__(self, tree, network, command, user, environment, log):
        self.log = log
        words = network.words("chroot", f"--userspec={user}", tree.path, *command)
        with log.open("w") as file:
            self.process = subprocess.Popen(words, stdout=file, stderr=file, env={**ENVIRONMENT, **environment})

    def __enter__(self):
        return self

    def __exit__(self, failed, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        assert failed or code == 0, f"the service ended with {code}: {self.log.read_text()[-2000:]}"
