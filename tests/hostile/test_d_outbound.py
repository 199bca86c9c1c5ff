"""Group D of the tables of attacks: what the server sends out. The requests are webhooks': their URL is what a user gives. What
only mirrors can show (upstreams' challenges, lying registries) is listed in LATER and skipped in sight; where the module
below can show it already (redirects that are followed, streams), tests/unit/net/outbound_test.c does."""

import gzip
import http.client
import json
import ssl
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import state
from harness.client import Registry
from harness.people import refused, unique
from harness.server import ADMIN_PASSWORD, Server
from other_end import (
    OK, Authority, End, Resolver, can_have_own_resolver, closed_port, forever, own_addresses, program_that_asks, say, silent,
    status, swallowing, wait_until,
)

V0, V1 = "/api/v0/webhooks", "/api/v1/webhooks"

LATER = {
    "D-03 blob fetches": "blobs are fetched by mirrors",
    "D-04 upstream challenges": "challenges are answered by mirrors",
    "D-05 docker.io and its look-alikes": "registries' names are compared by mirrors",
    "D-07 manifests of an upstream": "manifests are fetched by mirrors",
}


@pytest.mark.parametrize("row", LATER)
def test_rows_that_wait_for_their_feature(row):
    pytest.skip(f"{row}: {LATER[row]}, which are not there yet")


@pytest.fixture(scope="module")
def authority(scratch):
    directory = scratch / "other-ends"
    directory.mkdir(exist_ok=True)
    return Authority(directory)


@pytest.fixture(scope="module")
def bait():
    """A proxy that somebody put into the environment."""
    with End(say(status("200 OK"))) as end:
        yield end


