#!/usr/bin/python3
"""bench.py: this registry beside Debian's docker-registry, nginx and a plain C loop, in one run, on loopback.

A row is a kind of work, the systems that can do it, and what must be reached. The machine is noisy, so systems take
turns, every round begins with another one, and the table shows medians. Results are kept in a file outside git
(--results), so that rows may be measured one by one; the document is written from that file and says so.
"""
import argparse
import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import re
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

import hooks
import seed
from systems import (CIPHER, MANIFEST_TYPE, REPOSITORY, SERVICE, TAG, Assay, AssayPostgres, DockerRegistry, Nginx,
                     make_image, push, quiet)

HERE = pathlib.Path(__file__).parent
ASSAY, PG, DOCKER, NGINX, LOOP = 'assay', 'assay-pg', 'docker-registry', 'nginx', 'C loop'
NAMES = [ASSAY, PG, DOCKER, NGINX, LOOP]
KINDS = {kind.name: kind for kind in (Assay, AssayPostgres, DockerRegistry, Nginx)}
SEEDED = dict(manifests=1_000_000, tags=1_000_000, repositories=100_000, referrers=10_000, teams=200)


@dataclasses.dataclass
class Wanted:
    """At least `factor` times the peer; or, without a peer, at most `factor` of the row's unit."""
    factor: float
    peer: str = None
    is_most: bool = False          # with a peer: at most
    is_least: bool = False         # without one: at least
    who: str = ASSAY
    row: str = None                # whose figure of the peer counts; None: this one's

    def judge(self, medians, results):
        sign = '≤' if self.is_most or not (self.peer or self.is_least) else '≥'
        peer = f'{self.peer}, {self.row}' if self.row else self.peer
        text = ('' if self.who == ASSAY else f'{self.who} ') + f'{sign} {self.factor:g}' + (f' × {peer}' if peer else '')
        theirs = (results.get(self.row, {}) if self.row else medians).get(self.peer)
        if self.who not in medians or (self.peer and not theirs):
            return f'{text}: not measured'
        ours = medians[self.who]
        value = ours if self.peer is None else ours / theirs
        is_reached = value <= self.factor if sign == '≤' else value >= self.factor
        shown = '' if self.peer is None else f'{value:.2f}: '
        return f'{text}: {shown}{"yes" if is_reached else "NO"}'


@dataclasses.dataclass
class Row:
    name: str                      # for ONLY=
    title: str
    unit: str
    measure: object                # function of the bench and a system; None: a title alone
    systems: tuple
    wanted: tuple = ()
    rounds: int = 3
    fresh: bool = False            # measure is given the name and makes a registry of its own


