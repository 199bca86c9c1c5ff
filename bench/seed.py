#!/usr/bin/python3
"""seed.py: fills the database of a stopped registry with as much as a large one has, without pushing it.

    bench/seed.py --data DIR [--database postgres://…] --manifests 1000000 --tags 1000000 --repositories 100000

The registry must have been started once, so that its schema and `admin` are there. Everything lies under `admin/seed`:

  admin/seed/stored           N manifests (indexes that name no children: they need no blob), each of --size bytes
  admin/seed/tagged           one manifest with N tags t0000000 …
  admin/seed/referred         one subject with N referrers
  admin/seed/repository/000…  N empty repositories, public
  accounts u00000 …           N users with the password of admin
  admin/seed/unused           N blobs without bytes that nothing names, a tenth of them due for collection
  events                      N of them a second apart, two fifths in the first repository, three tenths by the first user; the
                              second user has a tenth of them, none in that repository; most are pulls, and a few of a kind that
                              hardly occurs are the oldest
  access/repository/000000 …  100,000 private repositories of the organisation `access`, in which the user `member` is in N
                              teams, each with a grant on five of them

The digests are those of the bytes, and what the server keeps beside a manifest is as a push would have written it, but for
events. SQLite is filled through Python's own module, PostgreSQL by COPY through psql. Nothing is synced row by
row: this makes databases to measure, not to keep.
"""
import argparse
import contextlib
import fcntl
import hashlib
import pathlib
import sqlite3
import subprocess
import time
import uuid

INDEX = 'application/vnd.oci.image.index.v1+json'
NOW = time.time_ns() // 1000

REPOSITORIES = 'id uuid path namespace_id is_public created_at created_by'.split()
MANIFESTS = ('repo_id digest media_type depth artifact_type config_type total_size subject referrer pushed_by pushed_at'
             ' touched_at pinned_until bytes').split()
TAGS = 'repo_id name digest moved_at moved_by'.split()
BLOBS = 'digest size object_key created_at touched_at'.split()
REPO_BLOBS = 'repo_id digest pinned_until'.split()
GC_QUEUE = 'kind id review_after event'.split()
ACCOUNTS = 'id uuid name kind password_hash created_at'.split()
ORG_MEMBERS = 'org_id account_id is_owner added_at'.split()
TEAMS = 'id uuid org_id name created_at'.split()
TEAM_MEMBERS = 'team_id account_id added_at'.split()
GRANTS = 'id uuid role_id team_id account_id path repo_id created_at created_by'.split()
EVENTS = 'at type actor_kind actor_id repo_id path object_kind object_name digest old_digest class n'.split()
ACCESS_REPOSITORIES, ACCESS_GRANTS = 100_000, 5

# Type, class (src/meta/activity.h), kind of the object, how many in a thousand.
EVENT_KINDS = [('TAG_PULL', 202, 'tag', 700), ('MANIFEST_PULL', 204, 'manifest', 150), ('MANIFEST_PUSH', 104, 'manifest', 50),
               ('TAG_PUSH', 102, 'tag', 30), ('TAG_PUSH', 302, 'tag', 30), ('BLOB_PUSH', 103, 'blob', 31),
               ('TAG_DELETE', 402, 'tag', 5), ('MANIFEST_DELETE', 404, 'manifest', 3), ('REPO_CREATED', 101, 'repository', 1)]
RARE_EVENT, N_RARE = ('WEBHOOK_DISABLED', 605, 'webhook'), 5


def digest_of(data):
    return 'sha256:' + hashlib.sha256(data).hexdigest()


def document(number, size, more=''):
    """An index without children, blown up with white space."""
    text = f'{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[]{more},"annotations":{{"n":"{number}"'
    return (text + ' ' * max(0, size - len(text) - 2) + '}}').encode()


class Sqlite:
    def __init__(self, path):
        if not pathlib.Path(path).exists():
            raise SystemExit(f'{path} is not there: start the registry once')
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute('PRAGMA synchronous = OFF')
        self.db.execute('PRAGMA cache_size = -65536')

    def one(self, query):
        return self.db.execute(query).fetchone()[0]

    def run(self, statement):
        self.db.execute(statement)

    def fill(self, table, columns, rows):
        marks = ', '.join('?' * len(columns))
        self.db.execute('BEGIN')
        self.db.executemany(f'INSERT INTO {table} ({", ".join(columns)}) VALUES ({marks})', rows)
        self.db.execute('COMMIT')

    def end(self):
        self.db.execute('PRAGMA wal_checkpoint(TRUNCATE)')
        self.db.close()


