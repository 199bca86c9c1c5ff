"""What happened, in DTR's words: pushes, pulls and deletions are in the lists with all filters; pulls are counted."""

import datetime
import json
import subprocess

import pytest

from harness.activity import events, of, wait_for, what
from harness.cli import Cli
from harness.client import admin_of, assert_error
from harness.people import People, unique
from harness.server import ADMIN_PASSWORD, binary

EVENTS = "/api/v0/events"


def pulls_of(registry, repo):
    return registry.get(f"/api/v0/repositories/{repo}").json()["pulls"]


def pull(registry, repo, reference="v1", times=1):
    for _ in range(times):
        assert registry.get(f"/v2/{repo}/manifests/{reference}").status_code == 200


@pytest.mark.both_engines
def test_a_push_a_move_and_a_deletion(admin, repo):
    old = admin.push_image(repo, "v1").digest
    new = admin.push_image(repo, "v1").digest
    assert admin.delete(f"/v2/{repo}/manifests/v1").status_code == 202
    found = events(admin, of(repo))
    tags = [event for event in found if event["object"]["type"] == "TAG"]
    assert [(event["type"], event["object"]["content"]) for event in tags] == [
        ("DELETE", new), ("UPDATE", new), ("CREATE", old)]
    assert ("CREATE", "REPOSITORY", repo) in what(found) and ("CREATE", "MANIFEST", old) in what(found)
    event = tags[-1]
    assert set(event) == {"actor", "actorType", "id", "object", "publishedAt", "repository", "type"}
    assert (event["actor"], event["actorType"], event["repository"]) == ("admin", "user", repo)
    assert event["object"] == {"id": f"{repo}:v1", "type": "TAG", "name": "v1", "content": old}
    at = datetime.datetime.fromisoformat(event["publishedAt"].replace("Z", "+00:00"))
    assert abs((datetime.datetime.now(datetime.timezone.utc) - at).total_seconds()) < 600
    assert events(admin, objectType="TAG", pageSize=3) == tags


@pytest.mark.both_engines
def test_pulls_are_counted_and_told(admin, repo):
    image = admin.push_image(repo, "v1")
    pull(admin, repo, times=3)
    pull(admin, repo, image.digest)
    wait_for(lambda: pulls_of(admin, repo), 4)
    found = [event for event in events(admin, of(repo), eventType="GET")]
    assert {(kind, name) for _, kind, name in what(found)} == {("TAG", "v1"), ("MANIFEST", image.digest)}
    assert len(found) <= 4  # what is the same in one second is one event
    assert not [event for event in events(admin, of(repo), excludePull="true") if event["type"] == "GET"]
    assert admin.get(f"/api/v0/repositories/{repo}").json()["pushes"] == 1


def test_head_and_get_by_digest_is_a_pull_of_the_tag(admin, repo):
    image = admin.push_image(repo, "v1")
    answer = admin.head(f"/v2/{repo}/manifests/v1")
    pull(admin, repo, answer.headers["Docker-Content-Digest"])
    wait_for(lambda: what(events(admin, of(repo), eventType="GET")), [("GET", "TAG", "v1")])
    assert pulls_of(admin, repo) == 1 and image.digest == answer.headers["Docker-Content-Digest"]


def test_every_filter(admin, repo):
    people = People(admin)
    name = unique("bob")
    bob = people.user(name)
    admin.push_image(repo, "v1")
    bob.push_image(f"{name}/own", "v1")
    assert {event["actor"] for event in events(admin, actorId=name)} == {name}
    assert {event["repository"] for event in events(admin, actorId=name)} == {f"{name}/own"}
    ident = admin.get(f"/enzi/v0/accounts/{name}").json()["id"]
    assert events(admin, actorId=ident) == events(admin, actorId=name)
    assert events(admin, actorId="nobody-of-that-name") == []
    assert {kind for _, kind, _ in what(events(admin, of(repo), objectType="MANIFEST"))} == {"MANIFEST"}
    assert {event["type"] for event in events(admin, of(repo), eventType="CREATE")} == {"CREATE"}
    assert what(events(admin, of(repo), eventType="CREATE", objectType="TAG", actorId="admin")) == [("CREATE", "TAG", "v1")]
    assert events(admin, of(repo), eventType="SCAN") == []


