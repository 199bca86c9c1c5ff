#!/usr/bin/python3
"""bench.py: this registry beside Debian's docker-registry and beside nginx, in one run, on loopback.

All three serve the same bytes: one image manifest and one large blob. docker-registry uses its filesystem driver and
its in-memory descriptor cache; nginx serves the bytes as static files, which is what no registry can beat by much.
docker-registry checks a bearer token only in the row that says so, assay always does. The machine is noisy, so
systems take turns, every round begins with another one, and the table shows medians.

Each server has its own directory under a temporary one, listens on free ports of 127.0.0.1 and is stopped by its pid.
"""
import argparse
import base64
import contextlib
import dataclasses
import datetime
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

REPOSITORY = 'admin/bench'
TAG = 'latest'
MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json'
SERVICE = 'bench'
PASSWORD = 'measure-twice-cut-once'
CIPHER = 'TLS_AES_128_GCM_SHA256'
CHUNK = 1 << 20


def quiet(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, **options).stdout


def free_port():
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return one.getsockname()[1]


def wait_for_port(port, process, name):
    for _ in range(300):
        with contextlib.suppress(OSError), socket.create_connection(('127.0.0.1', port), 0.2):
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise SystemExit(f'{name} did not start')


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


# What is served


@dataclasses.dataclass
class Blob:
    path: pathlib.Path
    digest: str
    size: int


@dataclasses.dataclass
class Image:
    """A manifest of the usual size, its small layers, and the large one that is measured."""
    blobs: list
    large: Blob
    manifest: bytes

    @property
    def digest(self):
        return 'sha256:' + hashlib.sha256(self.manifest).hexdigest()


def make_blob(folder, size):
    """Bytes that do not compress."""
    path = folder / f'blob-{size}'
    digest = hashlib.sha256()
    with open(path, 'wb') as file:
        left = size
        while left > 0:
            part = os.urandom(min(CHUNK, left))
            digest.update(part)
            file.write(part)
            left -= len(part)
    return Blob(path, 'sha256:' + digest.hexdigest(), size)


def make_image(folder, large_size):
    def descriptor(kind, blob):
        return {'mediaType': kind, 'digest': blob.digest, 'size': blob.size}

    config, *small = (make_blob(folder, size) for size in (1500, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000))
    large = make_blob(folder, large_size)
    layer = 'application/vnd.oci.image.layer.v1.tar+gzip'
    manifest = {
        'schemaVersion': 2, 'mediaType': MANIFEST_TYPE,
        'config': descriptor('application/vnd.oci.image.config.v1+json', config),
        'layers': [descriptor(layer, blob) for blob in (*small, large)],
    }
    return Image([config, *small, large], large, json.dumps(manifest, indent=2).encode())


def push(port, image, headers):
    """What a client does: each blob by POST and PUT, then the manifest by its tag."""
    def call(method, target, body=None, more=None, wanted=(200, 201, 202)):
        connection = http.client.HTTPConnection('127.0.0.1', port, timeout=120)
        connection.request(method, target, body, {**headers, **(more or {})})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status not in wanted:
            raise SystemExit(f'{method} {target}: {answer.status} {text[:300]!r}')
        return answer

    for blob in image.blobs:
        location = call('POST', f'/v2/{REPOSITORY}/blobs/uploads/', b'').getheader('Location')
        parts = urllib.parse.urlsplit(location)
        query = '&'.join(filter(None, (parts.query, 'digest=' + urllib.parse.quote(blob.digest))))
        with open(blob.path, 'rb') as file:
            call('PUT', f'{parts.path}?{query}', file,
                 {'Content-Length': str(blob.size), 'Content-Type': 'application/octet-stream'})
    call('PUT', f'/v2/{REPOSITORY}/manifests/{TAG}', image.manifest, {'Content-Type': MANIFEST_TYPE})


# Who serves


class System:
    """One measured server: made in its own directory, filled, started, stopped. The measuring side asks for URLs."""
    name = ''

    def __init__(self, folder, image):
        self.folder = folder / self.name
        self.folder.mkdir()
        self.image = image
        self.processes = []

    def spawn(self, *command, **options):
        log = open(self.folder / 'log', 'ab')
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log, cwd=self.folder,
                                   **{'stdout': log, **options})
        self.processes.append(process)
        return process

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []

    def headers(self, is_token_row):
        return {}

    def rss_mb(self):
        """Resident memory of the first server process and its children."""
        top = self.processes[0].pid
        pids = [top, *map(int, pathlib.Path(f'/proc/{top}/task/{top}/children').read_text().split())]
        kib = sum(int(re.search(r'VmRSS:\s+(\d+)', pathlib.Path(f'/proc/{pid}/status').read_text()).group(1))
                  for pid in pids)
        return kib * 1024 / 1e6


