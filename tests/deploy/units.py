# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
"""deploy/systemd: read by systemd-analyze and systemd-sysusers, and run as far as that goes without systemd."""

import os
import re
import signal

from support import BINARY, DEPLOY, GUIDE, KEYS, Server, run, run_any, same, seconds
from unit import Unit

FOLDER = DEPLOY / "systemd"
UNIT = Unit((FOLDER / "confab.service").read_text())
MOST_EXPOSED = 2.0  # of 10, as systemd-analyze counts


def sysctls():
    lines = [line for line in (FOLDER / "60-confab.conf").read_text().splitlines() if line and line[0] != "#"]
    return dict(re.fullmatch(r"([a-z0-9_.]+) = (\S+)", line).groups() for line in lines)


def verify(work):
    """systemd-analyze wants the program to be there; its place is all that is changed."""
    unit = work / "confab.service"
    unit.write_text((FOLDER / "confab.service").read_text().replace("/usr/bin/confab", str(BINARY)))
    done = run_any("systemd-analyze", "verify", "--man=no", unit)
    same((done.returncode, done.stderr + done.stdout), (0, ""), "systemd-analyze verify")


def security():
    said = run("systemd-analyze", "security", "--no-pager", "--offline=true", FOLDER / "confab.service")
    score = float(re.search(r"Overall exposure level for confab.service: ([\d.]+)", said).group(1))
    assert score <= MOST_EXPOSED, f"{score}, more than {MOST_EXPOSED}"
    return f"{score}, at most {MOST_EXPOSED}"


def rights():
    for name in ("CapabilityBoundingSet", "AmbientCapabilities"):
        same(UNIT.only(name), "CAP_NET_BIND_SERVICE", name)
    same(UNIT.only("ProtectSystem"), "strict", "ProtectSystem")
    same(UNIT.only("NoNewPrivileges"), "yes", "NoNewPrivileges")
    same(UNIT.only("Restart"), "on-failure", "Restart")
    assert int(UNIT.only("LimitNOFILE")) >= 500000, "LimitNOFILE is below 500000"


def stopping():
    environment = UNIT.environment()
    drain, stop = seconds(environment["CONFAB_DRAIN_TIMEOUT"]), seconds(UNIT.only("TimeoutStopSec"))
    assert 0 < drain <= stop - 30, f"systemd ends what drains {drain} s after {stop} s"
    return f"{drain} s of {stop} s"


def user():
    done = run_any("systemd-sysusers", "--dry-run", FOLDER / "confab.sysusers")
    same(done.returncode, 0, done.stderr)
    # It says nothing where there is such a user.
    assert "Creating user 'confab'" in done.stderr or run_any("getent", "passwd", "confab").returncode == 0, done.stderr
    same((UNIT.only("User"), UNIT.only("Group")), ("confab", "confab"), "the user of the unit")


def started_and_reloaded(work):
    """The command of ExecStart with a program and a file of ours, and what ExecReload sends."""
    file, state = work / "confab.yaml", work / "state"
    state.mkdir()
    same((UNIT.only("StateDirectory"), UNIT.only("StateDirectoryMode")), ("confab", "0750"), "the folder that the README names")
    file.write_text(f"keys:\n  {KEYS}\n")
    command = UNIT.command()
    same(command, ["/usr/bin/confab", "serve", "--config", "/etc/confab/confab.yaml"], "ExecStart")
    same(UNIT.only("ExecReload"), "/bin/kill -HUP $MAINPID", "ExecReload")
    environment = UNIT.environment()
    with Server([BINARY, *command[1:-1], file], {**environment, "STATE_DIRECTORY": str(state),
                                                 "CONFAB_WATCH_CONFIG": "false"}, work / "unit.log") as server:
        same(server.status(), 200, "GET /")
        file.write_text(f"keys:\n  {KEYS}\nno_such_key: 1\n")
        os.kill(server.process.pid, signal.SIGHUP)
        server.wait_for("the configuration is not reloaded")
        file.write_text(f"keys:\n  {KEYS}\nroom:\n  max_participants: 7\n")
        os.kill(server.process.pid, signal.SIGHUP)
        server.wait_for("configuration reloaded changed=\"room.max_participants\"")
    assert any(state.iterdir()), "nothing is kept in StateDirectory"


def buffers():
    values = sysctls()
    told = dict(re.findall(r"(net\.core\.[rw]mem_max)=(\d+)", (GUIDE / "operate.md").read_text()))
    same(sorted(told), ["net.core.rmem_max", "net.core.wmem_max"], "what the guide names")
    for name, value in told.items():
        same(values[name], value, name)
    for name in ("net.core.rmem_default", "net.core.wmem_default"):
        assert 1 << 20 <= int(values[name]) <= 4 << 20, f"{name} is not 1 to 4 MiB"
    assert int(values["net.core.netdev_max_backlog"]) >= 30000, "netdev_max_backlog is below 30000"


def reserved_ports(work):
    ranges = [[int(end) for end in part.split("-")] for part in sysctls()["net.ipv4.ip_local_reserved_ports"].split(",")]
    file = work / "all-ports.yaml"
    file.write_text(f"keys:\n  {KEYS}\nturn:\n  enabled: true\n  udp_port: 3478\n  tls_port: 5349\n  external_tls: true\n"
                    "  domain: turn.example.org\n")
    used = re.findall(r"^(\d+)(?:-(\d+))? - ", run(BINARY, "ports", "--config", file), re.M)
    same(len(used), 5, f"the number of ports in {used}")
    for first, last in [*used, ("30000", "40000")]:  # and turn.relay_range
        assert any(part[0] <= int(first) and int(last or first) <= part[-1] for part in ranges), f"{first} is not reserved"


def checks(work):
    return [
        ("systemd: systemd-analyze verifies the unit", lambda: verify(work)),
        ("systemd: exposure as systemd-analyze counts it", security),
        ("systemd: one capability, a system that is not written to, open files [DEP-07]", rights),
        ("systemd: the drain ends before the time to stop does [OPS-01]", stopping),
        ("systemd: systemd-sysusers makes the user of the unit", user),
        ("systemd: the unit's command serves, reloads by its signal, keeps its state", lambda: started_and_reloaded(work)),
        ("sysctl: buffers as the guide names them [DEP-07]", buffers),
        ("sysctl: no outgoing connection takes a port of confab [DEP-01] [DEP-07]", lambda: reserved_ports(work)),
    ]
