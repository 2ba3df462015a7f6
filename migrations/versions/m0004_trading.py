"""Trading: sites, parties, tenders, lots, documents, notices."""

from alembic import op

revision = "m0004_trading"
down_revision = "m0003_accounts"
branch_labels = None
depends_on = None

TABLES = r"""
CREATE TABLE file (
    sha256 BYTEA NOT NULL,
    size BIGINT NOT NULL,
    by UUID NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT pk_file PRIMARY KEY (sha256),
    CONSTRAINT ck_file_sha256 CHECK (octet_length(sha256) = 32),
    CONSTRAINT ck_file_size CHECK (size > 0)
);
CREATE TABLE incoming_file (
    by UUID NOT NULL,
    sha256 BYTEA NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT pk_incoming_file PRIMARY KEY (by, sha256),
    CONSTRAINT ck_incoming_file_sha256 CHECK (octet_length(sha256) = 32)
);
CREATE TABLE party (
    uscc varchar NOT NULL,
    name varchar NOT NULL,
    revision INTEGER NOT NULL,
    profile JSONB NOT NULL,
    registered_at timestamptz NOT NULL,
    CONSTRAINT pk_party PRIMARY KEY (uscc),
    CONSTRAINT ck_party_uscc CHECK (uscc ~ '^[0-9A-Z]{18}$'),
    CONSTRAINT ck_party_revision CHECK (revision >= 1)
);
CREATE TABLE site (
    code varchar NOT NULL,
    name varchar NOT NULL,
    kind varchar NOT NULL,
    bearing INTEGER,
    address varchar NOT NULL,
    phone varchar DEFAULT '' NOT NULL,
    established_at timestamptz NOT NULL,
    CONSTRAINT pk_site PRIMARY KEY (code),
    CONSTRAINT ck_site_code CHECK (code ~ '^[0-9]{6}$'),
    CONSTRAINT ck_site_kind CHECK (kind IN ('main', 'branch')),
    CONSTRAINT ck_site_bearing CHECK (bearing BETWEEN 0 AND 359)
);
CREATE UNIQUE INDEX ix_site_one_main ON site (kind) WHERE kind = 'main';
CREATE TABLE party_revision (
    uscc varchar NOT NULL,
    revision INTEGER NOT NULL,
    name varchar NOT NULL,
    profile JSONB NOT NULL,
    commitment JSONB NOT NULL,
    by UUID NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT pk_party_revision PRIMARY KEY (uscc, revision),
    CONSTRAINT fk_party_revision_uscc FOREIGN KEY(uscc) REFERENCES party (uscc)
);
CREATE TABLE tender (
    id UUID NOT NULL,
    code varchar NOT NULL,
    title varchar NOT NULL,
    site varchar NOT NULL,
    purchaser varchar NOT NULL,
    agency varchar,
    region varchar NOT NULL,
    trade_type varchar NOT NULL,
    method varchar NOT NULL,
    funding varchar NOT NULL,
    made_by UUID NOT NULL,
    made_at timestamptz NOT NULL,
    announced_at timestamptz,
    invitees JSONB DEFAULT '[]' NOT NULL,
    missing JSONB DEFAULT '[]' NOT NULL,
    CONSTRAINT pk_tender PRIMARY KEY (id),
    CONSTRAINT uq_tender_code UNIQUE (code),
    CONSTRAINT ck_tender_method CHECK (method IN ('public', 'invited')),
    CONSTRAINT ck_tender_agency CHECK (agency <> purchaser),
    CONSTRAINT ck_tender_invitees CHECK ((method = 'invited') = (jsonb_array_length(invitees) >= 3)),
    CONSTRAINT fk_tender_site FOREIGN KEY(site) REFERENCES site (code),
    CONSTRAINT fk_tender_purchaser FOREIGN KEY(purchaser) REFERENCES party (uscc),
    CONSTRAINT fk_tender_agency FOREIGN KEY(agency) REFERENCES party (uscc)
);
CREATE INDEX ix_tender_made ON tender (made_at, id);
CREATE TABLE tender_counter (
    site varchar NOT NULL,
    prefix varchar NOT NULL,
    year INTEGER NOT NULL,
    last INTEGER NOT NULL,
    CONSTRAINT pk_tender_counter PRIMARY KEY (site, prefix, year),
    CONSTRAINT ck_tender_counter_last CHECK (last >= 1),
    CONSTRAINT fk_tender_counter_site FOREIGN KEY(site) REFERENCES site (code)
);
CREATE TABLE lot (
    id UUID NOT NULL,
    tender_id UUID NOT NULL,
    number INTEGER NOT NULL,
    title varchar NOT NULL,
    state varchar NOT NULL,
    suspended BOOLEAN DEFAULT false NOT NULL,
    by_order BOOLEAN DEFAULT false NOT NULL,
    moved_at timestamptz NOT NULL,
    deadline timestamptz,
    estimate NUMERIC(18, 2) NOT NULL,
    ceiling NUMERIC(18, 2),
    bond NUMERIC(18, 2) NOT NULL,
    envelopes JSONB NOT NULL,
    opening_policy varchar NOT NULL,
    threshold INTEGER NOT NULL,
    custodians INTEGER NOT NULL,
    evaluation JSONB NOT NULL,
    opening_key_hash BYTEA,
    CONSTRAINT pk_lot PRIMARY KEY (id),
    CONSTRAINT uq_lot_tender_id_number UNIQUE (tender_id, number),
    CONSTRAINT uq_lot_tender_id_id UNIQUE (tender_id, id),
    CONSTRAINT uq_lot_opening_key_hash UNIQUE (opening_key_hash),
    CONSTRAINT ck_lot_state CHECK (state IN ('draft', 'entered', 'accepted', 'announced', 'opening', 'opened', 'evaluating', 'evaluated', 'publicized', 'awarded', 'contracted', 'archived', 'terminated', 'failed')),
    CONSTRAINT ck_lot_number CHECK (number BETWEEN 1 AND 99),
    CONSTRAINT ck_lot_quorum CHECK (threshold >= 2 AND threshold < custodians AND custodians BETWEEN 3 AND 7),
    CONSTRAINT ck_lot_policy CHECK (opening_policy IN ('quorum', 'quorum_and_bidder', 'quorum_or_bidder')),
    CONSTRAINT ck_lot_amounts CHECK (estimate > 0 AND bond >= 0 AND ceiling > 0),
    CONSTRAINT ck_lot_key CHECK (octet_length(opening_key_hash) = 32),
    CONSTRAINT ck_lot_by_order CHECK (suspended OR NOT by_order),
    CONSTRAINT ck_lot_announced CHECK (state IN ('draft', 'entered', 'accepted', 'terminated', 'archived') OR (opening_key_hash IS NOT NULL AND deadline IS NOT NULL)),
    CONSTRAINT fk_lot_tender_id FOREIGN KEY(tender_id) REFERENCES tender (id)
);
CREATE TABLE document (
    id UUID NOT NULL,
    tender_id UUID NOT NULL,
    lot_id UUID,
    kind varchar NOT NULL,
    title varchar NOT NULL,
    version INTEGER NOT NULL,
    media_type varchar NOT NULL,
    sha256 BYTEA NOT NULL,
    by UUID NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT pk_document PRIMARY KEY (id),
    CONSTRAINT fk_document_tender_id_lot_id FOREIGN KEY(tender_id, lot_id) REFERENCES lot (tender_id, id),
    CONSTRAINT uq_document_tender_id_lot_id_kind_title_version UNIQUE NULLS NOT DISTINCT (tender_id, lot_id, kind, title, version),
    CONSTRAINT ck_document_version CHECK (version >= 1),
    CONSTRAINT fk_document_tender_id FOREIGN KEY(tender_id) REFERENCES tender (id),
    CONSTRAINT fk_document_sha256 FOREIGN KEY(sha256) REFERENCES file (sha256)
);
CREATE TABLE document_issue (
    lot_id UUID NOT NULL,
    bidder varchar NOT NULL,
    by UUID NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT pk_document_issue PRIMARY KEY (lot_id, bidder),
    CONSTRAINT fk_document_issue_lot_id FOREIGN KEY(lot_id) REFERENCES lot (id),
    CONSTRAINT fk_document_issue_bidder FOREIGN KEY(bidder) REFERENCES party (uscc)
);
CREATE TABLE notice (
    id UUID NOT NULL,
    tender_id UUID NOT NULL,
    lot_id UUID,
    number INTEGER NOT NULL,
    kind varchar NOT NULL,
    title varchar NOT NULL,
    text varchar NOT NULL,
    data JSONB NOT NULL,
    by UUID NOT NULL,
    published_at timestamptz NOT NULL,
    ends_at timestamptz,
    CONSTRAINT pk_notice PRIMARY KEY (id),
    CONSTRAINT fk_notice_tender_id_lot_id FOREIGN KEY(tender_id, lot_id) REFERENCES lot (tender_id, id),
    CONSTRAINT uq_notice_tender_id_number UNIQUE (tender_id, number),
    CONSTRAINT ck_notice_ends CHECK (ends_at > published_at),
    CONSTRAINT fk_notice_tender_id FOREIGN KEY(tender_id) REFERENCES tender (id)
);
CREATE INDEX ix_notice_lot ON notice (lot_id, kind);
CREATE INDEX ix_notice_published ON notice (published_at, id);
CREATE TABLE notice_words (
    notice_id UUID NOT NULL,
    title TSVECTOR NOT NULL,
    words TSVECTOR NOT NULL,
    CONSTRAINT pk_notice_words PRIMARY KEY (notice_id),
    CONSTRAINT fk_notice_words_notice_id FOREIGN KEY(notice_id) REFERENCES notice (id)
);
CREATE INDEX ix_notice_words ON notice_words USING gin (words) WITH (fastupdate = off);
"""

