"""Behind nginx and haproxy, as they handle paths by default: names of repositories deeper than two parts reach the DTR
routes with %2F and with raw slashes, bodies and headers of both directions arrive whole, and images go through."""

import itertools

import pytest

from harness import proxy
from harness.client import Registry, assert_error
from harness.server import ADMIN_PASSWORD
from harness.tools import need

need("nginx", "haproxy")

BASE = "/api/v0/repositories"
PROXIES = {
    "nginx": lambda folder, upstream: proxy.nginx(folder, upstream),
    "nginx that normalizes": lambda folder, upstream: proxy.nginx(folder, upstream, uri="/"),
    "haproxy": proxy.haproxy,
}
numbers = itertools.count(1)


@pytest.fixture(params=PROXIES)
def door(request, tmp, server):
    """The registry as the admin sees it through a proxy."""
    with PROXIES[request.param](tmp / "proxy", server.url()) as url:
        yield Registry(url, "admin", ADMIN_PASSWORD)


def test_deep_names_go_through(door, admin):
    name = f"behind{next(numbers)}/project/app"
    made = door.post(f"{BASE}/admin", json={"name": name, "longDescription": "long " * 10000})
    assert made.status_code == 201, made.text
    deep, escaped = f"{BASE}/admin/{name}", f"{BASE}/admin/{name.replace('/', '%2F')}"
    assert admin.get(deep).json() == made.json()
    for path in (deep, escaped, f"{BASE}/admin/{name.replace('/', '%2f')}", deep + "/", escaped + "/"):
        answer = door.get(path)
        assert answer.status_code == 200 and answer.json() == made.json(), path

    for path, limit in ((deep, 1), (escaped, 2)):
        assert door.patch(path, json={"tagLimit": limit}).json()["tagLimit"] == limit
        assert door.get(path + "/tags").json() == []
        assert door.get(path + "/teamAccess").json()["teamAccessList"] == []
        assert_error(door.put(path + "/teamAccess/nobody", json={"accessLevel": "admin"}), 404, "NO_SUCH_TEAM")

    image = door.push_image(f"admin/{name}", "v1", layers=2, layer_size=300000)
    assert door.pull_blob(f"admin/{name}", image.document["layers"][0]["digest"]).content == image.layers[0]
    assert [tag["name"] for tag in door.get(escaped + "/tags").json()] == ["v1"]
    assert door.get(escaped + "/tags/v1").json()[0]["digest"] == image.digest
    assert door.delete(escaped + "/tags/v1").status_code == 204
    assert door.delete(escaped).status_code == 204
    assert_error(door.get(deep), 404, "NO_SUCH_REPOSITORY")


def test_pages_and_lists_go_through(door):
    space = f"pages{next(numbers)}"
    for i in range(3):
        assert door.post(f"{BASE}/admin", json={"name": f"{space}/{i}"}).status_code == 201
    first = door.get(f"{BASE}?pageSize=1&count=true")
    assert first.status_code == 200 and first.headers["X-Next-Page-Start"] and int(first.headers["X-Resource-Count"]) >= 3
    everything = door.get(f"{BASE}/?pageSize=0").json()["repositories"]
    assert {f"{space}/{i}" for i in range(3)} <= {one["name"] for one in everything}
    for i in range(3):
        assert door.delete(f"{BASE}/admin/{space}%2F{i}").status_code == 204
