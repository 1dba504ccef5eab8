#!/usr/bin/env python3
# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
#
# Starts the server as `confab serve --dev` does, on free ports, and asks for / every half
# millisecond until it answers; then ends it. Prints the median.
#
# CONFAB_BINARY  the program (default build/release/confab)

import argparse
import os
import pathlib
import socket
import statistics
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
POLL_SECONDS = 0.0005
PATIENCE_SECONDS = 10


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def answers(port):
    """Whether the server answered a whole request with 200."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        try:
            client.connect(("127.0.0.1", port))
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return client.recv(64).startswith(b"HTTP/1.1 200")
        except ConnectionRefusedError:
            return False


def start_once(binary):
    """Milliseconds; None if the server ended, as when somebody else took one of its ports."""
    port = free_port(socket.SOCK_STREAM)
    config = (
        f"port: {port}\nrtc: {{udp_port: {free_port(socket.SOCK_DGRAM)}, "
        f"tcp_port: {free_port(socket.SOCK_STREAM)}}}\n"
    )
    begin = time.perf_counter()
    child = subprocess.Popen(
        [binary, "serve", "--dev", "--config-body", config],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not answers(port):
            if child.poll() is not None:
                return None
            if time.perf_counter() - begin > PATIENCE_SECONDS:
                raise SystemExit("start: the server does not answer")
            time.sleep(POLL_SECONDS)
        return (time.perf_counter() - begin) * 1000
    finally:
        child.kill()
        child.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    binary = ROOT / os.environ.get("CONFAB_BINARY", "build/release/confab")
    times = []
    for _ in range(3 * runs):
        if len(times) <= runs and (taken := start_once(binary)) is not None:
            times.append(taken)
    if len(times) <= runs:
        raise SystemExit("start: the server ends at once")
    times = times[1:]  # the first one brought the program into the page cache
    print(f"least {min(times):.1f}, most {max(times):.1f} ms of {runs} starts")
    print(f"start: first answer after {statistics.median(times):.1f} ms")


main()
