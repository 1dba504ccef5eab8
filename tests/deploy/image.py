# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
"""deploy/container: the image is built twice, read by skopeo and by ourselves, and its tree is run."""

import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import compose
import dockerfile
from support import BINARY, DEPLOY, KEYS, Server, free_port, run, run_any, same

FOLDER = DEPLOY / "container"
sys.path.insert(0, str(FOLDER))
import debian  # noqa: E402
import oci  # noqa: E402

EPOCH = 1700000000
MOST_MEGABYTES = 40


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Image:
    def __init__(self, work):
        self.work, self.path, self.tree = work, work / "image.tar", work / "tree"
        self.files = {}

    def build(self, path):
        return run(FOLDER / "build-image", "--binary", BINARY, "--output", path, "--tag", "confab:test", timeout=300,
                   env={**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH)})

    def built_twice(self):
        """The second one with another clock, folder and umask."""
        said = self.build(self.path)
        again = self.work / "again" / "image.tar"
        old = os.umask(0o077)
        try:
            self.build(again)
        finally:
            os.umask(old)
        same(digest(again.read_bytes()), digest(self.path.read_bytes()), "the second image")
        megabytes = self.path.stat().st_size / 1e6
        assert megabytes < MOST_MEGABYTES, f"{megabytes} MB"
        return said.rpartition(": ")[2].strip()

    def blob(self, name):
        if not self.path.exists():  # the check that builds it was not asked for
            self.build(self.path)
        if not self.files:
            with tarfile.open(self.path) as archive:
                self.files = {one.name: archive.extractfile(one).read() for one in archive if one.isreg()}
        return self.files[name]

    def described(self, descriptor):
        data = self.blob("blobs/" + descriptor["digest"].replace(":", "/"))
        same((digest(data), len(data)), (descriptor["digest"], descriptor["size"]), descriptor["mediaType"])
        return data

    def config(self):
        return json.loads(self.described(self.manifest()["config"]))

    def manifest(self):
        (entry,) = json.loads(self.blob("index.json"))["manifests"]
        return json.loads(self.described(entry))

    def layers(self):
        return [gzip.decompress(self.described(layer)) for layer in self.manifest()["layers"]]

    def digests(self):
        same(json.loads(self.blob("oci-layout")), {"imageLayoutVersion": "1.0.0"}, "oci-layout")
        same([digest(layer) for layer in self.layers()], self.config()["rootfs"]["diff_ids"], "diff_ids")
        same(len(self.config()["history"]), len(self.layers()), "history")
        (docker,) = json.loads(self.blob("manifest.json"))
        same(docker["RepoTags"], ["confab:test"], "the tag for docker load")
        same([docker["Config"], *docker["Layers"]], ["blobs/" + one["digest"].replace(":", "/") for one in
             [self.manifest()["config"], *self.manifest()["layers"]]], "the blobs for docker load")

    def skopeo(self):
        """An independent reader: copying verifies every digest."""
        for kind in ("oci-archive", "docker-archive"):
            run("skopeo", "copy", "--quiet", f"{kind}:{self.path}", f"dir:{self.work / kind}")
            seen = json.loads(run("skopeo", "inspect", "--config", f"{kind}:{self.path}"))
            same(seen["config"]["User"], "10001:10001", f"the user that skopeo sees in the {kind}")
        spoilt = self.work / "spoilt.tar"
        data = self.path.read_bytes()
        at = data.index(gzip.compress(b"")[:2]) + 1000  # inside the first layer
        spoilt.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
        assert run_any("skopeo", "copy", "--quiet", f"oci-archive:{spoilt}", f"dir:{self.work / 'spoilt'}").returncode != 0

    def contents(self):
        """Owners, rights and times; nothing of this machine: no mirror, no name, no account."""
        hosts = {host.encode() for line in debian.apt_sources() for host in re.findall(r"://([^/ ]+)", line)}
        for layer in self.layers():
            with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
                for one in archive:
                    assert (one.uid, one.gid) in ((0, 0), (10001, 10001)) and not one.uname, f"{one.name}: {one.uid} {one.uname}"
                    assert one.mtime <= EPOCH, f"{one.name} is of {one.mtime}"
                    assert one.isdir() or one.issym() or not one.mode & 0o6002, f"{one.name}: mode {one.mode:o}"
                    assert not re.match(r"(etc/(apt|hostname|resolv\.conf|shadow)|var/(cache|lib)/apt/.|dev/.)", one.name), one.name
                    text = archive.extractfile(one).read() if one.isreg() else b""
                    assert not any(host in text for host in hosts), f"{one.name} names a mirror"

    def unpack(self):
        self.tree.mkdir()
        for layer in self.layers():
            subprocess.run(["tar", "--extract", "--directory", self.tree], input=layer, check=True)

    def in_tree(self, *words):
        if not self.tree.exists():
            self.unpack()
        return ["chroot", "--userspec", self.config()["config"]["User"], self.tree, *words]

    def tree_is_whole(self):
        self.in_tree()
        for folder, folders, names in os.walk(self.tree):
            for name in folders + names:
                path = os.path.join(folder, name)
                if os.path.islink(path) and not os.readlink(path).startswith(("/proc", "/run")):
                    target = os.readlink(path)
                    inside = str(self.tree) + target if target.startswith("/") else os.path.join(folder, target)
                    assert os.path.lexists(inside), f"{path.removeprefix(str(self.tree))} leads to {target}"
        assert self.tree.joinpath("etc/ssl/certs/ca-certificates.crt").read_text().count("BEGIN CERTIFICATE") > 100
        packages = {path.name for path in (self.tree / "var/lib/dpkg/status.d").iterdir()}
        assert set(debian.runtime_packages(BINARY)) <= packages, f"packages: {packages}"
        assert not {"apt", "dpkg", "perl-base", "coreutils"} & packages, f"more than needed: {packages}"
        return f"{len(packages)} packages"

    def serves(self):
        """Entry point and arguments of the image, as its user, in nothing but its tree."""
        config = self.config()["config"]
        command = self.in_tree(*config["Entrypoint"], *config["Cmd"])
        with Server(command, {"LIVEKIT_KEYS": KEYS, "CONFAB_DATA_DIR": "/var/lib/confab"}, self.work / "image.log") as server:
            same(server.status(), 200, "GET /")
            status = Path(f"/proc/{server.process.pid}/status").read_text()
            same(re.search(r"^Uid:\s+(\d+)", status, re.M).group(1), "10001", "its user")
            health = [word.replace("7880", str(server.port)) for word in compose.health_command()]
            same(run_any(*self.in_tree(*health)).returncode, 0, "the health check of compose.yaml")
        assert run_any(*self.in_tree(*health)).returncode != 0, "healthy without a server"
        assert any((self.tree / "var/lib/confab").iterdir()), "nothing was kept"

    def without_keys(self):
        done = run_any(*self.in_tree("/usr/bin/confab", "--config", "/etc/confab.yaml", "--port", free_port()), timeout=10)
        assert done.returncode != 0 and "key" in done.stderr, f"exit code {done.returncode}: {done.stderr}"

    def as_upstream(self):
        """Upstream's image is called with flags alone, its tools by their names."""
        assert "API" in run(*self.in_tree("/usr/bin/confab", "generate-keys"))
        (self.tree / "etc/livekit.yaml").write_text(f"keys:\n  {KEYS}\n")
        with Server(self.in_tree("/usr/bin/confab", "--config", "/etc/livekit.yaml"), {}, self.work / "upstream.log") as server:
            same(server.status(), 200, "GET /")


