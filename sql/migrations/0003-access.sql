-- schema-min: 1
--
-- Access: who belongs to whom, what roles there are, who was granted what, and with which credentials people and
-- machines prove who they are.

-- What accounts know beyond their name. A deleted account stays as a row whose name nobody can have
-- ("alice#12"), so that history finds it and the name is free at once.
ALTER TABLE accounts ADD COLUMN is_imported    {int}  NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN create_on_push {int}  NOT NULL DEFAULT 0;   -- of an organisation: pushes may make repositories
ALTER TABLE accounts ADD COLUMN content_cache  {text};                      -- a user's choice, kept for clients
ALTER TABLE accounts ADD COLUMN owner_id       {int};                       -- account id: of a service account (accounts are never taken away)
ALTER TABLE accounts ADD COLUMN maker_id       {int};                       -- account id: whose rights bound a service account
ALTER TABLE accounts ADD COLUMN prefix         {text};                      -- a service account acts at and below it
ALTER TABLE accounts ADD COLUMN password_at    {int}  NOT NULL DEFAULT 0;   -- when the password was last set
ALTER TABLE accounts ADD COLUMN deleted_at     {int};                       -- a tombstone

CREATE INDEX accounts_by_kind   ON accounts (kind, name)            WHERE deleted_at IS NULL;
CREATE INDEX accounts_by_state  ON accounts (kind, is_active, name) WHERE deleted_at IS NULL;
CREATE INDEX accounts_by_rank   ON accounts (kind, is_admin, name)  WHERE deleted_at IS NULL;
CREATE INDEX accounts_by_owner  ON accounts (owner_id, name)        WHERE owner_id IS NOT NULL;
CREATE INDEX accounts_by_maker  ON accounts (maker_id)              WHERE maker_id IS NOT NULL;

-- Members of organisations.
CREATE TABLE org_members (
    org_id     {int} NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    account_id {int} NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    is_owner   {int} NOT NULL DEFAULT 0 CHECK (is_owner IN (0, 1)),    -- may everything in the organisation
    added_at   {int} NOT NULL,
    PRIMARY KEY (org_id, account_id)
){clustered};

CREATE INDEX org_members_by_account ON org_members (account_id, org_id);

-- Teams of organisations.
CREATE TABLE teams (
    id          {id},
    uuid        {text} NOT NULL UNIQUE,
    org_id      {int}  NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name        {text} NOT NULL,
    description {text} NOT NULL DEFAULT '',
    created_at  {int}  NOT NULL,
    UNIQUE (org_id, name)
){rows};

-- Members of teams, all of them members of the team's organisation.
CREATE TABLE team_members (
    team_id    {int} NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    account_id {int} NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    is_admin   {int} NOT NULL DEFAULT 0 CHECK (is_admin IN (0, 1)),    -- may add and remove members
    added_at   {int} NOT NULL,
    PRIMARY KEY (team_id, account_id)
){clustered};

CREATE INDEX team_members_by_account ON team_members (account_id, team_id);

-- Roles: a name for a set of verbs, which are words of src/auth/verb.h with blanks between.
CREATE TABLE roles (
    id          {id},
    uuid        {text} NOT NULL UNIQUE,
    name        {text} NOT NULL UNIQUE,
    verbs       {text} NOT NULL,
    description {text} NOT NULL DEFAULT '',
    is_built_in {int}  NOT NULL DEFAULT 0 CHECK (is_built_in IN (0, 1)),    -- can be neither changed nor deleted
    created_at  {int}  NOT NULL
){rows};

INSERT INTO roles (uuid, name, verbs, description, is_built_in, created_at) VALUES
    ('00000000-0000-7000-8000-000000000001', 'read-only',  'view pull', 'Sees and pulls.', 1, 0),
    ('00000000-0000-7000-8000-000000000002', 'read-write',
     'view pull push create-tag move-tag delete-tag delete scan',
     'Pulls, pushes, scans and deletes tags.', 1, 0),
    ('00000000-0000-7000-8000-000000000003', 'admin',
     'view pull push create-tag move-tag delete-tag delete create scan approve policies manage access remove audit',
     'Everything in a repository or namespace.', 1, 0),
    ('00000000-0000-7000-8000-000000000004', 'pusher',     'view pull push create-tag',
     'Pushes new tags; moves and deletes none.', 1, 0),
    ('00000000-0000-7000-8000-000000000005', 'approver',   'view pull approve', 'Approves promotions.', 1, 0),
    ('00000000-0000-7000-8000-000000000006', 'security',   'view pull scan policies audit',
     'Scans, and decides which findings matter.', 1, 0),
    ('00000000-0000-7000-8000-000000000007', 'operator',   'view pull scan policies manage audit',
     'Keeps repositories running: settings, mirrors, pruning.', 1, 0),
    ('00000000-0000-7000-8000-000000000008', 'auditor',    'view audit',
     'Sees what there is and what happened; pulls nothing.', 1, 0);

