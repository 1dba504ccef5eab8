# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
"""Layers and archives of container images, byte for byte the same for the same content.

An archive is one tar file with the OCI image layout (oci-layout, index.json, blobs/sha256/...) and a
manifest.json beside it, by which `docker load` finds the same blobs."""

import gzip
import hashlib
import io
import json
import tarfile

OCI = "application/vnd.oci.image."


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


class Layer:
    """Files of one layer. Owners are numbers, times are `epoch` or older, the order is that of names."""

    def __init__(self, epoch):
        self.epoch = epoch
        self.members = {}  # name without a leading slash: TarInfo, content

    def add(self, info, content=b""):
        info.name = info.name.strip("/")
        info.mtime = min(int(info.mtime), self.epoch)
        info.uname = info.gname = ""
        info.pax_headers = {}
        info.size = len(content)
        self.members[info.name] = (info, content)

    def folder(self, name, mode=0o755, owner=0):
        self._new(name, tarfile.DIRTYPE, mode, owner, b"")

    def file(self, name, content, mode=0o644, owner=0):
        self._new(name, tarfile.REGTYPE, mode, owner, content)

    def link(self, name, target):
        self._new(name, tarfile.SYMTYPE, 0o777, 0, b"", target)

    def _new(self, name, kind, mode, owner, content, target=""):
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.linkname = kind, mode, target
        info.uid = info.gid = owner
        info.mtime = self.epoch
        self.add(info, content)

    def tar(self):
        """The layer as a tar file; a hard link comes after what it leads to."""
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for name in sorted(self.members, key=lambda n: (self.members[n][0].islnk(), n)):
                info, content = self.members[name]
                archive.addfile(info, io.BytesIO(content))
        return out.getvalue()


def compressed(data):
    out = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=out, mode="wb", compresslevel=6, mtime=0) as file:
        file.write(data)
    return out.getvalue()


class Archive:
    """Collects blobs and writes the archive."""

    def __init__(self):
        self.blobs = {}

    def _blob(self, data, media_type):
        name = digest(data)
        self.blobs[name] = data
        return {"mediaType": media_type, "digest": name, "size": len(data)}

    def image(self, config, layers):
        """Adds one image. `config` is completed by the digests of `layers`, a list of tar files."""
        described = [self._blob(compressed(tar), OCI + "layer.v1.tar+gzip") for tar in layers]
        config = {**config, "rootfs": {"type": "layers", "diff_ids": [digest(tar) for tar in layers]}}
        manifest = {"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json",
                    "config": self._blob(canonical(config), OCI + "config.v1+json"), "layers": described}
        return manifest

    def write(self, path, manifest, tag, epoch):
        """`tag` is NAME:VERSION, as `docker load` and `podman load` will show it."""
        index = {"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": [{
            **self._blob(canonical(manifest), manifest["mediaType"]),
            "annotations": {"org.opencontainers.image.ref.name": tag, "io.containerd.image.name": tag}}]}
        for_docker = [{"Config": blob_path(manifest["config"]["digest"]), "RepoTags": [tag],
                       "Layers": [blob_path(layer["digest"]) for layer in manifest["layers"]]}]
        files = Layer(epoch)
        for folder in ("blobs", "blobs/sha256"):
            files.folder(folder)
        files.file("oci-layout", canonical({"imageLayoutVersion": "1.0.0"}))
        files.file("index.json", canonical(index))
        files.file("manifest.json", canonical(for_docker))
        for name, data in self.blobs.items():
            files.file(blob_path(name), data)
        path.write_bytes(files.tar())


def blob_path(name):
    return "blobs/" + name.replace(":", "/")
