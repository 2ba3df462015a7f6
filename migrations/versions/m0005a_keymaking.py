"""Bidding: the making of opening keys by custodians, and the keys that lots take."""

from alembic import op

revision = "m0005a_keymaking"
down_revision = "m0004b_calendar"
branch_labels = None
depends_on = None

TABLES = r"""
CREATE TABLE key_ceremony (
    id UUID NOT NULL,
    site varchar NOT NULL,
    purchaser varchar NOT NULL,
    setup BYTEA NOT NULL,
    threshold INTEGER NOT NULL,
    size INTEGER NOT NULL,
    count INTEGER NOT NULL,
    state varchar NOT NULL,
    made_by UUID NOT NULL,
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    reason varchar,
    blamed INTEGER,
    transcript BYTEA,
    transcript_hash BYTEA,
    CONSTRAINT pk_key_ceremony PRIMARY KEY (id),
    CONSTRAINT ck_key_ceremony_state CHECK (state IN ('dealing', 'certifying', 'finished', 'aborted')),
    CONSTRAINT ck_key_ceremony_quorum CHECK (threshold BETWEEN 2 AND size - 1 AND size <= 7),
    CONSTRAINT ck_key_ceremony_count CHECK (count BETWEEN 1 AND 256),
    CONSTRAINT ck_key_ceremony_finished CHECK ((state = 'finished') = (transcript IS NOT NULL)),
    CONSTRAINT ck_key_ceremony_hash CHECK ((transcript IS NULL) = (transcript_hash IS NULL)),
    CONSTRAINT ck_key_ceremony_aborted CHECK ((state = 'aborted') = (reason IS NOT NULL)),
    CONSTRAINT ck_key_ceremony_ended CHECK ((state IN ('finished', 'aborted')) = (ended_at IS NOT NULL)),
    CONSTRAINT ck_key_ceremony_expiry CHECK (expires_at > made_at),
    CONSTRAINT uq_key_ceremony_transcript_hash UNIQUE (transcript_hash),
    CONSTRAINT fk_key_ceremony_site FOREIGN KEY(site) REFERENCES site (code),
    CONSTRAINT fk_key_ceremony_purchaser FOREIGN KEY(purchaser) REFERENCES party (uscc)
);
CREATE INDEX ix_key_ceremony_site ON key_ceremony (site);
CREATE TABLE key_custodian (
    ceremony_id UUID NOT NULL,
    number INTEGER NOT NULL,
    user_id UUID NOT NULL,
    device_key BYTEA NOT NULL,
    role varchar NOT NULL,
    CONSTRAINT pk_key_custodian PRIMARY KEY (ceremony_id, number),
    CONSTRAINT uq_key_custodian_ceremony_id_user_id UNIQUE (ceremony_id, user_id),
    CONSTRAINT uq_key_custodian_ceremony_id_device_key UNIQUE (ceremony_id, device_key),
    CONSTRAINT ck_key_custodian_number CHECK (number BETWEEN 1 AND 7),
    CONSTRAINT ck_key_custodian_device_key CHECK (octet_length(device_key) = 32),
    CONSTRAINT ck_key_custodian_role CHECK (role IN ('witness', 'purchaser', 'supervisor')),
    CONSTRAINT fk_key_custodian_ceremony_id FOREIGN KEY(ceremony_id) REFERENCES key_ceremony (id)
);
CREATE INDEX ix_key_custodian_user_id ON key_custodian (user_id);
CREATE TABLE key_message (
    ceremony_id UUID NOT NULL,
    round varchar NOT NULL,
    number INTEGER NOT NULL,
    content BYTEA NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT pk_key_message PRIMARY KEY (ceremony_id, round, number),
    CONSTRAINT ck_key_message_round CHECK (round IN ('deal', 'certificate')),
    CONSTRAINT fk_key_message_ceremony_id_number FOREIGN KEY(ceremony_id, number) REFERENCES key_custodian (ceremony_id, number)
);
CREATE TABLE key_complaint (
    ceremony_id UUID NOT NULL,
    number INTEGER NOT NULL,
    dealer INTEGER NOT NULL,
    content BYTEA NOT NULL,
    made_at timestamptz NOT NULL,
    CONSTRAINT pk_key_complaint PRIMARY KEY (ceremony_id),
    CONSTRAINT fk_key_complaint_ceremony_id_number FOREIGN KEY(ceremony_id, number) REFERENCES key_custodian (ceremony_id, number)
);
CREATE TABLE opening_key (
    key_hash BYTEA NOT NULL,
    ceremony_id UUID NOT NULL,
    number INTEGER NOT NULL,
    public_key BYTEA NOT NULL,
    verification_shares BYTEA NOT NULL,
    lot_id UUID,
    assigned_at timestamptz,
    CONSTRAINT pk_opening_key PRIMARY KEY (key_hash),
    CONSTRAINT uq_opening_key_ceremony_id_number UNIQUE (ceremony_id, number),
    CONSTRAINT uq_opening_key_lot_id UNIQUE (lot_id),
    CONSTRAINT ck_opening_key_sizes CHECK (octet_length(key_hash) = 32 AND octet_length(public_key) = 32),
    CONSTRAINT ck_opening_key_assigned CHECK ((lot_id IS NULL) = (assigned_at IS NULL)),
    CONSTRAINT fk_opening_key_ceremony_id FOREIGN KEY(ceremony_id) REFERENCES key_ceremony (id),
    CONSTRAINT fk_opening_key_lot_id FOREIGN KEY(lot_id) REFERENCES lot (id)
);
"""

# Custodians, messages and complaints are evidence. A key making moves forward only; a key goes to one lot, once.
GUARDS = """
CREATE FUNCTION keymaking_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is evidence and is never changed', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE FUNCTION key_ceremony_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('finished', 'aborted') OR (OLD.state = 'certifying' AND NEW.state = 'dealing')
       OR (NEW.id, NEW.site, NEW.purchaser, NEW.setup, NEW.threshold, NEW.size, NEW.count, NEW.made_by, NEW.made_at)
          IS DISTINCT FROM
          (OLD.id, OLD.site, OLD.purchaser, OLD.setup, OLD.threshold, OLD.size, OLD.count, OLD.made_by, OLD.made_at) THEN
        RAISE EXCEPTION 'a key making moves forward only' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER key_ceremony_forward BEFORE UPDATE ON key_ceremony FOR EACH ROW EXECUTE FUNCTION key_ceremony_guard();
CREATE FUNCTION opening_key_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.lot_id IS NOT NULL
       OR (NEW.key_hash, NEW.ceremony_id, NEW.number, NEW.public_key, NEW.verification_shares)
          IS DISTINCT FROM (OLD.key_hash, OLD.ceremony_id, OLD.number, OLD.public_key, OLD.verification_shares) THEN
        RAISE EXCEPTION 'an opening key goes to one lot, once' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER opening_key_once BEFORE UPDATE ON opening_key FOR EACH ROW EXECUTE FUNCTION opening_key_guard();
"""
KEPT = {
    "key_ceremony": "DELETE",
    "key_custodian": "UPDATE OR DELETE",
    "key_message": "UPDATE OR DELETE",
    "key_complaint": "UPDATE OR DELETE",
    "opening_key": "DELETE",
}


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(GUARDS)
    for table, changes in KEPT.items():
        op.execute(
            f"CREATE TRIGGER {table}_evidence BEFORE {changes} ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION keymaking_evidence()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION keymaking_evidence()"
        )
