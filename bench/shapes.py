#!/usr/bin/env python3
# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
"""What rooms of several shapes cost a server: CPU for each packet that reached a participant, memory,
latency, loss and freezes, as `confab load-test` sees them. Other servers that speak the same protocol
are measured in turns with ours, in the same run.

The server has the first core to itself and the tester the others (--no-pin: as the system likes); on
loopback what receives a packet is charged to its sender, for all servers alike. CPU is that of the
server's process and its children from the last join on.

CONFAB_BINARY  the program (default build/release/confab)
"""

import argparse
import json
import os
import pathlib
import shlex
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
KEY, SECRET = "benchkey", "a-secret-of-at-least-thirty-two-characters"
PATIENCE_SECONDS = 30
JOIN_RATE = 50  # a second

# Name: what it is, and the flags of load-test.
SHAPES = {
    "webinar": ("1 camera to 100", "--video-publishers 1 --no-simulcast --subscribers 100"),
    "webinar-500": ("1 camera to 500", "--video-publishers 1 --no-simulcast --subscribers 500"),
    "webinar-1500": ("1 camera to 1 500", "--video-publishers 1 --no-simulcast --subscribers 1500"),
    "panel": ("5 microphones to 40", "--audio-publishers 5 --subscribers 40"),
    "radio": ("10 microphones to 300", "--audio-publishers 10 --subscribers 300"),
    "meeting": (
        "20 cameras in 3 layers and 20 microphones, each sees 9",
        "--video-publishers 20 --audio-publishers 20 --publishers-subscribe --layout 3x3",
    ),
    "meeting-150": (
        "150 cameras in 3 layers, each sees 9",
        "--video-publishers 150 --publishers-subscribe --layout 3x3",
    ),
    "rooms": (
        "25 rooms of 4 cameras and microphones",
        "--rooms 25 --video-publishers 4 --audio-publishers 4 --publishers-subscribe --layout 3x3",
    ),
}
DEFAULT = "webinar,panel,meeting,rooms"


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def family(pid):
    """The process and all its children."""
    pids = [pid]
    for one in pids:
        for task in pathlib.Path(f"/proc/{one}/task").glob("*/children"):
            pids += [int(child) for child in task.read_text().split()]
    return pids


def cpu_seconds(pid):
    total = 0
    for one in family(pid):
        for schedstat in pathlib.Path(f"/proc/{one}/task").glob("*/schedstat"):
            total += int(schedstat.read_text().split()[0])
    return total / 1e9


