-- Times are whole microseconds since 1970 in UTC. Flags are 0 or 1. AUTOINCREMENT: an id is never given twice (R-31).

-- epoch counts how often all sessions of the user were ended, so that a sign-in under way at that moment comes to nothing.
-- *_key columns are the canonical forms by which identifiers are compared; the three share one namespace (D-15).
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    email TEXT,
    email_key TEXT UNIQUE,
    phone TEXT UNIQUE,
    username TEXT,
    username_key TEXT UNIQUE,
    password TEXT,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    middle_name TEXT,
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    is_staff INTEGER NOT NULL CHECK (is_staff IN (0, 1)),
    is_superuser INTEGER NOT NULL CHECK (is_superuser IN (0, 1)),
    date_joined INTEGER NOT NULL,
    last_login INTEGER,
    updated_at INTEGER NOT NULL,
    force_logout_at INTEGER,
    epoch INTEGER NOT NULL DEFAULT 0,
    CHECK (email_key IS NOT NULL OR phone IS NOT NULL OR username_key IS NOT NULL),
    CHECK ((email IS NULL) = (email_key IS NULL)),
    CHECK ((username IS NULL) = (username_key IS NULL))
) STRICT;
CREATE INDEX users_first_name ON users (first_name COLLATE NOCASE);
CREATE INDEX users_last_name ON users (last_name COLLATE NOCASE);
CREATE INDEX users_date_joined ON users (date_joined);
CREATE INDEX users_last_login ON users (last_login);
CREATE INDEX users_updated_at ON users (updated_at);
CREATE INDEX users_inactive ON users (id) WHERE is_active = 0;
CREATE INDEX users_active_superusers ON users (id) WHERE is_superuser = 1 AND is_active = 1;

-- Finds any part of at least three characters without reading every row.
CREATE VIRTUAL TABLE users_search USING fts5 (
    email, phone, username, first_name, last_name, middle_name,
    content = 'users', content_rowid = 'id', columnsize = 0, tokenize = 'trigram'
);
CREATE TRIGGER users_search_insert AFTER INSERT ON users BEGIN
    INSERT INTO users_search (rowid, email, phone, username, first_name, last_name, middle_name)
    VALUES (new.id, new.email, new.phone, new.username, new.first_name, new.last_name, new.middle_name);
END;
CREATE TRIGGER users_search_delete AFTER DELETE ON users BEGIN
    INSERT INTO users_search (users_search, rowid, email, phone, username, first_name, last_name, middle_name)
    VALUES ('delete', old.id, old.email, old.phone, old.username, old.first_name, old.last_name, old.middle_name);
END;
CREATE TRIGGER users_search_update AFTER UPDATE ON users
WHEN old.email IS NOT new.email OR old.phone IS NOT new.phone OR old.username IS NOT new.username
    OR old.first_name IS NOT new.first_name OR old.last_name IS NOT new.last_name
    OR old.middle_name IS NOT new.middle_name
BEGIN
    INSERT INTO users_search (users_search, rowid, email, phone, username, first_name, last_name, middle_name)
    VALUES ('delete', old.id, old.email, old.phone, old.username, old.first_name, old.last_name, old.middle_name);
    INSERT INTO users_search (rowid, email, phone, username, first_name, last_name, middle_name)
    VALUES (new.id, new.email, new.phone, new.username, new.first_name, new.last_name, new.middle_name);
END;

CREATE TABLE roles (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    code_name TEXT NOT NULL UNIQUE,
    description TEXT
) STRICT;

CREATE TABLE resources (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    code_name TEXT NOT NULL UNIQUE,
    description TEXT
) STRICT;

CREATE TABLE actions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    code_name TEXT NOT NULL UNIQUE,
    description TEXT
) STRICT;

CREATE TABLE permissions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    resource_id INTEGER NOT NULL REFERENCES resources ON DELETE CASCADE,
    action_id INTEGER NOT NULL REFERENCES actions ON DELETE CASCADE,
    UNIQUE (resource_id, action_id)
) STRICT;
CREATE INDEX permissions_action ON permissions (action_id);

