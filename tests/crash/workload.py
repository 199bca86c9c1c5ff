"""Mixed pushers that keep book of what was acknowledged, and the checks of a registry against that book.

A pusher works in a repository of its own until it is told to stop or the server is gone: new and shared layers (asked
for, mounted or pushed), images, indexes, referrers, moved tags, deletes, uploads in chunks. A request that was under way
when the server died, or that was answered with a fault that the test has made (`Pusher.faults`), may have happened or
not; the book then holds both. Everything that was acknowledged must be there afterwards, and what is visible be whole.
"""

import dataclasses
import json
import random
import threading

import requests

from harness import oci
from harness.client import Registry
from harness.server import ADMIN_PASSWORD, run_assay

REQUEST_ERRORS = (requests.exceptions.RequestException, OSError)
OLD_SAMPLE = 20
SHARED = [random.Random(number).randbytes(20_000 + number) for number in range(12)]


class Unanswered(Exception):
    """The server said with a 5xx that a fault which the test has made kept it from answering."""


@dataclasses.dataclass
class Ledger:
    """What the server acknowledged in one repository."""

    repository: str
    blobs: dict = dataclasses.field(default_factory=dict)        # digest -> bytes
    manifests: dict = dataclasses.field(default_factory=dict)    # digest -> bytes
    tags: dict = dataclasses.field(default_factory=dict)         # tag -> digests, or None for absent, that it may have
    uploads: dict = dataclasses.field(default_factory=dict)      # location -> (data, acknowledged offset)
    checked: set = dataclasses.field(default_factory=set)        # digests seen whole before
    acknowledged: int = 0                                        # manifests, deleted ones too

    def to_check(self, content, chance, everything):
        """What is new, and of what was seen before a sample, or all of it."""
        old = sorted(digest for digest in content if digest in self.checked)
        chosen = set(old if everything else chance.sample(old, min(len(old), OLD_SAMPLE)))
        return [(digest, data) for digest, data in content.items() if digest not in self.checked or digest in chosen]

    def images(self):
        return [(digest, data) for digest, data in self.manifests.items()
                if json.loads(data)["mediaType"] == oci.OCI_MANIFEST]

    def may_become(self, tag, digest):
        """Until the answer comes the tag may be what it was or what it becomes."""
        self.tags[tag] = self.tags.get(tag, {None}) | {digest}