@pytest.fixture(scope="module")
def outgoing(scratch, bait):
    """A server that may reach 127.0.0.1 beside what is public, and tries again soon."""
    proxy = f"http://127.0.0.1:{bait.port}"
    env = {name: proxy for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")}
    with Server(scratch / "outgoing", "--egress-allow", "127.0.0.1/32", "--external-url", "https://registry.example",
                env=env | {"ASSAY_WEBHOOK_RETRY": "50ms", "ASSAY_WEBHOOK_MAX_WAIT": "200ms",
                           "ASSAY_WEBHOOK_TIMEOUT": "3s"}) as running:
        yield running


@pytest.fixture(scope="module")
def boss(outgoing):
    return Registry(outgoing.url(), "admin", ADMIN_PASSWORD)


def form(endpoint, **fields):
    return {"type": "TAG_PUSH", "endpoint": endpoint} | fields


def call(registry, endpoint, **fields):
    """The test call: one request, at once."""
    return registry.post(V0 + "/test", json=form(endpoint, **fields), timeout=120)


def failed(answer):
    """What the test call says when it was not answered well."""
    return refused(answer, 400, "WEBHOOK_TEST_FAILED", "endpoint")


def calls(registry, endpoints, **fields):
    """Many of them at once, for one that fails takes its time."""
    with ThreadPoolExecutor(len(endpoints)) as pool:
        return list(pool.map(lambda endpoint: call(registry, endpoint, **fields), endpoints))


# D-01.

FORMS_OF_THIS_MACHINE = [
    "127.0.0.1", "127.0.0.2", "localhost", "LOCALHOST", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "[::]",
    "127.1", "0x7f.1", "0x7f000001", "2130706433", "0177.0.0.1", "017700000001", "127.0.0.1.", "localhost.", "0", "0x0",
    "127.0.00.1", "[0:0:0:0:0:0:0:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[::1%25lo]", "127。0。0。1", "①②⑦.0.0.1",
]
PLACES_INSIDE = [
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "169.254.169.254", "169.254.170.2", "100.100.100.200",
    "168.63.129.16", "192.0.0.192", "198.18.0.1", "198.19.255.255", "192.0.2.1", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255", "[fd00:ec2::254]", "[fe80::1]", "[fc00::1]", "[ff02::1]", "[2001:db8::1]",
    "[2002:7f00:1::]", "[64:ff9b::a9fe:a9fe]", "[::ffff:169.254.169.254]", "[::ffff:10.0.0.1]", "[2001::1]",
]


def features(registry):
    """All that take a URL and keep or call it. What they kept by mistake would be told of nothing: its repository rests."""
    made = registry.post("/api/v0/repositories/admin", json={"name": "rests"})
    assert made.ok or "EXISTS" in made.text, made.text
    key = {"key": "admin/rests"}
    made = registry.post(V1, json=form("https://receiver.example/hook") | key)
    assert made.status_code == 201, made.text
    path = f"{V1}/{made.json()['id']}"
    yield "create", lambda body: registry.post(V0, json=body | key)
    yield "test", lambda body: registry.post(V0 + "/test", json=body)
    yield "create (v1)", lambda body: registry.post(V1, json=body | key)
    yield "test (v1)", lambda body: registry.post(V1 + "/test", json=body)
    yield "update (v1)", lambda body: registry.patch(path, json={k: body[k] for k in body if k != "type"})
    assert registry.delete(path).ok


def refuse_all(registry, endpoints):
    for name, ask in features(registry):
        for endpoint in endpoints:
            for skip in False, True:
                answer = ask(form(endpoint, skipTLSVerification=skip))
                assert answer.status_code == 400, f"{name} took {endpoint}: {answer.status_code} {answer.text}"
                assert "endpoint" in answer.json()["errors"][0]["message"], answer.text


def test_d01_no_spelling_of_this_machine_is_taken(server):
    registry = Registry(server.url(), "admin", ADMIN_PASSWORD)
    with End(say(OK)) as v4, End(say(OK), address=("::1", v4.port)) as v6:
        refuse_all(registry, [f"{scheme}://{host}:{v4.port}/" for host in FORMS_OF_THIS_MACHINE for scheme in ("http", "https")])
        assert v4.connections == v6.connections == 0


def test_d01_nothing_inside_is_taken(server):
    registry = Registry(server.url(), "admin", ADMIN_PASSWORD)
    refuse_all(registry, [f"https://{host}/" for host in PLACES_INSIDE + own_addresses()])


def test_d01_refusing_has_no_effect(server, no_effect):
    registry = Registry(server.url(), "admin", ADMIN_PASSWORD)
    with no_effect():
        for endpoint in "https://127.0.0.1/", "http://10.0.0.1/", "file:///etc/passwd":
            assert registry.post(V0, json=form(endpoint, key="admin/rests", skipTLSVerification=True)).status_code == 400


@pytest.mark.parametrize("port", [22, 25, 5432, 6379, 0, 65536])
def test_d01_ports_of_others(boss, port):
    refuse_all(boss, [f"https://127.0.0.1:{port}/", f"https://receiver.example:{port}/"])


def test_d01_the_registry_s_own_name(boss):
    refuse_all(boss, ["https://registry.example/", "https://REGISTRY.example:8443/api"])


def test_d01_what_is_listed_is_reached(boss):
    with End(say(OK)) as end:
        answer = call(boss, end.url(), skipTLSVerification=True)
        assert answer.status_code == 200, answer.text
        assert end.connections == 1


def test_d01_plain_http_must_be_meant_and_listed(boss):
    with End(say(OK)) as end:
        assert call(boss, end.url()).status_code == 400
        assert end.connections == 0
    refuse_all(boss, ["http://8.8.8.8/"])


@pytest.mark.parametrize("scheme", ["file", "gopher", "ftp", "dict", "ldap", "unix", "ws", "javascript", "HTTP+unix", ""])
def test_d01_other_schemes(boss, scheme):
    refuse_all(boss, [f"{scheme}://127.0.0.1/x", f"{scheme}:127.0.0.1"])


# D-01 and D-02, with names.

needs_resolver = pytest.mark.skipif(not can_have_own_resolver(), reason="needs root and mount namespaces, for a resolver of its own")


@pytest.fixture(scope="module")
def resolver():
    with Resolver() as running:
        yield running


@pytest.fixture(scope="module")
def asking(scratch, resolver):
    """A server that asks the test's resolver."""
    directory = scratch / "asking"
    directory.mkdir()
    with Server(directory / "data", "--egress-allow", "127.0.0.1/32", "--external-url", "https://registry.example",
                program=program_that_asks(directory, resolver)) as running:
        yield Registry(running.url(), "admin", ADMIN_PASSWORD)


@needs_resolver
def test_d02_names_that_lead_inside(asking, resolver):
    """None of these is called, whatever stands beside the forbidden address."""
    with End(say(OK), address=("127.0.0.2", 0)) as end:
        resolver.names |= {
            "inside.test": [["127.0.0.2"]], "inside6.test": [["::1"]], "private.test": [["10.0.0.1"]],
            "metadata.test": [["169.254.169.254"]], "two.test": [["8.8.8.8", "127.0.0.2"]], "owt.test": [["127.0.0.2", "8.8.8.8"]],
            "both.test": [["8.8.8.8", "::1"]], "mapped.test": [["::ffff:127.0.0.2"]],
            "cname.test": [[("cname", "real.test"), "127.0.0.2"]], "many.test": [["127.0.0.1"] * 999 + ["127.0.0.2"]],
        }
        refuse_all(asking, [f"https://{name}:{end.port}/" for name in resolver.names if name != "registry.example"])
        assert end.connections == 0
    resolver.names["registry.example"] = [["8.8.8.8"]]
    refuse_all(asking, ["https://registry.example/"])


@needs_resolver
def test_d02_a_name_that_changes_its_mind(asking, resolver):
    """Good while it is looked at, forbidden when it is called; and the other way round nothing is taken."""
    with End(say(OK)) as good, End(say(OK), address=("127.0.0.2", good.port)) as bad:
        resolver.names["late.test"] = [["127.0.0.1"], ["127.0.0.2"]]
        said = failed(call(asking, good.url("late.test"), skipTLSVerification=True))
        assert "no answer from" in said["message"] and "127.0.0.2" not in said["message"]
        assert resolver.asked.count("late.test") == 2
        resolver.names["early.test"] = [["127.0.0.2"], ["127.0.0.1"]]
        assert call(asking, good.url("early.test"), skipTLSVerification=True).status_code == 400
        assert good.connections == bad.connections == 0


@needs_resolver
def test_d02_a_connection_goes_where_it_was_vetted(asking, resolver):
    """What is asked for again within the half minute goes to the address that was good, not to what the name says by now."""
    with End(say(status("200 OK"))) as good, End(say(OK), address=("127.0.0.2", good.port)) as bad:
        resolver.names["kept.test"] = [["127.0.0.1"]] * 3 + [["127.0.0.2"]]
        for _ in range(2):
            assert call(asking, good.url("kept.test"), skipTLSVerification=True).status_code == 200
        assert good.connections == 2 and bad.connections == 0


@needs_resolver
def test_d02_more_addresses_than_a_name_may_have(asking, resolver):
    with End(say(OK)) as end:
        resolver.names["flood.test"] = [["127.0.0.1"] * 1100]
        failed(call(asking, end.url("flood.test"), skipTLSVerification=True))
        resolver.names["crowd.test"] = [["127.0.0.1"] * 1000]
        assert call(asking, end.url("crowd.test"), skipTLSVerification=True).status_code == 200
        assert end.connections == 1


@needs_resolver
def test_d02_a_name_that_nobody_knows_is_taken_and_not_called(asking):
    body = form("https://nowhere.test/", key="admin/rests")
    assert asking.post(V0, json=body).status_code == 201
    said = failed(call(asking, "https://nowhere.test/"))
    assert "no answer from https://nowhere.test:443" in said["message"]


# D-03.


def test_d03_no_redirect_is_followed(boss):
    with End(say(OK)) as victim:
        places = [victim.url(), victim.url("127.0.0.2"), "file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/",
                  f"dict://127.0.0.1:{victim.port}/", "/again", "//127.0.0.1/"]
        rows = [(code, place) for code in ("301 Moved", "302 Found", "303 Other", "307 Same", "308 Same") for place in places[:2]]
        rows += [("302 Found", place) for place in places[2:]]
        ends = [End(say(status(code, f"Location: {place}"))) for code, place in rows]
        ends.append(End(say(status("200 OK", f"Refresh: 0; url={victim.url()}"))))
        try:
            answers = calls(boss, [end.url() for end in ends], skipTLSVerification=True)
            for (code, _), answer in zip(rows, answers):
                assert f"status {code[:3]}" in failed(answer)["message"]
            assert answers[-1].status_code == 200
            assert [end.connections for end in ends] == [1] * len(ends), "each was asked once"
            assert victim.connections == 0
        finally:
            for end in ends:
                end.__exit__()


# D-04.


def test_d04_a_challenge_gets_no_credentials(boss):
    """Webhooks have none but their signature; none is thought up."""
    with End(say(OK)) as realm, End(say(status("401 No", f'WWW-Authenticate: Bearer realm="http://127.0.0.1:{0}/token",service="x"',
                                               'WWW-Authenticate: Basic realm="x"'))) as end:
        failed(call(boss, end.url(), skipTLSVerification=True))
        assert end.connections == 1 and realm.connections == 0
        assert b"authorization" not in end.heard[0].lower()


# D-05.


@pytest.mark.parametrize("authority_part", [
    "user@127.0.0.1", "user:secret@127.0.0.1", "127.0.0.1@evil.example", "receiver.example\\@127.0.0.1", "receiver.example%40127.0.0.1",
    "receiver.example:443@127.0.0.1", "receiver.example\\.evil.example", "receiver.example.", "RECEIVER.EXAMPLE.", ".receiver.example",
    "receiver..example", "b\u00fccher.example", "receiver.example\t", "receiver .example", "receiver.example\u3002evil.example",
    "receiver.example%00.evil.example", "receiver.example:443:80", "[receiver.example]",
])
def test_d05_hosts_that_read_in_two_ways(boss, authority_part):
    refuse_all(boss, [f"https://{authority_part}/"])


def test_d05_a_password_in_a_url_is_not_repeated(boss, outgoing):
    answer = call(boss, "https://joe:hunter2-in-a-url@127.0.0.1/")
    assert answer.status_code == 400
    assert "hunter2" not in answer.text and "hunter2" not in outgoing.log()


# D-06.


def test_d06_certificates(boss, authority):
    """Whoever is not who they say they are gets no request; told to, the very same are called: the switch reaches TLS."""
    other = Authority(authority.directory)
    contexts = {
        "self-signed": authority.context(is_own=True), "expired": authority.context(from_days=-9, to_days=-1),
        "not yet good": authority.context(from_days=1, to_days=9), "another name": authority.context(names=["receiver.example"]),
        "another authority": other.context(),
    }
    ends = {name: End(say(OK), context) for name, context in contexts.items()}
    try:
        answers = dict(zip(ends, calls(boss, [end.url() for end in ends.values()], tlsCert=authority.pem)))
        for name, answer in answers.items():
            assert "certificate" in failed(answer)["message"], name
            assert not any(ends[name].heard), f"{name}: a request went out"
        answers = calls(boss, [end.url() for end in ends.values()], skipTLSVerification=True)
        assert [answer.status_code for answer in answers] == [200] * len(ends)
    finally:
        for end in ends.values():
            end.__exit__()


def test_d06_a_good_certificate(boss, authority, outgoing):
    """By the authority of the one webhook, or of the settings; not by none."""
    with End(say(OK), authority.context()) as end:
        assert call(boss, end.url(), tlsCert=authority.pem).status_code == 200
        failed(call(boss, end.url()))
        outgoing.admin("set", "ca-bundle", authority.pem)
        assert call(boss, end.url()).status_code == 200
        outgoing.admin("set", "ca-bundle", "off")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_d06_old_tls(boss, authority):
    contexts = [authority.context(version=version) for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)]
    with End(say(OK), contexts[0]) as one, End(say(OK), contexts[1]) as two:
        for end, answer in zip((one, two), calls(boss, [one.url(), two.url()], tlsCert=authority.pem, skipTLSVerification=True)):
            failed(answer)
            assert not any(end.heard) and end.failures


