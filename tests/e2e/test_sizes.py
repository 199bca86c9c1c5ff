"""Sizes of repositories and namespaces are those that counting by hand gives, after any pushes, moves and deletions."""

import random

import pytest

from harness import oci
from harness.client import Registry, as_descriptor, assert_error
from harness.people import People, unique
from harness.server import ADMIN_PASSWORD

FIELDS = ("blobs", "manifests", "own", "reclaimable", "reclaimableLater", "repositories", "shared", "size", "tags")


class Model:
    """What was done, kept the plain way."""

    def __init__(self, registry, seed):
        self.registry, self.random = registry, random.Random(seed)
        self.layers = [self.random.randbytes(self.random.randint(10, 500)) for _ in range(8)]
        self.repos = {}       # path: {digest: manifest}
        self.tags = {}        # (path, tag): digest
        self.gone = set()     # paths

    def add(self, path, image, blobs, children=(), subject=None):
        row = self.repos.setdefault(path, {}).setdefault(image.digest, {
            "size": len(image.data), "blobs": {}, "children": set(), "subject": subject, "deleted": False, "was_tagged": False})
        row["blobs"] |= {oci.digest(blob): len(blob) for blob in blobs}
        row["children"] |= set(children)
        row["deleted"] = False

    def set_tag(self, path, tag, digest):
        old = self.tags.get((path, tag))
        if old and old != digest:
            self.repos[path][old]["was_tagged"] = True
        self.tags[path, tag] = digest

    def push(self, path, tag):
        layers = self.random.sample(self.layers, self.random.randint(1, 3))
        config = b'{"n":%d}' % self.random.randrange(10**9)
        self.registry.push_blobs(path, config, *layers)
        document = oci.manifest(oci.descriptor(config, oci.OCI_CONFIG), [oci.descriptor(x, oci.OCI_LAYER_GZIP) for x in layers])
        image = self.registry.push_document(path, tag, document, config, layers)
        self.add(path, image, [config, *layers])
        if tag:
            self.set_tag(path, tag, image.digest)
        return image

    def push_index(self, path, tag):
        children = [self.push(path, None) for _ in range(2)]
        index = self.registry.push_index(path, children, tag)
        self.add(path, index, [], [child.digest for child in children])
        self.set_tag(path, tag, index.digest)

    def push_referrer(self, path, subject):
        made = self.registry.push_artifact(path, "application/x-test", subject, payload=self.random.randbytes(30))
        self.add(path, made, [oci.EMPTY_JSON, made.layers[0]], subject=subject.digest)

    def delete_tag(self, path, tag):
        digest = self.tags.pop((path, tag))
        self.repos[path][digest]["was_tagged"] = True
        assert self.registry.delete(f"/v2/{path}/manifests/{tag}").status_code == 202

    def delete_manifest(self, path, digest):
        assert self.registry.delete(f"/v2/{path}/manifests/{digest}").status_code == 202
        self.repos[path][digest]["deleted"] = True
        self.tags = {key: value for key, value in self.tags.items() if key[0] != path or value != digest}

    def delete_repo(self, path):
        assert self.registry.delete(f"/api/v0/repositories/{path}").status_code == 204
        self.gone.add(path)

    def closure(self, path, roots):
        """All that they keep: what they name, and what refers to them."""
        rows, kept = self.repos[path], set(roots)
        while True:
            more = {child for digest in kept for child in rows[digest]["children"] if child in rows}
            more |= {digest for digest, row in rows.items() if row["subject"] in kept and not row["deleted"]}
            if more <= kept:
                return kept
            kept |= more

    def levels(self, path):
        """{digest: 2 stays, 1 waits, 0 may go}"""
        rows = self.repos[path]
        tagged = {digest for (where, _), digest in self.tags.items() if where == path}
        if path in self.gone:
            stays, waits = set(), set(rows)
        else:
            stays = self.closure(path, tagged)
            waits = self.closure(path, tagged | {d for d, row in rows.items() if row["deleted"] or row["was_tagged"]})
        return {digest: 2 if digest in stays else 1 if digest in waits else 0 for digest in rows}

    def sizes(self, paths):
        blobs, counts = {}, dict.fromkeys(FIELDS, 0)
        elsewhere = {blob for path, rows in self.repos.items() if path not in paths for row in rows.values()
                     for blob in row["blobs"]}
        for path in paths:
            levels = self.levels(path)
            counts["repositories"] += path not in self.gone
            counts["tags"] += 0 if path in self.gone else sum(where == path for where, _ in self.tags)
            for digest, row in self.repos[path].items():
                counts["manifests"] += 1
                counts["size"] += row["size"]
                counts["own"] += row["size"]
                counts["reclaimable"] += row["size"] * (levels[digest] == 0)
                counts["reclaimableLater"] += row["size"] * (levels[digest] == 1)
                for blob, size in row["blobs"].items():
                    blobs[blob] = max(blobs.get(blob, (0, 0)), (levels[digest], size))
        for blob, (level, size) in blobs.items():
            counts["blobs"] += 1
            counts["size"] += size
            counts["shared" if blob in elsewhere else "own"] += size
            if blob not in elsewhere and level < 2:
                counts["reclaimableLater" if level else "reclaimable"] += size
        return counts


