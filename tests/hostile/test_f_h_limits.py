"""Groups F and H: what should wear the server out, and what the transport must not believe."""

import base64
import re
import select
import ssl
import subprocess
import threading
import time
import urllib.parse

import pytest

from harness import oci, state
from harness.client import Registry, assert_error, next_link
from harness.crew import ADMIN, Call, Crew
from harness.people import unique
from harness.raw import RawConnection, exchange, request
from harness.server import ADMIN_PASSWORD

LISTS = ["/v2/_catalog", "/v2/admin/listed/tags/list", "/v2/admin/listed/referrers/{digest}"]
FORM = ("Content-Type", "application/x-www-form-urlencoded")
MANIFEST = ("Content-Type", oci.OCI_MANIFEST)


@pytest.fixture(scope="module")
def listed(server):
    """A repository with five tags and five referrers, for lists."""
    registry = Registry(server.url(), "admin", ADMIN_PASSWORD)
    image = registry.push_image("admin/listed", "v0")
    for number in range(1, 5):
        registry.push_manifest("admin/listed", f"v{number}", image.data)
    for _ in range(5):
        registry.push_artifact("admin/listed", "a/b", subject=image, payload=oci.random_blob())
    return registry, image


F_01 = {"0": 200, "-1": 400, "abc": 400, "1000000000": 200, "9223372036854775807": 200, "18446744073709551616": 400,
        "%00": 400, "+5": 400, "%2B5": 400, "00005": 200, "": 400, "5.0": 400, "0x5": 400, "1e3": 400, "5&n=6": 400,
        "%EF%BC%95": 400}


@pytest.mark.parametrize("path", LISTS[:2])
@pytest.mark.parametrize("n", F_01)
def test_F_01_page_sizes(listed, n, path):
    """A number is clamped to 1,000 with a Link where more follows, 0 is an empty list, the rest is refused."""
    registry, image = listed
    answer = registry.get(f"{path.format(digest=image.digest)}?n={n}")
    assert answer.status_code == F_01[n], answer.text[:200]
    if answer.status_code == 400:
        assert_error(answer, 400, "PAGINATION_NUMBER_INVALID")
    elif n == "0":
        assert list(answer.json().values())[-1] == []


@pytest.mark.parametrize("last", ["%25", "_", "%5C", "'", "%22", "--", "v0'--", "%F0%9F%98%80", "zzzz"])
def test_F_17_wildcards_are_letters(listed, last):
    registry, _ = listed
    tags = ["v0", "v1", "v2", "v3", "v4"]
    answer = registry.get(f"/v2/admin/listed/tags/list?last={last}")
    text = urllib.parse.unquote(last)
    assert answer.status_code == 200 and answer.json()["tags"] == [tag for tag in tags if tag.encode() > text.encode()]


