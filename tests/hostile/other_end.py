"""The other end of what the server sends out: scripted listeners that count who comes, certificates good and bad, a resolver
that tells what a test wants it to tell, and a server that asks it."""

import contextlib
import datetime
import ipaddress
import os
import socket
import socketserver
import ssl
import struct
import subprocess
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from harness.server import binary

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def status(line, *headers):
    """An answer without a body."""
    return "\r\n".join([f"HTTP/1.1 {line}", *headers, "Content-Length: 0", "Connection: close", "", ""]).encode()


def say(answer):
    """A script that gives this answer to whatever it is asked."""
    def script(end, sock, heard):
        sock.sendall(answer)
    return script


def forever(piece, pause=0.0, first=b""):
    """A script that says `first` and then the piece until nobody listens any more, or the test is over."""
    def script(end, sock, heard):
        sock.sendall(first)
        while not end.is_over.wait(pause):
            sock.sendall(piece)
    return script


def silent(end, sock, heard):
    """Says nothing until the caller goes or the test is over."""
    sock.settimeout(0.1)
    while not end.is_over.is_set():
        with contextlib.suppress(TimeoutError):
            if not sock.recv(4096):
                return


class End:
    """A listener whose script answers each connection's first request. `connections` counts all that were accepted,
    `heard` keeps the requests' bytes, `failures` what TLS said of those that did not get so far."""

    def __init__(self, script, context=None, address=("127.0.0.1", 0), speaks_first=False):
        self.script, self.context, self.speaks_first = script, context, speaks_first
        self.connections, self.heard, self.failures, self.is_over = 0, [], [], threading.Event()
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.listener = socket.create_server(address, family=family, backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def url(self, host="127.0.0.1", path="/hook"):
        return f"{'https' if self.context else 'http'}://{host}:{self.port}{path}"

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                self.connections += 1
                threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        try:
            with sock:
                sock.settimeout(30)
                if self.context:
                    sock = self.context.wrap_socket(sock, server_side=True)
                heard = b"" if self.speaks_first else self.hear(sock)
                self.heard.append(heard)
                self.script(self, sock, heard)
                with contextlib.suppress(OSError):
                    sock.close()
        except (OSError, ssl.SSLError) as failure:
            self.failures.append(repr(failure))

    @staticmethod
    def hear(sock):
        heard = b""
        while b"\r\n\r\n" not in heard:
            got = sock.recv(65536)
            if not got:
                return heard
            heard += got
        head, _, body = heard.partition(b"\r\n\r\n")
        length = next((int(x.split(b":")[1]) for x in head.lower().split(b"\r\n") if x.startswith(b"content-length:")), 0)
        while len(body) < length and (got := sock.recv(65536)):
            body += got
        return head + b"\r\n\r\n" + body

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.is_over.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@contextlib.contextmanager
def swallowing():
    """A port that neither accepts nor refuses, as one behind a filter: its queue is full. Yields its number."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Authority:
    """A CA, and contexts of servers with certificates as good or as bad as they are asked for."""

    def __init__(self, directory):
        self.directory, self.key = directory, ec.generate_private_key(ec.SECP256R1())
        self.certificate = self.sign(self.key, f"authority {x509.random_serial_number()}", is_ca=True)
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def sign(self, key, name, is_ca=False, from_days=-1, to_days=2, names=("127.0.0.1",), is_own=False):
        now = datetime.datetime.utcnow()
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        by_itself = is_ca or is_own
        built = (x509.CertificateBuilder().subject_name(subject).public_key(key.public_key())
                 .issuer_name(subject if by_itself else self.certificate.subject)
                 .serial_number(x509.random_serial_number())
                 .not_valid_before(now + datetime.timedelta(days=from_days))
                 .not_valid_after(now + datetime.timedelta(days=to_days))
                 .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), True))
        if not is_ca:
            built = built.add_extension(x509.SubjectAlternativeName([self.alternative(x) for x in names]), False)
        return built.sign(key if by_itself else self.key, hashes.SHA256())

    @staticmethod
    def alternative(name):
        try:
            return x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            return x509.DNSName(name)

    def context(self, name="receiver", version=None, **how):
        key = ec.generate_private_key(ec.SECP256R1())
        path = self.directory / f"{x509.random_serial_number()}.pem"
        path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption())
                         + self.sign(key, name, **how).public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        if version:
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
        return context


class Resolver:
    """DNS over UDP and TCP on an address of the loopback network. `names`: name to a list of answers, each a list of
    addresses, given one after the other and the last one again and again; ("cname", NAME) in a list leads on."""

    def __init__(self, address="127.53.53.53"):
        self.address, self.names, self.asked, self.lock = address, {}, [], threading.Lock()
        resolver = self

        class Datagram(socketserver.BaseRequestHandler):
            def handle(self):
                question, sock = self.request
                answer = resolver.answer(question)
                if len(answer) > 512:
                    answer = answer[:2] + bytes([answer[2] | 2, answer[3]]) + answer[4:6] + bytes(6) + resolver.question(question)
                sock.sendto(answer, self.client_address)

        class Stream(socketserver.BaseRequestHandler):
            def handle(self):
                while size := self.request.recv(2, socket.MSG_WAITALL):
                    question = self.request.recv(struct.unpack(">H", size)[0], socket.MSG_WAITALL)
                    answer = resolver.answer(question)
                    self.request.sendall(struct.pack(">H", len(answer)) + answer)

        self.servers = [socketserver.ThreadingUDPServer((address, 53), Datagram),
                        socketserver.ThreadingTCPServer((address, 53), Stream)]
        for server in self.servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @staticmethod
    def question(packet):
        end = 12
        while packet[end]:
            end += packet[end] + 1
        return packet[12:end + 5]

    @staticmethod
    def encode(name):
        return b"".join(bytes([len(x)]) + x.encode() for x in name.split(".")) + b"\0"

    def answer(self, packet):
        question, labels, at = self.question(packet), [], 12
        while packet[at]:
            labels.append(packet[at + 1:at + 1 + packet[at]].decode().lower())
            at += packet[at] + 1
        name, kind = ".".join(labels), struct.unpack(">H", packet[at + 1:at + 3])[0]
        with self.lock:
            answers = self.names.get(name)
            found = [] if answers is None else answers[0]
            if kind == 1:
                self.asked.append(name)
                if answers and len(answers) > 1:
                    answers.pop(0)
        records, owner = [], b"\xc0\x0c"
        for value in found:
            if isinstance(value, tuple):
                records.append(owner + struct.pack(">HHIH", 5, 1, 0, len(self.encode(value[1]))) + self.encode(value[1]))
                owner = self.encode(value[1])
                continue
            address = ipaddress.ip_address(value)
            if (kind, address.version) in ((1, 4), (28, 6)):
                records.append(owner + struct.pack(">HHIH", kind, 1, 0, len(address.packed)) + address.packed)
        flags = 0x8180 if answers is not None else 0x8183
        return packet[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 0) + question + b"".join(records)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.shutdown()
            server.server_close()


def can_have_own_resolver():
    """Whether this place lets a process see another /etc/resolv.conf, and listen on port 53."""
    return os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


def program_that_asks(directory, resolver):
    """The program under test, in a mount namespace of its own whose /etc/resolv.conf names that resolver."""
    conf, script = directory / "resolv.conf", directory / "assay-with-resolver"
    conf.write_text(f"nameserver {resolver.address}\noptions timeout:2 attempts:1\n")
    script.write_text(f"""#!/bin/sh
exec unshare -m sh -c 'mount --bind "{conf}" /etc/resolv.conf && exec "$0" "$@"' "{binary()}" "$@"
""")
    script.chmod(0o755)
    return script


def own_addresses():
    """Of this machine's interfaces, but for the loopback one."""
    said = subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split()
    return [f"[{x}]" if ":" in x else x for x in said]


def wait_until(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.02)