def of_repo(registry, path):
    answer = registry.get(f"/api/v1/repositories/{path}/sizes")
    assert answer.status_code == 200, answer.text
    return answer.json()


def below(registry, prefix):
    answer = registry.get("/api/v1/sizes", params={"prefix": prefix})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.both_engines
def test_sizes_are_what_counting_gives(new_server):
    server = new_server("--gc-delay", "0s", "--pin-ttl", "0s", "--undelete-window", "1h", "--gc-interval", "1h", "--keep-untagged=off")
    admin = Registry(server.url(), "admin", ADMIN_PASSWORD)
    org = People(admin).org()
    model = Model(admin, seed=5)
    paths = ["admin/a", "admin/b/c", f"{org}/a", f"{org}/a/deep"]
    for path in paths[2:]:
        assert admin.post(f"/api/v0/repositories/{org}", json={"name": path.split("/", 1)[1]}).status_code == 201
    for path in paths:
        image = model.push(path, "v1")
        model.push_referrer(path, image)
        model.push(path, "v2")
        model.push(path, "v2")
        model.push_index(path, "multi")
        model.push(path, None)
    for step in range(3):
        for path in paths[:3]:
            assert of_repo(admin, path) == model.sizes([path]), (step, path)
        for prefix, those in (("admin", paths[:2]), (org, paths[2:]), (f"{org}/a", paths[2:]), ("admin/b", paths[1:2]),
                              ("", paths)):
            assert below(admin, prefix) == model.sizes(those), (step, prefix)
        if step == 0:
            model.delete_tag("admin/a", "v1")
            model.delete_tag(f"{org}/a", "multi")
            model.delete_manifest("admin/b/c", model.tags["admin/b/c", "multi"])
        elif step == 1:
            model.delete_repo(f"{org}/a/deep")


def test_an_empty_repository_has_no_size(admin):
    name = unique("empty")
    admin.post("/api/v0/repositories/admin", json={"name": name})
    assert of_repo(admin, f"admin/{name}") == dict.fromkeys(FIELDS, 0) | {"repositories": 1}


def test_a_push_that_was_abandoned_waits_for_its_pin(admin, repo):
    """Blobs that no manifest names are the repository's until collection takes them."""
    admin.push_image(repo, "v1")
    before = of_repo(admin, repo)
    admin.push_blob(repo, oci.random_blob(1000))
    after = of_repo(admin, repo)
    assert after["size"] - before["size"] == after["reclaimableLater"] - before["reclaimableLater"] == 1000


def test_who_may_ask(admin):
    people = People(admin)
    org = people.org()
    owner, member, stranger = people.member(org, owner=True), people.member(org), people.user()
    admin.post(f"/api/v0/repositories/{org}", json={"name": "app"})
    assert below(owner, org)["repositories"] == 1 and below(member, member.user)["repositories"] == 0
    for user in member, stranger:
        assert user.get("/api/v1/sizes", params={"prefix": org}).status_code in (403, 404)
        assert_error(user.get(f"/api/v1/repositories/{org}/app/sizes"), 404)
        assert user.get("/api/v1/sizes").status_code in (403, 404)
    assert_error(admin.get("/api/v1/sizes", params={"prefix": "/"}), 400, "INVALID_PARAMETERS")
    assert as_descriptor(admin.push_image(f"{org}/app", "v1"))["size"] < of_repo(owner, f"{org}/app")["size"]
