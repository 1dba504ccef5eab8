# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
"""deploy/deb: the package on a bare Debian 12 (tree.py): one command installs it, the service answers, an upgrade keeps
what somebody wrote, a removal keeps it, too, and a purge deletes it.

There is no systemd in a chroot. The unit's command is started as its user, with its environment, in a network
namespace; what the package's scripts ask of systemd is written down by a systemctl of ours."""

import re
import shutil
import time

from package import repacked, version
from support import GUIDE, same
from tree import Network, Service, Tree
from unit import Unit

OLDER, NEWER = "0.0.9", "99.0"
CONFIG, KEYS, STATE = "/etc/confab/confab.yaml", "/etc/confab/keys.yaml", "/var/lib/confab"
LINK = "/etc/systemd/system/multi-user.target.wants/confab.service"
SYSTEMCTL = """#!/bin/sh
echo "$@" >>/var/log/systemctl
case "$*" in *is-enabled*) echo enabled ;; esac
"""


class Installed:
    def __init__(self, work, package):
        self.work, self.package = work, package
        self.bare = None

    @property
    def tree(self):
        if not self.bare:
            self.bare = Tree(self.work / "debian")
        return self.bare

    @property
    def newer(self):
        """A release with another configuration file."""
        return repacked(self.package.path, self.work, NEWER, "port: 7990\n")

    def apt(self, *words):
        return self.tree.run("apt-get", "--yes", "--no-install-recommends", *words)

    def install(self, file):
        """The command of the guide, with the file where somebody downloaded it to."""
        (command,) = re.findall(r"^(apt install \./confab_\S+\.deb)$", (GUIDE / "install.md").read_text(), re.M)
        program, verb, path = command.split()
        shutil.copyfile(file, self.tree.file(f"/srv/{path}"))
        said = self.tree.run("sh", "-c", f"cd /srv && {program} -y {verb} {path}")
        assert "Traceback" not in said and "dpkg: error" not in said, said
        return said

    def state(self):
        done = self.tree.run_any("dpkg-query", "--show", "--showformat=${db:Status-Status} ${Version}", "confab")
        return done.stdout if done.returncode == 0 else "none"

    def is_there(self, name):
        return self.tree.file(name).exists()

    def installs(self):
        assert not self.is_there("/usr/bin/systemctl"), "the tree has a systemd"
        file = self.package.path
        begin = time.monotonic()
        said = self.install(file)
        seconds = time.monotonic() - begin
        same(self.state(), f"installed {version()}", "the package")
        assert "not found" not in self.tree.run("ldd", "/usr/bin/confab"), "a library is missing"
        passwd = self.tree.run("getent", "passwd", "confab").strip().split(":")
        same(passwd[5:], [STATE, "/usr/sbin/nologin"], "home and shell")
        assert 100 <= int(passwd[2]) < 1000, f"no number of a system user: {passwd[2]}"
        assert self.tree.file(LINK).is_symlink(), "the service does not start with the machine"
        same(self.tree.rights("/etc/confab"), "root:confab 750", "/etc/confab")
        for name in (CONFIG, KEYS):
            same(self.tree.rights(name), "root:confab 640", name)
        same(self.tree.rights(STATE), "confab:confab 750", STATE)
        key, secret = self.tree.file(KEYS).read_text().strip().split(": ")
        assert key.startswith("API") and len(secret) >= 32, "no key"
        assert key in said and secret not in said, "the installation shows the secret, or not the key"
        new = re.search(r"(\d+) newly installed", said).group(1)
        return f"{new} packages, {seconds:.0f} s"

    def serves(self):
        """On the ports of its configuration, to whoever has a token of the key that the installation made."""
        unit = Unit(self.tree.file("/lib/systemd/system/confab.service").read_text())
        token = self.tree.run("confab", "token", "create", "--config", CONFIG, "--join", "--room", "r", "--identity", "i").strip()
        with Network() as network, Service(self.tree, network, unit.command(), unit.user(), unit.environment(),
                                           self.work / "service.log") as service:
            same(network.status("http://127.0.0.1:7880/"), 200, f"GET /; {service.log.read_text()[-1000:]}\nthe status")
            same(network.status(f"http://127.0.0.1:7880/rtc/validate?access_token={token}"), 200, "a token of the new key")
            status = self.tree.path.parent.joinpath(f"/proc/{service.process.pid}/status").read_text()
            uid = self.tree.run("id", "-u", "confab").strip()
            same(re.search(r"^Uid:\s+(\d+)", status, re.M).group(1), uid, "its user")
            listening = network.run("ss", "--no-header", "--listening", "--numeric", "--tcp", "--udp")
            for port in (7880, 7881, 7882):
                assert re.search(rf":{port}\b", listening), f"port {port} is closed: {listening}"
        assert any(self.tree.file(STATE).iterdir()), "nothing is kept in /var/lib/confab"

    def purges(self):
        """Nothing of it is left but its user, who owns nothing."""
        self.apt("purge", "confab")
        same(self.state(), "none", "the package")
        left = self.tree.run("find", "/", "-xdev", "(", "-user", "confab", "-o", "-group", "confab", "-o", "-path", "/usr/share/confab*",
                             "-o", "-path", "/etc/confab*", ")", "-not", "-path", "/proc/*").split()
        same(left, [], "what is left")
        assert not self.tree.file(LINK).is_symlink(), "a link to the unit is left"
        same(self.tree.run("passwd", "--status", "confab").split()[1], "L", "the user's password")

    def upgrades(self):
        """From an older version: what was written, the keys and the data are as they were, and nobody asks."""
        self.install(repacked(self.package.path, self.work, OLDER))
        same(self.state(), f"installed {OLDER}", "the older one")
        written = self.tree.file(CONFIG).read_text() + "room:\n  max_participants: 7\n"
        self.tree.file(CONFIG).write_text(written)
        keys = self.tree.file(KEYS).read_text()
        self.tree.file(f"{STATE}/webhooks.db").write_text("kept")
        self.tree.run("chmod", "600", CONFIG)
        self.tree.run("dpkg-statoverride", "--add", "--update", "root", "confab", "0440", KEYS)
        said = self.install(self.package.path)
        same(self.state(), f"installed {version()}", "the newer one")
        same([self.tree.file(CONFIG).read_text(), self.tree.file(KEYS).read_text()], [written, keys], "configuration and keys")
        same(self.tree.file(f"{STATE}/webhooks.db").read_text(), "kept", "data")
        same([self.tree.rights(CONFIG), self.tree.rights(KEYS)], ["root:confab 640", "root:confab 440"], "rights")
        assert "API key" not in said, f"another key: {said}"

    def new_defaults(self):
        """A release whose configuration file is another one leaves one that somebody changed, and puts its own beside it."""
        before = self.tree.file(CONFIG).read_text()
        shutil.copyfile(self.newer, self.tree.file("/srv/confab.deb"))
        self.apt("-o", "Dpkg::Options::=--force-confold", "install", "/srv/confab.deb")
        same(self.state(), f"installed {NEWER}", "the release")
        same(self.tree.file(CONFIG).read_text(), before, "the configuration")
        same(self.tree.file(CONFIG + ".dpkg-dist").read_text(), "port: 7990\n", "the file beside it")

    def removes(self):
        self.apt("remove", "confab")
        assert self.state().startswith("config-files"), self.state()
        assert not self.is_there("/usr/bin/confab") and not self.is_there("/usr/share/confab"), "the program is still there"
        for name in (CONFIG, KEYS, f"{STATE}/webhooks.db"):
            assert self.is_there(name), f"{name} is gone"

    def own_keys(self):
        """Who names keys in the configuration gets no others; who has no configuration any more gets none, either."""
        self.tree.file(KEYS).unlink()
        self.tree.file(CONFIG).write_text("keys:\n  APIown: a-secret-of-at-least-thirty-two-characters\n")
        self.install(self.newer)
        assert not self.is_there(KEYS), "a key that nobody asked for"
        self.tree.run("confab", "config", "check", "--config", CONFIG)

    def systemd(self):
        """What is asked of systemd, where there is one."""
        log = self.tree.file("/var/log/systemctl")
        self.tree.file("/run/systemd/system").mkdir(parents=True)
        self.tree.file("/usr/bin/systemctl").write_text(SYSTEMCTL)
        self.tree.run("chmod", "755", "/usr/bin/systemctl")

        def asked(action):
            log.write_text("")
            action()
            return [line for line in log.read_text().splitlines() if not re.search(r"is-enabled|is-active", line)]

        self.apt("purge", "confab")
        same(asked(lambda: self.install(repacked(self.package.path, self.work, OLDER))),
             ["--root=/ --system --preset-mode=enable-only preset confab.service", "--system daemon-reload",
              "--quiet --system start confab.service"], "at an installation")
        same(asked(lambda: self.install(self.package.path)),
             ["--system daemon-reload", "--no-block try-restart confab.service"], "at an upgrade, which waits for no call")
        self.tree.file("/usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
        self.tree.run("chmod", "755", "/usr/sbin/policy-rc.d")
        same(asked(lambda: self.install(self.newer)),
             ["--system daemon-reload"], "where policy-rc.d says no")
        self.tree.file("/usr/sbin/policy-rc.d").unlink()
        same(asked(lambda: self.apt("remove", "confab")), ["stop confab.service", "--system daemon-reload"], "at a removal")


def checks(work, package):
    one = Installed(work, package)
    return [
        ("installed: one command on a bare Debian makes user, rights and a key, without systemd", one.installs),
        ("installed: the unit's command serves as its user, to a token of the new key [DEP-01]", one.serves),
        ("installed: a purge leaves nothing of it", one.purges),
        ("installed: an upgrade from an older version keeps configuration, keys, data and chosen rights", one.upgrades),
        ("installed: new defaults do not replace a changed configuration", one.new_defaults),
        ("installed: a removal keeps configuration, keys and data", one.removes),
        ("installed: own keys in the configuration stay the only ones", one.own_keys),
        ("installed: systemd starts it, and an upgrade drains without waiting; policy-rc.d is asked [OPS-01]", one.systemd),
    ]