def test_times_and_pages(admin, repo):
    for tag in "abcdef":
        admin.push_image(repo, tag)
    tags = events(admin, of(repo), objectType="TAG")
    assert [event["object"]["name"] for event in tags] == list("fedcba")
    at = tags[2]["publishedAt"]
    assert events(admin, of(repo), objectType="TAG", publishedAfter=at) == tags[:2]
    assert events(admin, of(repo), objectType="TAG", publishedBefore=at) == tags[3:]
    seen, start = [], None
    while True:
        answer = admin.get(of(repo), params={"objectType": "TAG", "pageSize": 2, "count": "true"} | (
            {"pageStart": start} if start else {}))
        assert start or answer.headers["X-Resource-Count"] == "6"
        seen += answer.json()["events"]
        start = answer.headers.get("X-Next-Page-Start")
        if not start:
            break
    assert seen == tags
    assert len(admin.get(of(repo)).json()["events"]) == 10


@pytest.mark.parametrize("query", [{"eventType": "LOOK"}, {"objectType": "tag"}, {"publishedAfter": "yesterday"},
                                   {"pageStart": "YTE"}, {"pageSize": "-1"}, {"excludePull": "perhaps"},
                                   {"actorId": "x" * 300}])
def test_wrong_values_name_the_field(admin, repo, image, query):
    for path in (EVENTS, of(repo)):
        error = assert_error(admin.get(path, params=query), 400, "INVALID_PARAMETERS")
        assert list(query)[0] in error["message"]


@pytest.mark.both_engines
def test_who_sees_what(admin, anonymous, repo):
    """Pulls are for those who may audit the repository; the rest for those who see it; one's own acts for oneself."""
    people = People(admin)
    reader, stranger = unique("reader"), unique("stranger")
    as_reader, as_stranger = people.user(reader), people.user(stranger)
    admin.push_image(repo, "v1")
    answer = admin.post("/api/v1/grants", json={"role": "read-only", "user": reader, "repository": repo})
    assert answer.status_code == 201, answer.text
    pull(admin, repo)
    pull(as_reader, repo)
    wait_for(lambda: pulls_of(admin, repo), 2)
    assert [event["actor"] for event in events(admin, of(repo), eventType="GET")].count(reader) == 1
    for path in (of(repo), EVENTS):
        seen = [event for event in events(as_reader, path) if event["repository"] == repo]
        assert ("CREATE", "TAG", "v1") in what(seen)
        assert [event["actor"] for event in seen if event["type"] == "GET"] == [reader]
        assert not [event for event in events(as_stranger, EVENTS) if event["repository"] == repo]
    assert_error(as_stranger.get(of(repo)), 404, "NO_SUCH_REPOSITORY")
    for path in (of(repo), EVENTS):
        assert_error(anonymous.get(path), 401)


def test_a_clean_stop_loses_no_pull(new_server):
    server = new_server()
    admin = admin_of(server)
    admin.push_image("admin/app", "v1")
    pull(admin, "admin/app", times=5)
    server.stop()
    server.start()
    assert pulls_of(admin_of(server), "admin/app") == 5


def test_pulls_are_not_counted_where_that_is_switched_off(new_server):
    server = new_server()
    admin = admin_of(server)
    for name in ("admin/loud", "admin/quiet/app", "admin/quiet/but/loud"):
        admin.push_image(name, "v1")
    rules = "/api/v1/pull-rules"
    for prefix, counted in (("admin/quiet", False), ("admin/quiet/but", True)):
        answer = admin.put(rules, json={"prefix": prefix, "counted": counted})
        assert answer.status_code == 200, answer.text
    for name in ("admin/quiet/app", "admin/loud", "admin/quiet/but/loud"):
        pull(admin, name)
    wait_for(lambda: [pulls_of(admin, name) for name in ("admin/loud", "admin/quiet/but/loud")], [1, 1])
    assert pulls_of(admin, "admin/quiet/app") == 0 and events(admin, of("admin/quiet/app"), eventType="GET") == []
    assert admin.get(rules, params={"prefix": "admin"}).json()["rules"] == [
        {"prefix": "admin/quiet", "counted": False}, {"prefix": "admin/quiet/but", "counted": True}]
    assert admin.delete(rules, params={"prefix": "admin/quiet"}).status_code == 204
    assert_error(admin.delete(rules, params={"prefix": "admin/quiet"}), 404, "NO_SUCH_RULE")


