# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
"""deploy/container/Dockerfile, as far as it goes without Docker."""

import json
import re
import shlex
import sys

from support import BINARY, DEPLOY, ROOT, run, run_any, same

FOLDER = DEPLOY / "container"
sys.path.insert(0, str(FOLDER))
import debian  # noqa: E402


def lines():
    text = (FOLDER / "Dockerfile").read_text()
    joined = re.sub(r"^#.*\n", "", text, flags=re.M).replace("\\\n", " ").splitlines()
    return [line.split(None, 1) for line in joined if line.strip()]


def installed(line):
    return [word for part in re.findall(r"apt-get install([^&;]*)", line) for word in part.split() if word[0] != "-"]


def packages():
    runs = [rest for word, rest in lines() if word == "RUN"]
    everything = [package for line in runs for package in installed(line)]
    wanted = {*debian.runtime_packages(BINARY), "ca-certificates", "libipsec-mb1"}
    same(set(installed(runs[-1])), wanted, "the packages of the last stage")
    said = run("apt-cache", "policy", *everything)
    known = dict(re.findall(r"^(\S+):\n  Installed: .*\n  Candidate: (.*)$", said, re.M))
    for package in everything:
        assert known.get(package, "(none)") != "(none)", f"Debian has no {package}"


def steps(config):
    whole = lines()
    same([rest.split()[0] for word, rest in whole if word == "FROM"], ["debian:12", "debian:12-slim"], "the stages")
    for rest in [rest for word, rest in whole if word == "COPY" and "--from" not in rest]:
        assert (ROOT / rest.split()[0]).exists(), f"COPY {rest}"
    verbs = run(ROOT / "dev", "help")
    for verb in re.findall(r"\./dev (\w+)", " ".join(rest for word, rest in whole if word == "RUN")):
        assert re.search(rf"^  {verb}\b", verbs, re.M), f"./dev has no {verb}"
    said = {word: rest for word, rest in whole}
    same(said["USER"], config["User"], "USER")
    same(set(said["EXPOSE"].split()), set(config["ExposedPorts"]), "EXPOSE")
    same([json.loads(said["ENTRYPOINT"]), json.loads(said["CMD"])], [config["Entrypoint"], config["Cmd"]], "ENTRYPOINT and CMD")
    for rest in [rest for word, rest in whole if word == "RUN"]:
        same(run_any("sh", "-n", "-c", rest).returncode, 0, f"the shell reads {shlex.quote(rest)}")
