-- schema-min: 1
--
-- The registry's own work: jobs, a queue that all nodes share, and what collection needs to know.

-- A job is taken by one worker at a time: `lease_until` is moved on while it runs, `fence` with each taking, and
-- whoever does not hold the fence any more can commit nothing.
CREATE TABLE jobs (
    id              {id},
    uuid            {text} NOT NULL UNIQUE,
    action          {text} NOT NULL,            -- its kind
    status          {text} NOT NULL CHECK (status IN
                    ('waiting', 'running', 'done', 'errored', 'cancel_request', 'canceled', 'worker_dead')),
    parameters      {text} NOT NULL DEFAULT '{}',   -- JSON object of texts
    capacity        {text} NOT NULL DEFAULT '{}',   -- JSON object of numbers, as given; kept for clients
    unique_key      {text},                     -- of jobs with the same action and key at most one waits
    scheduled_at    {int}  NOT NULL,
    created_at      {int}  NOT NULL,
    created_by      {int}  NOT NULL,            -- account id, 0: a cron or the registry itself
    updated_at      {int}  NOT NULL,
    started_at      {int},
    ended_at        {int},
    deadline_us     {int}  NOT NULL DEFAULT 0,  -- of one run; 0: none
    stop_timeout_us {int}  NOT NULL DEFAULT 0,  -- between being asked to stop and being given up
    retries_total   {int}  NOT NULL DEFAULT 0,
    retries_left    {int}  NOT NULL DEFAULT 0,
    retry_of        {text},                     -- uuid of the job that this one tries again
    worker_id       {text} NOT NULL DEFAULT '', -- the node that has it or had it
    fence           {int}  NOT NULL DEFAULT 0,
    lease_until     {int},
    n_taken         {int}  NOT NULL DEFAULT 0,
    message         {text} NOT NULL DEFAULT ''  -- why it failed, or what it did
){rows};

CREATE INDEX jobs_due        ON jobs (action, scheduled_at, id) WHERE status IN ('waiting', 'worker_dead');
CREATE INDEX jobs_leased     ON jobs (lease_until)              WHERE lease_until IS NOT NULL;
CREATE INDEX jobs_by_action  ON jobs (action, id);
CREATE INDEX jobs_by_worker  ON jobs (worker_id, id);
CREATE INDEX jobs_ended      ON jobs (ended_at)                 WHERE ended_at IS NOT NULL;
CREATE UNIQUE INDEX jobs_unique ON jobs (action, unique_key)    WHERE unique_key IS NOT NULL AND status = 'waiting';

CREATE TABLE job_logs (
    job_id {int}  NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    line   {int}  NOT NULL,                     -- from 1
    at     {int}  NOT NULL,
    data   {text} NOT NULL,
    PRIMARY KEY (job_id, line)
){clustered};

-- One schedule for each action at most.
CREATE TABLE crons (
    action          {text} NOT NULL PRIMARY KEY,
    uuid            {text} NOT NULL UNIQUE,
    schedule        {text} NOT NULL,
    parameters      {text} NOT NULL DEFAULT '{}',
    capacity        {text} NOT NULL DEFAULT '{}',
    deadline_us     {int}  NOT NULL DEFAULT 0,
    stop_timeout_us {int}  NOT NULL DEFAULT 0,
    retries         {int}  NOT NULL DEFAULT 0,
    next_run        {int}  NOT NULL,
    updated_at      {int}  NOT NULL
){clustered};

CREATE INDEX crons_by_next ON crons (next_run);

-- Parameters that jobs of an action have unless they say otherwise.
CREATE TABLE action_configs (
    action     {text} NOT NULL PRIMARY KEY,
    uuid       {text} NOT NULL UNIQUE,
    parameters {text} NOT NULL DEFAULT '{}',
    updated_at {int}  NOT NULL
){clustered};

-- How many jobs of an action a node runs at once, where that is not the default.
CREATE TABLE worker_capacity (
    worker_id {text} NOT NULL,
    action    {text} NOT NULL,
    capacity  {int}  NOT NULL CHECK (capacity >= 0),
    PRIMARY KEY (worker_id, action)
){clustered};

-- When the content of a deleted repository was given to collection, after the window in which it could come back.
ALTER TABLE repositories ADD COLUMN reaped_at {int};

