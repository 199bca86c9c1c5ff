BEGIN TRANSACTION;
CREATE TABLE account_keys (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid         TEXT NOT NULL UNIQUE,
    account_id   INTEGER  NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    fingerprint  TEXT NOT NULL,               -- hex of SHA-256 of the key's DER
    public_key   TEXT NOT NULL,               -- PEM
    label        TEXT NOT NULL DEFAULT '',
    certificates TEXT NOT NULL DEFAULT '[]',  -- JSON list of {label, cert}
    created_at   INTEGER  NOT NULL,
    UNIQUE (account_id, fingerprint)
) STRICT;
INSERT INTO "account_keys" VALUES(1,'0192f0c1-0000-7000-8000-00000000000b',1,'4444444444444444444444444444444444444444444444444444444444444444','sample','','[]',1790000000000000);
CREATE TABLE accounts (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid          TEXT NOT NULL UNIQUE,       -- the id that leaves the house
    name          TEXT NOT NULL UNIQUE,
    kind          TEXT NOT NULL CHECK (kind IN ('user', 'organization', 'service')),
    full_name     TEXT NOT NULL DEFAULT '',
    is_admin      INTEGER  NOT NULL DEFAULT 0 CHECK (is_admin IN (0, 1)),
    is_active     INTEGER  NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    password_hash TEXT,                       -- argon2id, or NULL: no log-in by password
    generation    INTEGER  NOT NULL DEFAULT 1,    -- moves on when tokens and cached log-ins become void
    created_at    INTEGER  NOT NULL
, is_imported    INTEGER  NOT NULL DEFAULT 0, create_on_push INTEGER  NOT NULL DEFAULT 0, content_cache  TEXT, owner_id       INTEGER, maker_id       INTEGER, prefix         TEXT, password_at    INTEGER  NOT NULL DEFAULT 0, deleted_at     INTEGER) STRICT;
INSERT INTO "accounts" VALUES(1,'0192f0c1-0000-7000-8000-000000000002','admin','user','First admin',1,1,'$argon2id$v=19$sample',1,1790000000000000,0,0,NULL,NULL,NULL,NULL,0,NULL);
INSERT INTO "accounts" VALUES(2,'0192f0c1-0000-7000-8000-000000000003','org','organization','',0,1,NULL,1,1790000000000000,0,0,NULL,NULL,NULL,NULL,0,NULL);
INSERT INTO "accounts" VALUES(3,'0192f0c1-0000-7000-8000-000000000006','org-ci','service','Builds',0,1,NULL,1,1790000000000000,0,0,NULL,2,1,'org/team',0,NULL);
CREATE TABLE audit (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    xid           INTEGER NOT NULL DEFAULT 0,
    at            INTEGER  NOT NULL,
    action        TEXT NOT NULL,              -- as events.type
    outcome       TEXT NOT NULL CHECK (outcome IN ('done', 'refused')),
    reason        TEXT,
    actor_kind    TEXT NOT NULL,
    actor_id      INTEGER  NOT NULL,
    actor_name    TEXT,
    credential_id TEXT,
    address       TEXT,                       -- of the network peer
    repo_id       INTEGER  NOT NULL DEFAULT 0,
    path          TEXT,
    object_kind   TEXT NOT NULL,
    object_name   TEXT,
    digest        TEXT,
    old_digest    TEXT,
    target        TEXT,
    request_id    TEXT,                       -- the same as of its event
    sequence      INTEGER UNIQUE,                 -- NULL until sealed
    hash          TEXT                        -- over the record and the hash before it
, value_before TEXT, value_after  TEXT, namespace    TEXT) STRICT;
INSERT INTO "audit" VALUES(1,0,1790000000000000,'TAG_PUSH','done',NULL,'user',1,'admin',NULL,NULL,1,'admin/app','tag','latest','sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd',NULL,NULL,'r-1',NULL,NULL,NULL,NULL,NULL);
CREATE TABLE blobs (
    digest     TEXT NOT NULL PRIMARY KEY,
    size       INTEGER  NOT NULL CHECK (size >= 0),
    object_key TEXT NOT NULL UNIQUE,
    created_at INTEGER  NOT NULL,
    touched_at INTEGER  NOT NULL                  -- by every event and promise; collection waits from here on
) STRICT, WITHOUT ROWID;
INSERT INTO "blobs" VALUES('sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1000,'blobs/sha256/aa/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.11111111111111111111111111111111',1790000000000000,1790000000000000);
INSERT INTO "blobs" VALUES('sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',2000,'blobs/sha256/bb/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.22222222222222222222222222222222',1790000000000000,1790000000000000);
CREATE TABLE credential_scopes (
    credential_id INTEGER  NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    path          TEXT NOT NULL,
    verbs         TEXT NOT NULL,
    PRIMARY KEY (credential_id, path)
) STRICT, WITHOUT ROWID;
INSERT INTO "credential_scopes" VALUES(1,'admin/app','view pull');
CREATE TABLE credentials (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    hash         TEXT NOT NULL UNIQUE,        -- hex of SHA-256
    account_id   INTEGER  NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    kind         TEXT NOT NULL CHECK (kind IN ('personal', 'service')),
    slot         INTEGER  CHECK (slot IN (1, 2)), -- of a service secret: two live at once, for rotation
    label        TEXT NOT NULL DEFAULT '',
    is_active    INTEGER  NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    is_narrowed  INTEGER  NOT NULL DEFAULT 0 CHECK (is_narrowed IN (0, 1)),   -- to its rows of credential_scopes
    generation   INTEGER  NOT NULL DEFAULT 1,     -- moves on when what was bought with it becomes void
    generated_by TEXT NOT NULL DEFAULT 'manual' CHECK (generated_by IN ('manual', 'auto')),
    creator_ua   TEXT NOT NULL DEFAULT '',    -- what the client that made it called itself
    created_at   INTEGER  NOT NULL,
    created_by   INTEGER  NOT NULL,               -- account id; history
    expires_at   INTEGER,                         -- NULL: never
    used_at      INTEGER,                         -- NULL: never; at most a minute old
    CHECK ((kind = 'service') = (slot IS NOT NULL))
) STRICT;
INSERT INTO "credentials" VALUES(1,'1111111111111111111111111111111111111111111111111111111111111111',1,'personal',NULL,'laptop',1,1,1,'manual','',1790000000000000,1,NULL,NULL);
INSERT INTO "credentials" VALUES(2,'2222222222222222222222222222222222222222222222222222222222222222',3,'service',1,'',1,0,1,'manual','',1790000000000000,1,NULL,NULL);
CREATE TABLE damage (
    object_key TEXT NOT NULL PRIMARY KEY,     -- of a manifest: manifests/<repository id>/<digest>
    repo_id    INTEGER  NOT NULL DEFAULT 0,       -- of a manifest; 0: a blob
    digest     TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('missing', 'size', 'digest', 'unreadable')),
    found_by   TEXT NOT NULL,                 -- scrub, read, fsck
    found_at   INTEGER  NOT NULL,
    healed_at  INTEGER                            -- NULL: damaged still
) STRICT, WITHOUT ROWID;
INSERT INTO "damage" VALUES('blobs/sha256/aa/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.66666666666666666666666666666666',0,'sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','digest','scrub',1790000000000000,1790000000000000);
CREATE TABLE doomed_objects (
    object_key TEXT NOT NULL PRIMARY KEY,
    size       INTEGER  NOT NULL,
    not_before INTEGER  NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "doomed_objects" VALUES('blobs/sha256/ff/ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff.44444444444444444444444444444444',7,1790000000000000);
CREATE TABLE events (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    xid           INTEGER NOT NULL DEFAULT 0,
    at            INTEGER  NOT NULL,
    type          TEXT NOT NULL,              -- TAG_PUSH, MANIFEST_PUSH, REPO_CREATED …
    actor_kind    TEXT NOT NULL,              -- user, anonymous, system
    actor_id      INTEGER  NOT NULL,
    credential_id TEXT,
    repo_id       INTEGER  NOT NULL DEFAULT 0,    -- 0: not about a repository
    path          TEXT,                       -- as it was called then
    object_kind   TEXT NOT NULL,
    object_name   TEXT,
    digest        TEXT,
    old_digest    TEXT,                       -- what a tag named before
    target        TEXT,
    request_id    TEXT
) STRICT;
INSERT INTO "events" VALUES(1,0,1790000000000000,'TAG_PUSH','user',1,NULL,1,'admin/app','tag','latest','sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd',NULL,NULL,'r-1');
CREATE TABLE gc_queue (
    kind         TEXT NOT NULL CHECK (kind IN ('blob', 'link', 'manifest')),
    id           TEXT NOT NULL,               -- digest, or repository id and digest with a colon between
    review_after INTEGER  NOT NULL,
    attempts     INTEGER  NOT NULL DEFAULT 0,     -- that failed
    event        TEXT NOT NULL,               -- the last that asked for it
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
INSERT INTO "gc_queue" VALUES('blob','sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1790000000000000,0,'upload');
CREATE TABLE grants (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid         TEXT NOT NULL UNIQUE,
    role_id      INTEGER  NOT NULL REFERENCES roles (id) ON DELETE RESTRICT,
    team_id      INTEGER  REFERENCES teams (id) ON DELETE CASCADE,
    account_id   INTEGER  REFERENCES accounts (id) ON DELETE CASCADE,
    path         TEXT NOT NULL,               -- of the repository, or the prefix
    repo_id      INTEGER  REFERENCES repositories (id) ON DELETE CASCADE,
    created_at   INTEGER  NOT NULL,
    created_by   INTEGER  NOT NULL,               -- account id; history
    CHECK ((team_id IS NULL) <> (account_id IS NULL))
) STRICT;
INSERT INTO "grants" VALUES(1,'0192f0c1-0000-7000-8000-000000000009',2,1,NULL,'org',NULL,1790000000000000,1);
INSERT INTO "grants" VALUES(2,'0192f0c1-0000-7000-8000-00000000000a',1,NULL,1,'admin/app',1,1790000000000000,1);
CREATE TABLE holds (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    repo_id INTEGER,                              -- NULL: the blob, wherever it is
    digest  TEXT NOT NULL,                    -- of the blob or manifest
    reason  TEXT NOT NULL,
    owner   TEXT NOT NULL,                    -- who may lift it
    until   INTEGER                               -- NULL: until lifted
) STRICT;
INSERT INTO "holds" VALUES(1,NULL,'sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','legal','admin',NULL);
CREATE TABLE login_attempts (
    name         TEXT NOT NULL,
    network      TEXT NOT NULL,               -- the first three parts of IPv4, the first four groups of IPv6
    failures     INTEGER  NOT NULL,               -- since the last success or the last quiet day
    failed_at    INTEGER  NOT NULL,               -- the last
    locked_until INTEGER  NOT NULL,
    PRIMARY KEY (name, network)
) STRICT, WITHOUT ROWID;
INSERT INTO "login_attempts" VALUES('admin','127.0.0',3,1790000000000000,1790000000000000);
CREATE TABLE manifest_blobs (
    repo_id  INTEGER  NOT NULL,
    manifest TEXT NOT NULL,
    digest   TEXT NOT NULL REFERENCES blobs (digest) ON DELETE RESTRICT,
    PRIMARY KEY (repo_id, manifest, digest),
    FOREIGN KEY (repo_id, manifest) REFERENCES manifests (repo_id, digest) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO "manifest_blobs" VALUES(1,'sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc','sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa');
INSERT INTO "manifest_blobs" VALUES(1,'sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc','sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb');
CREATE TABLE manifest_children (
    repo_id INTEGER  NOT NULL,
    parent  TEXT NOT NULL,
    child   TEXT NOT NULL,
    PRIMARY KEY (repo_id, parent, child),
    FOREIGN KEY (repo_id, parent) REFERENCES manifests (repo_id, digest) ON DELETE CASCADE,
    FOREIGN KEY (repo_id, child)  REFERENCES manifests (repo_id, digest) ON DELETE RESTRICT
) STRICT, WITHOUT ROWID;
INSERT INTO "manifest_children" VALUES(1,'sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc');
CREATE TABLE manifests (
    repo_id       INTEGER  NOT NULL REFERENCES repositories (id) ON DELETE RESTRICT,
    digest        TEXT NOT NULL,
    media_type    TEXT NOT NULL,
    deleted_at    INTEGER,
    depth         INTEGER  NOT NULL DEFAULT 0,    -- 0, or 1 + the deepest child
    artifact_type TEXT NOT NULL DEFAULT '',   -- as referrers report it: its own, else the config's type
    config_type   TEXT NOT NULL DEFAULT '',
    total_size    INTEGER  NOT NULL,              -- of what it names, plus its own bytes
    subject       TEXT,                       -- digest that it refers to, present or not
    referrer      TEXT,                       -- its ready descriptor among the subject's referrers, JSON
    pushed_by     INTEGER  NOT NULL,              -- account id; history
    pushed_at     INTEGER  NOT NULL,
    touched_at    INTEGER  NOT NULL,
    pinned_until  INTEGER  NOT NULL,              -- as with repo_blobs: a child may come before its index
    bytes         BLOB NOT NULL,
    PRIMARY KEY (repo_id, digest),
    CHECK ((subject IS NULL) = (referrer IS NULL))
) STRICT;
INSERT INTO "manifests" VALUES(1,'sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc','application/vnd.oci.image.manifest.v1+json',NULL,0,'application/vnd.oci.image.config.v1+json','application/vnd.oci.image.config.v1+json',3002,NULL,NULL,1,1790000000000000,1790000000000000,1790000000000000,X'7B7D');
INSERT INTO "manifests" VALUES(1,'sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','application/vnd.oci.image.index.v1+json',NULL,1,'','',3004,NULL,NULL,1,1790000000000000,1790000000000000,1790000000000000,X'7B7D');
INSERT INTO "manifests" VALUES(1,'sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee','application/vnd.oci.image.manifest.v1+json',NULL,0,'application/spdx+json','',2,'sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc','{"digest":"sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"}',1,1790000000000000,1790000000000000,1790000000000000,X'7B7D');
CREATE TABLE nodes (
    id           TEXT NOT NULL PRIMARY KEY,   -- 12 hex digits, kept in the node's data directory
    version      TEXT NOT NULL,               -- of the program
    protocol     INTEGER  NOT NULL,               -- between nodes; an older one alive stops collection
    started_at   INTEGER  NOT NULL,               -- its first heartbeat
    heartbeat_at INTEGER  NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "nodes" VALUES('0123456789ab','0.1.0',1,1790000000000000,1790000000000000);
CREATE TABLE org_members (
    org_id     INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    is_owner   INTEGER NOT NULL DEFAULT 0 CHECK (is_owner IN (0, 1)),    -- may everything in the organisation
    added_at   INTEGER NOT NULL,
    PRIMARY KEY (org_id, account_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "org_members" VALUES(2,1,1,1790000000000000);
CREATE TABLE pending_objects (
    object_key TEXT NOT NULL PRIMARY KEY,
    expires_at INTEGER  NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "pending_objects" VALUES('uploads/33333333333333333333333333333333',1790000000000000);
CREATE TABLE refresh_tokens (
    hash       TEXT NOT NULL PRIMARY KEY,     -- hex of SHA-256
    account_id INTEGER  NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    generation INTEGER  NOT NULL,                 -- of the account at its making; void when that moved on
    client_id  TEXT NOT NULL,                 -- what the client calls itself
    created_at INTEGER  NOT NULL,
    expires_at INTEGER  NOT NULL
, credential_id         INTEGER REFERENCES credentials (id) ON DELETE CASCADE, credential_generation INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
INSERT INTO "refresh_tokens" VALUES('0000000000000000000000000000000000000000000000000000000000000000',1,1,'docker',1790000000000000,1790000000000000,NULL,0);
CREATE TABLE registry (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "registry" VALUES('store','0192f0c1-0000-7000-8000-000000000001');
CREATE TABLE repo_blobs (
    repo_id      INTEGER  NOT NULL REFERENCES repositories (id) ON DELETE RESTRICT,
    digest       TEXT NOT NULL REFERENCES blobs (digest) ON DELETE RESTRICT,
    pinned_until INTEGER  NOT NULL,
    PRIMARY KEY (repo_id, digest)
) STRICT, WITHOUT ROWID;
INSERT INTO "repo_blobs" VALUES(1,'sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1790000000000000);
INSERT INTO "repo_blobs" VALUES(1,'sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',1790000000000000);
CREATE TABLE repositories (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid         TEXT NOT NULL UNIQUE,
    path         TEXT NOT NULL,               -- namespace/name, deeper where wanted
    namespace_id INTEGER  NOT NULL REFERENCES accounts (id) ON DELETE RESTRICT,
    is_public    INTEGER  NOT NULL DEFAULT 0 CHECK (is_public IN (0, 1)),
    created_at   INTEGER  NOT NULL,
    created_by   INTEGER  NOT NULL,               -- account id; history, so it outlives the account
    deleted_at   INTEGER
, short_description     TEXT NOT NULL DEFAULT '', immutable_tags        INTEGER  NOT NULL DEFAULT 0, scan_on_push          INTEGER  NOT NULL DEFAULT 0, enable_manifest_lists INTEGER  NOT NULL DEFAULT 0, tag_limit             INTEGER  NOT NULL DEFAULT 0) STRICT;
INSERT INTO "repositories" VALUES(1,'0192f0c1-0000-7000-8000-000000000004','admin/app',1,1,1790000000000000,1,NULL,'',0,0,0,0);
INSERT INTO "repositories" VALUES(2,'0192f0c1-0000-7000-8000-000000000005','org/gone',2,0,1790000000000000,1,1790000000000000,'',0,0,0,0);
CREATE TABLE repository_counts (
    repo_id INTEGER NOT NULL PRIMARY KEY REFERENCES repositories (id) ON DELETE CASCADE,
    pulls   INTEGER NOT NULL DEFAULT 0,
    pushes  INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO "repository_counts" VALUES(1,5,2);
CREATE TABLE repository_readmes (
    repo_id  INTEGER  NOT NULL PRIMARY KEY REFERENCES repositories (id) ON DELETE CASCADE,
    markdown TEXT NOT NULL
) STRICT;
INSERT INTO "repository_readmes" VALUES(1,'# App');
CREATE TABLE roles (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid        TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL UNIQUE,
    verbs       TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    is_built_in INTEGER  NOT NULL DEFAULT 0 CHECK (is_built_in IN (0, 1)),    -- can be neither changed nor deleted
    created_at  INTEGER  NOT NULL
) STRICT;
INSERT INTO "roles" VALUES(1,'00000000-0000-7000-8000-000000000001','read-only','view pull','Sees and pulls.',1,0);
INSERT INTO "roles" VALUES(2,'00000000-0000-7000-8000-000000000002','read-write','view pull push create-tag move-tag delete-tag delete scan','Pulls, pushes, scans and deletes tags.',1,0);
INSERT INTO "roles" VALUES(3,'00000000-0000-7000-8000-000000000003','admin','view pull push create-tag move-tag delete-tag delete create scan approve policies manage access remove audit','Everything in a repository or namespace.',1,0);
INSERT INTO "roles" VALUES(4,'00000000-0000-7000-8000-000000000004','pusher','view pull push create-tag','Pushes new tags; moves and deletes none.',1,0);
INSERT INTO "roles" VALUES(5,'00000000-0000-7000-8000-000000000005','approver','view pull approve','Approves promotions.',1,0);
INSERT INTO "roles" VALUES(6,'00000000-0000-7000-8000-000000000006','security','view pull scan policies audit','Scans, and decides which findings matter.',1,0);
INSERT INTO "roles" VALUES(7,'00000000-0000-7000-8000-000000000007','operator','view pull scan policies manage audit','Keeps repositories running: settings, mirrors, pruning.',1,0);
INSERT INTO "roles" VALUES(8,'00000000-0000-7000-8000-000000000008','auditor','view audit','Sees what there is and what happened; pulls nothing.',1,0);
INSERT INTO "roles" VALUES(9,'0192f0c1-0000-7000-8000-000000000008','reader','view pull','',0,1790000000000000);
CREATE TABLE schema (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    schema_min  INTEGER NOT NULL,     -- oldest program schema that may still use it
    schema_max  INTEGER NOT NULL,     -- the schema it is at
    migrated_at INTEGER NOT NULL      -- when it came to be so
) STRICT;
INSERT INTO "schema" VALUES(1,1,3,1790000000000000);
CREATE TABLE scrubs (
    kind        TEXT NOT NULL PRIMARY KEY CHECK (kind IN ('size', 'hash', 'manifest')),
    position    TEXT NOT NULL DEFAULT '',     -- what was looked at last; empty: a pass begins
    started_at  INTEGER  NOT NULL DEFAULT 0,      -- of this pass, or of the last one while none runs; 0: never
    finished_at INTEGER  NOT NULL DEFAULT 0,      -- of the last pass that came to its end; 0: never
    n_objects   INTEGER  NOT NULL DEFAULT 0,      -- looked at in the pass at hand, or in the last one
    n_bytes     INTEGER  NOT NULL DEFAULT 0,
    n_damaged   INTEGER  NOT NULL DEFAULT 0,
    owner       TEXT NOT NULL DEFAULT '',     -- the node that has the lease
    lease_until INTEGER  NOT NULL DEFAULT 0,
    fence       INTEGER  NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
INSERT INTO "scrubs" VALUES('hash','sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1790000000000000,0,0,0,0,'',0,0);
INSERT INTO "scrubs" VALUES('manifest','',0,0,0,0,0,'',0,0);
INSERT INTO "scrubs" VALUES('size','',0,0,0,0,0,'',0,0);
CREATE TABLE sessions (
    hash       TEXT NOT NULL PRIMARY KEY,     -- hex of SHA-256 of the id in the cookie
    account_id INTEGER  NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    generation INTEGER  NOT NULL,                 -- of the account at its making; void when that moved on
    credential_id         INTEGER REFERENCES credentials (id) ON DELETE CASCADE,    -- that it was begun with; NULL: a password
    credential_generation INTEGER NOT NULL DEFAULT 0,
    method     TEXT NOT NULL,                 -- of the log-in
    address    TEXT NOT NULL DEFAULT '',      -- of the log-in
    user_agent TEXT NOT NULL DEFAULT '',
    created_at INTEGER  NOT NULL,
    used_at    INTEGER  NOT NULL,
    expires_at INTEGER  NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "sessions" VALUES('3333333333333333333333333333333333333333333333333333333333333333',1,1,NULL,0,'password','','',1790000000000000,1790000000000000,1790000003600000);
CREATE TABLE settings (
    key        TEXT NOT NULL PRIMARY KEY,
    value      TEXT NOT NULL,
    version    INTEGER  NOT NULL,     -- of all settings, when this one changed
    changed_at INTEGER  NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "settings" VALUES('pin-ttl','24h',1,1790000000000000);
CREATE TABLE settings_version (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO "settings_version" VALUES(1,1);
CREATE TABLE tags (
    repo_id  INTEGER  NOT NULL,
    name     TEXT NOT NULL,
    digest   TEXT NOT NULL,
    moved_at INTEGER  NOT NULL,                   -- made, or pointed at something else
    moved_by INTEGER  NOT NULL,                   -- account id; history
    PRIMARY KEY (repo_id, name),
    FOREIGN KEY (repo_id, digest) REFERENCES manifests (repo_id, digest) ON DELETE RESTRICT
) STRICT, WITHOUT ROWID;
INSERT INTO "tags" VALUES(1,'latest','sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd',1790000000000000,1);
CREATE TABLE team_members (
    team_id    INTEGER NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    is_admin   INTEGER NOT NULL DEFAULT 0 CHECK (is_admin IN (0, 1)),    -- may add and remove members
    added_at   INTEGER NOT NULL,
    PRIMARY KEY (team_id, account_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "team_members" VALUES(1,1,0,1790000000000000);
CREATE TABLE teams (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid        TEXT NOT NULL UNIQUE,
    org_id      INTEGER  NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    created_at  INTEGER  NOT NULL,
    UNIQUE (org_id, name)
) STRICT;
INSERT INTO "teams" VALUES(1,'0192f0c1-0000-7000-8000-000000000007',2,'builders','',1790000000000000);
CREATE TABLE token_keys (
    kid        TEXT NOT NULL PRIMARY KEY,
    sealed     TEXT NOT NULL,                 -- the private half under the key file
    state      TEXT NOT NULL CHECK (state IN ('active', 'retired')),
    created_at INTEGER  NOT NULL,
    retired_at INTEGER,                           -- NULL while active
    CHECK ((state = 'retired') = (retired_at IS NOT NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO "token_keys" VALUES('kid-1','sealed','retired',1790000000000000,1790000000000000);
INSERT INTO "token_keys" VALUES('kid-2','sealed','active',1790000000000000,NULL);
CREATE TABLE uploads (
    id           TEXT NOT NULL PRIMARY KEY,   -- 32 hex digits
    path         TEXT NOT NULL,
    account_id   INTEGER  NOT NULL,               -- whose session it is
    upload_key   TEXT NOT NULL UNIQUE,        -- where the bytes lie meanwhile
    received     INTEGER  NOT NULL DEFAULT 0,     -- bytes known to be durable
    hash_state   BLOB,                       -- the digest up to there (src/codec/hash.h)
    hash_state_2 BLOB,                       -- and that of the other algorithm, when it was announced
    version      INTEGER  NOT NULL DEFAULT 1,     -- compare and set
    created_at   INTEGER  NOT NULL,
    used_at      INTEGER  NOT NULL
) STRICT;
INSERT INTO "uploads" VALUES('55555555555555555555555555555555','admin/new',1,'uploads/33333333333333333333333333333333',10,X'00FF',NULL,1,1790000000000000,1790000000000000);
CREATE INDEX refresh_tokens_by_account ON refresh_tokens (account_id);
CREATE INDEX refresh_tokens_by_expiry  ON refresh_tokens (expires_at);
CREATE UNIQUE INDEX repositories_living ON repositories (path) WHERE deleted_at IS NULL;
CREATE INDEX repositories_public       ON repositories (path) WHERE deleted_at IS NULL AND is_public = 1;
CREATE INDEX repositories_by_namespace ON repositories (namespace_id, path);
CREATE INDEX repositories_deleted      ON repositories (path, deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX repo_blobs_by_digest ON repo_blobs (digest, repo_id);
CREATE INDEX manifests_by_subject ON manifests (repo_id, subject, digest)
    WHERE deleted_at IS NULL AND subject IS NOT NULL;
CREATE INDEX manifests_by_subject_type
    ON manifests (repo_id, subject, artifact_type, digest)
    WHERE deleted_at IS NULL AND subject IS NOT NULL;
CREATE INDEX manifests_deleted ON manifests (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX manifest_blobs_by_digest ON manifest_blobs (digest, repo_id);
CREATE INDEX manifest_children_by_child ON manifest_children (repo_id, child);
CREATE INDEX tags_by_digest ON tags (repo_id, digest);
CREATE INDEX holds_by_digest ON holds (digest);
CREATE INDEX gc_queue_due ON gc_queue (review_after);
CREATE INDEX pending_objects_due ON pending_objects (expires_at);
CREATE INDEX doomed_objects_due ON doomed_objects (not_before);
CREATE INDEX uploads_by_account ON uploads (account_id, used_at);
CREATE INDEX uploads_by_use     ON uploads (used_at);
CREATE INDEX events_by_commit ON events (xid, id);
CREATE INDEX events_by_repo   ON events (repo_id, id);
CREATE INDEX audit_unsealed ON audit (xid, id) WHERE sequence IS NULL;
CREATE INDEX damage_open ON damage (digest) WHERE healed_at IS NULL;
CREATE INDEX accounts_by_kind   ON accounts (kind, name)            WHERE deleted_at IS NULL;
CREATE INDEX accounts_by_state  ON accounts (kind, is_active, name) WHERE deleted_at IS NULL;
CREATE INDEX accounts_by_rank   ON accounts (kind, is_admin, name)  WHERE deleted_at IS NULL;
CREATE INDEX accounts_by_owner  ON accounts (owner_id, name)        WHERE owner_id IS NOT NULL;
CREATE INDEX accounts_by_maker  ON accounts (maker_id)              WHERE maker_id IS NOT NULL;
CREATE INDEX org_members_by_account ON org_members (account_id, org_id);
CREATE INDEX team_members_by_account ON team_members (account_id, team_id);
CREATE UNIQUE INDEX grants_of_team    ON grants (team_id, path, role_id, coalesce(repo_id, 0))    WHERE team_id IS NOT NULL;
CREATE UNIQUE INDEX grants_of_account ON grants (account_id, path, role_id, coalesce(repo_id, 0)) WHERE account_id IS NOT NULL;
CREATE INDEX grants_by_path           ON grants (path, id);
CREATE INDEX grants_by_role           ON grants (role_id);
CREATE INDEX grants_by_repo           ON grants (repo_id) WHERE repo_id IS NOT NULL;
CREATE INDEX credentials_by_account      ON credentials (account_id, id);
CREATE INDEX credentials_by_expiry       ON credentials (expires_at) WHERE expires_at IS NOT NULL;
CREATE UNIQUE INDEX credentials_slots    ON credentials (account_id, slot) WHERE slot IS NOT NULL;
CREATE INDEX refresh_tokens_by_credential ON refresh_tokens (credential_id) WHERE credential_id IS NOT NULL;
CREATE INDEX sessions_by_account ON sessions (account_id, used_at);
CREATE INDEX sessions_by_expiry  ON sessions (expires_at);
CREATE INDEX sessions_by_credential ON sessions (credential_id) WHERE credential_id IS NOT NULL;
CREATE INDEX login_attempts_by_age ON login_attempts (failed_at);
CREATE INDEX account_keys_by_account ON account_keys (account_id, id);
CREATE INDEX audit_by_namespace ON audit (namespace, id);
CREATE INDEX audit_by_account   ON audit (actor_name, id);
CREATE INDEX audit_by_request   ON audit (request_id, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('roles',9);
INSERT INTO "sqlite_sequence" VALUES('accounts',3);
INSERT INTO "sqlite_sequence" VALUES('repositories',2);
INSERT INTO "sqlite_sequence" VALUES('holds',1);
INSERT INTO "sqlite_sequence" VALUES('events',1);
INSERT INTO "sqlite_sequence" VALUES('audit',1);
INSERT INTO "sqlite_sequence" VALUES('teams',1);
INSERT INTO "sqlite_sequence" VALUES('grants',2);
INSERT INTO "sqlite_sequence" VALUES('credentials',2);
INSERT INTO "sqlite_sequence" VALUES('account_keys',1);
COMMIT;
