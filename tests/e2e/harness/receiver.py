"""Receivers of webhooks: HTTP or HTTPS servers of the test's own on a free port, which keep what they were told and answer as
they are asked to. Waiting is for a condition, never for a time."""

import base64
import datetime
import hashlib
import hmac
import http.server
import ipaddress
import json
import ssl
import threading
import time
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PATIENCE = 60


class Authority:
    """A CA of the test's own: its certificate, and contexts of servers that it vouches for."""

    def __init__(self, directory):
        self.directory = directory
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self.sign("receivers", self.key.public_key(), is_ca=True)
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def sign(self, name, public_key, is_ca=False):
        now = datetime.datetime.utcnow()
        names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        issuer = subject if is_ca else self.certificate.subject
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
                   .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
                   .not_valid_after(now + datetime.timedelta(days=2))
                   .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), True))
        if not is_ca:
            builder = builder.add_extension(names, False)
        return builder.sign(self.key, hashes.SHA256())

    def context(self):
        key = ec.generate_private_key(ec.SECP256R1())
        path = self.directory / f"receiver-{x509.random_serial_number()}.pem"
        path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption())
                         + self.sign("receiver", key.public_key()).public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


@dataclass
class Call:
    """One request as it came, and what it was answered."""
    path: str
    headers: dict
    body: bytes
    at: float
    status: int = 0

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def id(self):
        return self.headers["webhook-id"]

    def is_signed_by(self, secret):
        """By the words of Standard Webhooks: HMAC-SHA256 over id.timestamp.body, any of the signatures."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return wanted in self.headers.get("webhook-signature", "").split(" ")


class Receiver:
    """answer: what to say to a call, a status or a function of the call; it may block, as slow receivers do."""

    def __init__(self, authority=None, answer=200):
        self.answer = answer
        self.calls = []
        self.changed = threading.Condition()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                call = Call(self.path, {k.lower(): v for k, v in self.headers.items()}, body, time.monotonic())
                call.status = receiver.answer(call) if callable(receiver.answer) else receiver.answer
                with receiver.changed:
                    receiver.calls.append(call)
                    receiver.changed.notify_all()
                self.send_response(call.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_):
                """A caller that went away, or did not trust us."""

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.scheme = "http"
        if authority is not None:
            self.server.socket = authority.context().wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
            self.scheme = "https"
        self.url = f"{self.scheme}://127.0.0.1:{self.server.server_address[1]}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def wait(self, condition, what="what it waits for", seconds=PATIENCE):
        """Until condition(calls); the calls then."""
        with self.changed:
            assert self.changed.wait_for(lambda: condition(self.calls), seconds), \
                f"{what} did not come: {[(c.id, c.status) for c in self.calls][-20:]}"
            return list(self.calls)

    def wait_for(self, n, seconds=PATIENCE):
        return self.wait(lambda calls: len(calls) >= n, f"call {n}", seconds)

    def good(self):
        with self.changed:
            return [call for call in self.calls if 200 <= call.status < 300]


def eventually(look, what, seconds=PATIENCE):
    """Until look() is true; what it was."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.05)
