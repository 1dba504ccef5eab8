# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
"""What software a package of confab consists of, as CycloneDX 1.5 in JSON: the Debian packages whose libraries the
program links (ldd, dpkg), those whose headers are compiled into it, and the npm packages of its pages' bundles."""

import hashlib
import json
import re
import subprocess
import uuid
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote

import debian
import program

# Libraries of headers alone: nothing links them, their code is in the program.
HEADERS = ("libboost1.81-dev", "libcli11-dev", "libexpected-dev")
# Of the demo page, which is a folder beside the program, and of the console, which is in it.
NOTICES = program.ROOT / "web/THIRD-PARTY.md"
CONSOLE_NOTICES = program.ROOT / "web/console/THIRD-PARTY.md"
SAFE = ".-_~:"  # in a version of a purl; the rest is percent-encoded
NAMESPACE = uuid.UUID("6f0c2a0e-64a1-5b0b-9f60-0f6f0d1c7a11")


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def dpkg_fields(package, *names):
    asked = "\\n".join("${" + name + "}" for name in names)
    found = subprocess.run(["dpkg-query", "--show", f"--showformat={asked}\\n", package], text=True, capture_output=True, check=False)
    if found.returncode != 0:
        raise SystemExit(f"{package} is not installed: {found.stderr.strip()}")
    return found.stdout.splitlines()[:len(names)]  # of several architectures the first


def licences(package):
    """Names of the licences in the package's copyright file, where it is of the form that can be read."""
    file = Path("/usr/share/doc") / package / "copyright"
    text = file.read_text(errors="replace") if file.exists() else ""
    if not text.startswith("Format:"):
        return []
    return sorted(set(re.findall(r"^License: *(\S.*?) *$", text, re.M)))


def debian_component(package, role):
    version, architecture, source, source_version = dpkg_fields(package, "Version", "Architecture", "source:Package", "source:Version")
    component = {
        "type": "library", "name": package, "version": version,
        "purl": f"pkg:deb/debian/{package}@{quote(version, safe=SAFE)}?arch={architecture}&distro=debian-12",
        "properties": [{"name": "confab:role", "value": role},
                       {"name": "confab:source", "value": f"{source} {source_version}"}],
    }
    if names := licences(package):
        component["licenses"] = [{"license": {"name": name}} for name in names]
    return component


def npm_components(pages):
    """`pages`: for each file of notices, what the packages in it are part of. A package of several is listed once."""
    found = {}
    for notices, page in pages.items():
        for name, version, licence in re.findall(r"^\| (@?[a-z0-9][\w./-]*) \| (\d\S*) \| (.+?) \|$", notices.read_text(), re.M):
            component = found.setdefault((name, version), {
                "type": "library", "name": name, "version": version, "licenses": [{"license": {"name": licence.strip("()")}}],
                "purl": f"pkg:npm/{name.replace('@', '%40')}@{version}", "properties": []})
            component["properties"].append({"name": "confab:role", "value": f"part of the {page}"})
    return list(found.values())


def has_console(binary):
    """A program that was built without Node.js has no console in it; one that has it has its notices, too."""
    title = CONSOLE_NOTICES.read_text().split("\n# ")[1].splitlines()[0]
    return title.encode() in binary.read_bytes()


def components(binary, web):
    found = [debian_component(package, "linked") for package in debian.runtime_packages(binary)]
    found += [debian_component(package, "compiled in") for package in HEADERS]
    pages = ({NOTICES: "demo page"} if web else {}) | ({CONSOLE_NOTICES: "console"} if has_console(binary) else {})
    found += npm_components(pages)
    return [{"bom-ref": one["purl"], **one} for one in found]


def listed(binary, web, version, epoch, package):
    """The text of the list for `package`, the file that is told of."""
    parts = components(binary, web)
    itself = {"bom-ref": f"pkg:deb/confab@{version}", "type": "application", "name": "confab", "version": version,
              "licenses": [{"license": {"id": "Apache-2.0"}}], "purl": f"pkg:deb/confab@{version}",
              "hashes": [{"alg": "SHA-256", "content": sha256(package)}]}
    whole = {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        # The same content, the same number.
        "serialNumber": "urn:uuid:" + str(uuid.uuid5(NAMESPACE, json.dumps([itself, parts], sort_keys=True))),
        "metadata": {"timestamp": datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"), "component": itself},
        "components": parts,
        "dependencies": [{"ref": itself["bom-ref"], "dependsOn": [one["bom-ref"] for one in parts]}],
    }
    return json.dumps(whole, indent=1, sort_keys=True) + "\n"