class Assay(System):
    name = 'assay'
    binary = None

    def fill(self):
        self.start()
        push(self.port, self.image, self.basic())
        self.stop()

    def start(self):
        environment = {'PATH': os.environ['PATH'], 'ASSAY_ADMIN_PASSWORD': PASSWORD}
        process = self.spawn(self.binary, 'serve', '--data', str(self.folder / 'data'), '--http', '127.0.0.1:0',
                             '--https', '127.0.0.1:0', stdout=subprocess.PIPE, env=environment)
        said = {}
        for line in process.stdout:
            words = line.decode().split()
            if words[:1] == ['ready']:
                said = dict(word.split('=', 1) for word in words[1:])
                break
        if not said:
            raise SystemExit(f'assay did not start; see {self.folder}/log')
        self.port, self.tls_port = (int(said[key].rsplit(':', 1)[1]) for key in ('http', 'https'))

    def basic(self):
        return {'Authorization': 'Basic ' + base64.b64encode(f'admin:{PASSWORD}'.encode()).decode()}

    def headers(self, is_token_row):
        scope = urllib.parse.urlencode({'service': SERVICE, 'scope': f'repository:{REPOSITORY}:pull'})
        asked = urllib.request.Request(f'http://127.0.0.1:{self.port}/auth/token?{scope}', headers=self.basic())
        with urllib.request.urlopen(asked, timeout=10) as answer:
            found = json.load(answer)
        return {'Authorization': 'Bearer ' + (found.get('token') or found['access_token'])}

    def version(self):
        return 'assay ' + quiet('git', '-C', str(pathlib.Path(__file__).parent), 'describe', '--always', '--dirty',
                                '--exclude=*').decode().strip()


class DockerRegistry(System):
    name = 'docker-registry'

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.key, self.cert = make_certificate(self.folder)

    def config(self, port, more):
        log = {'level': 'error', 'accesslog': {'disabled': True}}
        storage = {'filesystem': {'rootdirectory': str(self.folder / 'data')}, 'cache': {'blobdescriptor': 'inmemory'}}
        path = self.folder / f'{port}.yml'
        config = {'version': '0.1', 'log': log, 'storage': storage,
                  'http': {'addr': f'127.0.0.1:{port}', **more.pop('http', {})}, **more}
        path.write_text(json.dumps(config))  # JSON is YAML
        return path

    def serve(self, **more):
        port = free_port()
        process = self.spawn('docker-registry', 'serve', str(self.config(port, more)))
        wait_for_port(port, process, self.name)
        return port

    def fill(self):
        self.port = self.serve()
        push(self.port, self.image, {})
        self.stop()

    def start(self):
        self.port = self.serve()
        self.tls_port = self.serve(http={'tls': {'certificate': str(self.cert), 'key': str(self.key)}})
        self.token_port = self.serve(auth={'token': {
            'realm': 'http://127.0.0.1/', 'service': SERVICE, 'issuer': SERVICE, 'rootcertbundle': str(self.cert)}})

    def headers(self, is_token_row):
        return {'Authorization': f'Bearer {self.token()}'} if is_token_row else {}

    def token(self):
        """An ES256 token as its token server would make it; the key is named by docker's fingerprint."""
        public = quiet('openssl', 'pkey', '-in', str(self.key), '-pubout', '-outform', 'DER')
        fingerprint = base64.b32encode(hashlib.sha256(public).digest()[:30]).decode()
        head = {'typ': 'JWT', 'alg': 'ES256', 'kid': ':'.join(re.findall('....', fingerprint))}
        now = int(time.time())
        body = {'iss': SERVICE, 'sub': 'bench', 'aud': SERVICE, 'nbf': now - 60, 'iat': now, 'exp': now + 3600,
                'jti': 'bench', 'access': [{'type': 'repository', 'name': REPOSITORY, 'actions': ['pull']}]}
        signed = '.'.join(base64url(json.dumps(part).encode()) for part in (head, body))
        der = quiet('openssl', 'dgst', '-sha256', '-sign', str(self.key), input=signed.encode())
        return f'{signed}.{base64url(raw_signature(der))}'

    def version(self):
        return 'docker-registry ' + installed('docker-registry')


