"""Cross-repository mounts: no bytes travel when the pusher may read the source, and no secret leaks when not."""

import concurrent.futures

import pytest

from harness import oci
from harness.client import Registry, assert_error
from harness.server import ADMIN_PASSWORD


@pytest.fixture
def source(admin, repo):
    """A blob of 10,000 bytes in `repo`."""
    data = oci.random_blob(10_000)
    return data, admin.push_blob(repo, data)


def mount(registry, target, **params):
    return registry.post(f"/v2/{target}/blobs/uploads/", params=params)


def finish_by_body(registry, answer, target, data):
    """The fallback of a refused mount: the same answer opened a plain session."""
    assert answer.status_code == 202
    assert answer.headers["Location"].startswith(f"/v2/{target}/blobs/uploads/")
    assert registry.finish_upload(answer.headers["Location"], oci.digest(data), data).status_code == 201


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_mount_from_a_repository(admin, repo, second_repo, algorithm):
    data = oci.random_blob(10_000)
    digest = admin.push_blob(repo, data, algorithm)
    answer = mount(admin, second_repo, mount=digest, **{"from": repo})
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v2/{second_repo}/blobs/{digest}"
    assert answer.headers["Docker-Content-Digest"] == digest
    assert admin.pull_blob(second_repo, digest).content == data


def test_a_mounted_blob_outlives_its_source(admin, repo, second_repo, source):
    data, digest = source
    assert mount(admin, second_repo, mount=digest, **{"from": repo}).status_code == 201
    assert admin.delete(f"/v2/{repo}/blobs/{digest}").status_code == 202
    assert admin.pull_blob(second_repo, digest).content == data


def test_a_mounted_blob_can_be_used_by_a_manifest(admin, repo, second_repo, image):
    for descriptor in [image.document["config"], *image.document["layers"]]:
        assert mount(admin, second_repo, mount=descriptor["digest"], **{"from": repo}).status_code == 201
    assert admin.push_manifest(second_repo, "v1", image.data) == image.digest


def test_mount_without_from_finds_what_the_pusher_may_read(admin, second_repo, source):
    data, digest = source
    answer = mount(admin, second_repo, mount=digest)
    if answer.status_code == 202:
        finish_by_body(admin, answer, second_repo, data)
        pytest.fail("a blob that the pusher may read was not mounted")
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v2/{second_repo}/blobs/{digest}"
    assert admin.pull_blob(second_repo, digest).content == data


@pytest.mark.parametrize("origin", ["admin/never-made", "nosuch/repository", ""])
def test_mount_of_what_is_not_there_opens_a_session(admin, second_repo, origin):
    data = oci.random_blob(100)
    params = {"mount": oci.digest(data)} | ({"from": origin} if origin else {})
    finish_by_body(admin, mount(admin, second_repo, **params), second_repo, data)


def test_a_token_without_pull_on_the_source_gets_a_session(admin, repo, second_repo, source):
    """The source's blob stays invisible: the answer is the same as for a blob that does not exist."""
    data, digest = source
    pusher = admin.with_token(f"repository:{second_repo}:pull,push")
    finish_by_body(pusher, mount(pusher, second_repo, mount=digest, **{"from": repo}), second_repo, data)


def test_a_token_for_both_repositories_mounts(admin, repo, second_repo, source):
    pusher = admin.with_token(f"repository:{second_repo}:pull,push", f"repository:{repo}:pull")
    assert mount(pusher, second_repo, mount=source[1], **{"from": repo}).status_code == 201


def test_from_the_same_repository(admin, repo, source):
    assert mount(admin, repo, mount=source[1], **{"from": repo}).status_code == 201


@pytest.mark.parametrize("digest", ["sha256:abc", "", "md5:" + "0" * 32, "sha256:" + "Z" * 64])
def test_a_malformed_digest_is_refused(admin, repo, second_repo, digest, source):
    assert_error(mount(admin, second_repo, mount=digest, **{"from": repo}), 400, "DIGEST_INVALID", "UNSUPPORTED")


@pytest.mark.parametrize("origin", ["../etc", "UPPER/case", "one", "a//b", "admin/" + "x" * 260])
def test_a_malformed_source_is_refused(admin, second_repo, origin, source):
    answer = mount(admin, second_repo, mount=source[1], **{"from": origin})
    assert_error(answer, 400, "NAME_INVALID")


def test_anonymous_cannot_mount(anonymous, repo, second_repo, source):
    assert_error(mount(anonymous, second_repo, mount=source[1], **{"from": repo}), 401, "UNAUTHORIZED")


def test_mounts_that_make_their_repository_together_all_succeed(server, admin, repo):
    """Clients mount the blobs of an image at once into a repository that does not exist yet; one of them makes it."""
    blobs = [oci.random_blob(64) for _ in range(6)]
    admin.push_blobs(repo, *blobs)
    for turn in range(5):
        target = f"{repo}/copy{turn}"
        with concurrent.futures.ThreadPoolExecutor(len(blobs)) as pool:
            answers = list(pool.map(
                lambda blob: Registry(server.url(), "admin", ADMIN_PASSWORD).post(
                    f"/v2/{target}/blobs/uploads/", params={"mount": oci.digest(blob), "from": repo}), blobs))
        assert [answer.status_code for answer in answers] == [201] * len(blobs)