class Bench:
    """One run: the folder, the clients, the systems that rows have asked for so far."""

    def __init__(self, folder, options):
        self.folder, self.options = folder, options
        self.client = folder / 'client'
        quiet('cc', '-O2', '-o', str(self.client), str(HERE / 'client.c'), '-lssl', '-lcrypto', '-lpthread')
        self.image = make_image(folder, options.blob_mib << 20)
        self.systems, self.number = {}, 0
        self.with_people, self.first_fresh = set(), {}

    def system(self, name):
        if name == LOOP:
            return None
        if name not in self.systems:
            system = KINDS[name](self.folder, self.image)
            self.systems[name] = system
            system.fill()
            system.start()
        return self.systems[name]

    def fresh(self, kind, name):
        """A registry of its own, for rows that fill it or ask for its memory."""
        system = type('Fresh', (kind,), {'name': name})(self.folder, self.image)
        self.systems[name] = system
        return system

    def drop(self, system):
        system.end()
        shutil.rmtree(system.folder, ignore_errors=True)
        del self.systems[system.name]

    def next_number(self):
        """New content for each push of this run."""
        self.number += 1
        return str(self.number)

    def ask(self, mode, *words):
        done = subprocess.run([str(self.client), mode, *map(str, words)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        return json.loads(done.stdout)

    def stop(self):
        for system in self.systems.values():
            system.end()


def authorization(system, *args):
    return system.headers(*args).get('Authorization', '-')


def basic(system):
    return system.basic()['Authorization'] if isinstance(system, Assay) else '-'


# How it is measured


def load(bench, system, port, path, headers, connections=32, seconds=None):
    """Requests a second that wrk gets answered."""
    options = [option for name, value in headers.items() for option in ('-H', f'{name}: {value}')]
    said = quiet('wrk', '-t2', f'-c{connections}', f'-d{seconds or bench.options.seconds}s', *options,
                 f'http://127.0.0.1:{port}{path}').decode()
    broken = re.search(r'connect (\d+), read (\d+), write (\d+)', said)
    if 'Non-2xx' in said or (broken and any(map(int, broken.groups()))):  # slow is no error
        raise SystemExit(f'{system.name}: {said}')
    return float(re.search(r'Requests/sec:\s+([\d.]+)', said).group(1))


def wrk(reference_of, is_token_row, connections=32):
    def measure(bench, system):
        port = system.token_port if is_token_row and hasattr(system, 'token_port') else system.port
        headers = {**system.headers(is_token_row), 'Accept': MANIFEST_TYPE}
        return load(bench, system, port, f'/v2/{REPOSITORY}/manifests/{reference_of(bench.image)}', headers,
                    connections)
    return measure


def head_blob(bench, system):
    """With a client of our own, for wrk waits for the body of an answer to HEAD."""
    port = getattr(system, 'token_port', system.port)
    file = bench.folder / 'paths'
    file.write_text(f'/v2/{REPOSITORY}/blobs/{bench.image.blobs[1].digest}\n')
    count = 100_000 if isinstance(system, Assay) else 10_000
    return bench.ask('probe', f'127.0.0.1:{port}', authorization(system, True, 'pull,push'), 'HEAD', file, count, 32,
                     0)['rate']


def download(scheme):
    def measure(bench, system):
        port = system.port if scheme == 'http' else system.tls_port
        options = [option for name, value in system.headers(False).items() for option in ('-H', f'{name}: {value}')]
        said = quiet('curl', '-sSfk', '--http1.1', '--tls13-ciphers', CIPHER, '-o', '/dev/null',
                     '-w', '%{size_download} %{speed_download}', *options,
                     f'{scheme}://127.0.0.1:{port}/v2/{REPOSITORY}/blobs/{bench.image.large.digest}').decode().split()
        if int(said[0]) != bench.image.large.size:
            raise SystemExit(f'{system.name}: {said[0]} bytes of the blob came')
        return float(said[1]) / 1e6
    return measure


def push_large(bench, system):
    os.sync()                      # nobody pays for what another one left in the page cache
    if system is None:
        return bench.ask('limit', bench.folder / 'limit', bench.options.blob_mib)['rate']
    return bench.ask('large', f'127.0.0.1:{system.port}', basic(system), 'admin/large', bench.options.blob_mib, 1,
                     bench.next_number(), 120)['rate']


def push_small(bench, system):
    os.sync()
    return bench.ask('small', f'127.0.0.1:{system.port}', basic(system), 'admin/small', 1000, 8,
                     bench.next_number())['rate']


def under_quota(bench, system):
    """50 clients push small images into one repository: the rate under a quota, with room for all, against the rate
    without. What the quota says afterwards must be what is there."""
    paths = ('admin',)

    def rate():
        os.sync()
        return bench.ask('small', f'127.0.0.1:{system.port}', basic(system), 'admin/quota', 1000, 50,
                         bench.next_number())['rate']

    def bound():
        for path in paths:
            system.ask('PUT', '/api/v1/quotas', {'path': path, 'bytes': 1 << 40, 'tags': 1_000_000})
        try:
            found = rate()
            for path in paths:
                rows = system.ask('GET', f'/api/v1/quotas/usage?path={path}')
                quota = next(row for row in system.ask('GET', f'/api/v1/quotas?prefix={path}&pageSize=0')['quotas']
                             if row['path'] == path)
                if (quota['usedBytes'], quota['usedTags']) != (rows['bytes'], rows['tags']):
                    raise SystemExit(f'a quota is not exact: {quota}, {rows}')
            return found
        finally:
            for path in paths:
                system.ask('DELETE', f'/api/v1/quotas?path={path}')

    system.bound_first = not getattr(system, 'bound_first', False)
    if system.bound_first:
        return bound() / rate()
    return 1 / (rate() / bound())


def seeded(bench, name):
    """The registry with a million of everything, on the engine of that system."""
    system = bench.systems.get(f'{name}-seeded')
    if system is None:
        system = bench.fresh(KINDS[name], f'{name}-seeded')
        system.start()
        system.stop()
        print(f'  seeding {name}', file=sys.stderr)
        seed.fill(system.folder / 'data', system.url if name == PG else None, **SEEDED)
        system.start()
    return system


SUBJECT = seed.digest_of(seed.document('subject', 0))
PAGES = {
    'tags': ('/v2/admin/seed/tagged/tags/list?n=100', lambda part: f't{int(part * SEEDED["tags"]):07}'),
    'catalog': ('/v2/_catalog?n=100', lambda part: f'admin/seed/repository/{int(part * SEEDED["repositories"]):06}'),
    'referrers': (f'/v2/admin/seed/referred/referrers/{SUBJECT}?n=100', lambda part: f'sha256:{int(part * 0xffff):04x}'
                  + '0' * 60),
}


def page(kind, where):
    """p99 of a page of 100: without `last`, and after names of the middle and of the end."""
    def measure(bench, name):
        system = seeded(bench, name)
        path, last = PAGES[kind]
        begin = {'start': 0, 'middle': 0.5, 'end': 0.97}[where]
        parts = [begin + step * 0.0002 for step in range(64)] if where != 'start' else [None]
        file = bench.folder / 'paths'
        file.write_text(''.join(path + ('' if part is None else f'&last={last(part)}') + '\n' for part in parts))
        return bench.ask('probe', f'127.0.0.1:{system.port}', basic(system), 'GET', file, 2000, 1, 0)['p99']
    return measure


def start(bench, name):
    system = seeded(bench, name)
    system.stop()
    begun = time.monotonic()
    system.start()
    return time.monotonic() - begun


class Memory:
    """The peak of a process's resident memory while something goes on."""

    def __init__(self, system):
        self.system, self.peak, self.is_over = system, system.rss_mb(), threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.is_over.wait(0.02):
            self.peak = max(self.peak, self.system.rss_mb())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()


def idle_memory(bench, system):
    system.stop()
    system.start()
    time.sleep(2)
    return system.rss_mb()


def memory_of(work):
    def measure(bench, _):
        system = bench.fresh(Assay, 'assay-memory')
        try:
            system.start()
            prepared = work(bench, system)
            system.stop()
            system.start()
            with Memory(system) as memory:
                prepared()
            return memory.peak
        finally:
            bench.drop(system)
    return measure


def pulls_500(bench, system):
    pushed = bench.ask('large', f'127.0.0.1:{system.port}', basic(system), 'admin/pulls', 100, 1, 1, 60)

    def pull():
        system.headers(False)      # a log-in, so that 500 connections do not hash the same password
        bench.ask('pull', f'127.0.0.1:{system.port}', system.tls_port, basic(system),
                  f'/v2/admin/pulls/blobs/{pushed["digest"]}', 500)
    return pull


def pushes_64(bench, system):
    def push():
        system.headers(False)
        bench.ask('large', f'127.0.0.1:{system.port}', basic(system), 'admin/pushes', 1024, 64, 1, 20)
    return push


def pull_during_pushes(bench, system):
    """p99 of a manifest while eight clients push to assay as fast as it goes, whoever is being asked."""
    target = bench.system(ASSAY)
    pushing = subprocess.Popen([str(bench.client), 'small', f'127.0.0.1:{target.port}', basic(target), 'admin/busy',
                                '100000000', '8', bench.next_number(), '8'], stdout=subprocess.DEVNULL)
    try:
        time.sleep(1)
        file = bench.folder / 'paths'
        file.write_text(f'/v2/{REPOSITORY}/manifests/{TAG}\n')
        return bench.ask('probe', f'127.0.0.1:{system.port}', authorization(system, False),
                         'GET', file, 8000, 4, 2000)['p99']
    finally:
        pushing.wait()


def webhooks(bench, name):
    """Of a registry of its own each time, whose webhooks may go to this machine."""
    kind = KINDS[name]
    system = bench.fresh(type('Hooked', (kind,), {'more': lambda self: [*kind.more(self), '--egress-allow', '127.0.0.0/8']}),
                         f'{name}-hooked')
    system.fill()
    system.start()
    try:
        return hooks.deliveries(system, REPOSITORY, bench.image.manifest, MANIFEST_TYPE)
    finally:
        bench.drop(system)


def token_path(repository=REPOSITORY):
    return '/auth/token?' + urllib.parse.urlencode({'service': SERVICE, 'scope': f'repository:{repository}:pull'})


def tokens(bench, system):
    """The password is remembered after the first."""
    return load(bench, system, system.port, token_path(), system.basic())


PRIVATE, PUBLIC, USERS = 'admin/private', 'admin/public', 10_000


def peopled(bench, system):
    """With many users, of whom the first may pull what is private; and the image in a repository of either kind."""
    if system not in bench.with_people:
        for repository in (PRIVATE, PUBLIC):
            push(system.port, bench.image, system.basic(), repository, REPOSITORY)
        system.publish(PUBLIC)
        system.stop()
        seed.fill(system.folder / 'data', system.url if isinstance(system, AssayPostgres) else None, users=USERS,
                  grants=[('u00000', PRIVATE)])
        system.start()
        bench.with_people.add(system)
    return system


def log_ins(bench, system, clients, seconds):
    """Words for the client: each log-in is another account's first, with the whole check of its password."""
    people = peopled(bench, system)
    file = bench.folder / 'people'
    if not file.exists():
        file.write_text(''.join(people.basic(f'u{i:05}')['Authorization'] + '\n' for i in range(USERS)))
    first = bench.first_fresh.get(system, 1)
    return ['login', f'127.0.0.1:{system.port}', token_path(PUBLIC), file, first, clients, seconds]


def count_used(bench, system, said):
    bench.first_fresh[system] = bench.first_fresh.get(system, 1) + said['used']


def full_checks(bench, system):
    said = bench.ask(*log_ins(bench, system, 8, 4))
    count_used(bench, system, said)
    return said['rate']


def private_against_public(bench, system):
    """Of one user, in turn, to and fro; how the one compares with the other."""
    peopled(bench, system)
    rates = {PRIVATE: 0, PUBLIC: 0}
    for repository in (PRIVATE, PUBLIC, PUBLIC, PRIVATE):
        headers = {**system.headers(True, 'pull', repository, 'u00000'), 'Accept': MANIFEST_TYPE}
        rates[repository] += load(bench, system, system.port, f'/v2/{repository}/manifests/{TAG}', headers, seconds=2)
    return rates[PRIVATE] / rates[PUBLIC]


def repositories_page(bench, name):
    system = seeded(bench, name)
    file = bench.folder / 'paths'
    file.write_text('/api/v0/repositories?pageSize=100\n')
    return bench.ask('probe', f'127.0.0.1:{system.port}', system.basic('member')['Authorization'], 'GET', file, 2000, 1,
                     0)['p99']


EVENTS = dict(repositories=10_000, users=1_000, events=1_000_000)


def with_events(bench, name):
    """A registry in which a million things have happened."""
    system = bench.systems.get(f'{name}-events')
    if system is None:
        system = bench.fresh(KINDS[name], f'{name}-events')
        system.start()
        system.stop()
        print(f'  seeding {name}', file=sys.stderr)
        seed.fill(system.folder / 'data', system.url if name == PG else None, **EVENTS)
        system.start()
    return system


def every_filter():
    """Filters in all combinations, those that hardly anything passes among them, as queries by scope and actor."""
    def at(second):
        return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(seed.NOW / 1e6 - second))

    n = EVENTS['events']
    times = ['', f'&publishedBefore={at(n - 1000)}', f'&publishedAfter={at(1000)}',
             f'&publishedAfter={at(n // 2)}&publishedBefore={at(n // 2 - 100)}']
    kinds = ['', *(f'&eventType={kind}' for kind in ('CREATE', 'GET', 'UPDATE', 'DELETE', 'SEND', 'FAIL', 'SCAN'))]
    nouns = ['', *(f'&objectType={noun}' for noun in ('TAG', 'MANIFEST', 'REPOSITORY', 'WEBHOOK', 'PROMOTION'))]
    rest = [kind + noun + pulls + when for kind in kinds for noun in nouns for pulls in ('', '&excludePull=true')
            for when in times]
    for scope in ('/events', *(f'/repositories/admin/seed/repository/{number}/events' for number in ('000000', '000017'))):
        for actor in ('', '&actorId=u00000', '&actorId=u00001', '&actorId=u00500'):
            yield scope + actor, [f'/api/v0{scope}?pageSize=10{actor}{more}' for more in rest]


def events_page(bench, name):
    """The worst p99 of a page of ten, over scopes and actors; each filter is asked three times."""
    system, worst = with_events(bench, name), (0, '')
    for title, queries in every_filter():
        file = bench.folder / 'paths'
        file.write_text(''.join(query + '\n' for query in queries))
        p99 = bench.ask('probe', f'127.0.0.1:{system.port}', basic(system), 'GET', file, 3 * len(queries), 1, 0)['p99']
        worst = max(worst, (p99, title))
    print(f'  {name}: {worst[0]:.2f} ms at {worst[1]}', file=sys.stderr)
    return worst[0]


class Pushing:
    """Four clients that push a blob and a manifest each time, one after the other; how long each push took, in ms."""

    def __init__(self, system, number):
        self.system, self.number, self.took, self.is_over = system, number, [], threading.Event()
        self.threads = [threading.Thread(target=self.push, args=(who,)) for who in range(4)]

    def push(self, who):
        connection = http.client.HTTPConnection('127.0.0.1', self.system.port, timeout=60)

        def call(method, path, body, content_type):
            connection.request(method, path, body, {**self.system.basic(), 'Content-Type': content_type})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 201:
                raise SystemExit(f'{method} {path}: {answer.status} {text[:300]!r}')

        turn = 0
        while not self.is_over.is_set():
            blob, turn = f'{{"n":"{self.number}.{who}.{turn}"}}'.encode(), turn + 1
            digest = seed.digest_of(blob)
            manifest = json.dumps({'schemaVersion': 2, 'mediaType': MANIFEST_TYPE, 'layers': [], 'config': {
                'mediaType': 'application/vnd.oci.image.config.v1+json', 'digest': digest, 'size': len(blob)}}).encode()
            begun = time.monotonic()
            call('POST', f'/v2/admin/pushing{who}/blobs/uploads/?digest={digest}', blob, 'application/octet-stream')
            call('PUT', f'/v2/admin/pushing{who}/manifests/t{turn % 100}', manifest, MANIFEST_TYPE)
            self.took.append((time.monotonic() - begun) * 1000)
        connection.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join()

    def p99(self):
        return statistics.quantiles(self.took, n=100)[98]


COLLECTED = {}


def collected(bench, name):
    """A million blobs, a tenth of them due: pushes without collection, then during one. (reviews a second, p99 more, in ms)"""
    if name in COLLECTED:
        return COLLECTED[name]
    system = bench.fresh(KINDS[name], f'{name}-collected')
    system.start()
    quiet(system.binary, 'admin', 'set', 'gc-interval', '24h', '--data', str(system.folder / 'data'))
    system.stop()
    print(f'  seeding {name}', file=sys.stderr)
    seed.fill(system.folder / 'data', system.url if name == PG else None, blobs=1_000_000)
    system.start()
    with Pushing(system, bench.next_number()):
        time.sleep(2)
    with Pushing(system, bench.next_number()) as alone:
        time.sleep(20)
    with Pushing(system, bench.next_number()) as beside:
        begun = time.monotonic()
        database = ['--database', system.url] if name == PG else []
        said = quiet(system.binary, 'gc', '--now', '-o', 'json', '--data', str(system.folder / 'data'), *database)
        took = time.monotonic() - begun
    done = json.loads(said.decode().splitlines()[-1])
    if done['blobs'] != 100_000:
        raise SystemExit(f'{name}: {done}')
    print(f'  {name}: 100,000 in {took:.1f} s, {len(alone.took) / 20:.0f} and {len(beside.took) / took:.0f} pushes/s, p99'
          f' {alone.p99():.1f} and {beside.p99():.1f} ms', file=sys.stderr)
    bench.drop(system)
    COLLECTED[name] = done['reviewed'] / took, beside.p99() - alone.p99()
    return COLLECTED[name]


def reviews(bench, name):
    return collected(bench, name)[0]


def push_beside_collection(bench, name):
    return collected(bench, name)[1]


class Outbox:
    """The rows of events, left out by the database itself while the registry is the same."""
    OFF = {ASSAY: 'ALTER TABLE events RENAME TO kept_events; CREATE VIEW events AS SELECT * FROM kept_events;'
                  ' CREATE TRIGGER no_events INSTEAD OF INSERT ON events BEGIN SELECT 1; END;',
           PG: 'CREATE RULE no_events AS ON INSERT TO events DO INSTEAD NOTHING;'}
    ON = {ASSAY: 'DROP TRIGGER no_events; DROP VIEW events; ALTER TABLE kept_events RENAME TO events;',
          PG: 'DROP RULE no_events ON events;'}

    def __init__(self, system):
        self.system, self.engine = system, PG if isinstance(system, AssayPostgres) else ASSAY

    def run(self, script):
        self.system.stop()
        if self.engine == PG:
            quiet('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', self.system.url, '-c', script)
        else:
            with contextlib.closing(sqlite3.connect(self.system.folder / 'data/assay.db')) as database:
                database.executescript(script)
        self.system.start()

    def __enter__(self):
        self.run(self.OFF[self.engine])

    def __exit__(self, *_):
        self.run(self.ON[self.engine])


def push_against_no_outbox(bench, system):
    """Pushes a second as they are, against pushes whose events the database leaves out; to and fro."""
    def rate():
        os.sync()
        return bench.ask('small', f'127.0.0.1:{system.port}', basic(system), 'admin/outbox', 1000, 8,
                         bench.next_number())['rate']

    rate()
    with_outbox = rate()
    with Outbox(system):
        without = rate() + rate()
    return (with_outbox + rate()) / without


def pull_against_not_counted(bench, system):
    """Pulls a second of one user where pulls are counted, against where a rule says that they are not; to and fro."""
    peopled(bench, system)
    rates = {True: 0, False: 0}
    headers = {**system.headers(True, 'pull', PRIVATE, 'u00000'), 'Accept': MANIFEST_TYPE}
    for is_counted in (True, False, False, True):
        asked = urllib.request.Request(
            f'http://127.0.0.1:{system.port}/api/v1/pull-rules',
            json.dumps({'prefix': PRIVATE, 'counted': is_counted}).encode(),
            {**system.basic(), 'Content-Type': 'application/json'}, method='PUT')
        urllib.request.urlopen(asked, timeout=10).close()
        rates[is_counted] += load(bench, system, system.port, f'/v2/{PRIVATE}/manifests/{TAG}', headers, seconds=3)
    return rates[True] / rates[False]


def pull_during_log_ins(bench, system):
    """p99 of a manifest while 500 connections log in at assay, each as somebody new, whoever is being asked."""
    target = peopled(bench, bench.system(ASSAY))
    words = [str(bench.client), *map(str, log_ins(bench, target, 500, 8))]
    as_whom = authorization(system, False)  # bought before the crowd comes
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as logging_in:
        time.sleep(1)
        file = bench.folder / 'paths'
        file.write_text(f'/v2/{REPOSITORY}/manifests/{TAG}\n')
        p99 = bench.ask('probe', f'127.0.0.1:{system.port}', as_whom, 'GET', file, 8000, 4, 2000)['p99']
        count_used(bench, target, json.loads(logging_in.stdout.read()))
    if logging_in.returncode:
        raise SystemExit('log-ins failed')
    return p99


def rows_of(options):
    size = f'{options.blob_mib // 1024} GiB' if options.blob_mib % 1024 == 0 else f'{options.blob_mib} MiB'
    three = (ASSAY, DOCKER, NGINX)

    def by_tag(_):
        return TAG

    def by_digest(image):
        return image.digest

    rows = [
        Row('tag', 'manifest by tag, bearer token, 32 connections', 'req/s', wrk(by_tag, True), (*three, PG),
            (Wanted(0.6, NGINX), Wanted(15, DOCKER), Wanted(8, DOCKER, who=PG))),
        Row('digest', 'manifest by digest, 32 connections', 'req/s', wrk(by_digest, False), three,
            (Wanted(0.7, NGINX), Wanted(15, DOCKER))),
        Row('digest-1000', 'manifest by digest, 1,000 connections', 'req/s', wrk(by_digest, False, 1000), three,
            (Wanted(0.6, NGINX),)),
        Row('head', 'HEAD blob, token that may push', 'req/s', head_blob, (ASSAY, DOCKER),
            (Wanted(10, DOCKER),)),
        Row('blob', f'GET blob of {size}, plain', 'MB/s', download('http'), three, (Wanted(0.95, NGINX),), 15),
        Row('blob-tls', f'GET blob of {size}, TLS', 'MB/s', download('https'), three, (Wanted(0.95, NGINX),), 15),
        Row('push', f'push one blob of {size}', 'MB/s', push_large, (ASSAY, DOCKER, LOOP),
            (Wanted(2, DOCKER), Wanted(0.7, LOOP))),
        Row('push-small', 'push 1,000 small images, 8 clients', 'images/s', push_small, (ASSAY, DOCKER, PG),
            (Wanted(2, DOCKER), Wanted(2, DOCKER, who=PG))),
    ]
    rows += [Row('quota', '50 clients push into one repository under a quota, against none', '×', under_quota, (ASSAY, PG),
                 (Wanted(0.9, is_least=True), Wanted(0.9, is_least=True, who=PG)), 5)]
    rows += [
        Row('collect', 'collection of 100,000 due of 1,000,000 blobs, beside pushes', 'reviews/s', reviews, (ASSAY, PG),
            (Wanted(500, is_least=True), Wanted(500, is_least=True, who=PG)), 1, fresh=True),
        Row('collect-push', 'push during that: p99 more than without', 'ms', push_beside_collection, (ASSAY, PG),
            (Wanted(20), Wanted(20, who=PG)), 1, fresh=True),
    ]
    rows += [Row(f'{kind}-{where}', f'{title}, {where}: p99', 'ms', page(kind, where), (ASSAY, PG),
                 (Wanted(5), Wanted(5, who=PG)), fresh=True)
             for kind, title in (('tags', 'page of 100 of 1,000,000 tags'),
                                 ('catalog', 'page of 100 of 100,000 repositories'),
                                 ('referrers', 'page of 100 of 10,000 referrers'))
             for where in ('start', 'middle', 'end')]
    return rows + [
        Row('start', 'start to ready with 1,000,000 manifests', 's', start, (ASSAY, PG),
            (Wanted(0.5), Wanted(0.5, who=PG)), fresh=True),
        Row('memory', 'memory, idle', 'MB', idle_memory, three, (Wanted(30),), 1),
        Row('memory-pulls', 'memory, 500 pulls of 100 MiB, half under TLS', 'MB', memory_of(pulls_500), (ASSAY,),
            (Wanted(100),), 1, fresh=True),
        Row('memory-pushes', 'memory, 64 pushes of 1 GiB', 'MB', memory_of(pushes_64), (ASSAY,), (Wanted(150),), 1,
            fresh=True),
        Row('mixed', 'manifest by tag while pushes run: p99', 'ms', pull_during_pushes, (ASSAY, NGINX),
            (Wanted(3, NGINX, is_most=True),)),
        Row('webhooks', '10,000 calls to 50 endpoints of webhooks, one dead and one slow: the others', 'calls/s', webhooks, (ASSAY, PG),
            (Wanted(500, is_least=True), Wanted(500, is_least=True, who=PG)), fresh=True),
        Row('tokens', 'tokens issued, the password remembered, 32 connections', 'req/s', tokens, (ASSAY, PG),
            (Wanted(5000, is_least=True), Wanted(20, ASSAY, row='argon2'))),
        Row('argon2', 'tokens issued after a full check of the password (argon2id), 8 connections', '1/s', full_checks,
            (ASSAY,)),
        Row('private', 'manifest by tag, private and granted, against a public one, 32 connections', '×',
            private_against_public, (ASSAY, PG), (Wanted(0.9, is_least=True), Wanted(0.9, is_least=True, who=PG)), 5),
        Row('repositories', 'first 100 repositories of a user in 200 teams, of 200,000: p99', 'ms', repositories_page,
            (ASSAY, PG), (Wanted(10), Wanted(10, who=PG)), fresh=True),
        Row('outbox', 'push 1,000 small images, 8 clients, against the same without rows of events', '×',
            push_against_no_outbox, (ASSAY, PG), (Wanted(0.95, is_least=True), Wanted(0.95, is_least=True, who=PG)), 5),
        Row('pulls', 'manifest by tag, counted, against not counted, 32 connections', '×', pull_against_not_counted,
            (ASSAY, PG), (Wanted(0.97, is_least=True), Wanted(0.97, is_least=True, who=PG)), 5),
        Row('events', 'page of 1,000,000 events, any filter: p99', 'ms', events_page, (ASSAY, PG),
            (Wanted(20), Wanted(20, who=PG)), 1, fresh=True),
        Row('logins', 'manifest by tag while 500 log in: p99', 'ms', pull_during_log_ins, (ASSAY, NGINX),
            (Wanted(3, NGINX, is_most=True),)),
    ]


def measure(bench, row):
    """Medians by system. Who goes first changes from round to round."""
    names = [name for name in row.systems if name not in bench.options.without.split(',')]
    seen = {name: [] for name in names}
    systems = {name: name if row.fresh else bench.system(name) for name in names}
    if row.unit == 'req/s':
        for system in systems.values():
            row.measure(bench, system)
    for turn in range(min(row.rounds, bench.options.rounds or row.rounds)):
        for at in range(len(names)):
            name = names[(turn + at) % len(names)]
            seen[name].append(row.measure(bench, systems[name]))
    return {name: statistics.median(values) for name, values in seen.items()}


# What is told


def number(value):
    return '' if value is None else f'{value:,.0f}' if value >= 100 else f'{value:.1f}' if value >= 10 else f'{value:.3g}'


def lines_of(rows, results):
    lines = [['work', 'unit', *NAMES, 'wanted, and reached']]
    for row in rows:
        medians = results.get(row.name)
        if medians is not None:
            lines.append([row.title, row.unit, *(number(medians.get(name)) for name in NAMES),
                          '; '.join(wanted.judge(medians, results) for wanted in row.wanted)])
    return lines


def text(lines):
    widths = [max(map(len, column)) for column in zip(*lines)]
    return '\n'.join('  '.join(cell.ljust(width) if at in (0, 1, len(widths) - 1) else cell.rjust(width)
                               for at, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in lines)


def markdown(lines):
    head, *body = lines
    rule = ['---', '---', *('---:' for _ in head[2:-1]), '---']
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in (head, rule, *body))


def machine():
    model = re.search(r'model name\s*: (.*)', pathlib.Path('/proc/cpuinfo').read_text())
    return f'{os.cpu_count()} cores of {model.group(1) if model else "an unnamed processor"}, Linux {os.uname().release}'


def write(path, lines, versions):
    """The table is ours, what stands behind the mark in the document is people's."""
    mark = '\n## How to read it\n'
    before = path.read_text() if path.exists() else ''
    rest = before[before.index(mark):] if mark in before else mark
    path.write_text(f'''# Bench

Written by `make bench WRITE=1` on {machine()}; clients and servers share it. Within a row
systems take turns and figures are medians of one run; rows may be of several runs (`make bench ONLY='tag head'`).
{"; ".join(versions)}.

{markdown(lines)}
{rest}''')


def versions():
    return [kind.version(None) for kind in (Assay, DockerRegistry, Nginx)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--assay', default='build-release/assay')
    parser.add_argument('--only', default='', help='names of rows, with blanks or commas between')
    parser.add_argument('--without', default='', help='systems to leave out, with commas between')
    parser.add_argument('--rounds', type=int, default=0, help='at most so many')
    parser.add_argument('--seconds', type=int, default=4, help='of one run of wrk')
    parser.add_argument('--blob-mib', type=int, default=1024)
    parser.add_argument('--results', type=pathlib.Path, help='where figures are kept from run to run')
    parser.add_argument('--write', type=pathlib.Path, help='the document to write')
    options = parser.parse_args()

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    Assay.binary = str(pathlib.Path(options.assay).resolve())
    rows = rows_of(options)
    only = set(options.only.replace(',', ' ').split())
    if unknown := only - {row.name for row in rows}:
        raise SystemExit(f'no row {", ".join(unknown)}; there are: {" ".join(row.name for row in rows)}')
    results = json.loads(options.results.read_text()) if options.results and options.results.exists() else {}

    bench = None
    folder = pathlib.Path(tempfile.mkdtemp(prefix='assay-bench-'))
    try:
        bench = Bench(folder, options)
        for row in rows:
            if only and row.name not in only:
                continue
            print(f'  measuring: {row.title}', file=sys.stderr)
            results[row.name] = {**results.get(row.name, {}), **measure(bench, row)}
            if options.results:
                options.results.write_text(json.dumps(results, indent=1))
        lines = lines_of(rows, results)
        print(text(lines))
        if options.write:
            write(options.write, lines, versions())
    finally:
        if bench:
            bench.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == '__main__':
    main()
