"""Mutated raw requests: valid ones of every route, changed at the level of bytes, lines, headers and chunks, pipelined, cut
off, sent slowly. Seeded; the same seed makes the same bytes.

The oracle of one case: every answer has a documented status, or the connection is closed; nothing hangs for more than
five seconds, where hanging means that neither an answer nor an end comes after the client has closed its side. When an
unfinished head and that end come together the library may miss the end: there the deadline of heads counts; and where
it misses it after an answer, nobody waits for anything.
"""

import random
import re
import selectors
import socket
import time

# What the documents name. 500, 502 and 504 are never right.
DOCUMENTED = {100, 200, 201, 202, 204, 206, 302, 304, 400, 401, 403, 404, 405, 408, 409, 411, 413, 414, 415, 416, 417, 429,
              431, 501, 503, 505, 507}
ANSWER = re.compile(rb"^HTTP/1\.[01] (\d\d\d) ", re.M)
HANG_SECONDS = 5
HEAD_SECONDS = 10 + 5
QUIET_SECONDS = 0.2  # without an answer for so long the client closes its side

TOKENS = [b"chunked", b"close", b"keep-alive", b"100-continue", b"bytes=0-0", b"bytes=-1", b"0-1", b"gzip", b"\0", b"\r", b"\n",
          b"\r\n\r\n", b" ", b"\t", b":", b"%00", b"%2e%2e", b"%", b"../", b"//", b"?", b"#", b"&", b"=", b"sha256:", b"a" * 200,
          b"0", b"-1", b"4294967296", b"18446744073709551616", b"9223372036854775807", b"\xff\xfe", b"\xc0\xaf", b"{", b"[",
          b"\"", b"HTTP/1.0", b"HTTP/2.0", b"*", b"Host: x\r\n", b"Content-Length: 5\r\n",
          b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n", b"Range: bytes=0-\r\n", b"Bearer ", b"Basic "]


def as_chunks(chance, data):
    """A request with Content-Length as one with chunks; others as they are."""
    head, _, body = data.partition(b"\r\n\r\n")
    if b"Content-Length" not in head:
        return data
    head = re.sub(rb"Content-Length: \d+", b"Transfer-Encoding: chunked", head)
    chunks, at = [], 0
    while at < len(body):
        size = chance.randrange(1, len(body) - at + 1)
        chunks.append(b"%x\r\n%s\r\n" % (size, body[at:at + size]))
        at += size
    return head + b"\r\n\r\n" + b"".join(chunks) + b"0\r\n\r\n"


def change_bytes(chance, data):
    data = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        at = chance.randrange(len(data))
        what = chance.randrange(4)
        if what == 0:
            data[at] ^= 1 << chance.randrange(8)
        elif what == 1:
            data[at] = chance.randrange(256)
        elif what == 2:
            del data[at]
        else:
            data[at:at] = chance.choice(TOKENS)
        if not data:
            return b"\r\n"
    return bytes(data)


def change_lines(chance, data):
    lines = data.split(b"\r\n")
    at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    what = chance.randrange(6)
    if what == 0:
        lines.insert(at, lines[other])
    elif what == 1:
        del lines[at]
    elif what == 2:
        lines[at], lines[other] = lines[other], lines[at]
    elif what == 3:
        lines[at] = b" " + lines[at]
    elif what == 4:
        lines[at] = lines[at][:chance.randrange(len(lines[at]) + 1)]
    joint = b"\n" if what == 5 and chance.random() < 0.5 else b"\r\n"
    return joint.join(lines)


def change_headers(chance, data):
    head, blank, body = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    at = chance.randrange(1, len(lines)) if len(lines) > 1 else 0
    name, _, value = lines[at].partition(b": ")
    what = chance.randrange(6)
    if what == 0:
        lines.append(name.swapcase() + b": " + value)
    elif what == 1:
        lines[at] = name + b": " + chance.choice(TOKENS) + value
    elif what == 2:
        lines[at] = name + b": " + value + b", " + chance.choice(TOKENS)
    elif what == 3:
        lines[at] = name + chance.choice((b" :", b":", b"", b": :", b"_: ")) + value
    elif what == 4:
        lines[at] = name + b": " + value * chance.choice((0, 2, 50))
    else:
        lines += [chance.choice(TOKENS) + b": " + chance.choice(TOKENS) for _ in range(chance.choice((1, 3, 120)))]
    return b"\r\n".join(lines) + blank + body


def change_chunks(chance, data):
    data = as_chunks(chance, data)
    head, blank, body = data.partition(b"\r\n\r\n")
    if not body:
        return change_bytes(chance, data)
    what = chance.randrange(4)
    if what == 0:
        body = re.sub(rb"^[0-9a-f]+", chance.choice((b"0", b"-1", b"fffffffffffffffff", b"7fffffffffffffff", b"", b"0x5", b"5 ",
                                                     b"5;a=\"b", b"00000005", b"G")), body, count=1)
    elif what == 1:
        body = body.replace(b"\r\n", chance.choice((b"\n", b"\r", b"", b"\r\n\r\n")), chance.choice((1, -1)))
    elif what == 2:
        body = body[:-2] + chance.choice(TOKENS) + b": " + chance.choice(TOKENS) + b"\r\n\r\n"
    else:
        body = change_bytes(chance, body)
    return head + blank + body


MUTATIONS = [change_bytes, change_bytes, change_lines, change_headers, change_headers, change_chunks]


def make_case(chance, seeds):
    """The bytes of one case, in the pieces in which they are sent."""
    data = chance.choice(seeds)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        data = chance.choice(MUTATIONS)(chance, data) or b"\r\n"
    if chance.random() < 0.1:
        data = chance.choice(seeds) + data
    if chance.random() < 0.1:
        data += chance.choice(seeds)
    if chance.random() < 0.1:
        data = data[:chance.randrange(len(data) + 1)]
    if chance.random() < 0.05 and len(data) > 2:
        cuts = sorted(chance.sample(range(1, len(data)), min(len(data) - 1, chance.choice((1, 2, 6)))))
        return [data[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(data)])]
    return [data]


