-- A small registry with a row in every table: what make_release_db fills a release's database with.
INSERT INTO registry VALUES ('store', '0192f0c1-0000-7000-8000-000000000001');
INSERT INTO settings VALUES ('pin-ttl', '24h', 1, 1790000000000000);
INSERT INTO settings_version VALUES (1, 1);
INSERT INTO nodes VALUES ('0123456789ab', '0.1.0', 1, 1790000000000000, 1790000000000000);

INSERT INTO accounts (uuid, name, kind, full_name, is_admin, password_hash, created_at) VALUES
    ('0192f0c1-0000-7000-8000-000000000002', 'admin', 'user', 'First admin', 1, '$argon2id$v=19$sample', 1790000000000000),
    ('0192f0c1-0000-7000-8000-000000000003', 'org', 'organization', '', 0, NULL, 1790000000000000);
INSERT INTO token_keys VALUES ('kid-1', 'sealed', 'retired', 1790000000000000, 1790000000000000), ('kid-2', 'sealed', 'active', 1790000000000000, NULL);
INSERT INTO refresh_tokens (hash, account_id, generation, client_id, created_at, expires_at) VALUES ('0000000000000000000000000000000000000000000000000000000000000000', 1, 1, 'docker', 1790000000000000, 1790000000000000);

INSERT INTO repositories (uuid, path, namespace_id, is_public, created_at, created_by, deleted_at) VALUES
    ('0192f0c1-0000-7000-8000-000000000004', 'admin/app', 1, 1, 1790000000000000, 1, NULL),
    ('0192f0c1-0000-7000-8000-000000000005', 'org/gone', 2, 0, 1790000000000000, 1, 1790000000000000);
INSERT INTO blobs VALUES
    ('sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1000, 'blobs/sha256/aa/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.11111111111111111111111111111111', 1790000000000000, 1790000000000000),
    ('sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 2000, 'blobs/sha256/bb/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.22222222222222222222222222222222', 1790000000000000, 1790000000000000);
INSERT INTO repo_blobs VALUES (1, 'sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1790000000000000), (1, 'sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 1790000000000000);
INSERT INTO manifests (repo_id, digest, media_type, depth, artifact_type, config_type, total_size, subject, referrer,
                       pushed_by, pushed_at, touched_at, pinned_until, bytes) VALUES
    (1, 'sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 'application/vnd.oci.image.manifest.v1+json', 0, 'application/vnd.oci.image.config.v1+json',
     'application/vnd.oci.image.config.v1+json', 3002, NULL, NULL, 1, 1790000000000000, 1790000000000000, 1790000000000000, x'7B7D'),
    (1, 'sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'application/vnd.oci.image.index.v1+json', 1, '', '', 3004, NULL, NULL, 1, 1790000000000000, 1790000000000000, 1790000000000000, x'7B7D'),
    (1, 'sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee', 'application/vnd.oci.image.manifest.v1+json', 0, 'application/spdx+json', '', 2, 'sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc',
     '{"digest":"sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"}', 1, 1790000000000000, 1790000000000000, 1790000000000000, x'7B7D');
INSERT INTO manifest_blobs VALUES (1, 'sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 'sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'), (1, 'sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 'sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb');
INSERT INTO manifest_children VALUES (1, 'sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc');
INSERT INTO tags VALUES (1, 'latest', 'sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 1790000000000000, 1);

INSERT INTO holds (repo_id, digest, reason, owner, until) VALUES (NULL, 'sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'legal', 'admin', NULL);
INSERT INTO gc_queue (kind, id, review_after, event) VALUES ('blob', 'sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1790000000000000, 'upload');
INSERT INTO pending_objects VALUES ('uploads/33333333333333333333333333333333', 1790000000000000);
INSERT INTO doomed_objects VALUES ('blobs/sha256/ff/ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff.44444444444444444444444444444444', 7, 1790000000000000);
INSERT INTO uploads (id, path, account_id, upload_key, received, hash_state, created_at, used_at) VALUES
    ('55555555555555555555555555555555', 'admin/new', 1, 'uploads/33333333333333333333333333333333', 10, x'00FF', 1790000000000000, 1790000000000000);

INSERT INTO damage VALUES ('blobs/sha256/aa/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.66666666666666666666666666666666', 0, 'sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'digest', 'scrub', 1790000000000000, 1790000000000000);
UPDATE scrubs SET position = 'sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', started_at = 1790000000000000 WHERE kind = 'hash';

INSERT INTO events (at, type, actor_kind, actor_id, repo_id, path, object_kind, object_name, digest, request_id) VALUES
    (1790000000000000, 'TAG_PUSH', 'user', 1, 1, 'admin/app', 'tag', 'latest', 'sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'r-1');
INSERT INTO audit (at, action, outcome, actor_kind, actor_id, actor_name, repo_id, path, object_kind, object_name,
                   digest, request_id) VALUES
    (1790000000000000, 'TAG_PUSH', 'done', 'user', 1, 'admin', 1, 'admin/app', 'tag', 'latest', 'sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'r-1');

INSERT INTO accounts (uuid, name, kind, full_name, created_at, owner_id, maker_id, prefix) VALUES
    ('0192f0c1-0000-7000-8000-000000000006', 'org-ci', 'service', 'Builds', 1790000000000000, 2, 1, 'org/team');
INSERT INTO org_members VALUES (2, 1, 1, 1790000000000000);
INSERT INTO teams (uuid, org_id, name, created_at) VALUES ('0192f0c1-0000-7000-8000-000000000007', 2, 'builders', 1790000000000000);
INSERT INTO team_members VALUES (1, 1, 0, 1790000000000000);
INSERT INTO roles (uuid, name, verbs, created_at) VALUES ('0192f0c1-0000-7000-8000-000000000008', 'reader', 'view pull', 1790000000000000);
INSERT INTO grants (uuid, role_id, team_id, account_id, path, repo_id, created_at, created_by) VALUES
    ('0192f0c1-0000-7000-8000-000000000009', 2, 1, NULL, 'org', NULL, 1790000000000000, 1),
    ('0192f0c1-0000-7000-8000-00000000000a', 1, NULL, 1, 'admin/app', 1, 1790000000000000, 1);
INSERT INTO credentials (hash, account_id, kind, slot, label, is_narrowed, created_at, created_by) VALUES
    ('1111111111111111111111111111111111111111111111111111111111111111', 1, 'personal', NULL, 'laptop', 1, 1790000000000000, 1),
    ('2222222222222222222222222222222222222222222222222222222222222222', 3, 'service', 1, '', 0, 1790000000000000, 1);
INSERT INTO credential_scopes VALUES (1, 'admin/app', 'view pull');
INSERT INTO sessions (hash, account_id, generation, method, created_at, used_at, expires_at) VALUES
    ('3333333333333333333333333333333333333333333333333333333333333333', 1, 1, 'password', 1790000000000000, 1790000000000000, 1790000003600000);
INSERT INTO login_attempts VALUES ('admin', '127.0.0', 3, 1790000000000000, 1790000000000000);
INSERT INTO account_keys (uuid, account_id, fingerprint, public_key, created_at) VALUES
    ('0192f0c1-0000-7000-8000-00000000000b', 1, '4444444444444444444444444444444444444444444444444444444444444444', 'sample', 1790000000000000);
INSERT INTO repository_readmes VALUES (1, '# App');
INSERT INTO repository_counts VALUES (1, 5, 2);
