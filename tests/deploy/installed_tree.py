#!/usr/bin/python3
# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
"""A bare Debian 12 in <folder>/debian with the package of this program and its page on it; says how long apt took.

usage: tests/deploy/installed_tree.py <folder>"""

import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import package  # noqa: E402
import package_installed  # noqa: E402
import support  # noqa: E402


def main():
    work = Path(sys.argv[1])
    one = package.Package(work)
    one.web = support.ROOT / "web/dist"
    installed = package_installed.Installed(work, one)
    file = one.path
    assert installed.tree
    begin = time.monotonic()
    installed.install(file)
    print(f"   apt install: {time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main()
