"""What libmicrohttpd 0.9.75 decides before the header gate sees a request, pinned case by case.

docs/security.md, "What the HTTP library decides before us", lists these cases by name; a case that is in one place only
fails. Another version of the library may decide otherwise: then this file says what to look at.
"""

import pathlib
import re

import pytest

from harness.raw import RawConnection

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "security.md"
HEADING = "## What the HTTP library decides before us"

GET = b"GET /livez HTTP/1.1\r\n"
FORM = b"POST /auth/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
CHUNKED = FORM + b"Transfer-Encoding: chunked\r\n\r\n"

# What it smooths over: the request is served as if it had come in the usual form.
SMOOTHED = {
    "empty-lines-first": b"\r\n\r\n" + GET + b"Host: a\r\n\r\n",
    "empty-lines-first-bare": b"\n\n" + GET + b"Host: a\r\n\r\n",
    "blanks-around-a-value": GET + b"Host:\t a \t\r\n\r\n",
    "strange-cookies": GET + b"Host: a\r\nCookie: ===;;;\"a\r\n\r\n",
    "chunk-size-leading-zeros": CHUNKED + b"0000000003\r\na=b\r\n0\r\n\r\n",
    "chunk-extension": CHUNKED + b"3;a=b\r\na=b\r\n0\r\n\r\n",
    "chunk-bare-line-feeds": CHUNKED + b"3\na=b\n0\n\n",
    "trailers": CHUNKED + b"3\r\na=b\r\n0\r\nAuthorization: Basic x\r\n\r\n",
}

# What it smooths over without telling; the gate finds it by the gap in the text and refuses with an answer of ours.
FOUND_BY_THE_GATE = {
    "bare-line-feeds": GET[:-2] + b"\nHost: a\n\n",
    "one-bare-line-feed": GET + b"Host: a\nX: b\r\n\r\n",
    "bare-line-feed-at-the-end": GET + b"Host: a\r\n\n",
    "bare-carriage-return": GET + b"Host: a\rX: b\r\n\r\n",
    "folded-line": GET + b"Host: a\r\nX: b\r\n c\r\n\r\n",
    "folded-first-line": GET + b" X: b\r\nHost: a\r\n\r\n",
    "space-before-the-colon": GET + b"Host: a\r\nX : b\r\n\r\n",
    "empty-name": GET + b"Host: a\r\n: b\r\n\r\n",
    "nul-in-a-value": GET + b"Host: a\r\nX: a\0b\r\n\r\n",
    "nul-in-the-target": b"GET /liv\0ez HTTP/1.1\r\nHost: a\r\n\r\n",
    "two-blanks-in-the-request-line": b"GET  /livez HTTP/1.1\r\nHost: a\r\n\r\n",
    "minor-version-2": b"GET /livez HTTP/1.2\r\nHost: a\r\n\r\n",
}

