"""The bodies of webhooks, key by key, as real pushes, deletes and mounts make them; the pure part, every type and letter, is
tests/unit/work/hook_body_test.c."""

import datetime
import uuid

import pytest

from harness import oci
from harness.client import admin_of
from harness.people import People, unique
from harness.receiver import Authority, Receiver


@pytest.fixture
def world(new_server, tmp):
    """A registry that has a name of its own, its admin, and how to hear of everything in one shape."""
    server = new_server("--egress-allow", "127.0.0.0/8", "--external-url", "https://registry.example.com")
    admin, authority = admin_of(server), Authority(tmp)
    receivers = []

    def listen(shape, type, key):
        receiver = Receiver(authority)
        receivers.append(receiver)
        body = {"type": type, "key": key, "endpoint": receiver.url, "tlsCert": authority.pem, "shape": shape}
        answer = admin.post("/api/v1/webhooks", json=body)
        assert answer.status_code == 201, answer.text
        receiver.hook = answer.json()
        return receiver

    admin.listen = listen
    yield admin
    for receiver in receivers:
        receiver.stop()


@pytest.fixture
def repo(world):
    answer = world.post("/api/v0/repositories/admin", json={"name": unique("app"), "visibility": "public"})
    assert answer.status_code == 201, answer.text
    return f"admin/{answer.json()['name']}"


def is_time(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).tzinfo is not None


def test_dtr_s_envelopes(world, repo):
    name = repo.split("/")[1]
    hears = world.listen("dtr", "ANY", repo)
    image = world.push_image(repo, "v1")
    bodies = {call.json["type"]: call.json for call in hears.wait(lambda calls: len(calls) >= 4)}
    about = {"namespace": "admin", "repository": name, "digest": image.digest, "os": "linux", "architecture": "amd64",
             "author": "admin"}
    push = bodies["TAG_PUSH"]
    assert set(push) == {"type", "createdAt", "contents", "location"} and is_time(push["createdAt"])
    assert is_time(push["contents"].pop("pushedAt")) and push["location"] == f"/repositories/{repo}/tags/v1"
    assert push["contents"] == about | {"tag": "v1", "imageName": f"registry.example.com/{repo}:v1"}
    manifest = bodies["MANIFEST_PUSH"]
    assert manifest["contents"] == about | {"imageName": f"registry.example.com/{repo}@{image.digest}"}
    assert manifest["location"] == f"/repositories/{repo}/manifests/{image.digest}"
    blob = bodies["BLOB_PUSH"]["contents"]
    assert is_time(blob.pop("pushedAt")) and set(blob) == {"namespace", "repository", "digest", "author"}

    n = len(hears.calls)
    assert world.delete(f"/api/v0/repositories/{repo}/tags/v1").status_code == 204
    gone = hears.wait_for(n + 1)[n].json
    assert gone["type"] == "TAG_DELETE" and is_time(gone["contents"].pop("deletedAt"))
    assert gone["contents"] == about | {"tag": "v1", "imageName": f"registry.example.com/{repo}:v1"}
    assert world.with_token(f"repository:{repo}:delete,pull").delete(f"/v2/{repo}/manifests/{image.digest}").status_code == 202
    gone = hears.wait_for(n + 2)[n + 1].json
    assert gone["type"] == "MANIFEST_DELETE" and is_time(gone["contents"].pop("deletedAt"))
    assert gone["contents"] == about | {"imageName": f"registry.example.com/{repo}@{image.digest}"}


def test_pulls_are_told_of(world, repo):
    """About a second after they were, many of one tag as one."""
    hears = {type: world.listen("dtr", type, repo) for type in ("TAG_PULL", "MANIFEST_PULL")}
    image = world.push_image(repo, "v1")
    for reference in ("v1", image.digest):
        assert world.with_token(f"repository:{repo}:pull").pull_manifest(repo, reference).status_code == 200
    for type, receiver in hears.items():
        body = receiver.wait_for(1)[0].json
        assert body["type"] == type and is_time(body["contents"].pop("pulledAt"))
        name = "v1" if type == "TAG_PULL" else image.digest
        about = {"namespace": "admin", "repository": repo.split("/")[1], "digest": image.digest, "os": "linux", "architecture": "amd64",
                 "author": "admin", "imageName": f"registry.example.com/{repo}{':' if type == 'TAG_PULL' else '@'}{name}"}
        assert body["contents"] == about | ({"tag": "v1"} if type == "TAG_PULL" else {})


def test_dtr_s_events_of_repositories(world):
    org = People(world).org()
    hears = world.listen("dtr", "REPO_EVENT", org)
    made = world.post(f"/api/v0/repositories/{org}", json={"name": "app", "visibility": "private"}).json()
    changed = world.patch(f"/api/v0/repositories/{org}/app", json={"visibility": "public"}).json()
    assert world.delete(f"/api/v0/repositories/{org}/app").status_code == 204
    bodies = [call.json for call in hears.wait_for(3)]
    assert [body["contents"]["event"] for body in bodies] == ["REPO_CREATED", "REPO_UPDATED", "REPO_DELETED"]
    for body in bodies:
        contents = body["contents"]
        assert set(contents) == {"namespace", "repository", "event", "author", "data"} and contents["author"] == "admin"
        assert (contents["namespace"], contents["repository"], body["location"]) == (org, "app", f"/repositories/{org}/app")
        assert contents["data"]["id"] == made["id"] and contents["data"]["namespaceType"] == "organization"
    assert set(bodies[0]["contents"]["data"]) == set(changed) - {"longDescription"}


