"""systems.py: the servers that are measured, each in its own directory on free ports of 127.0.0.1, stopped by its pid.

All serve the same bytes. docker-registry uses its filesystem driver and its in-memory descriptor cache, nginx the
bytes as static files. docker-registry checks a bearer token only in the rows that say so; nginx checks none. Access
logs: assay writes its own as always, the others write none.
"""
import base64
import contextlib
import dataclasses
import hashlib
import http.client
import json
import os
import pathlib
import re
import signal
import shutil
import socket
import subprocess
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


def push(port, image, headers, repository=REPOSITORY, from_repository=None):
    """What a client does: each blob by POST and PUT, or mounted from another repository, then the manifest by its tag."""
    def call(method, target, body=None, more=None, wanted=(200, 201, 202)):
        connection = http.client.HTTPConnection('127.0.0.1', port, timeout=120)
        connection.request(method, target, body, {**headers, **(more or {})})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status not in wanted:
            raise SystemExit(f'{method} {target}: {answer.status} {text[:300]!r}')
        return answer

    if from_repository:
        for blob in image.blobs:
            call('POST', f'/v2/{repository}/blobs/uploads/?mount={blob.digest}&from={from_repository}', b'', wanted=(201,))
    for blob in image.blobs if not from_repository else ():
        location = call('POST', f'/v2/{repository}/blobs/uploads/', b'').getheader('Location')
        parts = urllib.parse.urlsplit(location)
        query = '&'.join(filter(None, (parts.query, 'digest=' + urllib.parse.quote(blob.digest))))
        with open(blob.path, 'rb') as file:
            call('PUT', f'{parts.path}?{query}', file,
                 {'Content-Length': str(blob.size), 'Content-Type': 'application/octet-stream'})
    call('PUT', f'/v2/{repository}/manifests/{TAG}', image.manifest, {'Content-Type': MANIFEST_TYPE})


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

    def end(self):
        """For good."""
        self.stop()

    def headers(self, is_token_row, actions='pull'):
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

    def more(self):
        """Further settings; what they name must be running."""
        return []

    def start(self):
        more = self.more()
        environment = {'PATH': os.environ['PATH'], 'ASSAY_ADMIN_PASSWORD': PASSWORD}
        process = self.spawn(self.binary, 'serve', '--data', str(self.folder / 'data'), '--http', '127.0.0.1:0',
                             '--https', '127.0.0.1:0', *more, stdout=subprocess.PIPE, env=environment)
        said = {}
        for line in process.stdout:
            words = line.decode().split()
            if words[:1] == ['ready']:
                said = dict(word.split('=', 1) for word in words[1:])
                break
        if not said:
            raise SystemExit(f'assay did not start; see {self.folder}/log')
        self.port, self.tls_port = (int(said[key].rsplit(':', 1)[1]) for key in ('http', 'https'))

    def basic(self, name='admin'):
        """Everybody has the same password here."""
        return {'Authorization': 'Basic ' + base64.b64encode(f'{name}:{PASSWORD}'.encode()).decode()}

    def publish(self, repository):
        asked = urllib.request.Request(
            f'http://127.0.0.1:{self.port}/api/v0/repositories/{repository}', b'{"visibility":"public"}',
            {**self.basic(), 'Content-Type': 'application/json'}, method='PATCH')
        urllib.request.urlopen(asked, timeout=10).close()

    def ask(self, method, path, body=None):
        """A request to the management API; the answer's JSON, or None."""
        asked = urllib.request.Request(f'http://127.0.0.1:{self.port}{path}', body and json.dumps(body).encode(),
                                       {**self.basic(), 'Content-Type': 'application/json'}, method=method)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.loads(answer.read() or 'null')

    def headers(self, is_token_row, actions='pull', repository=REPOSITORY, name='admin'):
        scope = urllib.parse.urlencode({'service': SERVICE, 'scope': f'repository:{repository}:{actions}'})
        asked = urllib.request.Request(f'http://127.0.0.1:{self.port}/auth/token?{scope}', headers=self.basic(name))
        with urllib.request.urlopen(asked, timeout=10) as answer:
            found = json.load(answer)
        return {'Authorization': 'Bearer ' + (found.get('token') or found['access_token'])}

    def version(self):
        return 'assay ' + quiet('git', '-C', str(pathlib.Path(__file__).parent), 'describe', '--always', '--dirty',
                                '--exclude=*').decode().strip()


class AssayPostgres(Assay):
    """The same on a PostgreSQL of its own, which syncs as a real one."""
    name = 'assay-pg'
    tools = pathlib.Path('/usr/lib/postgresql/15/bin')
    url = None

    def as_owner(self, *command):
        """PostgreSQL does not run as root."""
        return [*(['runuser', '-u', 'postgres', '--'] if os.geteuid() == 0 else []), *map(str, command)]

    def more(self):
        if self.url is None:
            self.start_postgres()
        return ['--database', self.url]

    def start_postgres(self):
        place = pathlib.Path(tempfile.mkdtemp(prefix='assay-bench-pg-'))
        if os.geteuid() == 0:
            shutil.chown(place, 'postgres')
        self.place, self.cluster, port = place, place / 'data', free_port()
        quiet(*self.as_owner(self.tools / 'initdb', '-D', self.cluster, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8'),
              cwd='/')
        settings = f'-p {port} -k {place} -c listen_addresses=127.0.0.1 -c fsync=on -c full_page_writes=on'
        subprocess.run(self.as_owner(self.tools / 'pg_ctl', '-D', self.cluster, '-w', '-l', place / 'log',
                                     '-o', settings, 'start'), check=True, stdout=subprocess.DEVNULL, cwd='/')
        base = f'postgres://postgres@127.0.0.1:{port}'
        quiet('psql', '-X', '-q', '-d', f'{base}/postgres', '-c',
              "CREATE DATABASE assay TEMPLATE template0 ENCODING 'UTF8'")
        self.url = f'{base}/assay'

    def end(self):
        super().end()
        if self.url is not None:
            quiet(*self.as_owner(self.tools / 'pg_ctl', '-D', self.cluster, '-m', 'immediate', 'stop'), cwd='/')
            shutil.rmtree(self.place, ignore_errors=True)
            self.url = None


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

    def headers(self, is_token_row, actions='pull'):
        return {'Authorization': f'Bearer {self.token()}'} if is_token_row else {}

    def token(self):
        """An ES256 token as its token server would make it; the key is named by docker's fingerprint."""
        public = quiet('openssl', 'pkey', '-in', str(self.key), '-pubout', '-outform', 'DER')
        fingerprint = base64.b32encode(hashlib.sha256(public).digest()[:30]).decode()
        head = {'typ': 'JWT', 'alg': 'ES256', 'kid': ':'.join(re.findall('....', fingerprint))}
        now = int(time.time())
        body = {'iss': SERVICE, 'sub': 'bench', 'aud': SERVICE, 'nbf': now - 60, 'iat': now, 'exp': now + 3600,
                'jti': 'bench', 'access': [{'type': 'repository', 'name': REPOSITORY, 'actions': ['pull', 'push']}]}
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
            events {{ worker_connections 8192; }}
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