def test_d06_no_way_down_to_plain_http(boss):
    """One that speaks no TLS is not asked again without."""
    with End(say(OK), speaks_first=True) as end:
        said = failed(call(boss, f"https://127.0.0.1:{end.port}/", skipTLSVerification=True))
        assert end.connections == 1 and "no answer from" in said["message"]


def test_d06_unverified_is_seen(boss):
    made = boss.post(V0, json=form("https://receiver.example/", key="admin/rests", skipTLSVerification=True))
    assert made.status_code == 201 and made.json()["skipTLSVerification"] is True
    assert any(hook["id"] == made.json()["id"] and hook["skipTLSVerification"] for hook in boss.get(V0).json())
    records = boss.get("/api/v1/audit", params={"request": made.headers["X-Request-Id"]}).json()["records"]
    assert records and "skipTLSVerification" in json.dumps(records), records


@pytest.mark.parametrize("pem", ["x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                                 "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_d06_what_is_no_certificate(boss, pem):
    for path, more in (V0, {"key": "admin/rests"}), (V0 + "/test", {}), (V1, {"key": "admin/rests"}), (V1 + "/test", {}):
        answer = boss.post(path, json=form("https://receiver.example/", tlsCert=pem) | more)
        assert answer.status_code == 400 and "tlsCert" in answer.json()["errors"][0]["message"], answer.text


# D-07.

HEAD = b"HTTP/1.1 200 OK\r\n"
FAITHLESS = {
    "silence": silent,
    "a byte a second": forever(b"x", 1.0, HEAD + b"Content-Length: 1000\r\n\r\n"),
    "a head that has no end": forever(b"X-Filler: " + b"x" * 1000 + b"\r\n", 0.0, HEAD),
    "a head a byte a second": forever(b"x", 1.0, HEAD + b"X: "),
    "a million headers": say(HEAD + b"a: b\r\n" * 1_000_000 + b"Content-Length: 0\r\n\r\n"),
    "100 Continue for ever": forever(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "fewer bytes than promised": say(HEAD + b"Content-Length: 100\r\nConnection: close\r\n\r\nshort"),
    "an end in the head": say(HEAD + b"Content-Le"),
    "an end at once": say(b""),
    "no HTTP": say(b"220 mail.example ESMTP ready\r\n"),
    "HTTP/0.9": say(b"<html>hello</html>"),
    "a chunk that is none": say(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "a negative length": say(HEAD + b"Content-Length: -1\r\n\r\n"),
    "no status": say(b"HTTP/1.1 banana\r\n\r\n"),
}
WORDY = {
    "a body that has no end": forever(b"x" * 65536, 0.0, HEAD + b"Connection: close\r\n\r\n"),
    "10 GB promised": forever(b"x" * 65536, 0.0, HEAD + b"Content-Length: 10000000000\r\n\r\n"),
    "chunks for ever": forever(b"ffff\r\n" + b"x" * 65535 + b"\r\n", 0.0, HEAD + b"Transfer-Encoding: chunked\r\n\r\n"),
    "a bomb": say(HEAD + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n" + gzip.compress(bytes(50_000_000))),
    "a body to HEAD's rules": say(HEAD + b"Content-Length: 2\r\n\r\nokHTTP/1.1 500 No\r\n\r\n"),
}


def test_d07_answers_without_end_or_sense(boss, outgoing):
    """Each is given up in bounded time and memory while the server goes on; a 2xx whose body goes on and on is one."""
    ends = {name: End(script) for name, script in (FAITHLESS | WORDY).items()}
    before = state.resident_kib(outgoing.process.pid)
    try:
        answers = dict(zip(ends, calls(boss, [end.url() for end in ends.values()], skipTLSVerification=True)))
        for name, answer in answers.items():
            wanted = 200 if name in WORDY else 400
            assert answer.status_code == wanted, f"{name}: {answer.status_code} {answer.text}"
            assert ends[name].connections == 1, f"{name}: asked again"
        assert state.resident_kib(outgoing.process.pid) - before < 300 * 1024
    finally:
        for end in ends.values():
            end.__exit__()
    assert boss.get("/v2/").status_code == 200


def test_d07_and_d10_one_bad_receiver_keeps_no_other_waiting(boss, outgoing):
    """Three that are silent, one that is dead, one that says 500: the good one is told while they are still waited for, and
    pushes go through."""
    name = unique("d10")
    assert boss.post("/api/v0/repositories/admin", json={"name": name}).status_code == 201
    repo = f"admin/{name}"
    bad = [End(silent), End(silent), End(silent), End(say(status("500 No")))]
    with End(say(status("200 OK"))) as good:
        try:
            urls = [end.url() for end in bad] + [f"http://127.0.0.1:{closed_port()}/"] + [good.url()]
            for url in urls:
                answer = boss.post(V0, json=form(url, key=repo, skipTLSVerification=True))
                assert answer.status_code == 201, answer.text
            for i in range(5):
                boss.push_image(repo, f"v{i}")
            wait_until(lambda: len(good.heard) >= 5, "every push at the good receiver")
            assert all(end.connections for end in bad), "the others were tried"
        finally:
            for end in bad:
                end.__exit__()


# D-08.


def test_d08_a_port_tells_nothing_by_how_it_fails(boss):
    """Closed, filtered, open to something else, a name that nobody has, and an address that may not be reached: the same
    words, after the same time or a little more."""
    with swallowing() as filtered, End(silent) as mute, End(say(b"SSH-2.0-x\r\n"), speaks_first=True) as other:
        endpoints = [f"https://127.0.0.1:{port}/" for port in (closed_port(), filtered, mute.port, other.port)]
        endpoints.append("https://nobody-has-this.invalid:443/")

        def timed(endpoint):
            begin = time.monotonic()
            answer = call(boss, endpoint, skipTLSVerification=True)
            return time.monotonic() - begin, failed(answer)["message"].replace(endpoint.rstrip("/"), "ORIGIN")

        with ThreadPoolExecutor(len(endpoints)) as pool:
            found = list(pool.map(timed, endpoints))
    words = {text for _, text in found}
    assert len(words) == 1 and "no answer from ORIGIN" in words.pop(), found
    assert all(seconds >= 3.9 for seconds, _ in found), f"one fails sooner: {found}"


def test_d08_the_operator_is_told(boss, outgoing):
    port = closed_port()
    failed(call(boss, f"https://127.0.0.1:{port}/hook?token=not-for-logs"))
    outgoing.wait_for_log(f"origin=https://127.0.0.1:{port}")
    assert "not-for-logs" not in outgoing.log()


# D-09.


def test_d09_a_proxy_is_one_of_the_settings(boss, outgoing, bait):
    """Neither the environment's nor one that a request names."""
    with End(say(OK)) as end:
        body = json.dumps(form(end.url(), skipTLSVerification=True))
        connection = http.client.HTTPConnection(*outgoing.address(), timeout=60)
        connection.request("POST", V0 + "/test", body, {
            "Authorization": boss.session.headers.get("Authorization") or basic(), "Content-Type": "application/json",
            "Proxy": f"http://127.0.0.1:{bait.port}", "Proxy-Authorization": "Basic eDp5"})
        assert connection.getresponse().status == 200
        assert end.connections == 1 and bait.connections == 0
        assert b"proxy" not in end.heard[0].lower()


def basic():
    import base64
    return "Basic " + base64.b64encode(f"admin:{ADMIN_PASSWORD}".encode()).decode()


def test_d09_the_proxy_of_the_settings_leads_nowhere_inside(scratch):
    """It is asked for what is listed, and never for what is not."""
    with End(say(status("200 OK"))) as proxy:
        url = f"http://joe:pr0xy@127.0.0.1:{proxy.port}"
        with Server(scratch / "behind-proxy", "--egress-allow", "192.0.2.0/24", "--http-proxy", url, "--https-proxy", url) as running:
            registry = Registry(running.url(), "admin", ADMIN_PASSWORD)
            refuse_all(registry, ["https://10.0.0.1/", "https://169.254.169.254/", f"https://127.0.0.1:{proxy.port}/"])
            failed(call(registry, "https://nobody-has-this.invalid/"))
            assert proxy.connections == 0
            assert call(registry, "http://192.0.2.7/hook", skipTLSVerification=True).status_code == 200
            assert proxy.heard[0].startswith(b"POST http://192.0.2.7/hook HTTP/1.1\r\n")
            assert "pr0xy" not in running.log()


# D-11.


def test_d11_signed_and_never_read_back(boss):
    made = boss.post(V1, json=form("https://receiver.example/", key="admin/rests")).json()
    secret = made["secret"]
    assert secret.startswith("whsec_")
    for path in V0, V1, f"{V1}/{made['id']}":
        assert secret not in boss.get(path).text
    assert boss.get(f"{V1}/{made['id']}").json().get("secret") is None
    with End(say(OK)) as end:
        assert boss.post(V1 + "/test", json=form(end.url(), skipTLSVerification=True, secret=secret)).ok
        head, _, body = end.heard[0].partition(b"\r\n\r\n")
    headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    import base64
    import hashlib
    import hmac
    signed = headers[b"webhook-id"] + b"." + headers[b"webhook-timestamp"] + b"." + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).lower()
    assert headers[b"webhook-signature"] == b"v1," + wanted
    assert abs(int(headers[b"webhook-timestamp"]) - time.time()) < 300
