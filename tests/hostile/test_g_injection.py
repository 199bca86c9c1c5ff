"""Group G: text that means something elsewhere: in a page, a query, a log, a shell, a format."""

import itertools
import json
import re

import pytest

from harness import canary, oci
from harness.client import Registry
from harness.people import People, unique
from harness.raw import exchange, request
from harness.server import ADMIN_PASSWORD, REPOSITORY

ACTIVE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "[x](javascript:alert(1))", "{{7*7}}",
          "<svg onload=alert(1)>", "‮gnp.exe", "data:text/html,<script>1</script>"]
LITERAL = ["%s%n%x%999999999d", "{0}", "${jndi:ldap://127.0.0.1/x}", "$(id)", "`id`", "; rm -rf /", "\\x00\\n"]
ODD = ["'", '"', ";--", "\\", "%", "_", "%00", "' OR '1'='1", "x" * 10_240, "\u202e", "\r\nX: y", "-1", "1e400", "../../x",
       "%s%n", "é" * 300]
DIGEST = "sha256:" + "0" * 64


@pytest.fixture(scope="session")
def root(server):
    return Registry(server.url(), "admin", ADMIN_PASSWORD)


@pytest.fixture(scope="session")
def org(root):
    return People(root).org()


def make(root, org, **fields):
    name = unique("g")
    answer = root.post(f"/api/v0/repositories/{org}", json={"name": name} | fields)
    assert answer.status_code == 201, answer.text
    return f"{org}/{name}"


@pytest.mark.parametrize("text", ACTIVE + LITERAL)
def test_G_01_G_11_text_is_text(root, org, text):
    """Kept and given back as it came, in JSON that no browser takes for a page."""
    name = make(root, org, shortDescription=text[:140], longDescription=text)
    answer = root.get(f"/api/v0/repositories/{name}")
    assert answer.json()["longDescription"] == text and answer.json()["shortDescription"] == text[:140]
    assert answer.headers["Content-Type"] == "application/json" and answer.headers["X-Content-Type-Options"] == "nosniff"
    user = People(root).user(fullName=text)
    assert user.get(f"/enzi/v0/accounts/{user.user}").json()["fullName"] == text


def test_G_01_blobs_and_manifests_are_no_pages(root, org):
    name = make(root, org)
    page = b"<html><script>alert(1)</script></html>"
    digest = root.push_blob(name, page)
    answer = root.get(f"/v2/{name}/blobs/{digest}")
    assert answer.content == page and answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment"
    assert answer.headers["Content-Security-Policy"] == "sandbox" and answer.headers["X-Content-Type-Options"] == "nosniff"
    image = root.push_image(name, "v1", annotations={"x": ACTIVE[0]})
    answer = root.pull_manifest(name, "v1")
    assert answer.headers["Content-Type"] == oci.OCI_MANIFEST and answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.content == image.data


def operations(root):
    for path, methods in root.anonymous().get("/api/openapi.json").json()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def filled(pattern, org, **values):
    known = {"name": "x", "namespace": org, "digest": DIGEST, "reference": "v1", "account": org, "id": "0" * 32} | values
    return re.sub(r"{(\w+)}", lambda hole: known.get(hole.group(1), "none"), pattern)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"])
def test_G_05_no_other_origin_is_let_in(root, org, origin):
    for method, pattern, _ in operations(root):
        for one in (method, "OPTIONS"):
            answer = root.anonymous().request(one, filled(pattern, org), headers={
                "Origin": origin, "Access-Control-Request-Method": method})
            told = [name for name in answer.headers if name.lower().startswith("access-control-")]
            assert not told, f"{one} {pattern}: {told}"


# These would end the session, the account or the password of the caller.
LEFT_OUT = {"accounts.password", "accounts.import", "session.revoke", "login.out"}


