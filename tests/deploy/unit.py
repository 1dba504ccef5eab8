# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
"""What a unit file of systemd says."""

import re
import shlex


class Unit:
    def __init__(self, text):
        self.text = text

    def directives(self, section="Service"):
        """name → values, in their order."""
        found, inside = {}, ""
        for line in self.text.splitlines():
            if header := re.fullmatch(r"\[(\w+)\]", line):
                inside = header.group(1)
            elif inside == section and line and line[0] != "#":
                name, value = line.split("=", 1)
                found.setdefault(name, []).append(value)
        return found

    def only(self, name, section="Service"):
        (value,) = self.directives(section)[name]
        return value

    def command(self):
        return shlex.split(self.only("ExecStart"))

    def user(self):
        return f"{self.only('User')}:{self.only('Group')}"

    def environment(self):
        """With the folder that systemd would have made for StateDirectory."""
        given = dict(value.split("=", 1) for value in self.directives()["Environment"])
        return {**given, "STATE_DIRECTORY": f"/var/lib/{self.only('StateDirectory')}"}
