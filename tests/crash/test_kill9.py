"""kill -9 in a loop: what was acknowledged is there with the right bytes, what is visible is whole.

Each round several pushers work on one server until it is killed at a random moment. After the restart, which must take
no longer than two seconds, everything that any round ever got a success for is checked, and everything that is visible
is pulled completely. The random seed is printed; ASSAY_CRASH_SEED repeats a run, ASSAY_CRASH_ROUNDS changes its length.
"""

import dataclasses
import json
import os
import random
import threading
import time

import pytest
import requests

from harness import oci
from harness.client import Registry
from harness.server import ADMIN_PASSWORD, Server

ROUNDS = int(os.environ.get("ASSAY_CRASH_ROUNDS", "20"))
PUSHERS = 4
RESTART_SECONDS = 2
OLD_SAMPLE = 150
REQUEST_ERRORS = (requests.exceptions.RequestException, OSError)


@dataclasses.dataclass
class Ledger:
    """What the server acknowledged. A tag has several candidates while a move or delete is unanswered."""

    blobs: dict = dataclasses.field(default_factory=dict)        # (repository, digest) -> bytes
    manifests: dict = dataclasses.field(default_factory=dict)    # (repository, digest) -> bytes
    tags: dict = dataclasses.field(default_factory=dict)         # (repository, tag) -> set of digests or None
    uploads: dict = dataclasses.field(default_factory=dict)      # location -> (data, acknowledged offset)
    checked: set = dataclasses.field(default_factory=set)        # keys of blobs and manifests seen whole before

    def to_check(self, content, chance, everything):
        """What is new, and of what was seen before a sample; in the last round all of it."""
        old = sorted(key for key in content if key in self.checked)
        chosen = set(old if everything else chance.sample(old, min(len(old), OLD_SAMPLE)))
        found = [(key, data) for key, data in content.items() if key not in self.checked or key in chosen]
        self.checked |= set(content)
        return found


