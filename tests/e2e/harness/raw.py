"""HTTP by hand: exactly these bytes on the socket, and what came back."""

import dataclasses
import json
import socket
import ssl


@dataclasses.dataclass
class RawAnswer:
    status: int = 0
    headers: list = dataclasses.field(default_factory=list)
    body: bytes = b""
    closed: bool = False

    def header(self, name):
        values = self.header_values(name)
        return values[0] if values else None

    def header_values(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def error_codes(self):
        try:
            return [error["code"] for error in json.loads(self.body)["errors"]]
        except (ValueError, KeyError, TypeError):
            return []


class RawConnection:
    """One socket. Reading stops at the end of an answer, so that several may follow each other."""

    def __init__(self, address, context=None, server_name="localhost", timeout=15):
        self.sock = socket.create_connection(address, timeout=timeout)
        if context is not None:
            self.sock = context.wrap_socket(self.sock, server_hostname=server_name)
        self.pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        """Sends; a server that already refused and closed is no error, its answer says why."""
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass

    def receive(self):
        try:
            chunk = self.sock.recv(65536)
        except ConnectionResetError:
            chunk = b""
        self.pending += chunk
        return bool(chunk)

    def is_closed(self, timeout=5):
        """True when the server closes its side within the time."""
        self.sock.settimeout(timeout)
        try:
            return not self.receive()
        except socket.timeout:
            return False

    def answer(self, method="GET"):
        while b"\r\n\r\n" not in self.pending:
            if not self.receive():
                return RawAnswer(closed=True, body=self.pending)
        head, self.pending = self.pending.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        answer = RawAnswer(status=int(lines[0].split(" ")[1]))
        for line in lines[1:]:
            key, _, value = line.partition(":")
            answer.headers.append((key.strip(), value.strip()))
        if method != "HEAD" and answer.status >= 200 and answer.status not in (204, 304):
            answer.body = self.body(answer)
        answer.closed = (answer.header("Connection") or "").lower() == "close"
        return answer

    def body(self, answer):
        if (answer.header("Transfer-Encoding") or "").lower() == "chunked":
            return self.chunked_body()
        length = answer.header("Content-Length")
        while length is None or len(self.pending) < int(length):
            if not self.receive():
                break
        size = len(self.pending) if length is None else int(length)
        body, self.pending = self.pending[:size], self.pending[size:]
        return body

    def chunked_body(self):
        body = b""
        while True:
            while b"\r\n" not in self.pending and self.receive():
                pass
            line, self.pending = self.pending.split(b"\r\n", 1)
            size = int(line.split(b";")[0], 16)
            while len(self.pending) < size + 2 and self.receive():
                pass
            body += self.pending[:size]
            self.pending = self.pending[size + 2:]
            if size == 0:
                return body


def request(method, target, headers=(), body=b"", version="HTTP/1.1", host="127.0.0.1"):
    """The bytes of a request; `headers` are (name, value) pairs, sent as they are, bytes or text."""
    lines = [f"{method} {target} {version}".encode("latin-1")]
    if host is not None:
        lines.append(b"Host: " + host.encode())
    for name, value in headers:
        name = name if isinstance(name, bytes) else name.encode("latin-1")
        value = value if isinstance(value, bytes) else str(value).encode("latin-1")
        lines.append(name + b": " + value)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def exchange(address, data, method="GET", context=None):
    """Sends bytes on a new connection and returns the first answer."""
    with RawConnection(address, context) as connection:
        connection.send(data)
        return connection.answer(method)