def test_G_06_odd_text_in_every_parameter_is_no_fault(root, org):
    """Each hole and each field of a query, one after the other: an answer of the client's kind, and none without one."""
    n = 0
    for method, pattern, operation in operations(root):
        if operation["operationId"] in LEFT_OUT:
            continue
        for parameter, text in itertools.product(operation["parameters"], ODD):
            escaped = "".join(f"%{byte:02X}" for byte in text.encode())
            where, name = parameter["in"], parameter["name"]
            path = filled(pattern, org, **({name: escaped} if where == "path" else {}))
            query = f"?{name}={escaped}" if where == "query" else ""
            body = {"json": {}} if method in ("POST", "PUT", "PATCH") and not pattern.startswith("/v2") else {}
            if method in ("POST", "PUT", "PATCH", "DELETE") and where == "query" and text not in ODD[:4]:
                continue  # what it names is the same
            answer = root.request(method, path + query, **body)
            assert answer.status_code < 500, f"{method} {pattern} {name}={text[:20]!r}: {answer.status_code} {answer.text}"
            n += 1
    assert n > 1000


def test_G_06_odd_text_in_every_field_of_a_body_is_no_fault(root, org):
    description = root.anonymous().get("/api/openapi.json").json()
    schemas = description["components"]["schemas"]
    for method, pattern, operation in operations(root):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        if "$ref" not in content.get("schema", {}) or operation["operationId"] in LEFT_OUT:
            continue
        for field, text in itertools.product(schemas[content["schema"]["$ref"].split("/")[-1]]["properties"], ODD[:9] + [0, [], {}]):
            answer = root.request(method, filled(pattern, org), json={field: text})
            assert answer.status_code < 500, f"{method} {pattern} {field}={text!r}: {answer.status_code} {answer.text}"


def test_G_08_a_line_of_the_log_stays_one_line(new_server):
    server = new_server("--log-level", "debug", "--log-format", "json")
    agents = [b"\x1b[31mred\x1b[0m", b'", "level": "error', b"a" * 8000, b"\\u0000{}", b"\xff\xfe"]
    for agent in agents:
        exchange(server.address(), request("GET", "/v2/", [("User-Agent", agent.decode("latin-1"))]))
        exchange(server.address(), request("GET", "/v2/%1b%5b31m%0aINFO/tags/list"))
    Registry(server.url()).post("/login", data={"username": "a\nlevel=error\x1b[31m", "password": "x"})
    server.stop()
    lines = server.log_path.read_bytes().splitlines()
    assert len(lines) > len(agents)
    for line in lines:
        assert b"\x1b" not in line and isinstance(json.loads(line), dict)


def test_G_12_no_shell_is_ever_called():
    """What could call one does not compile, and what starts programs stands in one folder."""
    banned = (REPOSITORY / "src" / "base" / "banned.h").read_text()
    assert {"system", "popen"} <= set(re.findall(r"\b(system|popen)\b", banned))
    for path in (REPOSITORY / "src").rglob("*.c"):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        if path.parent.name not in ("io", "cmd"):
            assert not re.search(r"\b(execv\w*|posix_spawn\w*|fork)\s*\(", text), path
        assert '"/bin/sh"' not in text, path


def test_G_10_a_secret_in_a_log_is_found(server, root, tmp_path):
    """What looks through the log and the database of every server that stops finds a token that was given, and a password."""
    token = root.post("/api/v0/api_tokens", json={"tokenLabel": unique("canary")}).json()["token"]
    canary.check(server)
    for secret in (token, ADMIN_PASSWORD):
        (tmp_path / "text").write_text(f"level=debug {secret} was here")
        assert canary.found_in((tmp_path / "text").read_bytes())


def test_G_10_a_secret_anywhere_else_is_found(root, tmp_path):
    """So does what looks through a PostgreSQL cluster, through the other files that a server leaves, and through answers."""
    canary.used("nobody", ADMIN_PASSWORD)
    table = tmp_path / "data" / "base" / "5" / "16384"
    table.parent.mkdir(parents=True)
    table.write_bytes(b"\x00\xffa page\x00")
    canary.check_cluster(tmp_path)
    table.write_bytes(b"\x00\xff" + ADMIN_PASSWORD.encode() + b"\x00")
    with pytest.raises(AssertionError):
        canary.check_cluster(tmp_path)
    assert list(canary.files_of(tmp_path)) == [table]
    answer = root.get("/_ping")
    answer._content = b'{"was": "' + ADMIN_PASSWORD.encode() + b'"}'  # pylint: disable=protected-access
    with pytest.raises(AssertionError):
        canary.given(answer)
