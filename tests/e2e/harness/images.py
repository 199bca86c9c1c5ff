"""Real images: Debian made fresh by mmdebstrap and packed by umoci, kept between runs; and the shared ones."""

import fcntl
import gzip
import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import tarfile

from . import oci
from .server import REPOSITORY

CACHE = pathlib.Path(os.environ.get("ASSAY_TEST_IMAGES", "/var/tmp/assay-test-images"))
SHARED = REPOSITORY.parent / "shared" / "data" / "images"
DEBIAN_SUITE = "bookworm"


def run(*command, **options):
    """Runs a tool to its end; its output is shown when it fails."""
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=options.pop("timeout", 180), **options)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\nexit code {done.returncode}\n{done.stdout[-4000:]}"
    return done.stdout


def debian_layout():
    """The path of an OCI layout that holds a real Debian image under the tag `bookworm`; made once a machine."""
    CACHE.mkdir(parents=True, exist_ok=True)
    layout = CACHE / DEBIAN_SUITE
    with open(CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not layout.exists():
            make_debian_layout(layout)
    return layout


def make_debian_layout(layout):
    rootfs, fresh = CACHE / "rootfs.tar", CACHE / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    rootfs.unlink(missing_ok=True)
    run("mmdebstrap", "--quiet", "--variant=minbase", DEBIAN_SUITE, rootfs, timeout=600)
    image = f"{fresh}:{DEBIAN_SUITE}"
    run("umoci", "init", "--layout", fresh)
    run("umoci", "new", "--image", image)
    run("umoci", "raw", "add-layer", "--image", image, rootfs)
    run("umoci", "config", "--image", image, "--config.cmd", "/bin/bash", "--architecture", "amd64", "--os", "linux")
    run("umoci", "gc", "--layout", fresh)
    rootfs.unlink()
    fresh.rename(layout)


def write_layout(path, images):
    """Writes an OCI layout of small images: {tag: [(architecture, layer text), …]}; several make an index."""
    blobs = path / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    (path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')

    def store(data, media_type, **fields):
        (blobs / hashlib.sha256(data).hexdigest()).write_bytes(data)
        return oci.descriptor(data, media_type, **fields)

    def store_image(architecture, text):
        plain = tar_of({"etc/motd": text.encode()})
        platform = {"architecture": architecture, "os": "linux"}
        config = json.dumps(platform | {"config": {"Cmd": ["/bin/true"]},
                                        "rootfs": {"type": "layers", "diff_ids": [oci.digest(plain)]}}).encode()
        document = oci.manifest(store(config, oci.OCI_CONFIG),
                                [store(gzip.compress(plain, mtime=0), oci.OCI_LAYER_GZIP)])
        return store(oci.encode(document), oci.OCI_MANIFEST, platform=platform)

    entries = []
    for tag, variants in images.items():
        manifests = [store_image(*variant) for variant in variants]
        entry = manifests[0] if len(manifests) == 1 else store(oci.encode(oci.index(manifests)), oci.OCI_INDEX)
        entries.append(entry | {"annotations": {"org.opencontainers.image.ref.name": tag}})
    (path / "index.json").write_bytes(oci.encode(oci.index(entries)))
    return path


def tar_of(files):

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def layout_manifest(layout, tag):
    """(digest, bytes) of the manifest that a layout holds under a tag."""
    for entry in json.loads((layout / "index.json").read_text())["manifests"]:
        if entry.get("annotations", {}).get("org.opencontainers.image.ref.name") == tag:
            return entry["digest"], (layout / "blobs" / entry["digest"].replace(":", "/")).read_bytes()
    raise AssertionError(f"{layout} has no tag {tag}")