-- Grants of a role to a team or to one account. With repo_id: on that repository alone, for as long as it lives.
-- Without: on the prefix `path` and all below it; the empty prefix is the whole registry.
CREATE TABLE grants (
    id           {id},
    uuid         {text} NOT NULL UNIQUE,
    role_id      {int}  NOT NULL REFERENCES roles (id) ON DELETE RESTRICT,
    team_id      {int}  REFERENCES teams (id) ON DELETE CASCADE,
    account_id   {int}  REFERENCES accounts (id) ON DELETE CASCADE,
    path         {text} NOT NULL,               -- of the repository, or the prefix
    repo_id      {int}  REFERENCES repositories (id) ON DELETE CASCADE,
    created_at   {int}  NOT NULL,
    created_by   {int}  NOT NULL,               -- account id; history
    CHECK ((team_id IS NULL) <> (account_id IS NULL))
){rows};

CREATE UNIQUE INDEX grants_of_team    ON grants (team_id, path, role_id, coalesce(repo_id, 0))    WHERE team_id IS NOT NULL;
CREATE UNIQUE INDEX grants_of_account ON grants (account_id, path, role_id, coalesce(repo_id, 0)) WHERE account_id IS NOT NULL;
CREATE INDEX grants_by_path           ON grants (path, id);
CREATE INDEX grants_by_role           ON grants (role_id);
CREATE INDEX grants_by_repo           ON grants (repo_id) WHERE repo_id IS NOT NULL;

-- Secrets that stand for an account beside its password: access tokens of people, secrets of service accounts.
-- The secret is shown once; we keep its SHA-256.
CREATE TABLE credentials (
    id           {id},
    hash         {text} NOT NULL UNIQUE,        -- hex of SHA-256
    account_id   {int}  NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    kind         {text} NOT NULL CHECK (kind IN ('personal', 'service')),
    slot         {int}  CHECK (slot IN (1, 2)), -- of a service secret: two live at once, for rotation
    label        {text} NOT NULL DEFAULT '',
    is_active    {int}  NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    is_narrowed  {int}  NOT NULL DEFAULT 0 CHECK (is_narrowed IN (0, 1)),   -- to its rows of credential_scopes
    generation   {int}  NOT NULL DEFAULT 1,     -- moves on when what was bought with it becomes void
    generated_by {text} NOT NULL DEFAULT 'manual' CHECK (generated_by IN ('manual', 'auto')),
    creator_ua   {text} NOT NULL DEFAULT '',    -- what the client that made it called itself
    created_at   {int}  NOT NULL,
    created_by   {int}  NOT NULL,               -- account id; history
    expires_at   {int},                         -- NULL: never
    used_at      {int},                         -- NULL: never; at most a minute old
    CHECK ((kind = 'service') = (slot IS NOT NULL))
){rows};

CREATE INDEX credentials_by_account      ON credentials (account_id, id);
CREATE INDEX credentials_by_expiry       ON credentials (expires_at) WHERE expires_at IS NOT NULL;
CREATE UNIQUE INDEX credentials_slots    ON credentials (account_id, slot) WHERE slot IS NOT NULL;

-- What a narrowed credential may do at most: at the path and below it these verbs; '' is everywhere.
CREATE TABLE credential_scopes (
    credential_id {int}  NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    path          {text} NOT NULL,
    verbs         {text} NOT NULL,
    PRIMARY KEY (credential_id, path)
){clustered};

-- A refresh token that was bought with a credential ends with it.
ALTER TABLE refresh_tokens ADD COLUMN credential_id         {int} REFERENCES credentials (id) ON DELETE CASCADE;
ALTER TABLE refresh_tokens ADD COLUMN credential_generation {int} NOT NULL DEFAULT 0;

CREATE INDEX refresh_tokens_by_credential ON refresh_tokens (credential_id) WHERE credential_id IS NOT NULL;

