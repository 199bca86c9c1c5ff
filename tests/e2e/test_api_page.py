"""The page to read the description and to try calls: served by us alone, kept by hash, and it works in a real browser."""

import json
import re
import subprocess

import pytest

from harness import pypi, tools
from harness.server import ADMIN_PASSWORD

POLICY = "default-src 'self'"


@pytest.fixture
def page(anonymous):
    answer = anonymous.get("/api/")
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html")
    return answer


def assets(page):
    return re.findall(r'(?:href|src)="(/api/assets/[^"]+)"', page.text)


def test_page_and_files_may_load_what_we_serve_only(anonymous, page):
    assert anonymous.get("/api").text == page.text
    for answer in [page, *map(anonymous.get, assets(page))]:
        assert answer.status_code == 200 and answer.content
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith(POLICY) and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_files_are_kept_for_ever_and_the_page_is_asked_for_anew(anonymous, page):
    assert page.headers["Cache-Control"] == "no-cache"
    assert len(assets(page)) >= 2
    for path in assets(page):
        answer = anonymous.get(path)
        assert "immutable" in answer.headers["Cache-Control"]
        assert re.search(r"\.[0-9a-f]{16}(\.\w+)?$", path) and path.split(".")[1] in answer.headers["ETag"]
    again = anonymous.get("/api/", headers={"If-None-Match": page.headers["ETag"]})
    assert again.status_code == 304 and not again.content


@pytest.mark.parametrize("path", ["nothing.js", "page.0000000000000000.js", "..%2f..%2fetc%2fpasswd", "%2e%2e"])
def test_no_other_file_is_served(anonymous, path):
    assert anonymous.get("/api/assets/" + path).status_code in (400, 404)


def test_without_a_viewer_the_page_says_so(page):
    if "swagger-ui-bundle" in page.text:
        assert "without the viewer" not in page.text
    else:
        assert "built without the viewer" in page.text and "/api/openapi.json" in page.text


@pytest.mark.timeout(pypi.SECONDS)
def test_in_a_browser_it_shows_every_part_and_tries_a_call(server, anonymous, page, image, repo, tmp):
    if "swagger-ui-bundle" not in page.text:
        pytest.skip("this program was built without the viewer: npm was not reachable")
    tools.need("chromium")
    script = pypi.LIST.parent / "e2e" / "harness" / "look.py"
    done = subprocess.run([str(part) for part in (pypi.program("python"), script, server.url(), repo, ADMIN_PASSWORD,
                                                  tmp / "page.png")], capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["title"] == "Assay API"
    named = [tag["name"] for tag in anonymous.get("/api/openapi.json").json()["tags"]]
    assert seen["tags"] == named
    assert seen["said"] == [] and seen["failed"] == [], "errors of scripts or of the policy"
    assert seen["asked"] and all(url.startswith(server.url() + "/") for url in seen["asked"])
    assert seen["status"] == "200"


def test_the_root_leads_to_the_page(anonymous):
    answer = anonymous.get("/", allow_redirects=False)
    assert answer.status_code == 302 and answer.headers["Location"] == "/api/"
    assert anonymous.get("/api/").status_code == 200