def test_F_02_a_manifest_over_the_limit(server, no_effect):
    """4 MiB and one byte, announced or in chunks without end: 413, and reading stops."""
    path = "/v2/admin/f02/manifests/v1"
    with no_effect():
        for length in (4 * oci.MIB + 1, 2**62, 2**63 - 1):
            answer = exchange(server.address(), request("PUT", path, [ADMIN, MANIFEST, ("Content-Length", length),
                                                                       ("Expect", "100-continue")]))
            assert answer.status == 413, answer
        assert exchange(server.address(), request("PUT", path, [ADMIN, MANIFEST, ("Content-Length", 2**63)])).status == 413
        with RawConnection(server.address()) as connection:
            connection.send(request("PUT", path, [ADMIN, MANIFEST, ("Transfer-Encoding", "chunked")]))
            sent = 0
            try:
                for sent in range(64):
                    connection.sock.sendall(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
            except OSError:
                pass
            assert sent < 63, "64 MiB were taken"


@pytest.mark.parametrize("size, status", [(64 * 1024, 400), (64 * 1024 + 1, 413), (1024 * 1024, 413)])
def test_F_03_a_form_over_the_limit(server, size, status):
    body = b"client_id=x&x=".ljust(size, b"y")
    assert exchange(server.address(), request("POST", "/auth/token", [FORM, ("Content-Length", size)], body)).status == status


@pytest.mark.parametrize("value, status", [("5-9", 416), ("0-9", 202), ("1-10", 416), ("0-8", 416), ("9-0", 416),
                                           ("0-99999999999999999999", 416), ("-1-8", 416), ("a-b", 416), ("", 416)])
def test_F_04_chunks_with_gap_or_overlap(server, value, status):
    """416 with the true range; the session goes on."""
    registry = Registry(server.url(), "admin", ADMIN_PASSWORD)
    location = registry.start_upload("admin/f04")
    answer = registry.patch(location, data=b"x" * 10, headers={"Content-Range": value})
    assert answer.status_code == status or (value in ("", "-1-8", "a-b", "9-0", "0-99999999999999999999")
                                            and answer.status_code in (400, 416)), answer.text
    wanted = "0-9" if status == 202 else "0-0"
    assert registry.get(location).headers["Range"] == wanted
    assert registry.delete(location).status_code == 204


@pytest.mark.parametrize("count, status", [(97, 200), (98, 400), (500, (400, 431)), (3000, 431)])
def test_F_06_header_count(server, count, status):
    """100 with Host, Connection and Accept; more is refused."""
    lines = [("Connection", "close"), ("Accept", "*/*")] + [(f"X-{n}", "v") for n in range(count)]
    answer = exchange(server.address(), request("GET", "/livez", lines))
    assert answer.status in (status if isinstance(status, tuple) else (status,))


@pytest.mark.parametrize("header, value, statuses", [
    ("X-Big", "v" * 65536, (431,)), ("Accept", "a/b," * 10_000, (431,)), ("Accept-Language", ",-" * 524_288, (0, 431)),
    ("Accept", "a/b;q=0.1," * 1400, (200, 401)), ("Range", "bytes=" + "0-1," * 3000, (200, 401)),
    ("If-None-Match", '"a",' * 3000, (200, 401))])
def test_F_06_large_headers(server, header, value, statuses):
    assert exchange(server.address(), request("GET", "/v2/", [(header, value)])).status in statuses


def test_F_06_large_targets(server):
    for size, statuses in ((8000, (404,)), (8300, (414,)), (16 * 1024, (414,)), (64 * 1024, (414,))):
        assert exchange(server.address(), request("GET", "/" + "q" * size)).status in statuses, size


@pytest.mark.timeout(60)
def test_F_07_silent_sockets(server):
    """Many that say nothing or drip: a healthy request is answered meanwhile; the drippers go at their deadline."""
    silent = [RawConnection(server.address()) for _ in range(200)]
    drip = [RawConnection(server.address()) for _ in range(50)]
    for connection in drip:
        connection.send(b"GET /livez HTTP/1.1\r\nHost: a\r\nX-Slow: ")
    begin, closed = time.monotonic(), set()
    while len(closed) < len(drip) and time.monotonic() < begin + 40:
        assert exchange(server.address(), request("GET", "/livez")).status == 200
        for number, connection in enumerate(drip):
            if number in closed:
                continue
            try:
                connection.sock.sendall(b"x")
                connection.sock.settimeout(0.001)
                if not connection.sock.recv(1000):
                    closed.add(number)
            except TimeoutError:
                pass
            except OSError:
                closed.add(number)
        time.sleep(0.3)
    for connection in silent + drip:
        connection.close()
    assert len(closed) == len(drip), f"{len(drip) - len(closed)} still drip"


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate", "identity, gzip", "x"])
@pytest.mark.parametrize("method, path", [("PUT", "/v2/admin/f08/manifests/v1"), ("POST", "/auth/token"),
                                          ("POST", "/v2/admin/f08/blobs/uploads/?digest=" + oci.digest(b"x"))])
def test_F_08_content_codings(server, no_effect, method, path, coding):
    with no_effect():
        answer = exchange(server.address(), request(method, path, [ADMIN, FORM, ("Content-Encoding", coding),
                                                                    ("Content-Length", 1)], b"x"))
        assert answer.status == 415, answer


F_09 = {
    "million-brackets": b"[" * 1_000_000, "million-braces": b'{"a":' * 800_000,
    "million-keys": b"{" + b",".join(b'"k%d":1' % n for n in range(300_000)) + b"}",
    "long-number": b'{"a":' + b"1" * 1_000_000 + b"}", "nul-escapes": b'{"a":"' + b"\\u0000" * 690_000 + b'"}',
    "depth-65": b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", "pairs": b"[" + b"[]," * 1_300_000 + b"[]]",
}


@pytest.mark.parametrize("name", F_09)
def test_F_09_json_that_costs(server, no_effect, name):
    """400, at the price of one pass over the text: the time is the server's processor time."""
    def cpu():
        fields = open(f"/proc/{server.process.pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    with no_effect():
        before = cpu()
        answer = exchange(server.address(), request("PUT", "/v2/admin/f09/manifests/v1", [
            ADMIN, MANIFEST, ("Content-Length", len(F_09[name]))], F_09[name]))
        assert answer.status == 400 and answer.error_codes() == ["MANIFEST_INVALID"], answer
        assert cpu() - before < 3, "more than a pass over it"


def test_F_11_pages_of_referrers(server):
    """Large annotations: pages stay below 4 MiB and come in a stable order, all of them once."""
    registry = Registry(server.url(), "admin", ADMIN_PASSWORD)
    image = registry.push_image("admin/f11", "v1")
    wanted = {registry.push_artifact("admin/f11", "a/b", subject=image, payload=oci.random_blob(),
                                     annotations={"big": "x" * 900_000, "n": str(number)}).digest for number in range(7)}
    found, pages = [], 0
    target = f"/v2/admin/f11/referrers/{image.digest}"
    while target:
        answer = registry.get(target)
        assert answer.status_code == 200 and len(answer.content) < 5 * oci.MIB
        found += [one["digest"] for one in answer.json()["manifests"]]
        target, pages = next_link(answer), pages + 1
    assert sorted(found) == sorted(wanted) and pages > 1


def test_F_13_metrics_stay_small(server):
    crew_calls = [Call("GET", f"/v2/admin/f13-{n}/tags/list", [("User-Agent", f"agent-{n}"), ("Accept", f"t/{n}")])
                  for n in range(1000)]
    with Crew(server.address(), 64) as crew:
        crew.all(crew_calls)
    text = Registry(server.url(), "admin", ADMIN_PASSWORD).get("/metrics").text
    assert len(text) < 1024 * 1024 and not re.search(r"f13-|agent-|t/\d", text)


def test_F_14_odd_files_in_the_storage(new_server):
    """Files that are not ours, of no size, with odd names: the server starts, serves, and leaves them."""
    running = new_server()
    registry = Registry(running.url(), "admin", ADMIN_PASSWORD)
    image = registry.push_image("admin/f14", "v1")
    running.stop()
    shard = next(path for path in (running.data / "blobs").rglob("*") if path.is_file() and "sha256" in str(path)).parent
    for name in (".hidden", "x y", "\u00e9", "a" * 200, "sha256:zz", "..x"):
        (shard / name).touch(mode=0o600)
    running.start()
    registry = Registry(running.url(), "admin", ADMIN_PASSWORD)
    assert registry.pull_manifest("admin/f14", "v1").content == image.data
    registry.push_image("admin/f14", "v2")


class Flood(threading.Thread):
    """Log-ins over many connections; each is followed by the next with another name, until `stopping` is set."""

    def __init__(self, server, size):
        super().__init__(daemon=True)
        self.connections = {connection.sock.fileno(): connection for connection in
                            (RawConnection(server.address(), timeout=60) for _ in range(size))}
        self.stopping, self.answers, self.n_sent, self.failure = threading.Event(), [], 0, None

    def send(self, connection):
        self.n_sent += 1
        guess = base64.b64encode(f"nobody{self.n_sent}:guess".encode()).decode()
        connection.send(request("GET", "/v2/", [("Authorization", f"Basic {guess}")]))

    def run(self):
        try:
            self.flood()
        except Exception as failure:  # told by the main thread
            self.failure = failure

    def flood(self):
        waiting, free = select.poll(), list(self.connections.values())
        for number in self.connections:
            waiting.register(number, select.POLLIN)
        while not self.stopping.is_set() or len(free) < len(self.connections):
            for connection in [] if self.stopping.is_set() else free:
                self.send(connection)
            free = free if self.stopping.is_set() else []
            for number, _ in waiting.poll(200):
                answer = self.connections[number].answer()
                self.answers.append((answer.status, answer.header("Retry-After")))
                free.append(self.connections[number])

    def stop(self):
        self.stopping.set()
        self.join(120)
        assert not self.is_alive() and self.failure is None, self.failure
        for connection in self.connections.values():
            connection.close()


def test_F_18_many_log_ins_at_once(new_server):
    """64 log-ins wait for their hash, the rest is put off at once; whoever has a token pulls and pushes meanwhile."""
    server = new_server()
    admin = Registry(server.url(), "admin", ADMIN_PASSWORD)
    image = admin.push_image("admin/f18", "v1")
    registry = admin.with_token("repository:admin/f18:pull,push")
    flood = Flood(server, 500)
    flood.start()
    deadline = time.monotonic() + 60
    while (busy := re.search(r"^assay_workers_busy (\d+)$", admin.get("/metrics").text, re.M)) and int(busy[1]) < 64:
        assert time.monotonic() < deadline, f"only {busy[1]} workers are busy"
    for number in range(10):
        assert registry.pull_manifest("admin/f18", "v1").content == image.data
        registry.push_image("admin/f18", f"flood{number}")
    flood.stop()
    kinds = {status for status, _ in flood.answers}
    assert kinds == {401, 503}, kinds
    assert all(after for status, after in flood.answers if status == 503)


def test_F_19_http_1_only(server):
    """No upgrade, no HTTP/2 by prior knowledge, none offered in the TLS handshake."""
    answer = exchange(server.address(), request("GET", "/livez", [("Connection", "Upgrade"), ("Upgrade", "h2c")]))
    assert answer.status == 200 and answer.header("Upgrade") is None
    assert exchange(server.address(), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").status in (400, 505)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    with RawConnection(server.address("https"), context) as connection:
        assert connection.sock.selected_alpn_protocol() in (None, "http/1.1")


@pytest.mark.parametrize("range_", ["bytes=0-9223372036854775807", "bytes=9223372036854775807-", "bytes=-9223372036854775808",
                                    "bytes=18446744073709551615-18446744073709551616", "bytes=4294967296-", "bytes=5-2"])
def test_F_20_ranges_near_the_end_of_numbers(target, range_):
    blob = oci.digest(target.image.config)
    answer = target.admin.pull_blob(target.name, blob, headers={"Range": range_})
    assert answer.status_code in (200, 206, 416)
    assert answer.status_code == 416 or answer.content == target.image.config


def test_F_21_anonymous_traffic_leaves_nothing(server, no_effect):
    """Refused requests of nobody make no row, no file, no audit record."""
    before = state.rows(server, "SELECT count(*) FROM audit")
    with no_effect(), Crew(server.address(), 32) as crew:
        crew.all([Call(method, f"/v2/admin/f21-{n}/{path}", [MANIFEST], b"{}" if method != "GET" else b"", credentials=None)
                  for n in range(50) for method, path in (("POST", "blobs/uploads/"), ("PUT", "manifests/v1"),
                                                          ("GET", "tags/list"), ("PATCH", "blobs/uploads/" + "0" * 32))])
    assert state.rows(server, "SELECT count(*) FROM audit") == before


EVIL = [("Host", "evil.example"), ("Host", "127.0.0.1@evil.example"), ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "gopher"), ("Forwarded", "host=evil.example;proto=https"), ("X-Original-URL", "/evil"),
        ("X-Forwarded-Prefix", "/evil"), ("X-Rewrite-Url", "/evil.example")]


@pytest.mark.parametrize("header", EVIL, ids=lambda header: "-".join(header))
def test_H_02_hosts_of_strangers(server, target, header):
    """Challenge, Location and Link name only what is ours."""
    def ask(method, path, *more):
        headers = [header, *more] + ([("Content-Length", 0)] if method == "POST" else [])
        return exchange(server.address(), request(method, path, headers, host=None if header[0] == "Host" else "127.0.0.1"))

    for answer in (ask("GET", "/v2/"), ask("POST", f"/v2/{target.name}/blobs/uploads/", ADMIN),
                   ask("GET", f"/v2/{target.name}/tags/list?n=1", ADMIN), ask("GET", target.path)):
        assert answer.status in (200, 202, 400, 401)
        assert "evil" not in repr(answer.headers) and b"evil" not in answer.body and "gopher" not in repr(answer.headers)
        location = answer.header("Location")
        assert location is None or location.startswith("/v2/")


def test_H_03_nothing_is_for_shared_caches(target):
    """Every answer to somebody says so, with its variants."""
    config = oci.digest(target.image.config)
    for path in (target.path, f"/v2/{target.name}/blobs/{config}", f"/v2/{target.name}/tags/list", "/v2/_catalog", "/v2/",
                 f"/v2/{target.name}/manifests/{target.image.digest}", f"/v2/{target.name}/manifests/none", "/metrics",
                 f"/auth/token?scope=repository:{target.name}:pull"):
        for registry in (target.admin, target.admin.anonymous()):
            answer = registry.get(path)
            assert {"private", "no-store"} <= set(answer.headers["Cache-Control"].replace(",", " ").split()), path
            assert "Authorization" in answer.headers["Vary"] and "Accept" in answer.headers["Vary"], path


@pytest.mark.parametrize("options, works", [
    (["-tls1"], False), (["-tls1_1"], False), (["-tls1_2"], True), (["-tls1_3"], True),
    (["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"], False), (["-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA:@SECLEVEL=0"], False),
    (["-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384"], False), (["-tls1_2", "-cipher", "NULL:eNULL:aNULL:@SECLEVEL=0"], False),
    (["-tls1_2", "-cipher", "DES-CBC3-SHA:@SECLEVEL=0"], False)], ids=lambda value: "".join(map(str, value)) if isinstance(
        value, list) else None)
def test_H_04_old_tls_and_weak_suites(server, options, works):
    """What the library really speaks, asked by a client that would take anything."""
    host, port = server.address("https")
    old = ["-cipher", "DEFAULT:@SECLEVEL=0"] if options in (["-tls1"], ["-tls1_1"]) else []
    done = subprocess.run(["openssl", "s_client", "-connect", f"{host}:{port}", *options, *old], input=b"", timeout=30,
                          capture_output=True, check=False)
    assert (b"Cipher is (NONE)" not in done.stdout and done.returncode == 0) == works, done.stdout[-500:] + done.stderr[-500:]


def test_H_04_no_renegotiation_and_no_early_data(server):
    host, port = server.address("https")
    done = subprocess.run(["openssl", "s_client", "-connect", f"{host}:{port}", "-tls1_2"], input=b"R\n", timeout=30,
                          capture_output=True, check=False)
    assert b"renegotiation" in (done.stdout + done.stderr).lower() or done.returncode != 0
    done = subprocess.run(["openssl", "s_client", "-connect", f"{host}:{port}", "-tls1_3"], input=b"", timeout=30,
                          capture_output=True, check=False)
    assert b"Early data was accepted" not in done.stdout and b"Max Early Data: 1" not in done.stdout


PATTERNS = [("regex", "(a+)+$"), ("regex", "(a|a?)+b"), ("regex", "(.*a){24}"), ("glob", "*a*a*a*a*a*a*a*a*b"), ("glob", "{a,aa,aaa}*" * 20)]


@pytest.mark.parametrize("syntax, pattern", PATTERNS, ids=[pattern[:20] for _, pattern in PATTERNS])
def test_F_10_patterns_that_explode_elsewhere_answer_here(server, syntax, pattern):
    """Where matching went back and forth these would take longer than any client waits."""
    root = Registry(server.url(), "admin", ADMIN_PASSWORD)
    repo = f"admin/{unique('f10')}"
    made = root.post("/api/v1/tag-rules", json={"path": repo, "pattern": pattern, "syntax": syntax})
    assert made.status_code == 201, made.text
    for tag in "a" * 127 + "c", "a" * 128:
        image = root.push_image(repo, tag)
        assert root.get("/api/v1/tag-policy", params={"repository": repo, "tag": tag}).status_code == 200
        assert root.put_manifest(repo, tag, image.data + b" ").status_code in (201, 403)


@pytest.mark.parametrize("pattern", ["a" * 257, "a" * 102_400, "(", "[z-a]", ""], ids=lambda pattern: f"{len(pattern)} bytes")
def test_F_10_what_is_no_pattern_is_refused_with_the_field(server, no_effect, pattern):
    root = Registry(server.url(), "admin", ADMIN_PASSWORD)
    with no_effect():
        answer = root.post("/api/v1/tag-rules", json={"path": "admin/f10", "pattern": pattern, "syntax": "regex"})
    assert answer.status_code in (400, 413), answer.text[:200]
    assert answer.status_code == 413 or "pattern" in answer.json()["errors"][0]["message"]