CREATE INDEX repositories_to_reap ON repositories (deleted_at) WHERE deleted_at IS NOT NULL AND reaped_at IS NULL;

-- == Events: who reads the outbox, what lists of activities go by, and pulls ==

-- Readers of the outbox (meta/outbox.h) and how far each of them is: everything that its snapshot `seen` sees is done,
-- and of what `span` sees besides everything up to event_id. Where one writes at a time, snapshots are empty.
CREATE TABLE outbox_readers (
    name     {text} NOT NULL PRIMARY KEY,
    seen     {text} NOT NULL DEFAULT '',
    span     {text} NOT NULL DEFAULT '',
    event_id {int}  NOT NULL DEFAULT 0,
    alive_at {int}  NOT NULL                    -- a program that has this reader ran; an hour old at most while one runs
){clustered};

-- What kind of activity an event is (meta/event.h), 0: none that is listed; and how many that were folded into one.
ALTER TABLE events ADD COLUMN class {int} NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN n     {int} NOT NULL DEFAULT 1;

UPDATE events SET class = CASE
    WHEN type = 'REPO_CREATED'                        THEN 101
    WHEN type IN ('REPO_UPDATED', 'REPO_VISIBILITY')  THEN 301
    WHEN type = 'REPO_DELETED'                        THEN 401
    WHEN type = 'TAG_PUSH' AND old_digest IS NULL     THEN 102
    WHEN type = 'TAG_PUSH'                            THEN 302
    WHEN type = 'TAG_DELETE'                          THEN 402
    WHEN type IN ('BLOB_PUSH', 'BLOB_MOUNT')          THEN 103
    WHEN type = 'BLOB_DELETE'                         THEN 403
    WHEN type = 'MANIFEST_PUSH'                       THEN 104
    WHEN type = 'MANIFEST_DELETE'                     THEN 404
    ELSE 0 END;

-- The order of commits matters where several write at once (there xid is not 0), and lists go by the indexes below.
DROP INDEX events_by_commit;
DROP INDEX events_by_repo;
CREATE INDEX events_by_commit       ON events (xid, id)                          WHERE xid > '0';
CREATE INDEX events_by_class        ON events (class, at, id)                    WHERE class > 0;
CREATE INDEX events_by_repo_class   ON events (repo_id, class, at, id)           WHERE class > 0;
CREATE INDEX events_by_actor        ON events (actor_id, class, at, id)          WHERE class > 0;
CREATE INDEX events_by_repo_actor   ON events (repo_id, actor_id, class, at, id) WHERE class > 0;

-- When a tag, or a manifest by whatever name, was last pulled, and how often.
CREATE TABLE tag_pulls (
    repo_id   {int}  NOT NULL,
    name      {text} NOT NULL,
    pulled_at {int}  NOT NULL,
    n         {int}  NOT NULL,
    PRIMARY KEY (repo_id, name),
    FOREIGN KEY (repo_id, name) REFERENCES tags (repo_id, name) ON DELETE CASCADE
){clustered};

CREATE TABLE manifest_pulls (
    repo_id   {int}  NOT NULL,
    digest    {text} NOT NULL,
    pulled_at {int}  NOT NULL,
    n         {int}  NOT NULL,
    PRIMARY KEY (repo_id, digest),
    FOREIGN KEY (repo_id, digest) REFERENCES manifests (repo_id, digest) ON DELETE CASCADE
){clustered};

-- Who pulled what from where, day by day. It outlives what was pulled: 400 days.
CREATE TABLE pulls (
    digest     {text} NOT NULL,
    repo_id    {int}  NOT NULL,                 -- history
    account_id {int}  NOT NULL,                 -- user or service; history; 0: nobody in particular
    network    {text} NOT NULL,                 -- of the client, as in login_attempts
    day        {int}  NOT NULL,                 -- since 1970, UTC
    n          {int}  NOT NULL,
    last_at    {int}  NOT NULL,
    PRIMARY KEY (digest, repo_id, account_id, network, day)
){clustered};

CREATE INDEX pulls_by_day ON pulls (day);

-- At and below which prefixes pulls are counted, or not; the longest prefix decides, and without any the setting does.
CREATE TABLE pull_rules (
    path       {text} NOT NULL PRIMARY KEY,
    is_counted {int}  NOT NULL CHECK (is_counted IN (0, 1))
){clustered};

