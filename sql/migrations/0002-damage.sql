-- schema-min: 1
--
-- Damage: objects and manifests that are not what their rows say, and how far the search for it has come.

-- What was found damaged. A row is about one generation of an object, so that a blob which was pushed again has
-- none. Healed ones stay as history.
CREATE TABLE damage (
    object_key {text} NOT NULL PRIMARY KEY,     -- of a manifest: manifests/<repository id>/<digest>
    repo_id    {int}  NOT NULL DEFAULT 0,       -- of a manifest; 0: a blob
    digest     {text} NOT NULL,
    kind       {text} NOT NULL CHECK (kind IN ('missing', 'size', 'digest', 'unreadable')),
    found_by   {text} NOT NULL,                 -- scrub, read, fsck
    found_at   {int}  NOT NULL,
    healed_at  {int}                            -- NULL: damaged still
){clustered};

CREATE INDEX damage_open ON damage (digest) WHERE healed_at IS NULL;

-- The passes of scrubbing, one row a kind. One node at a time has a pass: it takes the lease, which moves the fence
-- on, and whatever it writes names that fence; a node that was away for too long finds another one and stops.
CREATE TABLE scrubs (
    kind        {text} NOT NULL PRIMARY KEY CHECK (kind IN ('size', 'hash', 'manifest')),
    position    {text} NOT NULL DEFAULT '',     -- what was looked at last; empty: a pass begins
    started_at  {int}  NOT NULL DEFAULT 0,      -- of this pass, or of the last one while none runs; 0: never
    finished_at {int}  NOT NULL DEFAULT 0,      -- of the last pass that came to its end; 0: never
    n_objects   {int}  NOT NULL DEFAULT 0,      -- looked at in the pass at hand, or in the last one
    n_bytes     {int}  NOT NULL DEFAULT 0,
    n_damaged   {int}  NOT NULL DEFAULT 0,
    owner       {text} NOT NULL DEFAULT '',     -- the node that has the lease
    lease_until {int}  NOT NULL DEFAULT 0,
    fence       {int}  NOT NULL DEFAULT 0
){clustered};

INSERT INTO scrubs (kind) VALUES ('size'), ('hash'), ('manifest');