class Nginx(System):
    name = 'nginx'

    def fill(self):
        base = self.folder / 'www/v2' / REPOSITORY
        for kind in ('manifests', 'blobs'):
            (base / kind).mkdir(parents=True)
        for reference in (TAG, self.image.digest):
            (base / 'manifests' / reference).write_bytes(self.image.manifest)
        for blob in self.image.blobs:
            os.link(blob.path, base / 'blobs' / blob.digest)

    def start(self):
        key, cert = make_certificate(self.folder)
        self.port, self.tls_port = free_port(), free_port()
        user = 'user root;' if os.geteuid() == 0 else ''
        temp = '\n'.join(f'{kind}_temp_path {self.folder}/{kind};'
                         for kind in ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'))
        (self.folder / 'nginx.conf').write_text(f'''
            {user} daemon off; worker_processes auto; pid {self.folder}/pid; error_log {self.folder}/log;
            events {{ worker_connections 1024; }}
            http {{
                access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; server_tokens off;
                default_type {MANIFEST_TYPE};
                {temp}
                server {{ listen 127.0.0.1:{self.port}; root {self.folder}/www; }}
                server {{ listen 127.0.0.1:{self.tls_port} ssl; root {self.folder}/www;
                          ssl_certificate {cert}; ssl_certificate_key {key}; ssl_protocols TLSv1.3; }}
            }}''')
        process = self.spawn('/usr/sbin/nginx', '-c', str(self.folder / 'nginx.conf'), '-e', str(self.folder / 'log'))
        wait_for_port(self.tls_port, process, self.name)

    def version(self):
        return 'nginx ' + installed('nginx')


def make_certificate(folder):
    key, cert = folder / 'key.pem', folder / 'cert.pem'
    quiet('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
          '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', str(key), '-out', str(cert))
    return key, cert


def raw_signature(der):
    """The two 32-byte numbers of an ECDSA signature in DER."""
    numbers, at = b'', 2
    for _ in range(2):
        size = der[at + 1]
        numbers += der[at + 2:at + 2 + size].lstrip(b'\0').rjust(32, b'\0')
        at += 2 + size
    return numbers


def installed(package):
    return quiet('dpkg-query', '-W', '-f', '${Version}', package).decode()


# What is measured


def wrk(system, reference, is_token_row, seconds):
    port = system.token_port if is_token_row and hasattr(system, 'token_port') else system.port
    headers = {**system.headers(is_token_row), 'Accept': MANIFEST_TYPE}
    options = [option for name, value in headers.items() for option in ('-H', f'{name}: {value}')]
    said = quiet('wrk', '-t2', '-c32', f'-d{seconds}s', *options,
                 f'http://127.0.0.1:{port}/v2/{REPOSITORY}/manifests/{reference}').decode()
    if 'Non-2xx' in said or 'Socket errors' in said:
        raise SystemExit(f'{system.name}: {said}')
    return float(re.search(r'Requests/sec:\s+([\d.]+)', said).group(1))


def download(system, scheme, port):
    options = [option for name, value in system.headers(False).items() for option in ('-H', f'{name}: {value}')]
    said = quiet('curl', '-sSfk', '--http1.1', '--tls13-ciphers', CIPHER, '-o', '/dev/null',
                 '-w', '%{size_download} %{speed_download}', *options,
                 f'{scheme}://127.0.0.1:{port}/v2/{REPOSITORY}/blobs/{system.image.large.digest}').decode().split()
    if int(said[0]) != system.image.large.size:
        raise SystemExit(f'{system.name}: {said[0]} bytes of the blob came')
    return float(said[1]) / 1e6


@dataclasses.dataclass
class Row:
    title: str
    unit: str
    measure: object              # function of the system and of whether it is to warm up only
    wanted: tuple = ()           # (peer, least ratio), for the last column


def rows_of(seconds, blob_mib):
    def manifest(reference_of, is_token_row):
        return lambda system, is_warm_up: wrk(system, reference_of(system.image), is_token_row,
                                              1 if is_warm_up else seconds)

    size = f'{blob_mib // 1024} GiB' if blob_mib % 1024 == 0 else f'{blob_mib} MiB'
    return [
        Row('manifest by tag, bearer token', 'req/s', manifest(lambda image: TAG, True)),
        Row('manifest by digest', 'req/s', manifest(lambda image: image.digest, False), ('docker-registry', 10)),
        Row(f'blob of {size}, plain', 'MB/s', lambda system, _: download(system, 'http', system.port), ('nginx', 0.8)),
        Row(f'blob of {size}, TLS', 'MB/s', lambda system, _: download(system, 'https', system.tls_port),
            ('nginx', 0.8)),
    ]


def measure(row, systems, rounds, until):
    """Medians by system. Who goes first changes from round to round; late rounds are left out."""
    seen = {system.name: [] for system in systems}
    for system in systems:
        row.measure(system, True)
    for turn in range(rounds):
        if turn >= 2 and time.monotonic() > until:
            break
        for at in range(len(systems)):
            system = systems[(turn + at) % len(systems)]
            seen[system.name].append(row.measure(system, False))
    return seen


# What is told


class Table:
    def __init__(self, names):
        self.names = names
        self.lines = [['', '', *names, *(f'assay / {name}' for name in names[1:]), 'wanted']]

    def add(self, row, seen):
        medians = {name: statistics.median(values) for name, values in seen.items() if values}
        ours = medians.get('assay')
        ratios = {name: ours / medians[name] for name in self.names[1:] if ours and name in medians}
        verdict = ''
        if row.wanted and row.wanted[0] in ratios:
            peer, least = row.wanted
            verdict = f'>= {least:g} x {peer}: {"yes" if ratios[peer] >= least else "NO"}'
        self.lines.append([row.title, row.unit, *(self.number(medians.get(name)) for name in self.names),
                           *(f'{ratios[name]:.2f}' if name in ratios else '-' for name in self.names[1:]), verdict])

    def add_memory(self, title, rss, limit_mb=None):
        verdict = f'< {limit_mb} MB: {"yes" if rss["assay"] < limit_mb else "NO"}' if limit_mb and 'assay' in rss else ''
        self.lines.append([title, 'MB', *(self.number(rss.get(name)) for name in self.names),
                           *('' for _ in self.names[1:]), verdict])

    @staticmethod
    def number(value):
        return '-' if value is None else f'{value:.1f}' if value < 100 else f'{value:,.0f}'

    def text(self):
        widths = [max(map(len, column)) for column in zip(*self.lines)]
        return '\n'.join('  '.join(cell.ljust(width) if at in (0, 1, len(widths) - 1) else cell.rjust(width)
                                   for at, (cell, width) in enumerate(zip(line, widths))).rstrip()
                         for line in self.lines)

    def markdown(self):
        head, *body = self.lines
        rule = ['---', '---', *('---:' for _ in head[2:-1]), '---']
        return '\n'.join('| ' + ' | '.join(line) + ' |' for line in (head, rule, *body))


def machine():
    model = re.search(r'model name\s*: (.*)', pathlib.Path('/proc/cpuinfo').read_text())
    return f'{os.cpu_count()} cores of {model.group(1) if model else "an unnamed processor"}'


def write(path, table, systems, rounds):
    path.write_text(f'''# Bench

Written by `make bench WRITE=1` on {datetime.date.today()}, on {machine()}; medians of {rounds} rounds in which the
systems take turns. {"; ".join(system.version() for system in systems)}. Memory is resident, of all processes.

{table.markdown()}

The load is wrk with 32 connections that stay open, on the same machine, and curl for blobs (TLS 1.3 with
{CIPHER}, HTTP/1.1, ECDSA P-256 keys). docker-registry uses its filesystem driver and in-memory
descriptor cache and checks a token only in the first row; nginx serves the bytes as static files and checks none.
''')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--assay', default='build/assay', help='the binary; peers alone are measured without it')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--seconds', type=int, default=4, help='of one run of wrk')
    parser.add_argument('--blob-mib', type=int, default=1024)
    parser.add_argument('--write', type=pathlib.Path, help='the document to write')
    options = parser.parse_args()

    kinds = [DockerRegistry, Nginx]
    if os.access(options.assay, os.X_OK):
        Assay.binary = str(pathlib.Path(options.assay).resolve())
        kinds.insert(0, Assay)
    else:
        print(f'  no {options.assay} yet: only the others are measured', file=sys.stderr)

    begun = time.monotonic()
    folder = pathlib.Path(tempfile.mkdtemp(prefix='assay-bench-'))
    systems = []
    try:
        image = make_image(folder, options.blob_mib << 20)
        for kind in kinds:
            system = kind(folder, image)
            systems.append(system)
            system.fill()
            system.start()
        time.sleep(2)

        table = Table(['assay', 'docker-registry', 'nginx'])
        idle = {system.name: system.rss_mb() for system in systems}
        rows = rows_of(options.seconds, options.blob_mib)
        for at, row in enumerate(rows):
            print(f'  measuring: {row.title}', file=sys.stderr)
            table.add(row, measure(row, systems, options.rounds, begun + 540 * (at + 1) / len(rows)))
        table.add_memory('memory, idle after start', idle, 30)
        table.add_memory('memory, after the load', {system.name: system.rss_mb() for system in systems})

        print(table.text())
        if options.write:
            write(options.write, table, systems, options.rounds)
    finally:
        for system in systems:
            system.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == '__main__':
    main()
