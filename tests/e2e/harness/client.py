"""A small registry client: one method a step, no cleverness, so that a test reads like the protocol."""

import collections
import contextlib
import json
import os
import re
import urllib.parse

import requests

from . import canary, oci

Image = collections.namedtuple("Image", "digest data media_type config layers document")


class Registry:
    """A registry seen by one principal: Basic credentials, a bearer token, or nobody."""

    def __init__(self, url, user=None, password=None, token=None, verify=True):
        self.url = url.rstrip("/")
        self.user, self.password, self.verify = user, password, verify
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = verify
        if token:
            self.session.headers["Authorization"] = "Bearer " + token
        elif user is not None:
            self.session.auth = (user, password.encode())

    def request(self, method, path, **kw):
        kw.setdefault("timeout", 60)
        kw.setdefault("allow_redirects", False)
        url = path if path.startswith("http") else self.url + path
        answer = self.session.request(method, url, **kw)
        if not kw.get("stream"):
            canary.given(answer)
        return answer

    def get(self, path, **kw):
        return self.request("GET", path, **kw)

    def head(self, path, **kw):
        return self.request("HEAD", path, **kw)

    def put(self, path, **kw):
        return self.request("PUT", path, **kw)

    def post(self, path, **kw):
        return self.request("POST", path, **kw)

    def patch(self, path, **kw):
        return self.request("PATCH", path, **kw)

    def delete(self, path, **kw):
        return self.request("DELETE", path, **kw)

    # Who: the same registry for another principal.

    def anonymous(self):
        return Registry(self.url, verify=self.verify)

    def bearer(self, token):
        return Registry(self.url, token=token, verify=self.verify)

    def fetch_token(self, *scopes, **params):
        """The token service's answer to GET."""
        query = [("scope", scope) for scope in scopes] + list(params.items())
        answer = self.get("/auth/token", params=query)
        assert answer.status_code == 200, f"token: {answer.status_code} {answer.text}"
        return answer.json()

    def token(self, *scopes):
        return self.fetch_token(*scopes, service="any")["token"]

    def with_token(self, *scopes):
        return self.bearer(self.token(*scopes))

    # Uploads.

    def start_upload(self, repo, **params):
        """Opens an upload session and returns its location."""
        answer = self.post(f"/v2/{repo}/blobs/uploads/", params=params)
        assert answer.status_code == 202, f"POST upload: {answer.status_code} {answer.text}"
        return answer.headers["Location"]

    def finish_upload(self, location, blob_digest, data=b"", headers=None):
        return self.put(with_query(location, digest=blob_digest), data=data,
                        headers={"Content-Type": "application/octet-stream"} | (headers or {}))

    def push_blob(self, repo, data, algorithm="sha256"):
        """POST, then PUT with the whole body; returns the digest."""
        blob_digest = oci.digest(data, algorithm)
        answer = self.finish_upload(self.start_upload(repo), blob_digest, data)
        assert answer.status_code == 201, f"PUT upload: {answer.status_code} {answer.text}"
        return blob_digest

    def push_blobs(self, repo, *blobs):
        return [self.push_blob(repo, data) for data in blobs]

    # Manifests.

    def put_manifest(self, repo, reference, document, media_type=None, **kw):
        """PUTs a manifest given as dict or bytes; the media type is its own unless told."""
        data = document if isinstance(document, bytes) else oci.encode(document)
        if media_type is None:
            media_type = json.loads(data)["mediaType"] if isinstance(document, bytes) else document["mediaType"]
        return self.put(f"/v2/{repo}/manifests/{reference}", data=data, headers={"Content-Type": media_type}, **kw)

    def push_manifest(self, repo, reference, document, media_type=None):
        """PUTs a manifest, insists on 201, returns its digest."""
        answer = self.put_manifest(repo, reference, document, media_type)
        assert answer.status_code == 201, f"PUT manifest: {answer.status_code} {answer.text}"
        return answer.headers["Docker-Content-Digest"]

    def push_image(self, repo, tag=None, layers=1, layer_size=64, docker=False, **fields):
        """Pushes a small image of random layers; by digest when no tag is given."""
        blobs = [oci.random_blob(layer_size) for _ in range(layers)]
        config = json.dumps({"architecture": "amd64", "os": "linux", "nonce": os.urandom(8).hex()}).encode()
        self.push_blobs(repo, config, *blobs)
        layer_type, config_type, media_type = (
            (oci.DOCKER_LAYER, oci.DOCKER_CONFIG, oci.DOCKER_MANIFEST) if docker
            else (oci.OCI_LAYER_GZIP, oci.OCI_CONFIG, oci.OCI_MANIFEST))
        document = oci.manifest(oci.descriptor(config, config_type),
                                [oci.descriptor(blob, layer_type) for blob in blobs], media_type, **fields)
        return self.push_document(repo, tag, document, config, blobs)

    def push_artifact(self, repo, artifact_type, subject=None, tag=None, payload=b"signature", **fields):
        """Pushes an artifact manifest with the empty config; `subject` is a pushed Image or a descriptor."""
        self.push_blobs(repo, oci.EMPTY_JSON, payload)
        if subject is not None:
            fields["subject"] = subject if isinstance(subject, dict) else as_descriptor(subject)
        document = oci.manifest(oci.descriptor(oci.EMPTY_JSON, oci.OCI_EMPTY),
                                [oci.descriptor(payload, "application/octet-stream")],
                                artifactType=artifact_type, **fields)
        return self.push_document(repo, tag, document, oci.EMPTY_JSON, [payload])

    def push_index(self, repo, children, tag=None, media_type=oci.OCI_INDEX, **fields):
        return self.push_document(repo, tag, oci.index([as_descriptor(x) for x in children], media_type, **fields),
                                  None, [])

    def push_document(self, repo, tag, document, config, layers):
        data = oci.encode(document)
        media_type = document["mediaType"]
        self.push_manifest(repo, tag or oci.digest(data), data, media_type)
        return Image(oci.digest(data), data, media_type, config, layers, document)

    def pull_manifest(self, repo, reference, **kw):
        kw.setdefault("headers", {"Accept": ", ".join([oci.OCI_MANIFEST, oci.OCI_INDEX, oci.DOCKER_MANIFEST,
                                                       oci.DOCKER_LIST])})
        return self.get(f"/v2/{repo}/manifests/{reference}", **kw)

    def pull_blob(self, repo, blob_digest, **kw):
        return self.get(f"/v2/{repo}/blobs/{blob_digest}", **kw)

    # Lists.

    def tags(self, repo, **params):
        answer = self.get(f"/v2/{repo}/tags/list", params=params)
        assert answer.status_code == 200, f"tags: {answer.status_code} {answer.text}"
        return answer.json()["tags"]

    def referrers(self, repo, subject_digest, **params):
        answer = self.get(f"/v2/{repo}/referrers/{subject_digest}", params=params)
        assert answer.status_code == 200, f"referrers: {answer.status_code} {answer.text}"
        return answer.json()["manifests"]

    def pages(self, path, key, **params):
        """Follows Link from page to page; returns the list of pages."""
        found = []
        answer = self.get(path, params=params)
        while True:
            assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
            found.append(answer.json()[key])
            target = next_link(answer)
            if target is None:
                return found
            assert len(found) < 100, "the Link chain does not end"
            answer = self.get(target)


