"""The header gate, with raw sockets: what could be read in two ways is refused with 400 and the connection closed."""

import base64

import pytest

from harness.raw import RawConnection, exchange, request
from harness.server import ADMIN_PASSWORD

AUTH = ("Authorization", "Basic " + base64.b64encode(f"admin:{ADMIN_PASSWORD}".encode()).decode())
FORM = ("Content-Type", "application/x-www-form-urlencoded")


def assert_gate_refuses(server, data):
    """400 (or 413, 431, or no answer at all), the connection closed, and nothing after it answered."""
    smuggled = request("GET", "/livez")
    with RawConnection(server.address()) as connection:
        connection.send(data + smuggled)
        answer = connection.answer()
        assert answer.status in (400, 413, 431) or (answer.status == 0 and answer.closed), answer
        assert not connection.pending.startswith(b"HTTP/1.1 200"), "the next request was answered"
        assert connection.is_closed(), "the connection stays open"
    server.check_alive()


TWICE = {
    "host": ("Host", "127.0.0.1"),
    "host in small letters": ("host", "127.0.0.1"),
    "another host": ("HOST", "evil.example"),
}


@pytest.mark.parametrize("name", TWICE)
def test_two_hosts(server, name):
    assert_gate_refuses(server, request("GET", "/v2/", [TWICE[name]]))


@pytest.mark.parametrize("headers", [
    [("Content-Length", "3"), ("Content-Length", "3")],
    [("Content-Length", "3"), ("content-length", "5")],
    [("Content-Length", "3, 3")],
    [("Content-Length", "+3")],
    [("Content-Length", "-1")],
    [("Content-Length", "0x3")],
    [("Content-Length", "3a")],
    [("Content-Length", "")],
    [("Content-Length", "99999999999999999999999999")],
    [("Content-Length", "3"), ("Transfer-Encoding", "chunked")],
    [("Transfer-Encoding", "chunked"), ("Content-Length", "3")],
    [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")],
    [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "identity")],
    [("Transfer-Encoding", "identity")],
    [("Transfer-Encoding", "gzip, chunked")],
    [("Transfer-Encoding", "chunked, gzip")],
    [("Transfer-Encoding", "xchunked")],
    [("Transfer-Encoding", "chunked;x=y")],
    [("Transfer-Encoding", "\"chunked\"")],
    [("Transfer-Encoding", "\x0bchunked")],
    [("Transfer-Encoding", "")],
    [("Transfer_Encoding", "chunked")],
    [("Content_Length", "3")],
], ids=repr)
def test_two_lengths_or_a_strange_coding(server, headers):
    assert_gate_refuses(server, request("POST", "/auth/token", [FORM, *headers], b"a=b"))


def test_chunked_alone_is_taken(server):
    for name in ("chunked", "Chunked"):
        answer = exchange(server.address(), request("POST", "/auth/token", [FORM, ("Transfer-Encoding", name)],
                                                    b"3\r\na=b\r\n0\r\n\r\n"))
        assert answer.status in (400, 401) and b"grant" in answer.body.lower() or answer.status in (400, 401)


@pytest.mark.parametrize("body", [b"xyz\r\n", b"3\r\nabcde\r\n0\r\n\r\n", b"-1\r\n\r\n", b"ffffffffffffffffff\r\n",
                                  b"3;\x00\r\nabc\r\n0\r\n\r\n", b"0x3\r\nabc\r\n0\r\n\r\n"])
def test_broken_chunks_are_refused(server, body):
    """A size that is no number, or bytes that are not where the size says: refused and closed, no 5xx."""
    with RawConnection(server.address()) as connection:
        connection.send(request("POST", "/auth/token", [FORM, ("Transfer-Encoding", "chunked")], body))
        connection.sock.shutdown(1)
        answer = connection.answer()
        assert answer.status in (0, 400, 401, 413)
    server.check_alive()


def test_transfer_encoding_on_http_1_0(server):
    assert_gate_refuses(server, request("POST", "/auth/token", [("Transfer-Encoding", "chunked")],
                                        b"3\r\na=b\r\n0\r\n\r\n", version="HTTP/1.0"))