class Case:
    """One connection: sends its pieces, reads to the end."""

    def __init__(self, number, pieces, address):
        self.number, self.pieces, self.sent = number, pieces, b"".join(pieces)
        self.received = b""
        self.sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        self.sock.settimeout(HANG_SECONDS)
        self.sock.connect(address)
        self.sock.setblocking(False)
        self.has_closed = False
        self.patience = HANG_SECONDS if self.sent.endswith(b"\r\n\r\n") else HEAD_SECONDS
        self.at = time.monotonic()

    def push(self):
        """Sends what goes; True while there is more."""
        try:
            while self.pieces:
                sent = self.sock.send(self.pieces[0])
                if sent < len(self.pieces[0]):
                    self.pieces[0] = self.pieces[0][sent:]
                else:
                    del self.pieces[0]
                    if self.pieces:
                        return True  # the next piece in another turn of the loop
        except BlockingIOError:
            return True
        except OSError:
            self.pieces = []
        return False

    def pull(self):
        """Reads; False at the end."""
        try:
            data = self.sock.recv(65536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if len(self.received) < 200_000:
            self.received += data
        self.at = time.monotonic()
        return bool(data)

    def close_own_side(self):
        self.has_closed, self.at = True, time.monotonic()
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def statuses(self):
        return [int(status) for status in ANSWER.findall(self.received)]


class Failure(AssertionError):
    """A case that broke the oracle."""


def judge(case, counts):
    found = case.statuses()
    for status in found:
        counts[status] = counts.get(status, 0) + 1
        if status not in DOCUMENTED:
            raise Failure(f"case {case.number}: status {status}\nsent {case.sent!r}\ngot {case.received[:2000]!r}")
    if not found:
        counts["closed"] = counts.get("closed", 0) + 1


def end_quiet_ones(running, now):
    for case in running:
        if not case.has_closed and not case.pieces and now - case.at > QUIET_SECONDS:
            case.close_own_side()
        elif case.has_closed and now - case.at > case.patience and case.received:
            case.sock.shutdown(socket.SHUT_RDWR)
        elif case.has_closed and now - case.at > case.patience:
            raise Failure(f"case {case.number} hangs\nsent {case.sent!r}\ngot {case.received[:2000]!r}")


def run_cases(address, seeds, seed, first, count, counts, parallel=256):
    """Cases first … first+count-1 of a seed, so many at once; fills counts {status or 'closed': times}."""
    selector = selectors.DefaultSelector()
    running, next_number, looked = set(), first, time.monotonic()
    while running or next_number < first + count:
        while len(running) < parallel and next_number < first + count:
            case = Case(next_number, make_case(random.Random(f"{seed}.{next_number}"), seeds), address)
            selector.register(case.sock, selectors.EVENT_READ | (selectors.EVENT_WRITE if case.push() else 0), case)
            running.add(case)
            next_number += 1
        for key, events in selector.select(0.05):
            case = key.data
            if events & selectors.EVENT_WRITE and not case.push():
                selector.modify(case.sock, selectors.EVENT_READ, case)
            if events & selectors.EVENT_READ and not case.pull():
                selector.unregister(case.sock)
                case.sock.close()
                running.discard(case)
                judge(case, counts)
        now = time.monotonic()
        if now - looked > 0.02:
            end_quiet_ones(running, now)
            looked = now
    selector.close()
