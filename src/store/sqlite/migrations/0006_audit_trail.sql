-- Events are chained: each has the SHA-256 of itself and the hash before it, and a seal on that under a key that is not
-- in this file (R-56). Those of an older program are chained when the next one is written.
ALTER TABLE audit ADD COLUMN subject_id INTEGER;
ALTER TABLE audit ADD COLUMN hash BLOB CHECK (length(hash) = 32);
ALTER TABLE audit ADD COLUMN seal BLOB CHECK (length(seal) = 32);
UPDATE audit SET subject_id = CASE
    WHEN entity = 'user' THEN entity_id
    WHEN json_type(details, '$.user_id') = 'integer' THEN json_extract(details, '$.user_id')
END;
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_actor ON audit (actor_id) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_subject ON audit (subject_id) WHERE subject_id IS NOT NULL;
CREATE INDEX audit_action ON audit (action);
CREATE INDEX audit_ip_address ON audit (ip_address) WHERE ip_address IS NOT NULL;

-- Where the trail begins and ends, kept apart from it; no row before the first event is chained.
CREATE TABLE audit_head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    last_id INTEGER NOT NULL,
    last_hash BLOB NOT NULL CHECK (length(last_hash) = 32),
    pruned_id INTEGER NOT NULL,
    pruned_hash BLOB NOT NULL CHECK (length(pruned_hash) = 32),
    seal BLOB NOT NULL CHECK (length(seal) = 32)
) STRICT;

INSERT INTO counts (name, n) SELECT 'audit', COUNT(*) FROM audit;
CREATE TRIGGER audit_count_insert AFTER INSERT ON audit BEGIN UPDATE counts SET n = n + 1 WHERE name = 'audit'; END;
CREATE TRIGGER audit_count_delete AFTER DELETE ON audit BEGIN UPDATE counts SET n = n - 1 WHERE name = 'audit'; END;

CREATE TRIGGER audit_append_only_update BEFORE UPDATE ON audit WHEN OLD.hash IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
END;
CREATE TRIGGER audit_append_only_delete BEFORE DELETE ON audit
WHEN OLD.id > IFNULL((SELECT pruned_id FROM audit_head), 0)
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
END;