@pytest.mark.parametrize("headers", [
    [AUTH, AUTH],
    [AUTH, ("authorization", "Bearer x")],
    [("AUTHORIZATION", "Bearer x"), AUTH],
])
def test_two_authorizations(server, headers):
    assert_gate_refuses(server, request("GET", "/v2/", headers))


@pytest.mark.parametrize("version", ["HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "HTTP/3.0", "HTTP/1", "HTTP/1.10", "http/1.1",
                                     "HTTP/01.1", "HTTP/11.1", "XTTP/1.1", "HTTP/1.1x"])
def test_other_versions(server, version):
    """Refused by us or by the library below: any 4xx or 505, closed, and no content."""
    with RawConnection(server.address()) as connection:
        connection.send(request("GET", "/livez", version=version))
        connection.sock.shutdown(1)
        answer = connection.answer()
        assert answer.status in (0, 400, 404, 426, 501, 505), answer
    server.check_alive()


def test_a_request_line_without_version(server):
    with RawConnection(server.address()) as connection:
        connection.send(b"GET /livez\r\n\r\n")
        connection.sock.shutdown(1)
        assert connection.answer().status in (0, 400, 505)
    server.check_alive()


def test_the_preface_of_http_2(server):
    with RawConnection(server.address()) as connection:
        connection.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        connection.sock.shutdown(1)
        assert connection.answer().status in (0, 400, 404, 405, 501, 505)
    server.check_alive()


