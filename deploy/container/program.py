# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
"""What an image and a package say of the program in the same words: its bytes, its version, its time."""

import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def git(*words):
    done = subprocess.run(["git", "-C", ROOT, *words], text=True, capture_output=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def epoch_of_build():
    return int(os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct") or 0)


def version_of(binary):
    done = subprocess.run([binary, "version"], text=True, capture_output=True, check=True)
    return done.stdout.split()[1]


def stripped(binary):
    """The program without debug information, with its symbols: stack traces stay readable."""
    with tempfile.TemporaryDirectory() as work:
        copy = Path(work) / "confab"
        subprocess.run(["strip", "--strip-debug", "-o", copy, binary], check=True)
        return copy.read_bytes()