-- Sessions of browsers, of which we keep the hash of the id only.
CREATE TABLE sessions (
    hash       {text} NOT NULL PRIMARY KEY,     -- hex of SHA-256 of the id in the cookie
    account_id {int}  NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    generation {int}  NOT NULL,                 -- of the account at its making; void when that moved on
    credential_id         {int} REFERENCES credentials (id) ON DELETE CASCADE,    -- that it was begun with; NULL: a password
    credential_generation {int} NOT NULL DEFAULT 0,
    method     {text} NOT NULL,                 -- of the log-in
    address    {text} NOT NULL DEFAULT '',      -- of the log-in
    user_agent {text} NOT NULL DEFAULT '',
    created_at {int}  NOT NULL,
    used_at    {int}  NOT NULL,
    expires_at {int}  NOT NULL
){clustered};

CREATE INDEX sessions_by_account ON sessions (account_id, used_at);
CREATE INDEX sessions_by_expiry  ON sessions (expires_at);
CREATE INDEX sessions_by_credential ON sessions (credential_id) WHERE credential_id IS NOT NULL;

-- Log-ins that failed, by name as given (accounts that do not exist too) and network, for the back-off.
CREATE TABLE login_attempts (
    name         {text} NOT NULL,
    network      {text} NOT NULL,               -- the first three parts of IPv4, the first four groups of IPv6
    failures     {int}  NOT NULL,               -- since the last success or the last quiet day
    failed_at    {int}  NOT NULL,               -- the last
    locked_until {int}  NOT NULL,
    PRIMARY KEY (name, network)
){clustered};

CREATE INDEX login_attempts_by_age ON login_attempts (failed_at);

-- Public keys of accounts, with which their signatures are recognized.
CREATE TABLE account_keys (
    id           {id},
    uuid         {text} NOT NULL UNIQUE,
    account_id   {int}  NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    fingerprint  {text} NOT NULL,               -- hex of SHA-256 of the key's DER
    public_key   {text} NOT NULL,               -- PEM
    label        {text} NOT NULL DEFAULT '',
    certificates {text} NOT NULL DEFAULT '[]',  -- JSON list of {label, cert}
    created_at   {int}  NOT NULL,
    UNIQUE (account_id, fingerprint)
){rows};

CREATE INDEX account_keys_by_account ON account_keys (account_id, id);

-- What a repository says of itself and how it behaves.
ALTER TABLE repositories ADD COLUMN short_description     {text} NOT NULL DEFAULT '';
ALTER TABLE repositories ADD COLUMN immutable_tags        {int}  NOT NULL DEFAULT 0;
ALTER TABLE repositories ADD COLUMN scan_on_push          {int}  NOT NULL DEFAULT 0;
ALTER TABLE repositories ADD COLUMN enable_manifest_lists {int}  NOT NULL DEFAULT 0;
ALTER TABLE repositories ADD COLUMN tag_limit             {int}  NOT NULL DEFAULT 0;   -- 0: none


-- The long description, markdown. Apart, because lists do not show it.
CREATE TABLE repository_readmes (
    repo_id  {int}  NOT NULL PRIMARY KEY REFERENCES repositories (id) ON DELETE CASCADE,
    markdown {text} NOT NULL
){rows};

-- How often a repository was pulled from and pushed to.
CREATE TABLE repository_counts (
    repo_id {int} NOT NULL PRIMARY KEY REFERENCES repositories (id) ON DELETE CASCADE,
    pulls   {int} NOT NULL DEFAULT 0,
    pushes  {int} NOT NULL DEFAULT 0
){rows};

-- What a change of settings or access was before and after, and whose it is: the account with whose name the path, or
-- the object when it is an account, begins. Its owners may read the record.
ALTER TABLE audit ADD COLUMN value_before {text};
ALTER TABLE audit ADD COLUMN value_after  {text};
ALTER TABLE audit ADD COLUMN namespace    {text};

UPDATE audit SET namespace = substr(path, 1, length(path) - length(ltrim(path, 'abcdefghijklmnopqrstuvwxyz0123456789._-')))
    WHERE path LIKE '%/%';

CREATE INDEX audit_by_namespace ON audit (namespace, id);
CREATE INDEX audit_by_account   ON audit (actor_name, id);
CREATE INDEX audit_by_request   ON audit (request_id, id);
