# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
"""What of Debian 12 a program needs, and a layer with it, by mmdebstrap and this machine's apt sources."""

import os
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

SUITE = "bookworm"
# Beside the libraries: names of systems and ports, certificates for webhooks over https, and a shell,
# with which health checks are written.
ALWAYS = ("base-files", "bash", "ca-certificates", "netbase")
# Folders that became part of /usr; Debian 12 has links in their places.
MERGED = ("bin", "sbin", "lib", "lib64")
# Documentation but licences, what only package tools use, what this machine is, devices.
LEFT_OUT = re.compile(r"^(usr/share/doc/.+/(?!copyright$)[^/]+|usr/share/(man|info|lintian|bug|locale|debconf|bash-completion)/.*"
                      r"|etc/(apt|dpkg|update-motd\.d)(/.*)?|etc/(hostname|resolv\.conf|fstab)|usr/lib/[^/]+/gconv/.*"
                      r"|var/(lib/apt|lib/dpkg|cache/(apt|debconf)|log|backups)/(?!status\.d).*|(var|usr)/(local|mail)(/.*)?|dev/.*)$")
# Scanners of images read these as Debian's package list where there is no dpkg.
KEEP_LISTS = """set -e
mkdir -p "$1/var/lib/dpkg/status.d"
for deb in "$1"/var/cache/apt/archives/*.deb; do
  name=$(dpkg-deb --field "$deb" Package)
  dpkg-deb --field "$deb" >"$1/var/lib/dpkg/status.d/$name"
done"""


def run(*command, **more):
    return subprocess.run(command, text=True, capture_output=True, check=True, **more).stdout


def libraries_of(binary):
    """The shared libraries that the loader finds for `binary`; one that it does not find is an error."""
    listed = run("ldd", str(binary))
    if missing := re.findall(r"^\s*(\S+) => not found", listed, re.M):
        raise SystemExit(f"{binary}: not on this machine: {', '.join(missing)}")
    return sorted(set(re.findall(r"(/\S+) \(0x", listed)))


def package_of(library):
    """dpkg knows a file by the place where its package put it, which may be behind a link today."""
    real = os.path.realpath(library)
    places = [library, real, real.removeprefix("/usr"), "/usr" + library]
    for place in places:
        found = subprocess.run(["dpkg-query", "--search", place], text=True, capture_output=True, check=False)
        if found.returncode == 0:
            return found.stdout.split(":")[0].split(",")[0]
    raise SystemExit(f"no package has {library}")


def runtime_packages(binary):
    return sorted({package_of(library) for library in libraries_of(binary)})


def stanzas(text):
    """deb822 sources as one-line ones."""
    for stanza in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", stanza, re.M))
        if "deb" not in fields.get("Types", "").split() or fields.get("Enabled", "yes").lower() == "no":
            continue
        key = fields.get("Signed-By", "")
        option = f"[signed-by={key}] " if key.startswith("/") else ""
        for address in fields.get("URIs", "").split():
            for suite in fields.get("Suites", "").split():
                yield f"deb {option}{address} {suite} {fields.get('Components', '')}"


def apt_sources(root=Path("/etc/apt")):
    """The lines of this machine's sources that are Debian's own; other repositories stay outside."""
    lines = []
    for file in sorted(root.glob("sources.list.d/*.sources")):
        lines += stanzas(file.read_text())
    for file in [root / "sources.list", *sorted(root.glob("sources.list.d/*.list"))]:
        if file.exists():
            lines += [line for line in file.read_text().splitlines() if line.startswith("deb ")]
    debian = {SUITE, SUITE + "-updates", SUITE + "-security", SUITE + "/updates"}
    return [line for line in lines if debian & set(re.sub(r"\[.*?\]", "", line).split())]


def bootstrap(packages, sources, epoch, output):
    """A tar file of `packages` and what they depend on, as their archives have it: no script of them ran."""
    with tempfile.NamedTemporaryFile("w", suffix=".list") as listed:
        listed.write("\n".join(sources) + "\n")
        listed.flush()
        where = [listed.name] if sources else []
        command = ["mmdebstrap", "--quiet", "--variant=extract", "--format=tar", f"--extract-hook={KEEP_LISTS}",
                   "--include=" + ",".join(packages), SUITE, str(output), *where]
        done = subprocess.run(command, env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}, text=True,
                              capture_output=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"mmdebstrap: {done.stderr.strip()}")


def merged(name):
    first, _, rest = name.partition("/")
    return f"usr/{name}" if first in MERGED and rest else name


def fill_layer(layer, tree):
    """Puts what mmdebstrap made into `layer`, in merged /usr, without what no container needs."""
    certificates = []
    with tarfile.open(tree) as archive:
        for info in archive:
            name = merged(info.name.removeprefix("./").strip("/"))
            if not name or name == "." or name in MERGED or LEFT_OUT.match(name):
                continue
            content = archive.extractfile(info).read() if info.isreg() else b""
            info.name = name
            if info.islnk():
                info.linkname = merged(info.linkname.removeprefix("./"))
            layer.add(info, content)
            if re.fullmatch(r"usr/share/ca-certificates/.*\.crt", name):
                certificates.append((name, content.rstrip(b"\n") + b"\n"))
    for folder in MERGED:
        layer.folder("usr/" + folder)
        layer.link(folder, "usr/" + folder)
    # What the script of ca-certificates would have made.
    layer.file("etc/ssl/certs/ca-certificates.crt", b"".join(text for _, text in sorted(certificates)))
