# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
"""deploy/compose: its structure, its configuration, and what `docker compose` says where there is one."""

import re
import socket

import yaml
from support import BINARY, DEPLOY, KEYS, PLACEHOLDER, SECRET, Server, free_port, run, run_any, same, seconds

FOLDER = DEPLOY / "compose"
KNOWN = {"image", "restart", "environment", "volumes", "stop_grace_period", "ulimits", "read_only", "tmpfs", "cap_drop",
         "security_opt", "logging", "healthcheck", "profiles", "network_mode", "ports", "sysctls", "command", "user"}


def read():
    return yaml.safe_load((FOLDER / "compose.yaml").read_text())


def settings():
    lines = [line for line in (FOLDER / ".env").read_text().splitlines() if line and line[0] != "#"]
    return dict(line.split("=", 1) for line in lines)


def service(name):
    return read()["services"][name]


def health_command():
    """As Compose passes it on: $$ is a dollar."""
    kind, *command = service("confab")["healthcheck"]["test"]
    same(kind, "CMD", "the health check")
    return [word.replace("$$", "$") for word in command]


def structure():
    whole = read()
    same(sorted(whole["services"]), ["confab", "confab-bridge", "redis"], "the services")
    for name, one in whole["services"].items():
        assert set(one) <= KNOWN, f"{name}: unknown {set(one) - KNOWN}"
        for volume in one.get("volumes", []):
            source = volume.split(":")[0]
            assert (FOLDER / source).is_file() if source.startswith("./") else source in whole["volumes"], volume
    variables = set(re.findall(r"(?<!\$)\$\{(\w+)", (FOLDER / "compose.yaml").read_text()))
    same(variables | {"COMPOSE_PROFILES"}, set(settings()), "the variables of .env")
    profiles = {profile for one in whole["services"].values() for profile in one["profiles"]}
    assert set(settings()["COMPOSE_PROFILES"].split(",")) <= profiles, "a profile that no service has"


def networks():
    same(service("confab")["network_mode"], "host", "the network of confab")
    # Docker refuses both beside the network of the host.
    assert not {"ports", "sysctls"} & set(service("confab")), "ports or sysctls beside network_mode: host"
    published = {re.sub(r".*:", "", port) for port in service("confab-bridge")["ports"]}
    said = run(BINARY, "ports", "--config", FOLDER / "confab.yaml")
    kind, wanted = "", set()
    for line in said.splitlines():
        if head := re.fullmatch(r"(TCP|UDP) Ports", line):
            kind = head.group(1).lower()
        elif port := re.match(r"(\d+) - ", line):
            wanted.add(f"{port.group(1)}/{kind}")
    same(published, wanted, "the published ports")
    for port in service("confab-bridge")["ports"]:
        if "/udp" in port or "7881" in port:
            outer, inner = port.split("/")[0].split(":")
            same(outer, inner, "media is reached under the number that clients are told")


def limits():
    for name in ("confab", "confab-bridge"):
        one = service(name)
        files = one["ulimits"]["nofile"]
        assert min(files["soft"], files["hard"]) >= 500000, f"{name}: {files} open files"
        drain, stop = seconds(one["environment"]["CONFAB_DRAIN_TIMEOUT"]), seconds(one["stop_grace_period"])
        assert 0 < drain <= stop - 30, f"{name}: Docker ends what drains {drain} s after {stop} s"
        same((one["cap_drop"], one["read_only"]), (["ALL"], True), name)


def configuration(work):
    text = (FOLDER / "confab.yaml").read_text()
    assert PLACEHOLDER in text and SECRET not in text, "the file is to be without a real secret"
    file = work / "compose.yaml"
    file.write_text(text.replace(PLACEHOLDER, SECRET))
    run(BINARY, "config", "check", "--config", file)
    environment = {**service("confab")["environment"], "NODE_IP": settings()["NODE_IP"], "CONFAB_DATA_DIR": str(work / "data")}
    with Server([BINARY, "--config", file], environment, work / "compose.log") as server:
        same(server.status(), 200, "GET /")


def redis_wanted(work):
    """The section that is commented out is asked for: without a Redis the start ends and names it."""
    text = (FOLDER / "confab.yaml").read_text().replace(PLACEHOLDER, SECRET)
    with_redis = re.sub(r"^# (redis:|  address:)", r"\1", text, flags=re.M)
    same(yaml.safe_load(with_redis)["redis"], {"address": "127.0.0.1:6379"}, "the section that is commented out")
    file = work / "redis.yaml"
    nobody = f"127.0.0.1:{free_port()}"
    file.write_text(with_redis.replace("127.0.0.1:6379", nobody))
    done = run_any(BINARY, "serve", "--config", file, "--port", free_port(), "--rtc.tcp_port", free_port(),
                   "--rtc.udp_port", free_port(socket.SOCK_DGRAM), timeout=20)
    assert done.returncode != 0 and f"no connection to Redis ({nobody})" in done.stderr, done.stderr


def docker_config():
    for profile in ("host", "bridge", "cluster"):
        run("docker", "compose", "--profile", profile, "config", "--quiet", cwd=FOLDER)


def checks(work):
    found = [
        ("compose: services, files, variables and profiles that it names", structure),
        ("compose: the host's network, or each port that the configuration uses [DEP-01] [DEP-04]", networks),
        ("compose: open files, rights, the drain ends before the time to stop does [DEP-07] [OPS-01]", limits),
        ("compose: its configuration and environment serve [DEP-02]", lambda: configuration(work)),
        ("compose: the redis section joins a cluster", lambda: redis_wanted(work)),
    ]
    if run_any("sh", "-c", "command -v docker && docker compose version").returncode == 0:
        found.append(("compose: docker compose reads it", docker_config))
    else:
        print("no docker compose here: its own reading of compose.yaml is not checked")
    return found