def sources(work):
    """Debian's own repositories in both forms; nobody else's, and none that is switched off."""
    (work / "sources.list.d").mkdir()
    (work / "sources.list").write_text("deb [arch=amd64] http://a.example/debian bookworm main contrib\n"
                                       "# deb http://b.example/debian bookworm main\ndeb-src http://b.example/debian bookworm main\n")
    (work / "sources.list.d/debian.sources").write_text(
        "Types: deb deb-src\nURIs: http://c.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: /k.gpg\n\n"
        "Types: deb\nURIs: http://d.example/debian\nSuites: bookworm\nComponents: main\nEnabled: no\n\n"
        "Types: deb-src\nURIs: http://d.example/debian\nSuites: bookworm\nComponents: main\n")
    (work / "sources.list.d/other.list").write_text("deb http://e.example/apt bookworm-tools main\ndeb http://e.example/apt stable main\n")
    same(debian.apt_sources(work), ["deb [signed-by=/k.gpg] http://c.example/debian bookworm main",
                                    "deb [signed-by=/k.gpg] http://c.example/debian bookworm-updates main",
                                    "deb [arch=amd64] http://a.example/debian bookworm main contrib"], "sources")


def merging(work):
    """A tree in old places, with what is not to be in an image."""
    path = work / "old-places.tar"
    with tarfile.open(path, "w") as archive:
        for name, kind, target in [
                ("./", "5", ""), ("./lib/", "5", ""), ("./lib/a/libx.so", "0", ""), ("./lib/a/liby.so", "1", "./lib/a/libx.so"),
                ("./bin/sh", "2", "bash"), ("./dev/null", "3", ""), ("./etc/apt/sources.list", "0", ""),
                ("./usr/share/doc/x/copyright", "0", ""), ("./usr/share/doc/x/changelog.gz", "0", ""),
                ("./usr/share/ca-certificates/b/one.crt", "0", "")]:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.mtime = kind.encode(), target, EPOCH + 5
            content = b"one" if kind == "0" else b""
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    layer = oci.Layer(EPOCH)
    debian.fill_layer(layer, path)
    with tarfile.open(fileobj=io.BytesIO(layer.tar())) as archive:
        found = {one.name: (one.type.decode(), one.linkname, one.mtime) for one in archive}
        order = archive.getnames()
        same(archive.extractfile("etc/ssl/certs/ca-certificates.crt").read(), b"one\n", "certificates")
    merged = {name: ("5", "", EPOCH) for name in ("usr/bin", "usr/sbin", "usr/lib", "usr/lib64")}
    links = {name: ("2", f"usr/{name}", EPOCH) for name in ("bin", "sbin", "lib", "lib64")}
    files = {name: ("0", "", EPOCH) for name in ("usr/lib/a/libx.so", "usr/share/doc/x/copyright", "etc/ssl/certs/ca-certificates.crt",
                                                 "usr/share/ca-certificates/b/one.crt")}
    same(found, {**merged, **links, **files, "usr/lib/a/liby.so": ("1", "usr/lib/a/libx.so", EPOCH),
                 "usr/bin/sh": ("2", "bash", EPOCH)}, "the layer")
    same(order[-1], "usr/lib/a/liby.so", "a hard link comes behind what it leads to:")


def checks(work):
    image = Image(work)
    return [
        ("image: built twice, the same bytes", image.built_twice),
        ("image: digests, sizes and both indexes", image.digests),
        ("image: skopeo reads it as OCI and as Docker archive, and finds a flipped bit", image.skopeo),
        ("image: owners, rights, times, nothing of the machine that built it", image.contents),
        ("image: the tree is whole, and no more than is needed", image.tree_is_whole),
        ("image: serves as its user in its tree, healthy by the check of compose.yaml [DEP-02]", image.serves),
        ("image: does not start without API keys", image.without_keys),
        ("image: takes the arguments of upstream's image [DEP-02] [DEP-04]", image.as_upstream),
        ("image: packages come from Debian's own repositories alone", lambda: sources(work)),
        ("image: a tree becomes a layer in merged /usr", lambda: merging(work)),
        ("Dockerfile: installs what the program links, and Debian has it", dockerfile.packages),
        ("Dockerfile: its steps, and the same image configuration", lambda: dockerfile.steps(image.config()["config"])),
    ]
