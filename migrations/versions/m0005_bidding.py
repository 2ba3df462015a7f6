"""Bidding: uploads, bids and their receipts, statements, openings, verdicts and opened files."""

from alembic import op

revision = "m0005_bidding"
down_revision = "m0005a_keymaking"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE upload (
    id uuid NOT NULL,
    lot_id uuid NOT NULL,
    party varchar NOT NULL,
    user_id uuid NOT NULL,
    bodies jsonb NOT NULL,
    state varchar NOT NULL,
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT pk_upload PRIMARY KEY (id),
    CONSTRAINT ck_upload_state CHECK (state IN ('open', 'used', 'swept')),
    CONSTRAINT fk_upload_lot_id FOREIGN KEY (lot_id) REFERENCES lot (id)
);
CREATE INDEX ix_upload_lot_id ON upload (lot_id);
CREATE TABLE upload_part (
    upload_id uuid NOT NULL,
    kind varchar NOT NULL,
    number integer NOT NULL,
    length bigint NOT NULL,
    root bytea NOT NULL,
    CONSTRAINT pk_upload_part PRIMARY KEY (upload_id, kind, number),
    CONSTRAINT ck_upload_part_sane CHECK (length > 0 AND number >= 0),
    CONSTRAINT fk_upload_part_upload_id FOREIGN KEY (upload_id) REFERENCES upload (id)
);
CREATE TABLE bid (
    id uuid NOT NULL,
    lot_id uuid NOT NULL,
    party varchar NOT NULL,
    user_id uuid NOT NULL,
    upload_id uuid NOT NULL,
    state varchar NOT NULL,
    manifest bytea NOT NULL,
    signature bytea NOT NULL,
    deadline timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    receipt bytea NOT NULL,
    token bytea NOT NULL,
    digest bytea NOT NULL,
    commitment bytea NOT NULL,
    replaces uuid,
    CONSTRAINT pk_bid PRIMARY KEY (id),
    CONSTRAINT ck_bid_state CHECK (state IN ('live', 'replaced', 'withdrawn')),
    CONSTRAINT ck_bid_in_time CHECK (received_at < deadline),
    CONSTRAINT fk_bid_lot_id FOREIGN KEY (lot_id) REFERENCES lot (id),
    CONSTRAINT uq_bid_upload_id UNIQUE (upload_id),
    CONSTRAINT fk_bid_upload_id FOREIGN KEY (upload_id) REFERENCES upload (id),
    CONSTRAINT uq_bid_digest UNIQUE (digest),
    CONSTRAINT uq_bid_replaces UNIQUE (replaces),
    CONSTRAINT fk_bid_replaces FOREIGN KEY (replaces) REFERENCES bid (id)
);
CREATE INDEX ix_bid_lot_id ON bid (lot_id);
CREATE UNIQUE INDEX uq_bid_live ON bid (lot_id, party) WHERE state = 'live';
CREATE TABLE bid_statement (
    id uuid NOT NULL,
    bid_id uuid NOT NULL,
    kind varchar NOT NULL,
    deadline timestamptz NOT NULL,
    content bytea NOT NULL,
    receipt bytea NOT NULL,
    token bytea NOT NULL,
    commitment bytea NOT NULL,
    made_at timestamptz NOT NULL,
    CONSTRAINT pk_bid_statement PRIMARY KEY (id),
    CONSTRAINT uq_bid_statement_bid_id_kind_deadline UNIQUE (bid_id, kind, deadline),
    CONSTRAINT ck_bid_statement_kind CHECK (kind IN ('withdrawal', 'confirmation')),
    CONSTRAINT ck_bid_statement_in_time CHECK (made_at < deadline),
    CONSTRAINT fk_bid_statement_bid_id FOREIGN KEY (bid_id) REFERENCES bid (id)
);
CREATE TABLE opening (
    id uuid NOT NULL,
    lot_id uuid NOT NULL,
    stage integer NOT NULL,
    state varchar NOT NULL,
    user_id uuid NOT NULL,
    key_hash bytea NOT NULL,
    request bytea,
    request_token bytea,
    began_at timestamptz NOT NULL,
    hearing_minutes integer NOT NULL,
    finished_at timestamptz,
    record bytea,
    token bytea,
    commitment bytea,
    CONSTRAINT pk_opening PRIMARY KEY (id),
    CONSTRAINT uq_opening_lot_id_stage UNIQUE (lot_id, stage),
    CONSTRAINT ck_opening_state CHECK (state IN ('began', 'finished')),
    CONSTRAINT ck_opening_record CHECK ((state = 'finished') = (record IS NOT NULL)),
    CONSTRAINT ck_opening_hearing CHECK (hearing_minutes >= 0),
    CONSTRAINT ck_opening_request CHECK ((request IS NULL) = (request_token IS NULL)),
    CONSTRAINT fk_opening_lot_id FOREIGN KEY (lot_id) REFERENCES lot (id)
);
CREATE TABLE opening_entry (
    opening_id uuid NOT NULL,
    bid_id uuid NOT NULL,
    kind varchar NOT NULL,
    position integer NOT NULL,
    CONSTRAINT pk_opening_entry PRIMARY KEY (opening_id, bid_id, kind),
    CONSTRAINT uq_opening_entry_opening_id_position UNIQUE (opening_id, position),
    CONSTRAINT uq_opening_entry_bid_id_kind UNIQUE (bid_id, kind),
    CONSTRAINT fk_opening_entry_opening_id FOREIGN KEY (opening_id) REFERENCES opening (id),
    CONSTRAINT fk_opening_entry_bid_id FOREIGN KEY (bid_id) REFERENCES bid (id)
);
CREATE TABLE opening_share (
    opening_id uuid NOT NULL,
    custodian integer NOT NULL,
    user_id uuid NOT NULL,
    answer bytea NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT pk_opening_share PRIMARY KEY (opening_id, custodian),
    CONSTRAINT fk_opening_share_opening_id FOREIGN KEY (opening_id) REFERENCES opening (id)
);
CREATE TABLE verdict (
    opening_id uuid NOT NULL,
    bid_id uuid NOT NULL,
    kind varchar NOT NULL,
    outcome varchar NOT NULL,
    code varchar,
    form jsonb,
    made_at timestamptz NOT NULL,
    CONSTRAINT pk_verdict PRIMARY KEY (opening_id, bid_id, kind),
    CONSTRAINT fk_verdict_opening_id_bid_id_kind FOREIGN KEY (opening_id, bid_id, kind) REFERENCES opening_entry (opening_id, bid_id, kind),
    CONSTRAINT uq_verdict_bid_id_kind UNIQUE (bid_id, kind),
    CONSTRAINT ck_verdict_outcome CHECK (outcome IN ('opened', 'rejected')),
    CONSTRAINT ck_verdict_code CHECK ((outcome = 'opened') = (code IS NULL))
);
CREATE TABLE extraction (
    bid_id uuid NOT NULL,
    kind varchar NOT NULL,
    code varchar,
    made_at timestamptz NOT NULL,
    CONSTRAINT pk_extraction PRIMARY KEY (bid_id, kind),
    CONSTRAINT fk_extraction_bid_id FOREIGN KEY (bid_id) REFERENCES bid (id)
);
CREATE TABLE opened_file (
    bid_id uuid NOT NULL,
    kind varchar NOT NULL,
    position integer NOT NULL,
    name varchar NOT NULL,
    size bigint NOT NULL,
    sha256 bytea NOT NULL,
    CONSTRAINT pk_opened_file PRIMARY KEY (bid_id, kind, position),
    CONSTRAINT fk_opened_file_bid_id_kind FOREIGN KEY (bid_id, kind) REFERENCES extraction (bid_id, kind),
    CONSTRAINT ck_opened_file_sane CHECK (size >= 0 AND position >= 0)
);
"""

ROOM = """
CREATE TABLE opening_remark (
    id uuid NOT NULL,
    opening_id uuid NOT NULL,
    party varchar NOT NULL,
    user_id uuid NOT NULL,
    name varchar NOT NULL,
    kind varchar NOT NULL,
    content varchar NOT NULL,
    made_at timestamptz NOT NULL,
    CONSTRAINT pk_opening_remark PRIMARY KEY (id),
    CONSTRAINT ck_opening_remark_kind CHECK (kind IN ('confirmed', 'objected')),
    CONSTRAINT ck_opening_remark_content CHECK ((kind = 'objected') = (content <> '')),
    CONSTRAINT fk_opening_remark_opening_id FOREIGN KEY (opening_id) REFERENCES opening (id)
);
CREATE INDEX ix_opening_remark_opening_id ON opening_remark (opening_id);
CREATE UNIQUE INDEX uq_opening_remark_confirmed ON opening_remark (opening_id, party) WHERE kind = 'confirmed';
CREATE TABLE opening_answer (
    remark_id uuid NOT NULL,
    party varchar,
    user_id uuid NOT NULL,
    name varchar NOT NULL,
    content varchar NOT NULL,
    made_at timestamptz NOT NULL,
    CONSTRAINT pk_opening_answer PRIMARY KEY (remark_id),
    CONSTRAINT fk_opening_answer_remark_id FOREIGN KEY (remark_id) REFERENCES opening_remark (id)
);
CREATE TABLE opening_order (
    id uuid NOT NULL,
    opening_id uuid NOT NULL,
    kind varchar NOT NULL,
    reason varchar NOT NULL,
    user_id uuid NOT NULL,
    name varchar NOT NULL,
    made_at timestamptz NOT NULL,
    CONSTRAINT pk_opening_order PRIMARY KEY (id),
    CONSTRAINT uq_opening_order_id_user_id UNIQUE (id, user_id),
    CONSTRAINT ck_opening_order_kind CHECK (kind IN ('pause', 'resume')),
    CONSTRAINT ck_opening_order_reason CHECK (reason <> ''),
    CONSTRAINT fk_opening_order_opening_id FOREIGN KEY (opening_id) REFERENCES opening (id)
);
CREATE INDEX ix_opening_order_opening_id ON opening_order (opening_id);
CREATE TABLE opening_consent (
    order_id uuid NOT NULL,
    ordered_by uuid NOT NULL,
    user_id uuid NOT NULL,
    name varchar NOT NULL,
    method varchar NOT NULL,
    statement bytea,
    made_at timestamptz NOT NULL,
    CONSTRAINT pk_opening_consent PRIMARY KEY (order_id),
    CONSTRAINT ck_opening_consent_second CHECK (user_id <> ordered_by),
    CONSTRAINT ck_opening_consent_method CHECK (method IN ('device', 'factor')),
    CONSTRAINT ck_opening_consent_statement CHECK ((method = 'device') = (statement IS NOT NULL)),
    CONSTRAINT fk_opening_consent_order_id_ordered_by FOREIGN KEY (order_id, ordered_by) REFERENCES opening_order (id, user_id)
);
CREATE TABLE opening_outage (
    id uuid NOT NULL,
    lot_id uuid NOT NULL,
    stage integer NOT NULL,
    failed varchar NOT NULL,
    cause varchar NOT NULL,
    since timestamptz NOT NULL,
    told varchar NOT NULL,
    decision varchar NOT NULL,
    note varchar NOT NULL,
    user_id uuid NOT NULL,
    name varchar NOT NULL,
    made_at timestamptz NOT NULL,
    CONSTRAINT pk_opening_outage PRIMARY KEY (id),
    CONSTRAINT ck_opening_outage_sane CHECK (stage > 0 AND since <= made_at),
    CONSTRAINT ck_opening_outage_whole CHECK (told <> '' AND note <> ''),
    CONSTRAINT fk_opening_outage_lot_id FOREIGN KEY (lot_id) REFERENCES lot (id)
);
CREATE INDEX ix_opening_outage_lot_id ON opening_outage (lot_id);
CREATE TABLE opening_closing (
    opening_id uuid NOT NULL,
    user_id uuid NOT NULL,
    name varchar NOT NULL,
    made_at timestamptz NOT NULL,
    CONSTRAINT pk_opening_closing PRIMARY KEY (opening_id),
    CONSTRAINT fk_opening_closing_opening_id FOREIGN KEY (opening_id) REFERENCES opening (id)
);
CREATE TABLE opening_paper (
    opening_id uuid NOT NULL,
    content bytea NOT NULL,
    digest bytea NOT NULL,
    made_at timestamptz NOT NULL,
    CONSTRAINT pk_opening_paper PRIMARY KEY (opening_id),
    CONSTRAINT fk_opening_paper_opening_id FOREIGN KEY (opening_id) REFERENCES opening (id)
);
"""

# A bid is evidence: after its receipt only its state moves, and only away from 'live'. An opening only finishes. What a
# bidder or a custodian signed, and what came of an envelope, never changes.
GUARDS = """
CREATE FUNCTION bidding_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% rows are final', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE FUNCTION bid_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'live' OR to_jsonb(NEW) - 'state' <> to_jsonb(OLD) - 'state' THEN
        RAISE EXCEPTION 'a received bid is final' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION opening_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'began' OR (NEW.id, NEW.lot_id, NEW.stage, NEW.user_id, NEW.key_hash, NEW.began_at, NEW.hearing_minutes)
       IS DISTINCT FROM (OLD.id, OLD.lot_id, OLD.stage, OLD.user_id, OLD.key_hash, OLD.began_at, OLD.hearing_minutes)
       OR (OLD.request IS NOT NULL AND NEW.request IS DISTINCT FROM OLD.request) THEN
        RAISE EXCEPTION 'an opening only finishes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bid_kept BEFORE UPDATE ON bid FOR EACH ROW EXECUTE FUNCTION bid_guard();
CREATE TRIGGER bid_final BEFORE DELETE ON bid FOR EACH ROW EXECUTE FUNCTION bidding_final();
CREATE TRIGGER opening_kept BEFORE UPDATE ON opening FOR EACH ROW EXECUTE FUNCTION opening_guard();
CREATE TRIGGER opening_final BEFORE DELETE ON opening FOR EACH ROW EXECUTE FUNCTION bidding_final();
"""

FINAL = (
    "upload_part",
    "bid_statement",
    "opening_entry",
    "opening_share",
    "verdict",
    "extraction",
    "opened_file",
    "opening_remark",
    "opening_answer",
    "opening_order",
    "opening_consent",
    "opening_outage",
    "opening_closing",
    "opening_paper",
)


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(ROOM)
    op.execute(GUARDS)
    for table in FINAL:
        op.execute(
            f"CREATE TRIGGER {table}_final BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION bidding_final()"
        )
    for table in ("bid", "opening", *FINAL):
        op.execute(
            f"CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION bidding_final()"
        )