class Pusher(threading.Thread):
    """Pushes, retags, deletes and uploads in chunks in its own repository until the server is gone."""

    def __init__(self, url, repository, ledger, seed):
        super().__init__(daemon=True)
        self.registry = Registry(url, "admin", ADMIN_PASSWORD)
        self.repository, self.ledger, self.random = repository, ledger, random.Random(seed)
        self.stopping = threading.Event()
        self.wrong = None
        self.steps = 0

    def run(self):
        actions = [self.push_image, self.push_image, self.push_image, self.push_index, self.delete_tag,
                   self.delete_manifest, self.upload_in_chunks]
        try:
            while not self.stopping.is_set():
                self.random.choice(actions)()
                self.steps += 1
        except REQUEST_ERRORS:
            pass  # the server was killed under this request: its outcome is unknown, and both are right
        except Exception as wrong:  # an answer that the server must not give; shown by the main thread
            self.wrong = wrong

    def expect(self, answer, *statuses):
        said = f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text}"
        assert answer.status_code in statuses, said
        return answer

    def push_blob(self, data):
        digest = oci.digest(data)
        location = self.expect(self.registry.post(f"/v2/{self.repository}/blobs/uploads/"), 202).headers["Location"]
        self.expect(self.registry.finish_upload(location, digest, data), 201)
        self.ledger.blobs[self.repository, digest] = data
        return digest

    def put_manifest(self, tag, document):
        data = oci.encode(document)
        digest = oci.digest(data)
        self.set_tag_unknown(tag, digest)
        self.expect(self.registry.put_manifest(self.repository, tag, data, document["mediaType"]), 201)
        self.ledger.manifests[self.repository, digest] = data
        self.ledger.tags[self.repository, tag] = {digest}
        return digest

    def set_tag_unknown(self, tag, new):
        """Until the answer comes the tag may be what it was or what it becomes."""
        key = self.repository, tag
        self.ledger.tags[key] = self.ledger.tags.get(key, {None}) | {new}

    def push_image(self):
        blobs = [self.random.randbytes(self.random.choice([10, 5_000, 300_000])) for _ in range(2)]
        config = oci.EMPTY_JSON + b" " * self.random.randrange(1000)
        for data in (config, *blobs):
            self.push_blob(data)
        self.put_manifest(f"t{self.random.randrange(5)}", oci.manifest(
            oci.descriptor(config, oci.OCI_CONFIG), [oci.descriptor(data, oci.OCI_LAYER) for data in blobs]))

    def own_manifests(self):
        return [(digest, data) for (repository, digest), data in self.ledger.manifests.items()
                if repository == self.repository and json.loads(data)["mediaType"] == oci.OCI_MANIFEST]

    def push_index(self):
        children = self.own_manifests()
        if children:
            digest, data = self.random.choice(children)
            child = {"mediaType": oci.OCI_MANIFEST, "digest": digest, "size": len(data)}
            data = oci.encode(oci.index([child], annotations={"n": str(self.random.random())}))
            self.set_tag_unknown("index", oci.digest(data))
            answer = self.registry.put_manifest(self.repository, "index", data, oci.OCI_INDEX)
            self.expect(answer, 201)
            self.ledger.manifests[self.repository, oci.digest(data)] = data
            self.ledger.tags[self.repository, "index"] = {oci.digest(data)}

    def delete_tag(self):
        tag = f"t{self.random.randrange(5)}"
        self.set_tag_unknown(tag, None)
        self.expect(self.registry.delete(f"/v2/{self.repository}/manifests/{tag}"), 202, 404)
        self.ledger.tags[self.repository, tag] = {None}

    def delete_manifest(self):
        """Deletes a manifest of its own; 409 while an index holds it."""
        children = self.own_manifests()
        if not children:
            return
        digest, data = self.random.choice(children)
        tags = [key for key, digests in self.ledger.tags.items() if key[0] == self.repository and digest in digests]
        del self.ledger.manifests[self.repository, digest]
        for key in tags:
            self.ledger.tags[key] = self.ledger.tags[key] | {None}
        answer = self.expect(self.registry.delete(f"/v2/{self.repository}/manifests/{digest}"), 202, 409)
        if answer.status_code == 409:
            self.ledger.manifests[self.repository, digest] = data

    def upload_in_chunks(self):
        data = self.random.randbytes(400_000)
        location = self.expect(self.registry.post(f"/v2/{self.repository}/blobs/uploads/"), 202).headers["Location"]
        sent = 0
        for end in (100_000, 250_000, 400_000):
            self.ledger.uploads[location] = (data, sent)
            answer = self.registry.patch(location, data=data[sent:end],
                                         headers={"Content-Range": f"{sent}-{end - 1}"})
            self.expect(answer, 202)
            del self.ledger.uploads[location]
            location, sent = answer.headers["Location"], end
            self.ledger.uploads[location] = (data, sent)
        digest = oci.digest(data)
        del self.ledger.uploads[location]
        self.expect(self.registry.finish_upload(location, digest), 201)
        self.ledger.blobs[self.repository, digest] = data


def check_acknowledged(registry, ledger, chance, everything):
    """Every acknowledged blob, manifest and tag is there with the right bytes."""
    for (repository, digest), data in ledger.to_check(ledger.blobs, chance, everything):
        answer = registry.pull_blob(repository, digest)
        assert answer.status_code == 200 and answer.content == data, f"blob {digest} of {repository} is lost"
    for (repository, digest), data in ledger.to_check(ledger.manifests, chance, everything):
        answer = registry.pull_manifest(repository, digest)
        assert answer.status_code == 200 and answer.content == data, f"manifest {digest} of {repository} is lost"
    for (repository, tag), digests in ledger.tags.items():
        answer = registry.head(f"/v2/{repository}/manifests/{tag}")
        found = answer.headers["Docker-Content-Digest"] if answer.status_code == 200 else None
        assert found in digests, f"tag {tag} of {repository} is {found}, and should be one of {digests}"
        ledger.tags[repository, tag] = {found}


