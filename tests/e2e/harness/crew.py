"""Many connections that strike at once: raw requests, prepared beforehand, sent back to back.

One thread sends them all before it reads the first answer, so that the race is the server's and not Python's.
"""

import base64
import random
import time

from .raw import RawConnection, request
from .server import ADMIN_PASSWORD

ADMIN = ("Authorization", "Basic " + base64.b64encode(f"admin:{ADMIN_PASSWORD}".encode()).decode())


class Call:
    """One request of a strike, and its answer when the strike is over."""

    def __init__(self, method, target, headers=(), body=b"", credentials=ADMIN):
        self.method, self.target = method, target
        headers = list(headers) + ([credentials] if credentials else [])
        if body or method in ("POST", "PUT", "PATCH"):
            headers.append(("Content-Length", len(body)))
        self.data = request(method, target, headers, body)
        self.answer = None
        self.begin = self.end = 0.0

    @property
    def status(self):
        return self.answer.status

    def __repr__(self):
        return f"{self.method} {self.target[:90]} -> {self.answer and (self.answer.status, self.answer.body[:200])}"


class Crew:
    """Keep-alive connections to one server. A connection that the server closed is made anew."""

    def __init__(self, address, size=64, seed=0, context=None):
        self.address, self.size, self.context = address, size, context
        self.free = []
        self.random = random.Random(seed)
        self.n_requests = self.n_rounds = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for connection in self.free:
            connection.close()

    def connection(self):
        return self.free.pop() if self.free else RawConnection(self.address, self.context, timeout=60)

    def strike(self, calls):
        """Sends all, in random order, each on a connection of its own; returns them answered, in the order given."""
        assert len(calls) <= self.size, f"{len(calls)} calls, {self.size} connections"
        order = list(calls)
        self.random.shuffle(order)
        taken = []
        for call in order:
            connection = self.connection()
            call.begin = time.monotonic()
            connection.sock.sendall(call.data)
            taken.append((call, connection))
        for call, connection in taken:
            call.answer = connection.answer(call.method)
            call.end = time.monotonic()
            self.n_requests += 1
            assert call.answer.status, f"no answer: {call!r}"
            if call.answer.closed:
                connection.close()
            else:
                self.free.append(connection)
        return calls

    def one(self, *arguments, **options):
        return self.strike([Call(*arguments, **options)])[0]

    def all(self, calls):
        """Any number of calls, in strikes as large as the crew."""
        for at in range(0, len(calls), self.size):
            self.strike(calls[at:at + self.size])
        return calls