# What was published, committed to or handed out is evidence: it is added to and never changed.
EVIDENCE = """
CREATE FUNCTION trading_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is evidence and is never changed', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""
KEPT = ("party_revision", "file", "document", "document_issue", "notice")

# Once announced, a lot keeps its key, its quorum, its envelopes and its way of evaluation, and never becomes a draft again.
LOT = """
CREATE FUNCTION lot_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('draft', 'entered', 'accepted') THEN
        RETURN NEW;
    END IF;
    IF OLD.state = 'archived' OR NEW.state IN ('draft', 'entered', 'accepted')
       OR (NEW.id, NEW.tender_id, NEW.number, NEW.envelopes, NEW.evaluation, NEW.opening_policy, NEW.threshold,
           NEW.custodians, NEW.opening_key_hash)
          IS DISTINCT FROM
          (OLD.id, OLD.tender_id, OLD.number, OLD.envelopes, OLD.evaluation, OLD.opening_policy, OLD.threshold,
           OLD.custodians, OLD.opening_key_hash) THEN
        RAISE EXCEPTION 'an announced lot keeps its rules' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER lot_rules BEFORE UPDATE ON lot FOR EACH ROW EXECUTE FUNCTION lot_guard();
CREATE TRIGGER lot_kept BEFORE DELETE ON lot FOR EACH ROW WHEN (OLD.state <> 'draft')
    EXECUTE FUNCTION trading_evidence();
CREATE TRIGGER tender_kept BEFORE DELETE ON tender FOR EACH ROW EXECUTE FUNCTION trading_evidence();
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(EVIDENCE)
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER {table}_evidence BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION trading_evidence()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION trading_evidence()"
        )
    op.execute(LOT)