def check_visible(registry, repository, seen):
    """No half state: whatever a list shows can be pulled whole."""
    answer = registry.get(f"/v2/{repository}/tags/list")
    assert answer.status_code in (200, 404)
    for tag in answer.json()["tags"] if answer.status_code == 200 else []:
        check_whole(registry, repository, tag, seen)


def check_whole(registry, repository, reference, seen):
    answer = registry.pull_manifest(repository, reference)
    assert answer.status_code == 200, f"{repository}:{reference} is listed and not there"
    digest = answer.headers["Docker-Content-Digest"]
    assert oci.digest(answer.content) == digest
    if digest in seen:
        return
    document = answer.json()
    for child in document.get("manifests", []):
        check_whole(registry, repository, child["digest"], seen)
    for descriptor in [document["config"], *document["layers"]] if "layers" in document else []:
        blob = registry.pull_blob(repository, descriptor["digest"])
        assert blob.status_code == 200 and oci.digest(blob.content) == descriptor["digest"], \
            f"{repository}:{reference} names {descriptor['digest']}, which is missing or damaged"
    seen.add(digest)


def check_uploads(registry, ledger):
    """An interrupted upload kept its acknowledged bytes and can be finished."""
    for location, (data, acknowledged) in list(ledger.uploads.items()):
        status = registry.get(location)
        assert status.status_code == 204, f"the session {location} is lost: {status.status_code}"
        end = int(status.headers["Range"].split("-")[1])
        offset = end + 1 if end else 0
        assert acknowledged <= offset <= len(data)
        digest, repository = oci.digest(data), location.removeprefix("/v2/").split("/blobs/")[0]
        answer = registry.finish_upload(location, digest, data[offset:])
        assert answer.status_code == 201, f"{location} from {offset}: {answer.status_code} {answer.text}"
        ledger.blobs[repository, digest] = data
    ledger.uploads.clear()


@pytest.mark.timeout(300)
def test_nothing_acknowledged_is_lost(tmp_path):
    seed = int(os.environ.get("ASSAY_CRASH_SEED", random.SystemRandom().randrange(2**32)))
    print(f"ASSAY_CRASH_SEED={seed}")
    chance = random.Random(seed)
    server = Server(tmp_path / "data").start()
    started = time.monotonic()
    ledger, slowest, steps = Ledger(), 0, 0
    try:
        for round_number in range(ROUNDS):
            pushers = [Pusher(server.url(), f"admin/crash{i}", ledger, chance.randrange(2**32))
                       for i in range(PUSHERS)]
            for pusher in pushers:
                pusher.start()
            time.sleep(chance.uniform(0.05, 1.5))
            server.kill()
            for pusher in pushers:
                pusher.stopping.set()
                pusher.join(60)
                assert not pusher.is_alive(), "a pusher hangs"
                assert pusher.wrong is None, f"round {round_number}: {pusher.wrong}"
                steps += pusher.steps
            start = time.monotonic()
            server.start()
            slowest = max(slowest, time.monotonic() - start)
            assert slowest <= RESTART_SECONDS, f"round {round_number}: the restart took {slowest:.1f} s"
            registry, seen = Registry(server.url(), "admin", ADMIN_PASSWORD), set()
            check_acknowledged(registry, ledger, chance, everything=round_number == ROUNDS - 1)
            check_uploads(registry, ledger)
            for i in range(PUSHERS):
                check_visible(registry, f"admin/crash{i}", seen)
            server.check_log()
        print(f"{ROUNDS} kills, {steps} finished steps, {len(ledger.manifests)} manifests and "
              f"{len(ledger.blobs)} blobs kept, slowest restart {slowest:.2f} s, {time.monotonic() - started:.0f} s in all")
        assert steps > ROUNDS, "hardly anything was pushed: this run proves nothing"
        server.stop()
    finally:
        server.kill()
