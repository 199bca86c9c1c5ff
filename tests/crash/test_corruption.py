"""R-18: silent corruption. Bits flipped in objects, objects swapped, cut and removed: all of it is found by the read, by
`assay fsck --rehash` and by the scrub, no complete answer holds wrong bytes when reads are verified, and pushing again
heals everything. Bits flipped in the pages of the database: found, or without effect on what was acknowledged.

ASSAY_SEED repeats a run; ASSAY_SOAK_SCALE multiplies the volume.
"""

import json
import os
import random
import sqlite3
import time

import pytest
import requests

from harness import oci
from harness.client import Registry
from harness.server import ADMIN_PASSWORD, Server, ServerDied, run_assay

SECONDS = int(float(os.environ.get("ASSAY_SOAK_SECONDS", "0")))  # of a soak; the volume of 10 takes 25 s on two cores
SCALE = int(os.environ.get("ASSAY_SOAK_SCALE", max(1, min(50, SECONDS // 4))))
SEED = int(os.environ.get("ASSAY_SEED", random.SystemRandom().randrange(2**32)))
FLIPPED, SWAPPED, CUT, REMOVED, PAGES = 20 * SCALE, 4 * SCALE, 4 * SCALE, 4 * SCALE, 20 * SCALE
REPO = "admin/app"
PAGE_SIZE = 4096


def flip_bit(path, chance):
    with open(path, "r+b") as file:
        size = path.stat().st_size
        file.seek(chance.randrange(size))
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ (1 << chance.randrange(8))]))


def objects(server):
    """digest -> file, by the database: the object that is in force."""
    with sqlite3.connect(f"file:{server.data}/assay.db?mode=ro", uri=True, timeout=20) as database:
        found = {digest: server.data / "blobs" / key
                 for digest, key in database.execute("SELECT digest, object_key FROM blobs")}
    database.close()
    return found


def fsck(server, *options):
    """The finished process and its report, whose `error` says when the database could not be read to its end."""
    done = run_assay("fsck", "-o", "json", *options, "--data", server.data, timeout=300)
    return done, json.loads(done.stdout) if done.stdout else None


def corrupt(server, blobs, chance):
    """Damages every blob given in one of the ways; digest -> kind that a check must tell."""
    files, expected = objects(server), {}
    rest = list(blobs)
    chance.shuffle(rest)
    for digest in rest[:FLIPPED]:
        flip_bit(files[digest], chance)
        expected[digest] = "digest"
    rest = rest[FLIPPED:]
    for one, two in zip(rest[:SWAPPED:2], rest[1:SWAPPED:2]):
        spare = files[one].with_suffix(".spare")
        files[one].rename(spare)
        files[two].rename(files[one])
        spare.rename(files[two])
        expected[one] = expected[two] = "digest"
    rest = rest[SWAPPED:]
    for digest in rest[:CUT]:
        os.truncate(files[digest], chance.randrange(files[digest].stat().st_size))
        expected[digest] = "size"
    for digest in rest[CUT:CUT + REMOVED]:
        files[digest].unlink()
        expected[digest] = "missing"
    return expected


@pytest.mark.timeout(300 * SCALE)
@pytest.mark.parametrize("found_by", ["read", "fsck", "scrub"])
def test_all_damage_of_objects_is_found_and_healed(tmp_path, found_by):
    print(f"ASSAY_SEED={SEED}")
    chance = random.Random(SEED)
    with Server(tmp_path / "data", "--verify-on-read", "--scrub-rate", "0") as server:
        registry = Registry(server.url(), "admin", ADMIN_PASSWORD)
        blobs = {registry.push_blob(REPO, data): data
                 for data in (chance.randbytes(4096) for _ in range(FLIPPED + SWAPPED + CUT + REMOVED + 5))}
        expected = corrupt(server, blobs, chance)
        puller = registry.with_token(f"repository:{REPO}:pull")
        if found_by == "fsck":
            _, report = fsck(server, "--rehash")
            assert {f["object"]: f["kind"] for f in report["findings"]} == expected
        if found_by == "scrub":
            server.admin("set", "scrub-interval", "1s")
            server.admin("set", "scrub-rate", "1GiB")
            deadline = time.monotonic() + 120
            while server.log().count("found_by=scrub") < len(expected):
                assert time.monotonic() < deadline, "the scrub does not find all"
                time.sleep(0.2)
        for digest, data in blobs.items():
            answer = puller.pull_blob(REPO, digest)
            part = puller.pull_blob(REPO, digest, headers={"Range": "bytes=0-9"})
            if digest in expected:
                assert answer.status_code == 500 and part.status_code == 500, (digest, expected[digest])
            else:
                assert answer.status_code == 200 and answer.content == data and part.content == data[:10]

        for digest in expected:
            assert registry.head(f"/v2/{REPO}/blobs/{digest}").status_code == 404
            assert registry.push_blob(REPO, blobs[digest]) == digest
        for digest, data in blobs.items():
            assert puller.pull_blob(REPO, digest).content == data
        done, report = fsck(server, "--rehash")
        assert done.returncode == 0 and report["findings"] == []
        print(f"{len(expected)} of {len(blobs)} blobs damaged: all found by {found_by}, all healed")


def pull_everything(registry, manifests, blobs):
    """What of the acknowledged is not there; wrong bytes in a 200 are a failure at once."""
    lost = []
    for tag, data in manifests.items():
        answer = registry.pull_manifest(REPO, tag)
        assert answer.status_code != 200 or answer.content == data, f"wrong bytes for {tag}"
        lost += [tag] if answer.status_code != 200 else []
    for digest, data in blobs.items():
        answer = registry.pull_blob(REPO, digest)
        assert answer.status_code != 200 or answer.content == data, f"wrong bytes for {digest}"
        lost += [digest] if answer.status_code != 200 else []
    return lost


def look_at_broken(server, manifests, blobs):
    """'refused' to start, 'told' by an answer or by fsck, or 'harmless'."""
    try:
        server.start()
    except ServerDied:
        return "refused"
    try:
        registry = Registry(server.url(), "admin", ADMIN_PASSWORD)
        try:
            lost = pull_everything(registry, manifests, blobs)
        except (requests.exceptions.RequestException, OSError):
            lost = ["the connection"]
        done, report = fsck(server, "--rehash")
        is_told = done.returncode != 0
        assert is_told or not lost, f"lost without a word: {lost}"
        return "told" if is_told else "harmless"
    finally:
        server.kill()


@pytest.mark.timeout(300 * SCALE)
def test_damage_of_the_database_is_told_or_harmless(tmp_path):
    print(f"ASSAY_SEED={SEED}")
    chance = random.Random(SEED)
    server = Server(tmp_path / "data", "--verify-on-read", "--scrub-rate", "0").start()
    registry = Registry(server.url(), "admin", ADMIN_PASSWORD)
    manifests, blobs = {}, {}
    for number in range(12):
        image = registry.push_image(REPO, f"v{number}")
        manifests[f"v{number}"] = image.data
        blobs |= {oci.digest(data): data for data in (image.config, *image.layers)}
    server.stop()
    database = server.data / "assay.db"
    kept = database.read_bytes()
    results = {"refused": 0, "told": 0, "harmless": 0}
    for _ in range(PAGES):
        broken = bytearray(kept)
        broken[chance.randrange(PAGE_SIZE, len(kept))] ^= 1 << chance.randrange(8)
        for stray in ("assay.db-wal", "assay.db-shm"):
            (server.data / stray).unlink(missing_ok=True)
        database.write_bytes(broken)
        results[look_at_broken(server, manifests, blobs)] += 1
    database.write_bytes(kept)
    for stray in ("assay.db-wal", "assay.db-shm"):
        (server.data / stray).unlink(missing_ok=True)
    server.start()
    assert pull_everything(Registry(server.url(), "admin", ADMIN_PASSWORD), manifests, blobs) == []
    server.stop()
    print(f"{PAGES} bits flipped in the database: {results}")
    assert sum(results.values()) == PAGES