def admin_of(server):
    """The registry of a server as its first admin sees it."""
    return Registry(server.url(), "admin", server.password or server.generated_password())


def as_descriptor(image, **fields):
    return {"mediaType": image.media_type, "digest": image.digest, "size": len(image.data), **fields}


def with_query(location, **params):
    """Adds parameters to an upload location, as a client does."""
    return location + ("&" if "?" in location else "?") + urllib.parse.urlencode(params)


def next_link(answer):
    """The target of Link rel="next", or None."""
    link = answer.headers.get("Link")
    if not link:
        return None
    found = re.fullmatch(r'<([^>]+)>;\s*rel="?next"?', link.strip())
    assert found, f"a Link that clients cannot read: {link!r}"
    return found[1]


def challenge(answer):
    """The parameters of the Bearer challenge; fails when there is none."""
    value = answer.headers.get("WWW-Authenticate", "")
    assert value.startswith("Bearer "), f"no Bearer challenge: {value!r}"
    return dict(re.findall(r'(\w+)="([^"]*)"', value))


def assert_error(answer, status, *codes, detail=None):
    """The answer is an OCI error: this status (or one of them), one of these codes, `detail` named in its detail."""
    allowed = (status,) if isinstance(status, int) else status
    assert answer.status_code in allowed, f"wanted {allowed}, got {answer.status_code}: {answer.text[:500]}"
    if answer.request.method == "HEAD":
        assert not answer.content
        return None
    assert answer.headers.get("Content-Type", "").split(";")[0] == "application/json", answer.headers
    errors = answer.json()["errors"]
    assert isinstance(errors, list) and errors, answer.text
    error = errors[0]
    assert isinstance(error.get("message"), str) and error["message"], answer.text
    if codes:
        assert error["code"] in codes, f"wanted {codes}: {answer.text[:500]}"
    if detail is not None:
        assert detail in json.dumps(error.get("detail")), f"detail does not name {detail}: {answer.text[:500]}"
    return error


def header_values(answer, name):
    """Every value of a header that may come several times."""
    return answer.raw.headers.getlist(name)


@contextlib.contextmanager
def nothing_changed(registry, repo):
    """The tags of the repository are the same before and after."""
    before = registry.get(f"/v2/{repo}/tags/list").text
    yield
    assert registry.get(f"/v2/{repo}/tags/list").text == before
