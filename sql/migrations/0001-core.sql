-- schema-min: 1
--
-- The registry: who there is, what is kept, what refers to what, what shall be collected, what happened.

-- Which programs may use this database (src/db/migrate.h). One row, written by the migrations themselves.
CREATE TABLE schema (
    id          {int} PRIMARY KEY CHECK (id = 1),
    schema_min  {int} NOT NULL,     -- oldest program schema that may still use it
    schema_max  {int} NOT NULL,     -- the schema it is at
    migrated_at {int} NOT NULL      -- when it came to be so
){rows};

-- What the instance knows of itself by name: the id of its object store, the fingerprint of its key file.
CREATE TABLE registry (
    name  {text} NOT NULL PRIMARY KEY,
    value {text} NOT NULL
){clustered};

-- Settings of the registry, the same on all nodes. What has no row has its default.
CREATE TABLE settings (
    key        {text} NOT NULL PRIMARY KEY,
    value      {text} NOT NULL,
    version    {int}  NOT NULL,     -- of all settings, when this one changed
    changed_at {int}  NOT NULL
){clustered};

-- The one version of all settings: nodes read it to learn whether to read the rest. One row.
CREATE TABLE settings_version (
    id      {int} PRIMARY KEY CHECK (id = 1),
    version {int} NOT NULL
){rows};

-- The nodes that serve this registry. A row whose heartbeat is old is a node that died.
CREATE TABLE nodes (
    id           {text} NOT NULL PRIMARY KEY,   -- 12 hex digits, kept in the node's data directory
    version      {text} NOT NULL,               -- of the program
    protocol     {int}  NOT NULL,               -- between nodes; an older one alive stops collection
    started_at   {int}  NOT NULL,               -- its first heartbeat
    heartbeat_at {int}  NOT NULL
){clustered};

-- Users, organisations and service accounts. The name is a namespace for repositories.
CREATE TABLE accounts (
    id            {id},
    uuid          {text} NOT NULL UNIQUE,       -- the id that leaves the house
    name          {text} NOT NULL UNIQUE,
    kind          {text} NOT NULL CHECK (kind IN ('user', 'organization', 'service')),
    full_name     {text} NOT NULL DEFAULT '',
    is_admin      {int}  NOT NULL DEFAULT 0 CHECK (is_admin IN (0, 1)),
    is_active     {int}  NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    password_hash {text},                       -- argon2id, or NULL: no log-in by password
    generation    {int}  NOT NULL DEFAULT 1,    -- moves on when tokens and cached log-ins become void
    created_at    {int}  NOT NULL
){rows};

-- Keys that sign our tokens. The newest active one signs, all that are here verify.
CREATE TABLE token_keys (
    kid        {text} NOT NULL PRIMARY KEY,
    sealed     {text} NOT NULL,                 -- the private half under the key file
    state      {text} NOT NULL CHECK (state IN ('active', 'retired')),
    created_at {int}  NOT NULL,
    retired_at {int},                           -- NULL while active
    CHECK ((state = 'retired') = (retired_at IS NOT NULL))
){clustered};

-- Refresh tokens, of which we keep the hash only.
CREATE TABLE refresh_tokens (
    hash       {text} NOT NULL PRIMARY KEY,     -- hex of SHA-256
    account_id {int}  NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    generation {int}  NOT NULL,                 -- of the account at its making; void when that moved on
    client_id  {text} NOT NULL,                 -- what the client calls itself
    created_at {int}  NOT NULL,
    expires_at {int}  NOT NULL
){clustered};

CREATE INDEX refresh_tokens_by_account ON refresh_tokens (account_id);
CREATE INDEX refresh_tokens_by_expiry  ON refresh_tokens (expires_at);

-- Repositories. A path is unique among the living; `deleted_at` is a tombstone, from which moment nothing of
-- the repository is visible. Its rows go later, in batches.
CREATE TABLE repositories (
    id           {id},
    uuid         {text} NOT NULL UNIQUE,
    path         {text} NOT NULL,               -- namespace/name, deeper where wanted
    namespace_id {int}  NOT NULL REFERENCES accounts (id) ON DELETE RESTRICT,
    is_public    {int}  NOT NULL DEFAULT 0 CHECK (is_public IN (0, 1)),
    created_at   {int}  NOT NULL,
    created_by   {int}  NOT NULL,               -- account id; history, so it outlives the account
    deleted_at   {int}
){rows};

CREATE UNIQUE INDEX repositories_living ON repositories (path) WHERE deleted_at IS NULL;
CREATE INDEX repositories_public       ON repositories (path) WHERE deleted_at IS NULL AND is_public = 1;
CREATE INDEX repositories_by_namespace ON repositories (namespace_id, path);
CREATE INDEX repositories_deleted      ON repositories (path, deleted_at) WHERE deleted_at IS NOT NULL;