def test_no_upgrade_to_http_2(server):
    answer = exchange(server.address(), request("GET", "/livez", [("Connection", "Upgrade, HTTP2-Settings"),
                                                                  ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABk")]))
    assert answer.status in (200, 400)


@pytest.mark.parametrize("name", ["X_Remote_User", "Content_Type", "x_y", "_", "X-Remote_User", "X Y", "X(Y)", "X/Y",
                                  "X@Y", "X\"Y", "X\u00e9", "X[Y]", "X=Y", "X,Y", "X;Y", "X{Y}", "X\\Y", "X\x7fY"])
def test_names_that_are_no_token_or_hold_an_underscore(server, name):
    assert_gate_refuses(server, request("GET", "/v2/", [(name, "admin")]))


@pytest.mark.parametrize("byte", [b"\x00", b"\x01", b"\x07", b"\x08", b"\x0b", b"\x0c", b"\x1b", b"\x7f"])
@pytest.mark.parametrize("header", ["User-Agent", "X-Anything", "Accept", "Authorization"])
def test_control_bytes_in_values(server, header, byte):
    assert_gate_refuses(server, request("GET", "/v2/", [(header, b"a" + byte + b"b")]))


def test_a_bare_carriage_return_in_a_value(server):
    """Either refused or taken as one value; never a second header."""
    answer = exchange(server.address(), request("GET", "/v2/", [("X-A", b"b\rAuthorization: x")]))
    assert answer.status in (0, 400, 401)


def test_a_tab_in_a_value_is_legal(server):
    assert exchange(server.address(), request("GET", "/livez", [("X-A", "b\tc")])).status == 200


def headers(count):
    """So many headers in all, Host and Connection among them."""
    return [("Connection", "close")] + [(f"X-H{i}", "v") for i in range(count - 2)]


def test_100_headers_pass_and_101_do_not(server):
    assert exchange(server.address(), request("GET", "/livez", headers(100))).status == 200
    assert_gate_refuses(server, request("GET", "/livez", headers(101)))


@pytest.mark.parametrize("count", [500, 5000])
def test_very_many_headers(server, count):
    answer = exchange(server.address(), request("GET", "/livez", headers(count)))
    assert answer.status in (0, 400, 413, 431)
    server.check_alive()


@pytest.mark.parametrize("size", [64 * 1024, 1024 * 1024])
def test_a_huge_header(server, size):
    answer = exchange(server.address(), request("GET", "/livez", [("X-Big", "v" * size)]))
    assert answer.status in (0, 400, 413, 431)
    server.check_alive()


@pytest.mark.parametrize("size", [64 * 1024, 1024 * 1024])
def test_a_huge_target(server, size):
    answer = exchange(server.address(), request("GET", "/livez?" + "q" * size))
    assert answer.status in (0, 400, 413, 414, 431)
    server.check_alive()


def test_10_000_accept_values_in_one_header(server):
    answer = exchange(server.address(), request("GET", "/v2/", [("Accept", "a/b," * 5_000)]))
    assert answer.status in (0, 400, 401, 431)


@pytest.mark.parametrize("data", [
    b"\x00" * 100, b"\r\n" * 50, b"GET\r\n\r\n", b"GET /livez HTTP/1.1\r\n: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01",
    b"GET /livez HTTP/1.1\r\nHost 127.0.0.1\r\n\r\n", b"GET  /livez  HTTP/1.1\r\nHost: x\r\n\r\n",
    b" GET /livez HTTP/1.1",
    b"GET livez HTTP/1.1\r\nHost: x\r\n\r\n", b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http://evil.example/v2/ HTTP/1.1\r\nHost: x\r\n\r\n", b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /v2/ HTTP/1.1\r\nHost: a\r\n continued\r\n\r\n", b"GET /v2/ HTTP/1.1\nHost: a\n\n",
    b"GET /v2/ HTTP/1.1\r\nHost : a\r\n\r\n", b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
], ids=repr)
def test_garbage_is_survived(server, data):
    """What the library below makes of each is written down elsewhere; none of it may hurt."""
    with RawConnection(server.address()) as connection:
        connection.send(data)
        connection.sock.shutdown(1)
        answer = connection.answer()
        assert answer.status < 500 or answer.status in (501, 505)
        assert answer.status != 200 or b"/livez" in data
    server.check_alive()


def test_no_host_in_http_1_1(server):
    assert exchange(server.address(), request("GET", "/livez", host=None)).status == 400


def test_http_1_0_without_host_is_served(server):
    assert exchange(server.address(), request("GET", "/livez", host=None, version="HTTP/1.0")).status == 200


def test_requests_one_after_the_other_on_one_connection(server):
    """Keep-alive and pipelining: the answers come in order."""
    with RawConnection(server.address()) as connection:
        connection.send(request("GET", "/livez") + request("GET", "/v2/") + request("GET", "/_ping"))
        assert [connection.answer().status for _ in range(3)] == [200, 401, 200]


# Refusing early.

def test_a_refused_upload_is_not_invited(server):
    """Expect: 100-continue without rights: the refusal comes instead of the invitation."""
    with RawConnection(server.address()) as connection:
        connection.send(request("POST", "/v2/admin/x/blobs/uploads/?digest=sha256:" + "0" * 64,
                                [("Content-Length", "1000000"), ("Expect", "100-continue")]))
        assert connection.answer().status == 401


@pytest.mark.parametrize("size", [1_000, 1_000_000, 10_000_000])
def test_a_refused_body_is_swallowed(server, size):
    """A client that sends first and reads later still gets the refusal, not a broken pipe."""
    with RawConnection(server.address()) as connection:
        connection.send(request("PUT", "/v2/admin/x/manifests/v1", [("Content-Length", size)], b"x" * size))
        answer = connection.answer()
        assert answer.status == 401
        assert answer.header("WWW-Authenticate").startswith("Bearer ")


def test_an_endless_refused_body_is_cut(server):
    """After 16 MiB or 2 s the connection closes, whatever length was announced."""
    with RawConnection(server.address()) as connection:
        connection.send(request("PUT", "/v2/admin/x/manifests/v1", [("Content-Length", 2**40)]))
        sent = 0
        block = b"x" * (1024 * 1024)
        try:
            while sent < 64:
                connection.sock.sendall(block)
                sent += 1
        except OSError:
            pass
        assert sent < 64, "64 MiB of a refused body were taken"
    server.check_alive()


@pytest.mark.parametrize("expectation", ["200-ok", "100-continue, x", ""])
def test_another_expectation(server, expectation):
    answer = exchange(server.address(), request("GET", "/livez", [("Expect", expectation)]))
    assert answer.status in (100, 200, 400, 417)