class Pusher(threading.Thread):
    """Works until `stopping` is set or its connection breaks; `wrong` is what the server must not have answered."""

    def __init__(self, url, ledger, seed, faults=()):
        super().__init__(daemon=True)
        self.registry = Registry(url, "admin", ADMIN_PASSWORD)
        self.ledger, self.repository, self.random = ledger, ledger.repository, random.Random(seed)
        self.faults = faults
        self.stopping = threading.Event()
        self.wrong = None
        self.steps = self.refused = 0
        self.actions = [self.push_image, self.push_image, self.push_shared, self.push_shared, self.push_index, self.retag,
                        self.push_referrer, self.delete_tag, self.delete_manifest, self.upload_in_chunks]

    def run(self):
        try:
            while not self.stopping.is_set():
                self.act(self.random.choice(self.actions))
        except REQUEST_ERRORS:
            pass  # the server was killed under this request: its outcome is unknown, and both are right
        except Exception as wrong:  # told by the main thread
            self.wrong = wrong

    def act(self, action):
        try:
            action()
            self.steps += 1
        except Unanswered:
            self.refused += 1

    def expect(self, answer, *statuses):
        if answer.status_code in self.faults:
            assert answer.status_code == 500 or answer.headers.get("Retry-After"), f"{answer.status_code} without Retry-After"
            raise Unanswered
        said = f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text}"
        assert answer.status_code in statuses, said
        return answer

    # -- pushing

    def begin_upload(self, **params):
        answer = self.registry.post(f"/v2/{self.repository}/blobs/uploads/", params=params)
        return self.expect(answer, 201 if "mount" in params else 202, 202).headers["Location"], answer.status_code

    def push_blob(self, data):
        digest = oci.digest(data)
        self.expect(self.registry.finish_upload(self.begin_upload()[0], digest, data), 201)
        self.ledger.blobs[digest] = data
        return digest

    def provide_shared(self, data):
        """As clients do: is it there already, can it be mounted, else it is pushed."""
        digest = oci.digest(data)
        answer = self.expect(self.registry.head(f"/v2/{self.repository}/blobs/{digest}"), 200, 404)
        if answer.status_code == 404:
            source = self.repository[:-1] + str(self.random.randrange(8))
            location, status = self.begin_upload(mount=digest, **{"from": source})
            if status == 202:
                self.expect(self.registry.finish_upload(location, digest, data), 201)
        self.ledger.blobs[digest] = data

    def put_manifest(self, tag, data, media_type=oci.OCI_MANIFEST):
        digest = oci.digest(data)
        if tag:
            self.ledger.may_become(tag, digest)
        self.expect(self.registry.put_manifest(self.repository, tag or digest, data, media_type), 201)
        self.ledger.manifests[digest] = data
        self.ledger.acknowledged += 1
        if tag:
            self.ledger.tags[tag] = {digest}
        return digest

    def put_image(self, layers, tag, **fields):
        config = oci.EMPTY_JSON + b" " * self.random.randrange(1000)
        self.push_blob(config)
        document = oci.manifest(oci.descriptor(config, oci.OCI_CONFIG),
                                [oci.descriptor(data, oci.OCI_LAYER) for data in layers], **fields)
        return self.put_manifest(tag, oci.encode(document))

    def some_tag(self):
        return f"t{self.random.randrange(5)}"

    def push_image(self):
        layers = [self.random.randbytes(self.random.choice([10, 5_000, 300_000])) for _ in range(2)]
        for data in layers:
            self.push_blob(data)
        self.put_image(layers, self.some_tag())

    def push_shared(self):
        layers = self.random.sample(SHARED, 3)
        for data in layers:
            self.provide_shared(data)
        self.put_image(layers, self.some_tag(), annotations={"n": str(self.random.random())})

    def some_image(self):
        images = self.ledger.images()
        return self.random.choice(images) if images else (None, None)

    def push_index(self):
        digest, data = self.some_image()
        if digest:
            child = {"mediaType": oci.OCI_MANIFEST, "digest": digest, "size": len(data)}
            document = oci.index([child], annotations={"n": str(self.random.random())})
            self.put_manifest("index", oci.encode(document), oci.OCI_INDEX)

    def push_referrer(self):
        digest, data = self.some_image()
        if digest:
            subject = {"mediaType": oci.OCI_MANIFEST, "digest": digest, "size": len(data)}
            self.put_image([], None, subject=subject, artifactType="application/vnd.test.note",
                           annotations={"n": str(self.random.random())})

    def retag(self):
        digest, data = self.some_image()
        if digest:
            self.put_manifest(self.some_tag(), data)

    def upload_in_chunks(self):
        data = self.random.randbytes(400_000)
        (location, _), sent = self.begin_upload(), 0
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
        self.ledger.blobs[digest] = data

    # -- deleting

    def delete_tag(self):
        tag = self.some_tag()
        self.ledger.may_become(tag, None)
        self.expect(self.registry.delete(f"/v2/{self.repository}/manifests/{tag}"), 202, 404)
        self.ledger.tags[tag] = {None}

    def delete_manifest(self):
        """One of its own; 409 while an index holds it."""
        digest, data = self.some_image()
        if not digest:
            return
        del self.ledger.manifests[digest]
        for tag, digests in self.ledger.tags.items():
            if digest in digests:
                self.ledger.tags[tag] = digests | {None}
        answer = self.expect(self.registry.delete(f"/v2/{self.repository}/manifests/{digest}"), 202, 409)
        if answer.status_code == 409:
            self.ledger.manifests[digest] = data


# -- checks

def check_ledger(registry, ledger, chance, everything=False):
    """Every acknowledged blob, manifest, tag and upload is there with the right bytes; what is visible is whole."""
    check_content(registry, ledger, chance, everything)
    check_tags(registry, ledger)
    check_uploads(registry, ledger)
    check_visible(registry, ledger)
    ledger.checked |= ledger.blobs.keys() | ledger.manifests.keys()


def check_content(registry, ledger, chance, everything):
    repository = ledger.repository
    for digest, data in ledger.to_check(ledger.blobs, chance, everything):
        answer = registry.pull_blob(repository, digest)
        assert answer.status_code == 200 and answer.content == data, \
            f"blob {digest} of {repository} is lost: {answer.status_code} {answer.content[:300]}"
    for digest, data in ledger.to_check(ledger.manifests, chance, everything):
        answer = registry.pull_manifest(repository, digest)
        assert answer.status_code == 200 and answer.content == data, f"manifest {digest} of {repository} is lost"
        subject = json.loads(data).get("subject")
        if subject:
            named = [referrer["digest"] for referrer in registry.referrers(repository, subject["digest"])]
            assert digest in named, f"{digest} of {repository} is no referrer of {subject['digest']} any more"


