"""Lists: tags and catalog in byte order, paged by name, and showing nobody what he may not see."""

import pytest

from harness.client import Registry, assert_error, challenge, next_link
from harness.server import ADMIN_PASSWORD, Server

TAGS = ["0", "1.0", "A", "B", "Z9", "_x", "a", "a-b", "a.b", "aa", "b", "latest", "z"]
BAD_NUMBERS = ["-1", "abc", "+5", "%00", "1.5", "1e3", "0x10", " 1", "", "1,2", "18446744073709551616", "9" * 40]


@pytest.fixture
def tagged(admin, repo, image):
    for tag in reversed(TAGS):
        admin.push_manifest(repo, tag, image.data)
    assert admin.delete(f"/v2/{repo}/manifests/v1").status_code == 202
    return repo


def test_tags_are_in_byte_order(admin, tagged):
    answer = admin.get(f"/v2/{tagged}/tags/list")
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"
    assert answer.json() == {"name": tagged, "tags": TAGS}
    assert "Link" not in answer.headers


@pytest.mark.parametrize("n", [1, 2, 5, 12, 13, 14, 1000])
def test_pages_of_tags_follow_the_link(admin, tagged, n):
    pages = admin.pages(f"/v2/{tagged}/tags/list", "tags", n=n)
    assert [tag for page in pages for tag in page] == TAGS
    assert all(len(page) == n for page in pages[:-1]) and pages[-1]


def test_the_link_is_path_only_and_names_the_last(admin, tagged):
    link = next_link(admin.get(f"/v2/{tagged}/tags/list", params={"n": 3}))
    assert link.startswith(f"/v2/{tagged}/tags/list?")
    assert "last=A" in link and "n=3" in link


@pytest.mark.parametrize("last, first_shown", [("0", "1.0"), ("5", "A"), ("aaa", "b"), ("", "0"), ("b", "latest"),
                                               ("\u00fc", None), ("z", None), ("zz", None), ("' OR 1=1 --", "0")])
def test_last_is_a_key_not_an_offset(admin, tagged, last, first_shown):
    """`last` need not exist: the list goes on behind the place where it would stand."""
    tags = admin.tags(tagged, last=last)
    assert tags == (TAGS[TAGS.index(first_shown):] if first_shown else [])


def test_n_zero_gives_an_empty_list(admin, tagged):
    answer = admin.get(f"/v2/{tagged}/tags/list", params={"n": 0})
    assert answer.status_code == 200 and answer.json()["tags"] == []


@pytest.mark.parametrize("n", ["1001", "1000000000", str(2**63 - 1), "00005"])
def test_a_large_n_is_clamped(admin, tagged, n):
    answer = admin.get(f"/v2/{tagged}/tags/list", params={"n": n})
    assert answer.status_code == 200
    assert answer.json()["tags"] == (TAGS[:5] if n == "00005" else TAGS)


@pytest.mark.parametrize("n", BAD_NUMBERS)
@pytest.mark.parametrize("path", ["/v2/{repo}/tags/list", "/v2/_catalog", "/v2/{repo}/referrers/{digest}"])
def test_a_bad_n_is_refused(admin, repo, image, path, n):
    answer = admin.get(path.format(repo=repo, digest=image.digest) + "?n=" + n.replace("+", "%2B"))
    assert_error(answer, 400, "PAGINATION_NUMBER_INVALID")


@pytest.mark.parametrize("path", ["/v2/{repo}/tags/list", "/v2/_catalog", "/v2/{repo}/referrers/{digest}"])
def test_a_repeated_n_is_refused_or_read_once(admin, repo, image, path):
    answer = admin.get(path.format(repo=repo, digest=image.digest) + "?n=1&n=2")
    assert answer.status_code in (200, 400)


def test_more_than_1000_tags_come_in_pages(new_server, repo):
    """Without n, or with a larger one, a page holds 1,000 and the Link goes on."""
    running = new_server()
    admin = Registry(running.url(), "admin", ADMIN_PASSWORD)
    image = admin.push_image(repo)
    names = [f"t{i:04}" for i in range(1003)]
    for start in range(0, len(names), 25):
        answer = admin.put_manifest(repo, image.digest, image.data,
                                    params=[("tag", name) for name in names[start:start + 25]])
        assert answer.status_code == 201
    for params in ({}, {"n": 5000}):
        pages = admin.pages(f"/v2/{repo}/tags/list", "tags", **params)
        assert [len(page) for page in pages] == [1000, 3]
        assert [tag for page in pages for tag in page] == names


def test_tags_of_a_missing_repository(admin, repo):
    assert_error(admin.get(f"/v2/{repo}/tags/list"), 404, "NAME_UNKNOWN", detail=repo)


# The catalog.

REPOS = ["admin/a", "admin/a-b", "admin/a/b", "admin/b", "admin/c.d/e_f", "admin/z9"]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    """A server with six repositories, one of them public."""
    with Server(tmp_path_factory.mktemp("catalog") / "data") as running:
        admin = Registry(running.url(), "admin", ADMIN_PASSWORD)
        for name in REPOS:
            admin.push_image(name, "v1", layers=0)
        running.admin("repo-visibility", "admin/b", "public")
        yield admin


def test_catalog_lists_in_byte_order(catalog):
    assert catalog.get("/v2/_catalog").json() == {"repositories": REPOS}


@pytest.mark.parametrize("n", [1, 2, 4, 6, 7])
def test_catalog_pages(catalog, n):
    pages = catalog.pages("/v2/_catalog", "repositories", n=n)
    assert [name for page in pages for name in page] == REPOS


def test_catalog_goes_on_behind_any_name(catalog):
    assert catalog.get("/v2/_catalog", params={"last": "admin/a-zzz"}).json()["repositories"] == REPOS[2:]
    assert catalog.get("/v2/_catalog", params={"last": "zzz"}).json()["repositories"] == []
    assert catalog.get("/v2/_catalog", params={"n": 0}).json()["repositories"] == []


def test_catalog_with_a_token(catalog):
    assert catalog.with_token("registry:catalog:*").get("/v2/_catalog").json() == {"repositories": REPOS}


def test_catalog_challenges_for_its_scope(catalog):
    answer = catalog.anonymous().get("/v2/_catalog")
    assert_error(answer, 401, "UNAUTHORIZED")
    assert challenge(answer)["scope"] == "registry:catalog:*"


def test_catalog_with_a_token_for_something_else(catalog):
    answer = catalog.with_token("repository:admin/a:pull").get("/v2/_catalog")
    assert_error(answer, 401)
    assert challenge(answer)["error"] == "insufficient_scope"


def test_anonymous_never_sees_private_names(catalog):
    """With a token of nobody the catalog holds the public repositories, or is refused; never a private name."""
    nobody = catalog.bearer(catalog.anonymous().token("registry:catalog:*"))
    for params in ({}, {"n": 1}, {"last": "admin/a"}):
        answer = nobody.get("/v2/_catalog", params=params)
        assert answer.status_code in (200, 401)
        assert answer.status_code == 401 or answer.json()["repositories"] == ["admin/b"]
        assert "admin/a" not in answer.text + answer.headers.get("Link", "")


def test_a_session_or_a_failed_push_makes_no_entry(catalog):
    catalog.start_upload("admin/ghost")
    catalog.put_manifest("admin/ghost", "v1", b"{}", "application/vnd.oci.image.manifest.v1+json")
    assert "admin/ghost" not in catalog.get("/v2/_catalog").text
