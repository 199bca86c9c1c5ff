#!/usr/bin/python3
"""steady.py: a server under steady mixed load, watched for growth.

A few clients push small images, pull them, list, ask for what is not there, abandon uploads and delete, over and over.
Memory and open files are sampled; after a quarter of the time, by which caches are full, neither may grow by more than
the limits below. Any 5xx, any answer of the wrong kind and any end of the server is a failure. The server listens on a
free port of 127.0.0.1 and is stopped with SIGTERM, which must end it with status 0.
"""
import argparse
import base64
import hashlib
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

PASSWORD = 'slow-and-steady'
MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json'
CLIENTS = 4
RSS_GROWTH_MB = 32
FILE_GROWTH = 16


def digest_of(data):
    return 'sha256:' + hashlib.sha256(data).hexdigest()


class Client(threading.Thread):
    """One client with one repository of its own."""

    def __init__(self, number, port, until):
        super().__init__(daemon=True)
        self.repository = f'admin/soak{number}'
        self.random = random.Random(number)
        self.port, self.until = port, until
        self.connection = None
        self.requests, self.failure = 0, None

    def call(self, method, target, wanted, body=None, **headers):
        if self.connection is None:
            self.connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=60)
        basic = base64.b64encode(f'admin:{PASSWORD}'.encode()).decode()
        headers = {name.replace('_', '-'): value for name, value in headers.items()}
        self.connection.request(method, target, body, {'Authorization': f'Basic {basic}', **headers})
        answer = self.connection.getresponse()
        text = answer.read()
        self.requests += 1
        if answer.will_close:
            self.connection.close()
        if answer.status not in wanted:
            raise AssertionError(f'{method} {target}: {answer.status}, not {wanted}: {text[:200]!r}')
        return answer, text

    def push_blob(self, data):
        answer, _ = self.call('POST', f'/v2/{self.repository}/blobs/uploads/', (202,), b'')
        location = answer.getheader('Location')
        mark = '&' if '?' in location else '?'
        self.call('PUT', f'{location}{mark}digest={digest_of(data)}', (201,), data,
                  Content_Type='application/octet-stream')
        return {'mediaType': 'application/octet-stream', 'digest': digest_of(data), 'size': len(data)}

    def turn(self):
        base = f'/v2/{self.repository}'
        tag = f't{self.random.randrange(20)}'
        config, layer = (self.push_blob(self.random.randbytes(self.random.randrange(1, size)))
                         for size in (2000, 200_000))
        manifest = json.dumps({'schemaVersion': 2, 'mediaType': MANIFEST_TYPE, 'config': config,
                               'layers': [layer]}).encode()
        self.call('PUT', f'{base}/manifests/{tag}', (201,), manifest, Content_Type=MANIFEST_TYPE)
        for _ in range(10):
            _, text = self.call('GET', f'{base}/manifests/{tag}', (200,), Accept=MANIFEST_TYPE)
            assert text == manifest, f'{tag}: other bytes came back'
        _, text = self.call('GET', f'{base}/blobs/{layer["digest"]}', (200,))
        assert digest_of(text) == layer['digest'], 'a blob came back with other bytes'
        self.call('GET', f'{base}/tags/list', (200,))
        self.call('GET', f'{base}/manifests/never-there', (404,))
        self.call('GET', f'{base}/blobs/sha256:nothing', (400,))
        self.call('POST', f'{base}/blobs/uploads/', (202,), b'')
        self.call('DELETE', f'{base}/manifests/{digest_of(manifest)}', (202,))

    def run(self):
        try:
            while time.monotonic() < self.until:
                self.turn()
        except Exception as error:  # told by the main thread
            self.failure = f'{self.repository}: {type(error).__name__}: {error}'


def sample(pid):
    """Resident megabytes, open files."""
    kib = int(re.search(r'VmRSS:\s+(\d+)', pathlib.Path(f'/proc/{pid}/status').read_text()).group(1))
    return kib / 1024, len(os.listdir(f'/proc/{pid}/fd'))


def start(binary, folder):
    kept = {name: value for name, value in os.environ.items() if not name.startswith('ASSAY_')}
    environment = {**kept, 'ASSAY_ADMIN_PASSWORD': PASSWORD}
    log = open(folder / 'log', 'wb')
    process = subprocess.Popen([binary, 'serve', '--data', str(folder / 'data'), '--http', '127.0.0.1:0'],
                               stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, env=environment)
    for line in process.stdout:
        found = re.match(rb'ready .*http=\S*:(\d+)', line)
        if found:
            return process, int(found.group(1))
    raise SystemExit((folder / 'log').read_text()[-2000:] + '\nthe server did not start')


def watch(process, clients, seconds):
    samples = []
    begun = time.monotonic()
    while any(client.is_alive() for client in clients) and process.poll() is None:
        samples.append(sample(process.pid))
        time.sleep(max(0.2, seconds / 100))
        if any(client.failure for client in clients) or time.monotonic() - begun > seconds + 120:
            break
    return samples


def verdict(process, clients, samples):
    """What went wrong, one sentence each."""
    yield from (client.failure for client in clients if client.failure)
    if process.poll() is not None:
        yield f'the server ended with status {process.returncode}'
    settled = samples[len(samples) // 4:]
    if settled:
        rss, files = (settled[-1][at] - settled[0][at] for at in (0, 1))
        if rss > RSS_GROWTH_MB:
            yield f'memory grew by {rss:.1f} MB'
        if files > FILE_GROWTH:
            yield f'open files grew by {files}'


def stop(process):
    """SIGTERM must end it with status 0 while it drains."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        status = process.wait(70)
    except subprocess.TimeoutExpired:
        process.kill()
        return 'the server did not stop in 70 s'
    return None if status == 0 else f'the server stopped with status {status}'


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--assay', default='build/assay')
    parser.add_argument('--seconds', type=float, default=300)
    options = parser.parse_args()

    folder = pathlib.Path(tempfile.mkdtemp(prefix='assay-soak-'))
    try:
        process, port = start(options.assay, folder)
        clients = [Client(number, port, time.monotonic() + options.seconds) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        samples = watch(process, clients, options.seconds)
        wrong = list(verdict(process, clients, samples))
        wrong += filter(None, [stop(process)])
        first, last = samples[len(samples) // 4], samples[-1]
        print(f'volume steady requests={sum(client.requests for client in clients)} seconds={options.seconds:.0f} '
              f'megabytes={first[0]:.1f}..{last[0]:.1f} files={first[1]}..{last[1]}')
        if wrong:
            sys.exit('\n'.join([*wrong, (folder / 'log').read_text()[-2000:]]))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == '__main__':
    main()