def test_who_pulled_a_digest(admin, repo):
    image = admin.push_image(repo, "v1")
    pull(admin, repo, times=2)
    path = f"/api/v1/repositories/{repo}/pulls"
    wait_for(lambda: [(row["account"], row["network"], row["count"]) for row in
                      admin.get(path, params={"digest": image.digest}).json()["pulls"]], [("admin", "127.0.0", 2)])
    row = admin.get(path, params={"digest": image.digest}).json()["pulls"][0]
    assert row["day"] == row["lastAt"][:10]
    assert_error(admin.get(path, params={"digest": "sha256:12"}), 400)


@pytest.mark.both_engines
def test_old_events_leave_the_history(new_server):
    """By number and by age, as DTR's settings say; pulls of the days before yesterday's year stay counted."""
    server = new_server()
    admin = admin_of(server)
    for tag in "abcd":
        admin.push_image("admin/app", tag)
    settings = admin.get("/api/v0/meta/settings").json()
    assert [settings["repoEventHistory" + word] for word in ("CompactionEnabled", "MaxAge", "ToKeep")] == [True, "8760h", 1000000]

    def clean(**parameters):
        answer = admin.post("/api/v0/jobs", json={"action": "onlinegc_events", "parameters": parameters})
        assert answer.status_code == 202, answer.text
        wait_for(lambda: admin.get(f"/api/v0/jobs/{answer.json()['id']}").json()["status"], "done")

    before = events(admin)
    clean()
    assert events(admin) == before
    assert admin.post("/api/v0/meta/settings", json={"repoEventHistoryToKeep": 3}).status_code == 202
    clean()
    assert len(events(admin)) <= 3 and events(admin) == before[:len(events(admin))]
    assert admin.post("/api/v0/meta/settings", json={"repoEventHistoryToKeep": 0}).status_code == 202
    clean(maxAge="1ms")
    assert events(admin) == []


def test_by_the_command_line(server, admin, tmp, repo):
    """As a list, of one repository said either way, and as it goes on."""
    cli = Cli(tmp / "admin")
    cli.login(server.url(), "admin", ADMIN_PASSWORD)
    admin.push_image(repo, "v1")
    said = cli("events", repo, "--type", "CREATE", "--object-type", "TAG").splitlines()
    assert len(said) == 2 and said[0].split()[:4] == ["TIME", "ACTOR", "TYPE", "OBJECT"]
    assert said[1].split()[1:] == ["admin", "CREATE", "TAG", repo, "v1"]
    assert cli.json("events", "--repository", repo, "--limit", "3")["events"] == events(admin, of(repo), pageSize=3)
    cli.fails("events", repo, "--repository", repo, code=2)
    assert "eventType" in cli.fails("events", "--type", "LOOK")
    with subprocess.Popen([str(binary()), "events", repo, "--follow", "--no-pulls", "-o", "json"], env=cli.env,
                          stdout=subprocess.PIPE, text=True) as following:
        try:
            seen = [json.loads(following.stdout.readline()) for _ in events(admin, of(repo))]
            assert seen[::-1] == events(admin, of(repo), excludePull="true")
            admin.push_image(repo, "v2")
            while ("CREATE", "TAG", "v2") not in what(seen):
                seen.append(json.loads(following.stdout.readline()))
            assert len({event["id"] for event in seen}) == len(seen)
        finally:
            following.kill()
