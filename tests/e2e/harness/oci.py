"""Makers of OCI content: digests, descriptors, manifests, indexes. Pure functions, no network."""

import hashlib
import json
import os

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_GZIP = OCI_LAYER + "+gzip"
OCI_LAYER_FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_LAYER_FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
DOCKER_SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json"
DOCKER_SCHEMA1_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"

EMPTY_JSON = b"{}"
MIB = 1024 * 1024


def digest(data, algorithm="sha256"):
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def random_blob(size=64):
    return os.urandom(size)


def missing_digest(algorithm="sha256"):
    """A well-formed digest of bytes that nobody has."""
    return digest(os.urandom(32), algorithm)


def descriptor(data, media_type, algorithm="sha256", /, **fields):
    return {"mediaType": media_type, "digest": digest(data, algorithm), "size": len(data), **fields}


def manifest(config, layers, media_type=OCI_MANIFEST, **fields):
    """A manifest as a dict; `config` and `layers` are descriptors."""
    return {"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers, **fields}


def index(children, media_type=OCI_INDEX, **fields):
    return {"schemaVersion": 2, "mediaType": media_type, "manifests": children, **fields}


def encode(document):
    """The bytes of a manifest. Not canonical on purpose: a registry must keep what it got."""
    return json.dumps(document, indent=1).encode()


def padded(document, size):
    """The same manifest blown up with white space to exactly `size` bytes."""
    data = encode(document)
    assert len(data) <= size, "the manifest is larger than the size asked for"
    return data[:-1] + b" " * (size - len(data)) + data[-1:]
