"""Referrers: what points at a manifest by `subject` is listed, filtered and paged, whichever came first."""

import pytest

from harness import oci
from harness.client import as_descriptor, assert_error, next_link

SIGNATURE = "application/vnd.example.signature.v1"
SBOM = "application/vnd.example.sbom.v1"


@pytest.fixture
def signature(admin, repo, image):
    return admin.push_artifact(repo, SIGNATURE, image, annotations={"org.example.by": "alice"})


@pytest.fixture
def sbom(admin, repo, image):
    return admin.push_artifact(repo, SBOM, image, payload=b"packages")


def test_put_with_a_subject_says_so(admin, repo, image, signature):
    answer = admin.put_manifest(repo, signature.digest, signature.data)
    assert answer.status_code == 201
    assert answer.headers["OCI-Subject"] == image.digest


def test_an_image_without_referrers_has_an_empty_list(admin, repo, image):
    answer = admin.get(f"/v2/{repo}/referrers/{image.digest}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == oci.OCI_INDEX
    assert "OCI-Filters-Applied" not in answer.headers
    body = answer.json()
    assert body["schemaVersion"] == 2 and body["mediaType"] == oci.OCI_INDEX and body["manifests"] == []


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_an_unknown_subject_has_an_empty_list(admin, repo, image, algorithm):
    assert admin.referrers(repo, oci.missing_digest(algorithm)) == []


def test_a_repository_not_made_yet_answers_with_an_empty_list(admin, repo):
    """A registry that knows referrers never answers 404 to this question from one who may ask it."""
    assert admin.referrers(repo, oci.missing_digest()) == []


def test_the_list_holds_ready_descriptors(admin, repo, image, signature, sbom):
    found = {x["digest"]: x for x in admin.referrers(repo, image.digest)}
    assert set(found) == {signature.digest, sbom.digest}
    first = found[signature.digest]
    assert first["mediaType"] == oci.OCI_MANIFEST
    assert first["size"] == len(signature.data)
    assert first["artifactType"] == SIGNATURE
    assert first["annotations"] == {"org.example.by": "alice"}
    assert not found[sbom.digest].get("annotations")


@pytest.mark.parametrize("artifact_type, count", [(SIGNATURE, 1), (SBOM, 1), ("application/none", 0)])
def test_filter_by_artifact_type(admin, repo, image, signature, sbom, artifact_type, count):
    answer = admin.get(f"/v2/{repo}/referrers/{image.digest}", params={"artifactType": artifact_type})
    assert answer.headers["OCI-Filters-Applied"] == "artifactType"
    manifests = answer.json()["manifests"]
    assert len(manifests) == count
    assert all(x["artifactType"] == artifact_type for x in manifests)


def test_the_config_type_stands_for_a_missing_artifact_type(admin, repo, image):
    admin.push_image(repo, subject=as_descriptor(image))
    assert [x["artifactType"] for x in admin.referrers(repo, image.digest)] == [oci.OCI_CONFIG]
    assert len(admin.referrers(repo, image.digest, artifactType=oci.OCI_CONFIG)) == 1


def test_an_index_may_refer(admin, repo, image):
    index = admin.push_index(repo, [image], subject=as_descriptor(image), artifactType=SBOM, annotations={"a": "b"})
    found = admin.referrers(repo, image.digest)
    assert [(x["digest"], x["mediaType"], x["artifactType"]) for x in found] == [(index.digest, oci.OCI_INDEX, SBOM)]


def test_an_index_without_artifact_type_has_none_in_the_list(admin, repo, image):
    admin.push_index(repo, [image], subject=as_descriptor(image))
    assert not admin.referrers(repo, image.digest)[0].get("artifactType")


def test_the_subject_may_come_later(admin, repo):
    """Signing before pushing is legal: a missing subject is no error, and the link holds when it arrives."""
    subject = admin.push_image("admin/elsewhere", "v1", layers=0)
    answer_digest = admin.push_artifact(repo, SIGNATURE, subject).digest
    assert [x["digest"] for x in admin.referrers(repo, subject.digest)] == [answer_digest]
    admin.push_blob(repo, subject.config)
    admin.push_manifest(repo, "v1", subject.data)
    assert [x["digest"] for x in admin.referrers(repo, subject.digest)] == [answer_digest]


def test_referrers_of_referrers(admin, repo, image, signature):
    on_top = admin.push_artifact(repo, SIGNATURE, signature)
    assert [x["digest"] for x in admin.referrers(repo, signature.digest)] == [on_top.digest]
    assert [x["digest"] for x in admin.referrers(repo, image.digest)] == [signature.digest]


def test_referrers_stay_in_their_repository(admin, repo, second_repo, image, signature):
    admin.push_blob(second_repo, b"makes it")
    assert admin.referrers(second_repo, image.digest) == []


def test_a_deleted_referrer_leaves_the_list(admin, repo, image, signature, sbom):
    assert admin.delete(f"/v2/{repo}/manifests/{signature.digest}").status_code == 202
    assert [x["digest"] for x in admin.referrers(repo, image.digest)] == [sbom.digest]


def test_a_deleted_subject_keeps_its_referrers(admin, repo, image, signature):
    """The list answers for any digest; collection decides later what becomes of orphans."""
    assert admin.delete(f"/v2/{repo}/manifests/{image.digest}").status_code == 202
    assert [x["digest"] for x in admin.referrers(repo, image.digest)] == [signature.digest]


def test_sha512_subjects(admin, repo, image):
    digest = oci.digest(image.data, "sha512")
    admin.push_manifest(repo, digest, image.data)
    referrer = admin.push_artifact(repo, SIGNATURE, oci.descriptor(image.data, oci.OCI_MANIFEST, "sha512"))
    assert [x["digest"] for x in admin.referrers(repo, digest)] == [referrer.digest]
    assert admin.referrers(repo, image.digest) == []


@pytest.mark.parametrize("artifact_type", [None, SIGNATURE])
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_paging(admin, repo, image, artifact_type, n):
    """Every referrer comes exactly once, in a stable order, and the filter goes along in the Link."""
    pushed = {admin.push_artifact(repo, SIGNATURE, image, payload=bytes([i])).digest for i in range(5)}
    other = admin.push_artifact(repo, SBOM, image).digest
    wanted = pushed if artifact_type else pushed | {other}
    params = {"n": n} | ({"artifactType": artifact_type} if artifact_type else {})
    pages = admin.pages(f"/v2/{repo}/referrers/{image.digest}", "manifests", **params)
    digests = [x["digest"] for page in pages for x in page]
    assert all(len(page) <= n for page in pages)
    assert sorted(digests) == sorted(wanted)
    assert digests == [x["digest"] for page in admin.pages(f"/v2/{repo}/referrers/{image.digest}", "manifests",
                                                           **params) for x in page]


def test_the_link_is_path_only(admin, repo, image, signature, sbom):
    link = next_link(admin.get(f"/v2/{repo}/referrers/{image.digest}", params={"n": 1}))
    assert link.startswith(f"/v2/{repo}/referrers/{image.digest}?")


@pytest.mark.parametrize("digest", ["latest", "sha256:abc", "sha256:" + "A" * 64, "md5:" + "0" * 32, "v1"])
def test_a_malformed_digest_is_refused(admin, repo, image, digest):
    assert_error(admin.get(f"/v2/{repo}/referrers/{digest}"), 400, "DIGEST_INVALID", "UNSUPPORTED")


def test_anonymous_sees_no_private_referrers(anonymous, repo, image, signature):
    assert_error(anonymous.get(f"/v2/{repo}/referrers/{image.digest}"), 401, "UNAUTHORIZED")
