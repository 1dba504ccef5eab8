# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
"""deploy/deb: the package as a file. It is built twice, read by dpkg-deb and by lintian, its list of software compared
with what the program links."""

import hashlib
import json
import os
import re
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from support import BINARY, DEPLOY, run, run_any, same

sys.path.insert(0, str(DEPLOY / "container"))
import debian  # noqa: E402

EPOCH = 1700000000
WEB = {"index.html": "<!doctype html><title>page</title>\n", "assets/a.js": "1;\n", "third-party.txt": "none\n"}


def version():
    return run(BINARY, "version").split()[1]


def fields(package):
    """Of the control file; lines that go on are part of their field."""
    text = run("dpkg-deb", "--field", package)
    return {name: value for name, value in re.findall(r"^([A-Z][\w-]+): (.*(?:\n .*)*)$", text, re.M)}


def repacked(package, folder, other_version, configuration=None):
    """The same package under another version, as an older or newer release would be; not compressed, for speed."""
    target = folder / f"confab_{other_version}.deb"
    with tempfile.TemporaryDirectory() as work:
        tree = Path(work) / "tree"
        run("dpkg-deb", "--raw-extract", package, tree)
        control = tree / "DEBIAN/control"
        control.write_text(re.sub(r"^Version: .*$", f"Version: {other_version}", control.read_text(), flags=re.M))
        if configuration:
            (tree / "etc/confab/confab.yaml").write_text(configuration)
        run("dpkg-deb", "--build", "--root-owner-group", "-Znone", tree, target)
    return target


class Package:
    def __init__(self, work):
        self.work, self.folder, self.web = work, work / "packages", work / "web"
        for name, text in WEB.items():
            file = self.web / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def build(self, folder):
        run(DEPLOY / "deb/build-package", "--binary", BINARY, "--web", self.web, "--output", folder, timeout=300,
            env={**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH)})

    def files(self, folder):
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}

    @property
    def path(self):
        if not self.folder.exists():
            self.build(self.folder)
        (package,) = self.folder.glob("*.deb")
        return package

    def built_twice(self):
        """The second one from another folder with other rights, with another umask and files of another time."""
        same(self.path.name, f"confab_{version()}_{run('dpkg', '--print-architecture').strip()}.deb", "the name")
        again, moved, old = self.work / "again", self.work / "moved", os.umask(0o077)
        try:
            shutil.copytree(self.web, moved, copy_function=shutil.copyfile)
            (moved / "assets").chmod(0o700)
            self.web = moved
            self.build(again)
        finally:
            os.umask(old)
        same(self.files(again), self.files(self.folder), "the second package and its list")

    def contents(self):
        """Owners, rights, times; the configuration is not for everybody even before its group is there."""
        with tempfile.TemporaryDirectory() as work:
            tree = Path(work) / "data.tar"
            tree.write_bytes(debian.subprocess.run(["dpkg-deb", "--fsys-tarfile", self.path], capture_output=True, check=True).stdout)
            with tarfile.open(tree) as archive:
                found = {one.name.removeprefix("."): one for one in archive}
                unit = archive.extractfile(found["/lib/systemd/system/confab.service"].name).read()
        for name, one in found.items():
            same((one.uid, one.gid, one.mtime), (0, 0, EPOCH), f"owner and time of {name}")
            wanted = 0o755 if one.isdir() or name == "/usr/bin/confab" else 0o640 if name.startswith("/etc/confab/") else 0o644
            same(oct(one.mode), oct(wanted), f"rights of {name}")
        same(unit, (DEPLOY / "systemd/confab.service").read_bytes(), "the unit")
        same({name.removeprefix("/usr/share/confab/web/") for name, one in found.items()
              if name.startswith("/usr/share/confab/web/") and one.isreg()}, set(WEB), "the demo page")
        same(run("dpkg-deb", "--info", self.path, "conffiles").split(), ["/etc/confab/confab.yaml"], "the conffiles")

    def depends(self):
        """Each library's package, with the version that its symbols need."""
        depends = fields(self.path)["Depends"]
        names = {re.split(r"[ (]", one)[0] for one in depends.split(", ")}
        for package in debian.runtime_packages(BINARY):
            provided = {package, *re.findall(r"[^\s,()]+", run("dpkg-query", "--show", "--showformat=${Provides}", package))}
            assert names & provided, f"{package} is not among {depends}"
        assert re.search(r"\blibc6 \(>= 2\.\d+\)", depends), f"no version of libc6: {depends}"
        assert {"adduser", "ca-certificates"} <= names, depends

    def listed(self):
        """The list names each package that is linked, as it is installed here, and the package file by its digest."""
        file = self.path.with_suffix(".cdx.json")
        whole = json.loads(file.read_text())
        same((whole["bomFormat"], whole["specVersion"]), ("CycloneDX", "1.5"), "the form")
        itself = whole["metadata"]["component"]
        same(itself["hashes"][0]["content"], hashlib.sha256(self.path.read_bytes()).hexdigest(), "the digest")
        same((itself["version"], whole["metadata"]["timestamp"]), (version(), "2023-11-14T22:13:20Z"), "version and time")
        of_debian = {one["name"]: one["version"] for one in whole["components"] if one["purl"].startswith("pkg:deb/debian/")}
        linked = {one["name"] for one in whole["components"] if {"name": "confab:role", "value": "linked"} in one["properties"]}
        same(linked, set(debian.runtime_packages(BINARY)), "what is linked")
        for name, listed in of_debian.items():
            same(listed, run("dpkg-query", "--show", "--showformat=${Version}\n", name).split()[0], f"the version of {name}")
        references = [one["bom-ref"] for one in whole["components"]]
        same(len(set(references)), len(references), "references")
        same(whole["dependencies"][0]["dependsOn"], references, "dependencies")
        bundled = {one["name"] for one in whole["components"] if one["purl"].startswith("pkg:npm/")}
        assert {"livekit-client", "react"} <= bundled, f"of npm only {bundled}"
        return f"{len(of_debian)} packages of Debian, {len(bundled)} of npm"

    def without_page(self):
        """What is not in the package is not in its list: the console is in the program, if anywhere."""
        sys.path.insert(0, str(DEPLOY / "deb"))
        import sbom

        def pages(binary, web):
            of_npm = [one for one in sbom.components(binary, web) if one["purl"].startswith("pkg:npm/")]
            return {role["value"] for one in of_npm for role in one["properties"]}

        console = {"part of the console"} if sbom.has_console(BINARY) else set()
        same(pages(BINARY, None), console, "without the demo page")
        same(pages(BINARY, self.web), console | {"part of the demo page"}, "with it")
        same(pages(Path("/bin/true"), None), set(), "of a program without the console")
        return f"{'a' if console else 'no'} console in the program"

    def lintian(self):
        done = run_any("lintian", "--no-cfg", "--fail-on", "error", "--tag-display-limit", "0", "--allow-root", self.path, timeout=120)
        assert done.returncode == 0, f"exit code {done.returncode}: {(done.stdout + done.stderr).strip()}"
        return f"{len(re.findall(r'^W:', done.stdout, re.M))} warnings"


def checks(package):
    return [
        ("package: built twice, the same bytes", package.built_twice),
        ("package: owners, rights, times; the unit of deploy/systemd [DEP-07]", package.contents),
        ("package: depends on what the program links", package.depends),
        ("package: its list of software is what is linked, by version and digest", package.listed),
        ("package: its list has no npm packages without the page", package.without_page),
        ("package: lintian finds no error", package.lintian),
    ]