def check_repository(found, repo):
    assert isinstance(found.pop("date_created"), int)
    namespace, name = repo.split("/")
    assert found == {"name": name, "namespace": namespace, "repo_full_name": repo, "repo_type": "public"}


def test_harbor_s_shape(world, repo):
    hears = world.listen("harbor", "ANY", repo)
    image = world.push_image(repo, "v1")
    calls = hears.wait_for(2)
    for call, tag, at in ((calls[0], image.digest, "@" + image.digest), (calls[1], "v1", ":v1")):
        body = call.json
        assert set(body) == {"type", "occur_at", "operator", "event_data"} and isinstance(body["occur_at"], int)
        assert (body["type"], body["operator"], call.headers["content-type"]) == ("PUSH_ARTIFACT", "admin", "application/json")
        assert set(body["event_data"]) == {"resources", "repository"}
        assert body["event_data"]["resources"] == [{"digest": image.digest, "tag": tag, "resource_url": f"registry.example.com/{repo}{at}"}]
        check_repository(body["event_data"]["repository"], repo)
    assert world.delete(f"/api/v0/repositories/{repo}/tags/v1").status_code == 204
    assert hears.wait_for(3)[2].json["type"] == "DELETE_ARTIFACT"
    assert len(hears.calls) == 3, "blobs are nothing to Harbor"


def test_cloudevents(world, repo):
    hears = world.listen("cloudevents", "TAG_PUSH", repo)
    image = world.push_image(repo, "v1")
    call = hears.wait_for(1)[0]
    body = call.json
    assert call.headers["content-type"] == "application/cloudevents+json"
    assert set(body) == {"specversion", "id", "source", "type", "time", "datacontenttype", "operator", "requestid", "data"}
    assert (body["specversion"], body["type"], body["operator"]) == ("1.0", "harbor.artifact.pushed", "admin")
    assert body["source"] == f"/projects/admin/webhook/policies/{hears.hook['id']}" and body["datacontenttype"] == "application/json"
    assert uuid.UUID(body["id"]) and is_time(body["time"])
    assert body["data"]["resources"] == [{"digest": image.digest, "tag": "v1", "resource_url": f"registry.example.com/{repo}:v1"}]
    check_repository(body["data"]["repository"], repo)


def test_distribution_s_envelope(world, repo):
    other = f"{repo}-2"
    hears = world.listen("distribution", "ANY", repo)
    mounts = world.listen("distribution", "BLOB_MOUNT", "admin")
    image = world.push_image(repo, "v1", layers=2)
    calls = hears.wait_for(5)
    assert {call.headers["content-type"] for call in calls} == {"application/vnd.docker.distribution.events.v2+json"}
    events = [call.json["events"] for call in calls]
    assert all(len(event) == 1 for event in events)
    events = [event[0] for event in events]
    for event in events:
        assert set(event) == {"id", "timestamp", "action", "target", "request", "actor", "source"} and is_time(event["timestamp"])
        assert event["action"] == "push" and event["actor"] == {"name": "admin"}
        assert set(event["source"]) == {"addr", "instanceID"} and event["source"]["addr"] == "registry.example.com"
        assert set(event["request"]) == {"id", "addr", "host", "method", "useragent"} and event["request"]["method"] == "PUT"
    assert sorted(event["target"]["digest"] for event in events[:3]) == sorted(
        [image.document["config"]["digest"], *(layer["digest"] for layer in image.document["layers"])])
    manifest = {"mediaType": oci.OCI_MANIFEST, "size": len(image.data), "length": len(image.data), "digest": image.digest,
                "repository": repo, "url": f"https://registry.example.com/v2/{repo}/manifests/{image.digest}",
                "references": [{key: one[key] for key in ("mediaType", "digest", "size")}
                               for one in (image.document["config"], *image.document["layers"])]}
    assert events[3]["target"] == manifest and events[4]["target"] == manifest | {"tag": "v1"}

    layer = image.document["layers"][0]["digest"]
    pusher = world.with_token(f"repository:{other}:pull,push", f"repository:{repo}:pull")
    assert pusher.post(f"/v2/{other}/blobs/uploads/?mount={layer}&from={repo}").status_code == 201
    mount = mounts.wait_for(1)[0].json["events"][0]
    assert mount["action"] == "mount" and mount["request"]["method"] == "POST"
    assert mount["target"]["fromRepository"] == repo and mount["target"]["repository"] == other

    assert world.delete(f"/api/v0/repositories/{repo}/tags/v1").status_code == 204
    gone = hears.wait_for(6)[5].json["events"][0]
    assert gone["action"] == "delete" and gone["target"] == {"digest": image.digest, "repository": repo, "tag": "v1"}
