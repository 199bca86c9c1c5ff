"""R-11: mutated raw requests against every route, as nobody and as the first admin.

Nobody's may change nothing at all. The admin's may change what was answered with a success: after every block the database
is whole, and in a block without a success for a changing request nothing is new. Counts and seed are printed;
ASSAY_SEED repeats a run, `make soak` runs as many as its time allows.
"""

import os
import sqlite3

import pytest

import mutator
from harness import oci, state, volume
from harness.client import Registry
from harness.crew import ADMIN, Call, Crew
from harness.raw import request
from harness.server import ADMIN_PASSWORD, Server

IN_MAKE_TEST = int(os.environ.get("ASSAY_MUTATED", "50000"))
NIGHTLY = 2_000_000
BLOCK = 2500
FORM = ("Content-Type", "application/x-www-form-urlencoded")


@pytest.fixture(scope="module")
def running(scratch):
    """A server of its own: what the mutated requests push is for nobody else."""
    with Server(scratch / "mutated", "--log-level", "error") as server:
        yield server


def requests_of(server):
    """Valid requests of every route, with names, digests and sessions that are there."""
    admin = Registry(server.url(), "admin", ADMIN_PASSWORD)
    repo = "admin/mutated"
    image = admin.push_image(repo, "v1")
    config, blob = oci.digest(image.config), b"mutated" * 20
    upload = admin.start_upload(repo)
    bearer = ("Authorization", "Bearer " + admin.token(f"repository:{repo}:pull,push,delete"))
    upload_query = f"?digest={oci.digest(blob)}"
    routes = [
        ("GET", "/v2/", b""), ("GET", "/v2/_catalog?n=10&last=a", b""), ("GET", f"/v2/{repo}/tags/list?n=5&last=a", b""),
        ("GET", f"/v2/{repo}/manifests/v1", b""), ("HEAD", f"/v2/{repo}/manifests/{image.digest}", b""),
        ("PUT", f"/v2/{repo}/manifests/v2", image.data), ("DELETE", f"/v2/{repo}/manifests/v3", b""),
        ("GET", f"/v2/{repo}/blobs/{config}", b""), ("HEAD", f"/v2/{repo}/blobs/{config}", b""),
        ("DELETE", f"/v2/{repo}/blobs/{oci.missing_digest()}", b""),
        ("POST", f"/v2/{repo}/blobs/uploads/", b""), ("POST", f"/v2/{repo}/blobs/uploads/{upload_query}", blob),
        ("POST", f"/v2/{repo}/blobs/uploads/?mount={config}&from={repo}", b""),
        ("GET", upload, b""), ("PATCH", upload, blob), ("PUT", upload + upload_query, blob), ("DELETE", upload, b""),
        ("GET", f"/v2/{repo}/referrers/{image.digest}?artifactType=a/b", b""),
        ("GET", f"/auth/token?service=x&scope=repository:{repo}:pull", b""), ("GET", "/auth/keys", b""),
        ("POST", "/auth/token", b"grant_type=refresh_token&client_id=x&service=x&refresh_token=" + b"a" * 64),
        ("GET", "/_ping", b""), ("GET", "/livez", b""), ("GET", "/readyz", b""), ("GET", "/metrics", b""), ("GET", "/ca", b""),
    ]
    return routes, bearer


def cancel_uploads(server):
    """A thousand sessions may be open; what the block before left would use them up."""
    with Crew(server.address(), 32) as crew:
        crew.all([Call("DELETE", f"/v2/{path}/blobs/uploads/{upload}")
                  for upload, path in state.rows(server, "SELECT id, path FROM uploads")])


def prepared(routes, credentials):
    """The bytes of each, for the first few credentials in turn."""
    found = []
    for number, (method, target, body) in enumerate(routes):
        headers = [("Accept", "*/*"), ("User-Agent", "mutator")]
        if credentials:
            headers.append(credentials[number % len(credentials)])
        if body or method in ("PUT", "POST", "PATCH"):
            headers.append(("Content-Length", len(body)))
        headers.append(FORM if target.startswith("/auth/token") else
                       ("Content-Type", oci.OCI_MANIFEST if "manifests" in target else "application/octet-stream"))
        if target.startswith("/v2/") and method == "GET" and "/blobs/sha256" in target:
            headers.append(("Range", "bytes=0-9"))
        found.append(request(method, target, headers, body))
    return found


def check_whole(server):
    database = sqlite3.connect(f"file:{server.data / 'assay.db'}?mode=ro", uri=True, timeout=30)
    assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    database.close()
    known = {row[0] for table in ("blobs", "pending_objects", "doomed_objects")
             for row in state.rows(server, f"SELECT object_key FROM {table}")}
    known |= {row[0] for row in state.rows(server, "SELECT upload_key FROM uploads")}
    unknown = [name for name in state.objects(server) if not any(key in name for key in known)]
    assert set(unknown) <= {"assay-store", "assay-probe"}, f"files that no row knows: {unknown[:5]}"


def changes_of(before, after):
    return [line for line in state.difference(before, after) if not line.startswith("refresh_tokens")]


def run(server, seeds, first, count, who, counts):
    mutator.run_cases(server.address(), seeds, f"{volume.SEED}.{who}", first, count, counts)
    server.check_alive()


@volume.limit(300)
def test_R_11_mutated_requests(running):
    """No undocumented status, no hang, no effect of what was refused, the server alive."""
    counts, done = {}, 0
    for block in volume.rounds(IN_MAKE_TEST // BLOCK, NIGHTLY // BLOCK):
        cancel_uploads(running)
        routes, bearer = requests_of(running)
        before, mine = state.snapshot(running), {}
        if block % 2 == 0:
            run(running, prepared(routes, []), block * BLOCK, BLOCK, "nobody", mine)
            changes = changes_of(before, state.snapshot(running))
            assert not changes, f"nobody's requests had an effect: {changes[:5]}"
        else:
            run(running, prepared(routes, [ADMIN, bearer]), block * BLOCK, BLOCK, "admin", mine)
            if not mine.keys() & {201, 202, 204}:
                changes = changes_of(before, state.snapshot(running))
                assert not changes, f"refused requests had an effect: {changes[:5]}"
            check_whole(running)
        for status, number in mine.items():
            counts[status] = counts.get(status, 0) + number
        done += BLOCK
    assert done >= BLOCK and 400 in counts and 401 in counts and 200 in counts
    volume.report("R-11", requests=done, **{f"s{key}": counts[key] for key in sorted(counts, key=str)})