class Postgres:
    def __init__(self, url):
        self.command = ['psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', url]

    def one(self, query):
        done = subprocess.run([*self.command, '-At', '-c', query], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def run(self, statement):
        self.one(statement)

    @staticmethod
    def print_value(value):
        """COPY's text format; our texts hold neither tabs nor backslashes."""
        if value is None:
            return r'\N'
        return r'\\x' + value.hex() if isinstance(value, bytes) else str(value)

    def fill(self, table, columns, rows):
        copy = f'COPY {table} ({", ".join(columns)}) FROM STDIN'
        process = subprocess.Popen([*self.command, '-c', copy], stdin=subprocess.PIPE, text=True)
        with process.stdin as out:
            for row in rows:
                out.write('\t'.join(map(self.print_value, row)) + '\n')
        if process.wait():
            raise SystemExit(f'COPY into {table} failed')

    def end(self):
        """Ids go on behind what was copied, and the planner knows the sizes."""
        for table in ('repositories', 'accounts', 'teams', 'grants'):
            self.one(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) + 1 FROM {table}))")
        subprocess.run([*self.command, '-c', 'ANALYZE'], check=True)


class Seed:
    def __init__(self, sink):
        self.sink = sink
        self.admin = self.id_of('accounts', 'admin')
        self.next = {}

    def id_of(self, table, name):
        return int(self.sink.one(f"SELECT id FROM {table} WHERE name = '{name}'"))

    def first_of(self, table, column, value):
        return int(self.sink.one(f"SELECT id FROM {table} WHERE {column} = '{value}'"))

    def fill_with_ids(self, table, columns, rows):
        """The rows without their ids. Returns the id of the first."""
        if table not in self.next:
            self.next[table] = int(self.sink.one(f'SELECT coalesce(max(id), 0) FROM {table}')) + 1
        first = self.next[table]
        self.next[table] += len(rows)
        self.sink.fill(table, columns, ((first + i, str(uuid.uuid4()), *row) for i, row in enumerate(rows)))
        return first

    def repositories(self, paths, namespace=None, is_public=1):
        """Returns the id of the first."""
        return self.fill_with_ids('repositories', REPOSITORIES, [
            (path, namespace or self.admin, is_public, NOW, self.admin) for path in paths])

    def accounts(self, names, kind='user'):
        password = self.sink.one(f'SELECT password_hash FROM accounts WHERE id = {self.admin}')
        return self.fill_with_ids('accounts', ACCOUNTS, [(name, kind, password, NOW) for name in names])

    def grant(self, user, path):
        """The user, an account's name, may pull at that path and below it."""
        self.grants([(None, self.id_of('accounts', user), path, None)])

    def grants(self, rows):
        role = self.id_of('roles', 'read-only')
        self.fill_with_ids('grants', GRANTS, [(role, *row, NOW, self.admin) for row in rows])

    def event(self, i, n, repos, users, kinds):
        """The i-th of n; repos and users are (id of the first, how many)."""
        kind = RARE_EVENT if i < N_RARE else kinds[i * 7919 % len(kinds)]
        is_second = i % 10 == 9
        user = 1 if is_second else 0 if i % 10 < 3 else 2 + i % (users[1] - 2)
        repo = 0 if i % 5 < 2 and not is_second else 1 + i % (repos[1] - 1)
        path, digest = f'admin/seed/repository/{repo:06}', f'sha256:{i % 1000:064}'
        name = {'tag': f't{i % 100}', 'repository': path}.get(kind[2], digest)
        return (NOW - (n - i) * 1_000_000, kind[0], 'user', users[0] + user, repos[0] + repo, path, kind[2], name, digest,
                digest if kind[1] == 302 else None, kind[1], 1)

    def events(self, n, repositories, users):
        repo, user = self.first_of('repositories', 'path', 'admin/seed/repository/000000'), self.id_of('accounts', 'u00000')
        kinds = [kind for kind in EVENT_KINDS for _ in range(kind[3])]
        self.sink.fill('events', EVENTS, (
            self.event(i, n, (repo, repositories), (user, users), kinds) for i in range(n)))

    def access(self, n_teams):
        org, member = self.accounts(['access'], 'organization'), self.accounts(['member'])
        paths = [f'access/repository/{i:06}' for i in range(ACCESS_REPOSITORIES)]
        repo = self.repositories(paths, org, 0)
        team = self.fill_with_ids('teams', TEAMS, [(org, f't{i:03}', NOW) for i in range(n_teams)])
        teams = range(team, team + n_teams)
        self.sink.fill('org_members', ORG_MEMBERS, [(org, member, 0, NOW)])
        self.sink.fill('team_members', TEAM_MEMBERS, ((one, member, NOW) for one in teams))
        places = [(one, (one - team) + k * (ACCESS_REPOSITORIES // ACCESS_GRANTS)) for one in teams
                  for k in range(ACCESS_GRANTS)]
        self.grants([(one, None, paths[at], repo + at) for one, at in places])

    def manifest(self, repo, data, subject=None):
        digest = digest_of(data)
        referrer = subject and f'{{"mediaType":"{INDEX}","digest":"{digest}","size":{len(data)}}}'
        return (repo, digest, INDEX, 0, '', '', len(data), subject, referrer, self.admin, NOW, NOW, 0, data)

    def manifests(self, n, size):
        repo = self.repositories(['admin/seed/stored'])
        self.sink.fill('manifests', MANIFESTS, (self.manifest(repo, document(i, size)) for i in range(n)))

    def tags(self, n):
        repo, data = self.repositories(['admin/seed/tagged']), document('tags', 0)
        self.sink.fill('manifests', MANIFESTS, [self.manifest(repo, data)])
        self.sink.fill('tags', TAGS, ((repo, f't{i:07}', digest_of(data), NOW, self.admin) for i in range(n)))

    def referrers(self, n):
        repo, data = self.repositories(['admin/seed/referred']), document('subject', 0)
        subject = digest_of(data)
        more = f',"subject":{{"mediaType":"{INDEX}","digest":"{subject}","size":{len(data)}}}'
        self.sink.fill('manifests', MANIFESTS, [self.manifest(repo, data)])
        self.sink.fill('manifests', MANIFESTS, (
            self.manifest(repo, document(i, 0, more), subject) for i in range(n)))
        return subject


    def blobs(self, n):
        repo = self.repositories(['admin/seed/unused'])
        digests = [digest_of(b'%d' % i) for i in range(n)]
        self.sink.fill('blobs', BLOBS, (
            (digest, 1000, f'blobs/sha256/{digest[7:9]}/{digest[7:]}.{"0" * 32}', 1, 1) for digest in digests))
        self.sink.fill('repo_blobs', REPO_BLOBS, ((repo, digest, 1) for digest in digests))
        self.sink.run(f'UPDATE scrubs SET started_at = {NOW}, finished_at = {NOW}')  # or it would find that the bytes are missing
        self.sink.fill('gc_queue', GC_QUEUE, (('blob', digest, 1, 'upload') for digest in digests[:n // 10]))


@contextlib.contextmanager
def held(data):
    """The data directory's lock, which a running server has."""
    with open(pathlib.Path(data) / 'lock', 'a', encoding='ascii') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f'a server runs on {data}: stop it first') from None
        yield


def fill(data, database=None, manifests=0, tags=0, repositories=0, referrers=0, users=0, teams=0, events=0,
         blobs=0, grants=(), size=1024):
    """Returns {what: seconds}."""
    database = database or f'sqlite:{pathlib.Path(data) / "assay.db"}'
    took = {}
    with held(data):
        sink = Sqlite(database.removeprefix('sqlite:')) if database.startswith('sqlite:') else Postgres(database)
        seed = Seed(sink)
        for what, n, run in (
                ('repositories', repositories,
                 lambda: seed.repositories([f'admin/seed/repository/{i:06}' for i in range(repositories)])),
                ('manifests', manifests, lambda: seed.manifests(manifests, size)),
                ('tags', tags, lambda: seed.tags(tags)),
                ('referrers', referrers, lambda: seed.referrers(referrers)),
                ('users', users, lambda: seed.accounts([f'u{i:05}' for i in range(users)])),
                ('teams', teams, lambda: seed.access(teams)),
                ('events', events, lambda: seed.events(events, repositories, users)),
                ('blobs', blobs, lambda: seed.blobs(blobs)),
                ('grants', len(grants), lambda: [seed.grant(*one) for one in grants])):
            begun = time.monotonic()
            if n:
                run()
                took[what] = time.monotonic() - begun
        sink.end()
    return took


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--data', required=True)
    parser.add_argument('--database')
    for what in ('manifests', 'tags', 'repositories', 'referrers', 'users', 'teams', 'events', 'blobs'):
        parser.add_argument(f'--{what}', type=int, default=0)
    parser.add_argument('--size', type=int, default=1024, help='bytes of a manifest')
    options = vars(parser.parse_args())
    for what, seconds in fill(**options).items():
        print(f'{options[what]} {what} in {seconds:.1f} s')


if __name__ == '__main__':
    main()