-- Webhooks.
-- Where calls go. Subscriptions of one namespace with the same address and the same trust share one queue, so that
-- what happened arrives there in order; the head of a queue waits for its next try and holds up no other queue.
-- A worker has an endpoint by a lease, as it has jobs.
CREATE TABLE webhook_endpoints (
    id           {id},
    identity     {text} NOT NULL UNIQUE,     -- SHA-256 of the next four
    namespace_id {int}  NOT NULL,            -- 0: the registry's
    url          {text} NOT NULL,
    tls_cert     {text} NOT NULL DEFAULT '', -- PEM, trusted beside the registry's own bundle
    skip_tls     {int}  NOT NULL DEFAULT 0,
    next_at      {int},                      -- null: nothing waits
    failures     {int}  NOT NULL DEFAULT 0,  -- in a row
    is_slow      {int}  NOT NULL DEFAULT 0,  -- the last call failed or took long: served by the slow lane
    lease_until  {int}  NOT NULL DEFAULT 0,
    fence        {int}  NOT NULL DEFAULT 0,
    worker_id    {text} NOT NULL DEFAULT ''
){rows};

CREATE INDEX webhook_endpoints_due ON webhook_endpoints (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX webhook_endpoints_had ON webhook_endpoints (worker_id) WHERE lease_until > 0;

CREATE TABLE webhooks (
    id               {id},
    uuid             {text} NOT NULL UNIQUE,
    endpoint_id      {int}  NOT NULL REFERENCES webhook_endpoints (id),
    type             {text} NOT NULL,            -- of work/hook.c, or ANY
    key              {text} NOT NULL,            -- path of a repository, name of a namespace, or empty: everything
    namespace_id     {int}  NOT NULL,            -- 0: everything
    repo_id          {int}  NOT NULL,            -- 0: all of the namespace
    shape            {text} NOT NULL CHECK (shape IN ('dtr', 'harbor', 'distribution', 'cloudevents')),
    author_id        {int}  NOT NULL,            -- whose rights it has
    created_at       {int}  NOT NULL,
    after_event      {int}  NOT NULL,            -- it is told of those that came later
    stopped          {text} NOT NULL DEFAULT '' CHECK (stopped IN ('', 'hand', 'failures', 'full', 'rights')),
    stopped_at       {int},
    missed_from      {int}  NOT NULL DEFAULT 0,  -- first event that it was not told of since; 0: none
    succeeded_at     {int},
    failed_at        {int},
    failure          {text} NOT NULL DEFAULT '', -- why, the last time
    secret           {text},                     -- sealed
    old_secret       {text},                     -- sealed; signs too until then
    old_secret_until {int}
){rows};

CREATE INDEX webhooks_by_key       ON webhooks (key, id);
CREATE INDEX webhooks_by_namespace ON webhooks (namespace_id, id);
CREATE INDEX webhooks_by_repo      ON webhooks (repo_id);
CREATE INDEX webhooks_by_endpoint  ON webhooks (endpoint_id);

-- What is to be told, with all that the outbox knows of it, for the outbox forgets on its own terms.
CREATE TABLE webhook_queue (
    id          {id},
    endpoint_id {int}  NOT NULL REFERENCES webhook_endpoints (id),
    webhook_id  {int}  NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    attempts    {int}  NOT NULL DEFAULT 0,
    event_id    {int}  NOT NULL,
    at          {int}  NOT NULL,
    type        {text} NOT NULL,
    actor_kind  {text} NOT NULL,
    actor_id    {int}  NOT NULL,
    repo_id     {int}  NOT NULL,
    path        {text},
    object_kind {text},
    object_name {text},
    digest      {text},
    old_digest  {text},
    target      {text},
    request_id  {text}
){rows};

CREATE INDEX webhook_queue_by_endpoint ON webhook_queue (endpoint_id, id);
CREATE INDEX webhook_queue_by_webhook  ON webhook_queue (webhook_id, id);

-- Every call that was made.
CREATE TABLE webhook_log (
    id          {id},
    webhook_id  {int}  NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event_id    {int}  NOT NULL,
    type        {text} NOT NULL,
    path        {text},
    object_name {text},
    attempt     {int}  NOT NULL,            -- from 1
    at          {int}  NOT NULL,
    duration_us {int}  NOT NULL,
    status      {int}  NOT NULL,            -- of the answer; 0: there was none
    is_done     {int}  NOT NULL,
    failure     {text} NOT NULL DEFAULT ''
){rows};

CREATE INDEX webhook_log_by_webhook ON webhook_log (webhook_id, id);
CREATE INDEX webhook_log_by_time    ON webhook_log (at);

-- Tags and manifests as they are shown, and names as they are searched for.

-- 0: made before this was kept; moved_at is what is known then.
ALTER TABLE tags ADD COLUMN created_at {int} NOT NULL DEFAULT 0;

-- What the configuration of an image says, read once, so that lists need not open a file for each row. Of
-- manifests that came before this was kept the row is made when they are first shown.
CREATE TABLE image_facts (
    repo_id       {int}  NOT NULL,
    manifest      {text} NOT NULL,
    config_digest {text} NOT NULL,
    os            {text} NOT NULL DEFAULT '',   -- all of these empty: it says nothing that we can read
    architecture  {text} NOT NULL DEFAULT '',
    os_version    {text} NOT NULL DEFAULT '',
    dockerfile    {text} NOT NULL DEFAULT '[]', -- ready JSON: a list of DTR's DockerfileLine
    PRIMARY KEY (repo_id, manifest),
    FOREIGN KEY (repo_id, manifest) REFERENCES manifests (repo_id, digest) ON DELETE CASCADE
){rows};

-- The ends of the names of what lives, from each of their letters on: a name holds a text when one of its ends
-- begins with it, which an index answers on both engines.
CREATE TABLE name_ends (
    kind     {text} NOT NULL CHECK (kind IN ('account', 'repository')),
    name_end {text} NOT NULL,                   -- 64 characters of it
    id       {int}  NOT NULL,
    PRIMARY KEY (kind, name_end, id)
){clustered};

INSERT INTO name_ends (kind, name_end, id)
    WITH RECURSIVE places (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM places WHERE n < 255)
    SELECT DISTINCT 'repository', substr(r.path, p.n, 64), r.id
    FROM repositories AS r JOIN places AS p ON p.n <= length(r.path) WHERE r.deleted_at IS NULL;
INSERT INTO name_ends (kind, name_end, id)
    WITH RECURSIVE places (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM places WHERE n < 255)
    SELECT DISTINCT 'account', substr(a.name, p.n, 64), a.id
    FROM accounts AS a JOIN places AS p ON p.n <= length(a.name) WHERE a.deleted_at IS NULL AND a.kind <> 'service';

-- When the content of a deleted repository began to go: from then on it cannot come back. NULL: it is whole.
ALTER TABLE repositories ADD COLUMN reaping_at {int};

-- Who moved a tag, when, from what to what: the audit log says it. And which tags were taken away.
CREATE INDEX audit_by_tag   ON audit (repo_id, object_name, id) WHERE object_kind = 'tag';
CREATE INDEX audit_untagged ON audit (repo_id, id)              WHERE action = 'TAG_DELETE';

-- Quotas: limits on what is kept at a prefix and below it; the empty path is the whole registry. In use is what `bytes` and
-- `tags` say and all rows of quota_deltas on top: pushes append to those, so that none waits for another, and a job
-- folds them in. src/work/quota.h says how the limit is exact all the same, and what counts.
CREATE TABLE quotas (
    id            {id},
    path          {text} NOT NULL UNIQUE,
    bytes_limit   {int}  CHECK (bytes_limit >= 0),  -- NULL: none
    tags_limit    {int}  CHECK (tags_limit >= 0),
    warn_percent  {int}  NOT NULL,              -- of a limit, from which on it is told
    is_counted    {int}  NOT NULL DEFAULT 0 CHECK (is_counted IN (0, 1)),  -- 0: what was there before is not in the sums yet
    bytes         {int}  NOT NULL DEFAULT 0,    -- folded
    tags          {int}  NOT NULL DEFAULT 0,
    n_folds       {int}  NOT NULL DEFAULT 0,    -- moves on with each fold and count
    base_bytes    {int}  NOT NULL DEFAULT 0,    -- in use when one push alone looked last; what others may add together hangs on it
    base_tags     {int}  NOT NULL DEFAULT 0,
    warned_at     {int},                        -- NULL while below warn_percent
    refused_bytes {int},                        -- in use when a push was refused; NULL: since then less was in use
    refused_tags  {int},
    version       {int}  NOT NULL,              -- of the list of quotas when it joined it
    created_at    {int}  NOT NULL,
    created_by    {int}  NOT NULL,              -- account id; history
    changed_at    {int}  NOT NULL
){rows};

-- No foreign key: its check would be a lock on the one row that all pushes have in common.
CREATE TABLE quota_deltas (
    id       {id},
    xid      {xid},
    quota_id {int} NOT NULL,
    bytes    {int} NOT NULL,
    tags     {int} NOT NULL
){rows};

CREATE INDEX quota_deltas_by_quota ON quota_deltas (quota_id, id);

-- The version of the list of quotas, one row, and by which one each node goes.
CREATE TABLE quotas_version (
    id      {int} PRIMARY KEY CHECK (id = 1),
    version {int} NOT NULL
){rows};

ALTER TABLE nodes ADD COLUMN quotas_version {int} NOT NULL DEFAULT 0;

-- What may change: tags that stay, holds, limits.

-- Tags that stay as they are. A rule stands at a path ('' is the whole registry) and counts there and below it; a rule
-- that makes tags mutable again lifts those of shorter paths that allow it.
CREATE TABLE tag_rules (
    id         {id},
    uuid       {text} NOT NULL UNIQUE,
    path       {text} NOT NULL,                 -- of a repository, or a prefix
    effect     {text} NOT NULL CHECK (effect IN ('immutable', 'mutable')),
    syntax     {text} NOT NULL CHECK (syntax IN ('glob', 'regex')),
    pattern    {text} NOT NULL,                 -- of tags (src/codec/pattern.h)
    but_not    {text} NOT NULL DEFAULT '',      -- pattern of those that it is not about; empty: of none
    may_loosen {int}  NOT NULL DEFAULT 0 CHECK (may_loosen IN (0, 1)),  -- a rule below may lift it
    created_at {int}  NOT NULL,
    created_by {int}  NOT NULL                  -- account id; history
){rows};

CREATE UNIQUE INDEX tag_rules_by_path ON tag_rules (path, effect, syntax, pattern, but_not);

-- A hold is about a digest (in one repository, or wherever it is), a tag, or a prefix and all below it.
ALTER TABLE holds ADD COLUMN uuid       {text} NOT NULL DEFAULT '';  -- the id that leaves the house
ALTER TABLE holds ADD COLUMN kind       {text} NOT NULL DEFAULT 'digest' CHECK (kind IN ('digest', 'tag', 'prefix'));
ALTER TABLE holds ADD COLUMN path       {text} NOT NULL DEFAULT '';  -- of the repository, or the prefix
ALTER TABLE holds ADD COLUMN tag        {text} NOT NULL DEFAULT '';
ALTER TABLE holds ADD COLUMN days       {int}  NOT NULL DEFAULT 0;   -- of a prefix: so long since a push; 0: without end
ALTER TABLE holds ADD COLUMN created_at {int}  NOT NULL DEFAULT 0;
ALTER TABLE holds ADD COLUMN created_by {int}  NOT NULL DEFAULT 0;   -- account id; history

CREATE UNIQUE INDEX holds_by_uuid ON holds (uuid)         WHERE uuid <> '';
CREATE INDEX holds_by_path        ON holds (path, id);
CREATE INDEX holds_by_tag         ON holds (repo_id, tag) WHERE kind = 'tag';

UPDATE roles SET verbs = verbs || ' hold purge' WHERE is_built_in = 1 AND name = 'admin';
UPDATE roles SET verbs = verbs || ' hold'       WHERE is_built_in = 1 AND name = 'security';

-- The limit on tags: those that fit the pattern are kept and do not count.
ALTER TABLE repositories      ADD COLUMN tag_limit_keep {text} NOT NULL DEFAULT '';  -- a glob; empty: none is kept
ALTER TABLE tags              ADD COLUMN is_kept        {int}  NOT NULL DEFAULT 0;

CREATE INDEX tags_by_age ON tags (repo_id, moved_at, name) WHERE is_kept = 0;

-- Wherever a digest is, for its purge.
CREATE INDEX manifests_by_digest ON manifests (digest, repo_id);