-- Blobs. A row exists exactly when the bytes are durable at object_key, and no key is ever used again.
CREATE TABLE blobs (
    digest     {text} NOT NULL PRIMARY KEY,
    size       {int}  NOT NULL CHECK (size >= 0),
    object_key {text} NOT NULL UNIQUE,
    created_at {int}  NOT NULL,
    touched_at {int}  NOT NULL                  -- by every event and promise; collection waits from here on
){clustered};

-- A blob's visibility in a repository and, until pinned_until, the promise to a push that it stays.
CREATE TABLE repo_blobs (
    repo_id      {int}  NOT NULL REFERENCES repositories (id) ON DELETE RESTRICT,
    digest       {text} NOT NULL REFERENCES blobs (digest) ON DELETE RESTRICT,
    pinned_until {int}  NOT NULL,
    PRIMARY KEY (repo_id, digest)
){clustered};

CREATE INDEX repo_blobs_by_digest ON repo_blobs (digest, repo_id);

-- Manifests and indexes as the bytes received, in SQL so that they share a transaction with what they name.
-- `deleted_at` is a tombstone as with repositories. The bytes come last: what stands before them is read
-- without touching their pages.
CREATE TABLE manifests (
    repo_id       {int}  NOT NULL REFERENCES repositories (id) ON DELETE RESTRICT,
    digest        {text} NOT NULL,
    media_type    {text} NOT NULL,
    deleted_at    {int},
    depth         {int}  NOT NULL DEFAULT 0,    -- 0, or 1 + the deepest child
    artifact_type {text} NOT NULL DEFAULT '',   -- as referrers report it: its own, else the config's type
    config_type   {text} NOT NULL DEFAULT '',
    total_size    {int}  NOT NULL,              -- of what it names, plus its own bytes
    subject       {text},                       -- digest that it refers to, present or not
    referrer      {text},                       -- its ready descriptor among the subject's referrers, JSON
    pushed_by     {int}  NOT NULL,              -- account id; history
    pushed_at     {int}  NOT NULL,
    touched_at    {int}  NOT NULL,
    pinned_until  {int}  NOT NULL,              -- as with repo_blobs: a child may come before its index
    bytes         {bytes} NOT NULL,
    PRIMARY KEY (repo_id, digest),
    CHECK ((subject IS NULL) = (referrer IS NULL))
){rows};

-- Pages of referrers, of all types and of one.
CREATE INDEX manifests_by_subject ON manifests (repo_id, subject, digest)
    WHERE deleted_at IS NULL AND subject IS NOT NULL;
CREATE INDEX manifests_by_subject_type
    ON manifests (repo_id, subject, artifact_type, digest)
    WHERE deleted_at IS NULL AND subject IS NOT NULL;
CREATE INDEX manifests_deleted ON manifests (deleted_at) WHERE deleted_at IS NOT NULL;

-- Which blobs a manifest names. RESTRICT is the last line of defence: no code can take a blob away from it.
CREATE TABLE manifest_blobs (
    repo_id  {int}  NOT NULL,
    manifest {text} NOT NULL,
    digest   {text} NOT NULL REFERENCES blobs (digest) ON DELETE RESTRICT,
    PRIMARY KEY (repo_id, manifest, digest),
    FOREIGN KEY (repo_id, manifest) REFERENCES manifests (repo_id, digest) ON DELETE CASCADE
){clustered};

CREATE INDEX manifest_blobs_by_digest ON manifest_blobs (digest, repo_id);

-- Which manifests an index names.
CREATE TABLE manifest_children (
    repo_id {int}  NOT NULL,
    parent  {text} NOT NULL,
    child   {text} NOT NULL,
    PRIMARY KEY (repo_id, parent, child),
    FOREIGN KEY (repo_id, parent) REFERENCES manifests (repo_id, digest) ON DELETE CASCADE,
    FOREIGN KEY (repo_id, child)  REFERENCES manifests (repo_id, digest) ON DELETE RESTRICT
){clustered};

CREATE INDEX manifest_children_by_child ON manifest_children (repo_id, child);

-- Tags: a name for a manifest of the same repository.
CREATE TABLE tags (
    repo_id  {int}  NOT NULL,
    name     {text} NOT NULL,
    digest   {text} NOT NULL,
    moved_at {int}  NOT NULL,                   -- made, or pointed at something else
    moved_by {int}  NOT NULL,                   -- account id; history
    PRIMARY KEY (repo_id, name),
    FOREIGN KEY (repo_id, digest) REFERENCES manifests (repo_id, digest) ON DELETE RESTRICT
){clustered};

CREATE INDEX tags_by_digest ON tags (repo_id, digest);

