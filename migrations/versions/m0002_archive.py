"""Archive: the trail, tiles, checkpoints, objects."""

from alembic import op

revision = "m0002_archive"
down_revision = "m0001_kernel"
branch_labels = None
depends_on = None

EVENTS = """
CREATE TABLE event (
    number bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    actor uuid NOT NULL,
    trade uuid,
    kind text NOT NULL,
    commitment bytea NOT NULL,
    salt bytea NOT NULL,
    body bytea NOT NULL,
    CONSTRAINT pk_event PRIMARY KEY (number),
    CONSTRAINT uq_event_commitment UNIQUE (commitment),
    CONSTRAINT ck_event_commitment CHECK (octet_length(commitment) = 32),
    CONSTRAINT ck_event_salt CHECK (octet_length(salt) = 32)
);
CREATE INDEX ix_event_trade ON event (trade) WHERE trade IS NOT NULL;
CREATE INDEX ix_event_at ON event USING brin (at);
CREATE TABLE event_pending (
    number bigint NOT NULL,
    commitment bytea NOT NULL,
    CONSTRAINT pk_event_pending PRIMARY KEY (number)
);
"""

LOG = """
CREATE TABLE log_entry (
    index bigint NOT NULL,
    event bigint NOT NULL,
    CONSTRAINT pk_log_entry PRIMARY KEY (index),
    CONSTRAINT uq_log_entry_event UNIQUE (event),
    CONSTRAINT ck_log_entry_index CHECK (index >= 0)
);
CREATE TABLE log_node (
    level smallint NOT NULL,
    index bigint NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT pk_log_node PRIMARY KEY (level, index),
    CONSTRAINT ck_log_node_place CHECK (level BETWEEN 1 AND 7 AND index >= 0),
    CONSTRAINT ck_log_node_hash CHECK (octet_length(hash) = 32)
);
CREATE TABLE log_checkpoint (
    size bigint NOT NULL,
    at timestamptz NOT NULL,
    peaks bytea NOT NULL,
    note text NOT NULL,
    CONSTRAINT pk_log_checkpoint PRIMARY KEY (size),
    CONSTRAINT ck_log_checkpoint_size CHECK (size > 0)
);
CREATE TABLE log_stamp (
    size bigint NOT NULL,
    response bytea NOT NULL,
    CONSTRAINT pk_log_stamp PRIMARY KEY (size),
    CONSTRAINT fk_log_stamp_size FOREIGN KEY (size) REFERENCES log_checkpoint (size)
);
CREATE TABLE log_cosignature (
    size bigint NOT NULL,
    key text NOT NULL,
    line text NOT NULL,
    CONSTRAINT pk_log_cosignature PRIMARY KEY (size, key),
    CONSTRAINT fk_log_cosignature_size FOREIGN KEY (size) REFERENCES log_checkpoint (size)
);
"""

PACKAGE = """
CREATE TABLE package (
    trade uuid NOT NULL,
    site text NOT NULL,
    at timestamptz NOT NULL,
    digest bytea NOT NULL,
    key text NOT NULL,
    size bigint NOT NULL,
    files integer NOT NULL,
    commitment bytea NOT NULL,
    receipt bytea NOT NULL,
    token bytea NOT NULL,
    CONSTRAINT pk_package PRIMARY KEY (trade),
    CONSTRAINT uq_package_key UNIQUE (key),
    CONSTRAINT ck_package_digest CHECK (octet_length(digest) = 32)
);
"""

# Whoever inserts an event, it waits for the sequencer; heartbeats are the sequencer's own and get their index at once.
QUEUE = """
CREATE FUNCTION event_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO event_pending SELECT number, commitment FROM added WHERE kind <> 'log.heartbeat';
    RETURN NULL;
END $$;
CREATE TRIGGER event_queued AFTER INSERT ON event
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION event_queue();
"""

# No gap, no entry without its event, and nothing leaves the queue but into the log. Checked once per statement, which
# costs a fifth of row triggers and foreign keys; events cannot be removed, so the check at the insert is enough. Plans of
# transition tables are kept for the session: without these settings one made for a large batch would read the whole log
# for every small one.
SEQUENCE = """
CREATE FUNCTION log_entry_contiguous() RETURNS trigger LANGUAGE plpgsql
    SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
DECLARE
    first bigint;
    last bigint;
    count bigint;
BEGIN
    SELECT min(index), max(index), count(*) INTO first, last, count FROM added;
    IF count > 0 AND (last - first + 1 <> count
       OR first > 0 AND NOT EXISTS (SELECT FROM log_entry WHERE index = first - 1)) THEN
        RAISE EXCEPTION 'the log has no gaps' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF EXISTS (SELECT FROM added WHERE NOT EXISTS (SELECT FROM event WHERE event.number = added.event)) THEN
        RAISE EXCEPTION 'the log holds events only' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER log_entry_appended AFTER INSERT ON log_entry
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION log_entry_contiguous();
CREATE FUNCTION event_pending_logged() RETURNS trigger LANGUAGE plpgsql
    SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT FROM taken WHERE NOT EXISTS (SELECT FROM log_entry WHERE log_entry.event = taken.number)) THEN
        RAISE EXCEPTION 'an event leaves the queue only into the log' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER event_pending_taken AFTER DELETE ON event_pending
    REFERENCING OLD TABLE AS taken FOR EACH STATEMENT EXECUTE FUNCTION event_pending_logged();
"""

FINAL = """
CREATE FUNCTION evidence_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is evidence: rows are neither changed nor removed', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""
EVIDENCE = ("event", "log_entry", "log_node", "log_checkpoint", "log_stamp", "log_cosignature", "package")


def upgrade() -> None:
    for statements in (EVENTS, LOG, PACKAGE, QUEUE, SEQUENCE, FINAL):
        op.execute(statements)
    for table in EVIDENCE:
        op.execute(
            f"CREATE TRIGGER {table}_final BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION evidence_final()"
        )
    for table in (*EVIDENCE, "event_pending"):
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION evidence_final()"
        )
    op.execute(
        "CREATE TRIGGER event_pending_final BEFORE UPDATE ON event_pending "
        "FOR EACH ROW EXECUTE FUNCTION evidence_final()"
    )
