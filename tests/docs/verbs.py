# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
"""Verbs of the command line as the guide shows them, against a server of their own with a room `demo`."""

import os
import re
import signal
import struct
import subprocess
import time

VERBS = ("room", "rooms", "participant", "participants", "token", "project", "top", "stats", "webhook", "dispatch", "egress",
         "ingress", "sip", "number", "completion")
# They go on until the operator ends them, unless told otherwise.
ENDLESS = (["top"], ["rooms", "watch"], ["webhook", "listen"], ["room", "join"])
SECONDS = 1.0


def media_files(folder):
    """speech.ogg and clip.ivf: a second of silence, and a key frame of VP8."""
    frame = bytes([0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00]) + bytes(100)
    head = b"DKIF" + struct.pack("<HH4sHHIIII", 0, 32, b"VP80", 320, 180, 25, 1, 1, 0)
    (folder / "clip.ivf").write_bytes(head + struct.pack("<IQ", len(frame), 0) + frame)
    packets = [b"OpusHead\x01\x02\x00\x00\x80\xbb\x00\x00\x00\x00\x00", b"OpusTags" + bytes(8), *[b"\xfc\xff\xfe"] * 50]
    pages = [b"OggS" + bytes([0, 2 if i == 0 else 0]) + struct.pack("<QIIIBB", 960 * i, 7, i, 0, 1, len(packet)) + packet
             for i, packet in enumerate(packets)]
    (folder / "speech.ogg").write_bytes(b"".join(pages))


class VerbRunner:
    def __init__(self, binary, folder, port, key, secret):
        self.binary, self.folder = binary, folder
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {**os.environ, "HOME": str(folder), "PATH": f"{folder}:{os.environ['PATH']}",
                            "LIVEKIT_URL": self.url, "LIVEKIT_API_KEY": key, "LIVEKIT_API_SECRET": secret}
        self.account = {"--url": self.url, "--api-key": key, "--api-secret": secret}
        link = folder / "confab"
        if not link.exists():
            link.symlink_to(binary)

    def call(self, words, **more):
        return subprocess.run([self.binary, *words], cwd=self.folder, text=True, capture_output=True, timeout=30,
                              env=self.environment, check=False, **more)

    def prepare(self, words):
        for made in (["room", "create", "demo"], ["project", "add", "home", *sum(self.account.items(), ()), "--default"]):
            if words[:2] != made[:2]:
                done = self.call(made)
                assert done.returncode == 0 or "there is a project" in done.stderr, f"{' '.join(made)}: {done.stderr}"
        media_files(self.folder)

    def filled(self, words):
        """With the server, key, secret and token that are there for those of the page."""
        out = [word for word in words if word != "--dev"]
        for flag, value in self.account.items():
            if flag in out:
                out[out.index(flag) + 1] = value
        if "--token" in out:
            made = self.call(["token", "create", "--join", "--room", "demo", "--identity", "guest", "--token-only"])
            out[out.index("--token") + 1] = made.stdout.strip()
        if "--timeout" in out:
            out[out.index("--timeout") + 1] = "1s"
        return out

    def run(self, words):
        self.prepare(words)
        words = self.filled(words)
        if any(words[:len(verb)] == verb for verb in ENDLESS) and "--timeout" not in words and "--help" not in words:
            return self.run_endless(words)
        done = self.call(words)
        # A participant of the page's is not there, and nobody publishes for who waits for tracks.
        nobody = re.search("not_found|no response", done.stderr) and re.search(r"\b(anna|TR_\w+)\b", " ".join(words))
        none_came = "--expect-tracks" in words and done.returncode == 2
        assert done.returncode == 0 or nobody or none_came, f"exit code {done.returncode}: {(done.stderr or done.stdout).strip()}"
        return done.stdout

    def run_endless(self, words):
        process = subprocess.Popen([self.binary, *words], cwd=self.folder, text=True, env=self.environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(SECONDS)
        assert process.poll() is None, f"ended by itself: {process.communicate()[1].strip()}"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
        assert process.returncode == 0, f"exit code {process.returncode}: {(err or out).strip()}"
        return out

    def source(self, command):
        """`source <(confab completion bash)`: the shell takes it."""
        done = subprocess.run(["bash", "-ec", command], cwd=self.folder, text=True, capture_output=True, timeout=30,
                              env=self.environment, check=False)
        assert done.returncode == 0 and not done.stderr, done.stderr