def rss_mb(pid):
    total = 0
    for one in family(pid):
        for line in pathlib.Path(f"/proc/{one}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1])
    return total / 1024


class Server:
    def __init__(self, command, pin):
        self.port = free_port(socket.SOCK_STREAM)
        fields = {
            "http": self.port,
            "udp": free_port(socket.SOCK_DGRAM),
            "tcp": free_port(socket.SOCK_STREAM),
            "key": KEY,
            "secret": SECRET,
        }
        for name, value in fields.items():
            command = command.replace("{" + name + "}", str(value))
        self.child = subprocess.Popen(
            (["taskset", "-c", "0"] if pin else []) + shlex.split(command),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        end = time.monotonic() + PATIENCE_SECONDS
        while not self.answers():
            if self.child.poll() is not None or time.monotonic() > end:
                self.stop()
                raise SystemExit(f"shapes: this does not answer at port {self.port}: {command}")
            time.sleep(0.05)

    def answers(self):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.child.wait()


def load_test(binary, server, flags, options):
    """The tester's report, and what the server used while it ran at its full size."""
    command = [binary, "load-test", "--url", f"ws://127.0.0.1:{server.port}"]
    command += ["--api-key", KEY, "--api-secret", SECRET, "--join-rate", str(JOIN_RATE)]
    command += ["--duration", f"{options.seconds}s", "--json"] + shlex.split(flags)
    others = ",".join(str(core) for core in range(1, os.cpu_count()))
    child = subprocess.Popen(
        (["taskset", "-c", others] if options.pin else []) + command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # The duration counts from the last join: what is used in its last part is of full rooms.
    samples = []
    done = threading.Event()

    def sample():
        while not done.wait(0.5):
            samples.append((time.monotonic(), cpu_seconds(server.child.pid), rss_mb(server.child.pid)))

    watcher = threading.Thread(target=sample)
    watcher.start()
    try:
        out, errors = child.communicate()
    finally:
        done.set()
        watcher.join()
    lines = out.strip().splitlines()
    if not lines or not lines[-1].startswith("{"):
        raise SystemExit(f"shapes: load-test failed: {errors.strip()[-500:]}")
    report = json.loads(lines[-1])
    span = [s for s in samples if s[0] > samples[-1][0] - 0.8 * options.seconds]
    share = (span[-1][1] - span[0][1]) / (span[-1][0] - span[0][0])
    rate = report["packets_per_second"]  # behind the last join, as the share
    return {
        "ns": share * 1e9 / rate if rate else 0,
        "core": share,
        "rate": rate,
        "mb": max(s[2] for s in samples),
        # Without the beginnings of streams, which are old on purpose.
        "p50": report["settled_latency_ms"]["p50"],
        "p99": report["settled_latency_ms"]["p99"],
        "loss": report["loss"],
        "freezes": report["freezes"],
        "join": report["join_ms"]["p50"],
        "failed": report["failed"],
        "bound": report["tester"]["bound"],
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="shapes:\n" + "\n".join(f"  {n:13} {what}" for n, (what, _) in SHAPES.items()),
    )
    parser.add_argument("--shapes", default=DEFAULT, help=f"which of them ({DEFAULT})")
    parser.add_argument("--seconds", type=int, default=10, help="of each run, behind the last join (10)")
    parser.add_argument("--rounds", type=int, default=3, help="of all servers (3)")
    parser.add_argument("--no-pin", dest="pin", action="store_false")
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        metavar="NAME=COMMAND",
        help="another server; {http}, {udp}, {tcp} are free ports, {key} and {secret} what it has to know",
    )
    options = parser.parse_args()
    options.pin = options.pin and os.cpu_count() > 1
    binary = str(ROOT / os.environ.get("CONFAB_BINARY", "build/release/confab"))
    config = (
        "{port: {http}, bind_addresses: [127.0.0.1], keys: {{key}: {secret}}, rtc: {udp_port: {udp},"
        " tcp_port: {tcp}, node_ip: 127.0.0.1}, confab: {workers: 1}}"
    )
    servers = {"confab": f"{binary} serve --config-body {shlex.quote(config)}"}
    for peer in options.peer:
        name, _, command = peer.partition("=")
        if not command:
            parser.error(f"--peer {peer} has no command; NAME=COMMAND is expected")
        servers[name] = command
    unknown = [name for name in options.shapes.split(",") if name not in SHAPES]
    if unknown:
        parser.error(f"there is no shape {unknown[0]}; --help lists them")

    failed = False
    print("| Shape | Server | ns/packet | packets/s | of a core | MB | p50 ms | p99 ms | lost | freezes | join ms |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for shape in options.shapes.split(","):
        what, flags = SHAPES[shape]
        results = {name: [] for name in servers}
        for _ in range(options.rounds):
            for name, command in servers.items():
                server = Server(command, options.pin)
                try:
                    results[name].append(load_test(binary, server, flags, options))
                finally:
                    server.stop()
        for name, rounds in results.items():
            middle = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
            worst = max(one["loss"] for one in rounds)
            print(
                f"| {what} | {name} | {middle['ns']:.0f} | {middle['rate']:.0f} | {middle['core']:.0%} "
                f"| {middle['mb']:.0f} | {middle['p50']:.2f} | {middle['p99']:.2f} | {worst:.3%} "
                f"| {sum(one['freezes'] for one in rounds)} | {middle['join']:.0f} |",
                flush=True,
            )
            failed |= name == "confab" and (worst > 0 or any(one["failed"] for one in rounds))
            if any(one["bound"] for one in rounds):
                print(f"{shape}, {name}: the tester was bound, its figures may be its own", file=sys.stderr)
        for name in list(servers)[1:]:
            ratios = [a["ns"] / b["ns"] for a, b in zip(results[name], results["confab"]) if b["ns"]]
            print(f"{shape}: {name} takes {statistics.median(ratios):.1f} times our CPU", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