-- What collection must leave alone for a reason of its own: a legal hold, a running scan, an export.
CREATE TABLE holds (
    id      {id},
    repo_id {int},                              -- NULL: the blob, wherever it is
    digest  {text} NOT NULL,                    -- of the blob or manifest
    reason  {text} NOT NULL,
    owner   {text} NOT NULL,                    -- who may lift it
    until   {int}                               -- NULL: until lifted
){rows};

CREATE INDEX holds_by_digest ON holds (digest);

-- What collection shall look at, and when. Written in the transaction of the event that may have made garbage.
CREATE TABLE gc_queue (
    kind         {text} NOT NULL CHECK (kind IN ('blob', 'link', 'manifest')),
    id           {text} NOT NULL,               -- digest, or repository id and digest with a colon between
    review_after {int}  NOT NULL,
    attempts     {int}  NOT NULL DEFAULT 0,     -- that failed
    event        {text} NOT NULL,               -- the last that asked for it
    PRIMARY KEY (kind, id)
){clustered};

CREATE INDEX gc_queue_due ON gc_queue (review_after);

-- Keys of objects that are being made: written before the object, gone when a row holds the key.
CREATE TABLE pending_objects (
    object_key {text} NOT NULL PRIMARY KEY,
    expires_at {int}  NOT NULL
){clustered};

CREATE INDEX pending_objects_due ON pending_objects (expires_at);

-- Keys of objects that no row holds any longer: written when the row goes, gone when the object is.
CREATE TABLE doomed_objects (
    object_key {text} NOT NULL PRIMARY KEY,
    size       {int}  NOT NULL,
    not_before {int}  NOT NULL
){clustered};

CREATE INDEX doomed_objects_due ON doomed_objects (not_before);

-- Uploads in progress. They carry a path and no repository: that is made by the first blob that is finished.
CREATE TABLE uploads (
    id           {text} NOT NULL PRIMARY KEY,   -- 32 hex digits
    path         {text} NOT NULL,
    account_id   {int}  NOT NULL,               -- whose session it is
    upload_key   {text} NOT NULL UNIQUE,        -- where the bytes lie meanwhile
    received     {int}  NOT NULL DEFAULT 0,     -- bytes known to be durable
    hash_state   {bytes},                       -- the digest up to there (src/codec/hash.h)
    hash_state_2 {bytes},                       -- and that of the other algorithm, when it was announced
    version      {int}  NOT NULL DEFAULT 1,     -- compare and set
    created_at   {int}  NOT NULL,
    used_at      {int}  NOT NULL
){rows};

CREATE INDEX uploads_by_account ON uploads (account_id, used_at);
CREATE INDEX uploads_by_use     ON uploads (used_at);

-- What happened: the outbox that jobs read, and the list of activities. Written in the transaction that did
-- it. Readers go by (xid, id): where several transactions write at once, ids are not in the order of commits.
CREATE TABLE events (
    id            {id},
    xid           {xid},
    at            {int}  NOT NULL,
    type          {text} NOT NULL,              -- TAG_PUSH, MANIFEST_PUSH, REPO_CREATED …
    actor_kind    {text} NOT NULL,              -- user, anonymous, system
    actor_id      {int}  NOT NULL,
    credential_id {text},
    repo_id       {int}  NOT NULL DEFAULT 0,    -- 0: not about a repository
    path          {text},                       -- as it was called then
    object_kind   {text} NOT NULL,
    object_name   {text},
    digest        {text},
    old_digest    {text},                       -- what a tag named before
    target        {text},
    request_id    {text}
){rows};

CREATE INDEX events_by_commit ON events (xid, id);
CREATE INDEX events_by_repo   ON events (repo_id, id);

-- The audit log: one record a change of state, and the refusals that count. Records get their number and the
-- hash that links them to the one before afterwards, in the order of commits.
CREATE TABLE audit (
    id            {id},
    xid           {xid},
    at            {int}  NOT NULL,
    action        {text} NOT NULL,              -- as events.type
    outcome       {text} NOT NULL CHECK (outcome IN ('done', 'refused')),
    reason        {text},
    actor_kind    {text} NOT NULL,
    actor_id      {int}  NOT NULL,
    actor_name    {text},
    credential_id {text},
    address       {text},                       -- of the network peer
    repo_id       {int}  NOT NULL DEFAULT 0,
    path          {text},
    object_kind   {text} NOT NULL,
    object_name   {text},
    digest        {text},
    old_digest    {text},
    target        {text},
    request_id    {text},                       -- the same as of its event
    sequence      {int} UNIQUE,                 -- NULL until sealed
    hash          {text}                        -- over the record and the hash before it
){rows};

CREATE INDEX audit_unsealed ON audit (xid, id) WHERE sequence IS NULL;
