"""hooks.py: receivers of webhooks, and how fast a registry tells them: 200 pushes to 50 endpoints of which one is dead and one
slow, so 10,000 calls of which 9,600 can be made. As a program it is the receivers, in a process of their own: it prints their
ports, and `done SECONDS` (since 1970) when the last of the good ones has been told of all."""
import asyncio
import http.client
import json
import pathlib
import subprocess
import sys
import time

from systems import free_port

GOOD, EVENTS, SLOW_SECONDS = 48, 200, 5


class Receiver(asyncio.Protocol):
    """Answers each POST with 200, a slow one late; heads and bodies are what the registry sends, no more is understood."""

    def __init__(self, count, is_slow):
        self.count, self.is_slow, self.held = count, is_slow, b''

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.held += data
        while (end := self.held.find(b'\r\n\r\n')) >= 0:
            head = self.held[:end].lower()
            size = int(head.split(b'content-length:')[1].split(b'\r\n')[0])
            if len(self.held) < end + 4 + size:
                return
            self.held = self.held[end + 4 + size:]
            if self.is_slow:
                asyncio.get_running_loop().call_later(SLOW_SECONDS, self.answer)
            else:
                self.answer()

    def answer(self):
        if not self.transport.is_closing():
            self.transport.write(b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
        self.count(self.is_slow)


async def receive():
    loop, done, told = asyncio.get_running_loop(), asyncio.Event(), 0

    def count(is_slow):
        nonlocal told
        told += not is_slow
        if told >= GOOD * EVENTS:
            done.set()

    servers = [await loop.create_server(lambda slow=number == GOOD: Receiver(count, slow), '127.0.0.1', 0)
               for number in range(GOOD + 1)]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await done.wait()
    print('done', time.time(), flush=True)


def call(system, method, path, body, headers=None):
    connection = http.client.HTTPConnection('127.0.0.1', system.port, timeout=60)
    connection.request(method, path, body, {**system.basic(), **(headers or {})})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status not in (200, 201):
        raise SystemExit(f'{method} {path}: {answer.status} {text[:300]!r}')


def deliveries(system, repository, manifest, media_type):
    """Calls a second from the first push until the good endpoints know of all of them."""
    with subprocess.Popen([sys.executable, str(pathlib.Path(__file__))], stdout=subprocess.PIPE, text=True) as receivers:
        try:
            ports = [int(word) for word in receivers.stdout.readline().split()]
            for port in [free_port(), *ports]:  # nobody listens at the first
                body = {'type': 'TAG_PUSH', 'key': repository, 'endpoint': f'http://127.0.0.1:{port}/',
                        'skipTLSVerification': True}
                call(system, 'POST', '/api/v1/webhooks', json.dumps(body), {'Content-Type': 'application/json'})
            begun = time.time()
            for number in range(EVENTS):
                call(system, 'PUT', f'/v2/{repository}/manifests/v{number}', manifest, {'Content-Type': media_type})
            return GOOD * EVENTS / (float(receivers.stdout.readline().split()[1]) - begun)
        finally:
            receivers.kill()


if __name__ == '__main__':
    asyncio.run(receive())