# What it answers itself, as a page of its own, and closes: (status, request).
ANSWERED = {
    "line-without-colon": (400, GET + b"Host: a\r\nNoColon\r\n\r\n"),
    "no-version": (400, b"GET /livez\r\nHost: a\r\n\r\n"),
    "blank-after-the-version": (400, b"GET /livez HTTP/1.1 \r\nHost: a\r\n\r\n"),
    "version-of-another-form": (400, b"GET /livez http/1.1\r\nHost: a\r\n\r\n"),
    "major-version-2": (505, b"GET /livez HTTP/2.0\r\nHost: a\r\n\r\n"),
    "major-version-0": (505, b"GET /livez HTTP/0.9\r\nHost: a\r\n\r\n"),
    "length-no-number": (400, FORM + b"Content-Length: x\r\n\r\n"),
    "length-beyond-64-bits": (413, FORM + b"Content-Length: 99999999999999999999999\r\n\r\n"),
    "chunk-size-no-number": (400, CHUNKED + b"xyz\r\n"),
    "chunk-size-empty": (400, CHUNKED + b"\r\nabc\r\n0\r\n\r\n"),
    "chunk-size-beyond-64-bits": (413, CHUNKED + b"ffffffffffffffffffff\r\n"),
    "chunk-longer-than-its-size": (400, CHUNKED + b"3\r\nabcde\r\n0\r\n\r\n"),
    "blank-before-a-chunk-extension": (400, CHUNKED + b"3 ;a=b\r\na=b\r\n0\r\n\r\n"),
    "trailer-without-colon": (400, CHUNKED + b"3\r\na=b\r\n0\r\ngarbage\r\n\r\n"),
    "head-beyond-its-memory": (431, GET + b"Host: a\r\nX: " + b"v" * 33_000 + b"\r\n\r\n"),
    "headers-beyond-its-memory": (431, GET + b"Host: a\r\n" + b"".join(b"X-%d: v\r\n" % i for i in range(2000))
                                  + b"\r\n"),
    "cookies-beyond-its-memory": (431, GET + b"Host: a\r\nCookie: " + b"; ".join(b"a%d=b" % i for i in range(700))
                                  + b"\r\n\r\n"),
    "target-beyond-its-memory": (414, b"GET /" + b"q" * 33_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
}

# What it closes without a word.
CLOSED = {
    "method-alone": b"GET\r\n\r\n",
    "blank-first": b" GET /livez HTTP/1.1\r\nHost: a\r\n\r\n",
    "tabs-in-the-request-line": b"GET\t/livez\tHTTP/1.1\r\nHost: a\r\n\r\n",
}


def talk(server, data):
    """The first answer, and whether the server closed then."""
    with RawConnection(server.address()) as connection:
        connection.send(data)
        answer = connection.answer()
        return answer, answer.closed or answer.status == 0


@pytest.mark.parametrize("name", SMOOTHED)
def test_what_the_library_smooths_over(server, name):
    """Served; of a form that carries nothing the refusal is the token service's own, so its body was read."""
    answer, closed = talk(server, SMOOTHED[name])
    if SMOOTHED[name].startswith(b"POST"):
        assert answer.status == 400 and b"client_id" in answer.body, answer
    else:
        assert answer.status == 200, answer
    assert not closed


def test_trailers_are_no_headers(server):
    """A length or credentials behind the body change nothing: the next request on the connection is its own."""
    for trailer in (b"Content-Length: 50", b"Transfer-Encoding: chunked", b"Host: evil", b"Authorization: Basic eDp5"):
        with RawConnection(server.address()) as connection:
            connection.send(CHUNKED + b"3\r\na=b\r\n0\r\n" + trailer + b"\r\n\r\n" + GET + b"Host: a\r\n\r\n")
            assert [connection.answer().status for _ in range(2)] == [400, 200]


@pytest.mark.parametrize("name", FOUND_BY_THE_GATE)
def test_what_the_gate_finds_all_the_same(server, name):
    answer, closed = talk(server, FOUND_BY_THE_GATE[name])
    assert answer.status == 400 and answer.error_codes() and closed, answer


@pytest.mark.parametrize("name", ANSWERED)
def test_what_the_library_answers_itself(server, name):
    """Its own page, not ours: no request id, no JSON; nothing of the request in it; then it closes."""
    status, data = ANSWERED[name]
    answer, closed = talk(server, data)
    assert answer.status == status and closed, answer
    assert not answer.error_codes() and answer.header("X-Request-Id") is None
    assert b"<html>" in answer.body and b"livez" not in answer.body and b"auth" not in answer.body


@pytest.mark.parametrize("name", CLOSED)
def test_what_the_library_closes_without_a_word(server, name):
    answer, closed = talk(server, CLOSED[name])
    assert answer.status == 0 and closed and answer.body == b"", answer


def section():
    text = DOCUMENT.read_text().split(HEADING, 1)[1]
    return text.split("\n## ", 1)[0]


@pytest.mark.parametrize("title, cases", [
    ("Smoothed over", SMOOTHED), ("Found by the gate", FOUND_BY_THE_GATE), ("Answered by the library", ANSWERED),
    ("Closed without a word", CLOSED)])
def test_the_document_lists_every_case(title, cases):
    """docs/security.md names the same cases as this file, with the same status where the library answers."""
    part = section().split(f"### {title}\n", 1)[1].split("\n### ", 1)[0]
    listed = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (\d*)", part, re.M))
    assert listed.keys() == cases.keys()
    for name, case in cases.items():
        if isinstance(case, tuple):
            assert listed[name] == str(case[0]), name