def check_tags(registry, ledger):
    for tag, digests in ledger.tags.items():
        answer = registry.head(f"/v2/{ledger.repository}/manifests/{tag}")
        found = answer.headers["Docker-Content-Digest"] if answer.status_code == 200 else None
        assert found in digests, f"tag {tag} of {ledger.repository} is {found}, and should be one of {digests}"
        ledger.tags[tag] = {found}


def check_uploads(registry, ledger):
    """An interrupted upload kept its acknowledged bytes and can be finished."""
    for location, (data, acknowledged) in list(ledger.uploads.items()):
        status = registry.get(location)
        assert status.status_code == 204, f"the session {location} is lost: {status.status_code}"
        end = int(status.headers["Range"].split("-")[1])
        offset = end + 1 if end else 0
        assert acknowledged <= offset <= len(data), f"{acknowledged} bytes were acknowledged, {offset} are there"
        digest = oci.digest(data)
        answer = registry.finish_upload(location, digest, data[offset:])
        assert answer.status_code == 201, f"{location} from {offset}: {answer.status_code} {answer.text}"
        ledger.blobs[digest] = data
    ledger.uploads.clear()


def check_consistent(server):
    """`assay fsck` beside the server finds rows and objects in agreement."""
    done = run_assay("fsck", "--data", server.data, timeout=60)
    assert done.returncode == 0, f"fsck: {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-1000:]}"


def check_visible(registry, ledger):
    """No half state: whatever a list shows can be pulled whole."""
    answer = registry.get(f"/v2/{ledger.repository}/tags/list")
    assert answer.status_code in (200, 404)
    for tag in answer.json()["tags"] if answer.status_code == 200 else []:
        check_whole(registry, ledger, tag)


def check_whole(registry, ledger, reference):
    repository = ledger.repository
    answer = registry.pull_manifest(repository, reference)
    assert answer.status_code == 200, f"{repository}:{reference} is listed and not there"
    digest = answer.headers["Docker-Content-Digest"]
    assert oci.digest(answer.content) == digest
    if digest in ledger.checked:
        return
    document = answer.json()
    for child in document.get("manifests", []):
        check_whole(registry, ledger, child["digest"])
    for descriptor in [document["config"], *document["layers"]] if "layers" in document else []:
        blob = registry.pull_blob(repository, descriptor["digest"])
        assert blob.status_code == 200 and oci.digest(blob.content) == descriptor["digest"], \
            f"{repository}:{reference} names {descriptor['digest']}, which is missing or damaged"
    ledger.checked.add(digest)


class Crowd:
    """Several pushers over many lives of one server, and the books of all of them."""

    def __init__(self, chance, size=8, name="crash"):
        self.chance = chance
        self.ledgers = [Ledger(f"admin/{name}{number}") for number in range(size)]
        self.steps = self.refused = 0

    def start(self, server, faults=()):
        self.pushers = [Pusher(server.url(), ledger, self.chance.randrange(2**32), faults) for ledger in self.ledgers]
        for pusher in self.pushers:
            pusher.start()

    def stop(self):
        """Waits for all of them; call it after the server was killed, or to let them finish what they are at."""
        for pusher in self.pushers:
            pusher.stopping.set()
        for pusher in self.pushers:
            pusher.join(60)
            assert not pusher.is_alive(), f"a pusher hangs in {pusher.repository}"
            assert pusher.wrong is None, f"{pusher.repository}: {pusher.wrong}"
            self.steps += pusher.steps
            self.refused += pusher.refused

    def check(self, server, everything=False):
        registry = Registry(server.url(), "admin", ADMIN_PASSWORD)
        for ledger in self.ledgers:
            check_ledger(registry, ledger, self.chance, everything)
        check_consistent(server)
        server.check_log()

    def counts(self):
        return {"steps": self.steps, "acked_manifests": sum(ledger.acknowledged for ledger in self.ledgers),
                "kept_blobs": sum(len(ledger.blobs) for ledger in self.ledgers)}