CREATE TABLE role_permissions (
    role_id INTEGER NOT NULL REFERENCES roles ON DELETE CASCADE,
    permission_id INTEGER NOT NULL REFERENCES permissions ON DELETE CASCADE,
    PRIMARY KEY (role_id, permission_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX role_permissions_permission ON role_permissions (permission_id);

CREATE TABLE user_roles (
    user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    role_id INTEGER NOT NULL REFERENCES roles ON DELETE CASCADE,
    PRIMARY KEY (user_id, role_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_roles_role ON user_roles (role_id);

CREATE TABLE sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    profile TEXT NOT NULL,
    ip_address TEXT,
    user_agent TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    ended_at INTEGER,
    end_reason TEXT
) STRICT;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_created_at ON sessions (created_at);
CREATE INDEX sessions_expires_at ON sessions (expires_at);
CREATE INDEX sessions_ended_at ON sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_ip_address ON sessions (ip_address);
CREATE INDEX sessions_live ON sessions (expires_at) WHERE ended_at IS NULL;

-- Issued refresh tokens; revoked_at is the blacklist. A token is revoked as well when its session has ended.
CREATE TABLE tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    jti TEXT NOT NULL UNIQUE,
    session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    generation INTEGER NOT NULL,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    spent_at INTEGER,
    revoked_at INTEGER,
    ip_address TEXT,
    user_agent TEXT NOT NULL,
    last_used_at INTEGER,
    successor BLOB,
    UNIQUE (session_id, generation)
) STRICT;
CREATE INDEX tokens_user ON tokens (user_id);
CREATE INDEX tokens_issued_at ON tokens (issued_at);
CREATE INDEX tokens_expires_at ON tokens (expires_at);
CREATE INDEX tokens_successor ON tokens (spent_at) WHERE successor IS NOT NULL;

CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Private halves are sealed under the master key, which is not in this file (R-55).
CREATE TABLE signing_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kid TEXT NOT NULL UNIQUE,
    algorithm TEXT NOT NULL,
    sealed BLOB NOT NULL,
    public_jwk TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    signs INTEGER NOT NULL CHECK (signs IN (0, 1)),
    revoked_at INTEGER
) STRICT;

-- Every name under which tokens were ever issued, so that a change of the public URL ends no session.
CREATE TABLE issuers (
    url TEXT PRIMARY KEY,
    first_used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE marks (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
-- How often everybody's sessions were ended.
INSERT INTO marks (name, value) VALUES ('epoch', '0');

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id INTEGER,
    actor TEXT NOT NULL,
    door TEXT NOT NULL,
    ip_address TEXT,
    user_agent TEXT NOT NULL,
    action TEXT NOT NULL,
    entity TEXT NOT NULL,
    entity_id INTEGER,
    result TEXT NOT NULL,
    details TEXT NOT NULL
) STRICT;

-- How many rows the long tables have, so that a list of a million need not count them.
CREATE TABLE counts (
    name TEXT PRIMARY KEY,
    n INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counts (name, n) VALUES ('users', 0), ('sessions', 0), ('tokens', 0);
CREATE TRIGGER users_count_insert AFTER INSERT ON users BEGIN UPDATE counts SET n = n + 1 WHERE name = 'users'; END;
CREATE TRIGGER users_count_delete AFTER DELETE ON users BEGIN UPDATE counts SET n = n - 1 WHERE name = 'users'; END;
CREATE TRIGGER sessions_count_insert AFTER INSERT ON sessions BEGIN UPDATE counts SET n = n + 1 WHERE name = 'sessions'; END;
CREATE TRIGGER sessions_count_delete AFTER DELETE ON sessions BEGIN UPDATE counts SET n = n - 1 WHERE name = 'sessions'; END;
CREATE TRIGGER tokens_count_insert AFTER INSERT ON tokens BEGIN UPDATE counts SET n = n + 1 WHERE name = 'tokens'; END;
CREATE TRIGGER tokens_count_delete AFTER DELETE ON tokens BEGIN UPDATE counts SET n = n - 1 WHERE name = 'tokens'; END;
