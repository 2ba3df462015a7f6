"""Experts: pool, draws, committees, score sheets."""

from alembic import op

revision = "m0006_experts"
down_revision = "m0005_bidding"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE expert (
    id UUID NOT NULL,
    number_hash BYTEA NOT NULL,
    name VARCHAR NOT NULL,
    specialties TEXT[] NOT NULL,
    sites TEXT[] NOT NULL,
    employers JSONB NOT NULL,
    interests TEXT[] NOT NULL,
    phone VARCHAR NOT NULL,
    valid_from DATE NOT NULL,
    valid_until DATE NOT NULL,
    trained_until DATE,
    penalized BOOLEAN NOT NULL,
    state VARCHAR NOT NULL,
    user_id UUID,
    imported_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_expert PRIMARY KEY (id),
    CONSTRAINT ck_expert_number CHECK (octet_length(number_hash) = 32),
    CONSTRAINT ck_expert_state CHECK (state IN ('active', 'suspended', 'cleared')),
    CONSTRAINT ck_expert_validity CHECK (valid_from <= valid_until),
    CONSTRAINT ck_expert_skills CHECK (cardinality(specialties) > 0 AND cardinality(sites) > 0),
    CONSTRAINT uq_expert_number_hash UNIQUE (number_hash),
    CONSTRAINT uq_expert_user_id UNIQUE (user_id)
);
CREATE TABLE expert_state (
    id UUID NOT NULL,
    expert_id UUID NOT NULL,
    action VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    until DATE,
    by UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_expert_state PRIMARY KEY (id),
    CONSTRAINT fk_expert_state_expert_id FOREIGN KEY(expert_id) REFERENCES expert (id)
);
CREATE INDEX ix_expert_state_expert_id ON expert_state (expert_id);
CREATE TABLE committee (
    id UUID NOT NULL,
    lot_id UUID NOT NULL,
    tender_id UUID NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    technical_finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_committee PRIMARY KEY (id),
    CONSTRAINT uq_committee_lot_id UNIQUE (lot_id),
    CONSTRAINT fk_committee_lot_id FOREIGN KEY(lot_id) REFERENCES lot (id),
    CONSTRAINT fk_committee_tender_id FOREIGN KEY(tender_id) REFERENCES tender (id)
);
CREATE TABLE draw (
    id UUID NOT NULL,
    lot_id UUID NOT NULL,
    tender_id UUID NOT NULL,
    round INTEGER NOT NULL,
    reason VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    quotas JSONB NOT NULL,
    representatives INTEGER NOT NULL,
    secret BYTEA NOT NULL,
    roster BYTEA NOT NULL,
    roster_experts BYTEA NOT NULL,
    roster_digest BYTEA NOT NULL,
    beacon JSONB,
    beacon_signature BYTEA,
    release_at TIMESTAMP WITH TIME ZONE NOT NULL,
    answer_minutes INTEGER NOT NULL,
    checkpoint VARCHAR,
    prk BYTEA,
    prepared_by UUID NOT NULL,
    prepared_at TIMESTAMP WITH TIME ZONE NOT NULL,
    drawn_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_draw PRIMARY KEY (id),
    CONSTRAINT uq_draw_lot_id_round UNIQUE (lot_id, round),
    CONSTRAINT ck_draw_reason CHECK (round >= 1 AND (round = 1 OR length(trim(reason)) > 0)),
    CONSTRAINT ck_draw_state CHECK (state IN ('prepared', 'fixed', 'drawn', 'completed', 'exhausted', 'void')),
    CONSTRAINT ck_draw_sizes CHECK (octet_length(secret) = 32 AND octet_length(roster_digest) = 32),
    CONSTRAINT ck_draw_checkpoint CHECK (checkpoint IS NOT NULL OR state IN ('prepared', 'void')),
    CONSTRAINT ck_draw_drawn CHECK ((prk IS NOT NULL) = (state IN ('drawn', 'completed', 'exhausted'))),
    CONSTRAINT fk_draw_lot_id FOREIGN KEY(lot_id) REFERENCES lot (id),
    CONSTRAINT fk_draw_tender_id FOREIGN KEY(tender_id) REFERENCES tender (id)
);
CREATE UNIQUE INDEX uq_draw_one_open ON draw (lot_id) WHERE state IN ('prepared', 'fixed', 'drawn');
CREATE TABLE committee_member (
    id UUID NOT NULL,
    committee_id UUID NOT NULL,
    source VARCHAR NOT NULL,
    expert_id UUID,
    user_id UUID NOT NULL,
    name VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    joined_at TIMESTAMP WITH TIME ZONE NOT NULL,
    declared_at TIMESTAMP WITH TIME ZONE,
    declaration BYTEA,
    leader_vote UUID,
    replaced_at TIMESTAMP WITH TIME ZONE,
    replaced_because VARCHAR NOT NULL,
    CONSTRAINT pk_committee_member PRIMARY KEY (id),
    CONSTRAINT ck_committee_member_source CHECK (source IN ('draw', 'appointed', 'representative')),
    CONSTRAINT ck_committee_member_expert CHECK ((source = 'draw') = (expert_id IS NOT NULL)),
    CONSTRAINT ck_committee_member_replaced CHECK ((replaced_at IS NULL) = (replaced_because = '')),
    CONSTRAINT uq_committee_member_committee_id_user_id UNIQUE (committee_id, user_id),
    CONSTRAINT uq_committee_member_committee_id_expert_id UNIQUE (committee_id, expert_id),
    CONSTRAINT fk_committee_member_committee_id FOREIGN KEY(committee_id) REFERENCES committee (id),
    CONSTRAINT fk_committee_member_expert_id FOREIGN KEY(expert_id) REFERENCES expert (id)
);
CREATE TABLE draw_call (
    draw_id UUID NOT NULL,
    code BYTEA NOT NULL,
    expert_id UUID NOT NULL,
    position INTEGER NOT NULL,
    ticket BYTEA NOT NULL,
    state VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    invited_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    answered_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_draw_call PRIMARY KEY (draw_id, code),
    CONSTRAINT ck_draw_call_state CHECK (state IN ('invited', 'accepted', 'declined', 'timed_out', 'recused')),
    CONSTRAINT ck_draw_call_sizes CHECK (octet_length(code) = 32 AND octet_length(ticket) = 32),
    CONSTRAINT uq_draw_call_draw_id_expert_id UNIQUE (draw_id, expert_id),
    CONSTRAINT uq_draw_call_draw_id_position UNIQUE (draw_id, position),
    CONSTRAINT fk_draw_call_draw_id FOREIGN KEY(draw_id) REFERENCES draw (id),
    CONSTRAINT fk_draw_call_expert_id FOREIGN KEY(expert_id) REFERENCES expert (id)
);
CREATE INDEX ix_draw_call_expert ON draw_call (expert_id, invited_at);
CREATE TABLE draw_entry (
    draw_id UUID NOT NULL,
    position INTEGER NOT NULL,
    event BYTEA NOT NULL,
    salt BYTEA NOT NULL,
    commitment BYTEA NOT NULL,
    CONSTRAINT pk_draw_entry PRIMARY KEY (draw_id, position),
    CONSTRAINT fk_draw_entry_draw_id FOREIGN KEY(draw_id) REFERENCES draw (id),
    CONSTRAINT uq_draw_entry_commitment UNIQUE (commitment)
);
CREATE TABLE draw_nonce (
    draw_id UUID NOT NULL,
    role VARCHAR NOT NULL,
    user_id UUID NOT NULL,
    device_key BYTEA NOT NULL,
    commitment BYTEA NOT NULL,
    message BYTEA NOT NULL,
    CONSTRAINT pk_draw_nonce PRIMARY KEY (draw_id, role),
    CONSTRAINT ck_draw_nonce_role CHECK (role IN ('centre', 'purchaser', 'supervisor')),
    CONSTRAINT ck_draw_nonce_sizes CHECK (octet_length(commitment) = 32 AND octet_length(device_key) = 32),
    CONSTRAINT uq_draw_nonce_draw_id_user_id UNIQUE (draw_id, user_id),
    CONSTRAINT fk_draw_nonce_draw_id FOREIGN KEY(draw_id) REFERENCES draw (id)
);
CREATE TABLE draw_nonce_share (
    draw_id UUID NOT NULL,
    role VARCHAR NOT NULL,
    custodian INTEGER NOT NULL,
    partial BYTEA NOT NULL,
    message BYTEA NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_draw_nonce_share PRIMARY KEY (draw_id, role, custodian),
    CONSTRAINT ck_draw_nonce_share_custodian CHECK (custodian BETWEEN 1 AND 7),
    CONSTRAINT fk_draw_nonce_share_draw_id FOREIGN KEY(draw_id) REFERENCES draw (id)
);
CREATE TABLE draw_reveal (
    draw_id UUID NOT NULL,
    role VARCHAR NOT NULL,
    nonce BYTEA NOT NULL,
    how VARCHAR NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_draw_reveal PRIMARY KEY (draw_id, role),
    CONSTRAINT ck_draw_reveal_nonce CHECK (octet_length(nonce) = 32),
    CONSTRAINT ck_draw_reveal_how CHECK (how IN ('revealed', 'recovered')),
    CONSTRAINT fk_draw_reveal_draw_id FOREIGN KEY(draw_id) REFERENCES draw (id)
);
CREATE TABLE evaluation_report (
    id UUID NOT NULL,
    committee_id UUID NOT NULL,
    result BYTEA NOT NULL,
    digest BYTEA NOT NULL,
    report BYTEA,
    void BOOLEAN NOT NULL,
    drafted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_evaluation_report PRIMARY KEY (id),
    CONSTRAINT ck_evaluation_report_digest CHECK (octet_length(digest) = 32),
    CONSTRAINT fk_evaluation_report_committee_id FOREIGN KEY(committee_id) REFERENCES committee (id)
);
CREATE UNIQUE INDEX uq_evaluation_report_live ON evaluation_report (committee_id) WHERE NOT void;
CREATE TABLE rejection_vote (
    id UUID NOT NULL,
    committee_id UUID NOT NULL,
    member_id UUID NOT NULL,
    bid_id UUID NOT NULL,
    reject BOOLEAN NOT NULL,
    ground VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    message BYTEA NOT NULL,
    device_key BYTEA NOT NULL,
    void BOOLEAN NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_rejection_vote PRIMARY KEY (id),
    CONSTRAINT fk_rejection_vote_committee_id FOREIGN KEY(committee_id) REFERENCES committee (id),
    CONSTRAINT fk_rejection_vote_member_id FOREIGN KEY(member_id) REFERENCES committee_member (id),
    CONSTRAINT fk_rejection_vote_bid_id FOREIGN KEY(bid_id) REFERENCES bid (id)
);
CREATE INDEX ix_rejection_vote_committee_id ON rejection_vote (committee_id);
CREATE UNIQUE INDEX uq_rejection_vote_valid ON rejection_vote (member_id, bid_id) WHERE NOT void;
CREATE TABLE report_opinion (
    report_id UUID NOT NULL,
    member_id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    message BYTEA NOT NULL,
    device_key BYTEA,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_report_opinion PRIMARY KEY (report_id, member_id),
    CONSTRAINT ck_report_opinion_kind CHECK (kind IN ('consent', 'dissent', 'refusal')),
    CONSTRAINT ck_report_opinion_reason CHECK (kind <> 'dissent' OR length(trim(reason)) > 0),
    CONSTRAINT fk_report_opinion_report_id FOREIGN KEY(report_id) REFERENCES evaluation_report (id),
    CONSTRAINT fk_report_opinion_member_id FOREIGN KEY(member_id) REFERENCES committee_member (id)
);
CREATE TABLE score_draft (
    member_id UUID NOT NULL,
    bid_id UUID NOT NULL,
    version INTEGER NOT NULL,
    content JSONB NOT NULL,
    saved_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_score_draft PRIMARY KEY (member_id, bid_id),
    CONSTRAINT ck_score_draft_version CHECK (version >= 1),
    CONSTRAINT fk_score_draft_member_id FOREIGN KEY(member_id) REFERENCES committee_member (id),
    CONSTRAINT fk_score_draft_bid_id FOREIGN KEY(bid_id) REFERENCES bid (id)
);
CREATE TABLE score_sheet (
    id UUID NOT NULL,
    committee_id UUID NOT NULL,
    member_id UUID NOT NULL,
    bid_id UUID NOT NULL,
    message BYTEA NOT NULL,
    device_key BYTEA NOT NULL,
    void BOOLEAN NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_score_sheet PRIMARY KEY (id),
    CONSTRAINT fk_score_sheet_committee_id FOREIGN KEY(committee_id) REFERENCES committee (id),
    CONSTRAINT fk_score_sheet_member_id FOREIGN KEY(member_id) REFERENCES committee_member (id),
    CONSTRAINT fk_score_sheet_bid_id FOREIGN KEY(bid_id) REFERENCES bid (id)
);
CREATE INDEX ix_score_sheet_committee_id ON score_sheet (committee_id);
CREATE UNIQUE INDEX uq_score_sheet_valid ON score_sheet (member_id, bid_id) WHERE NOT void;
"""

# Evidence is inserted and never changed. What may change beside it is named here: a vote or sheet becomes void, a draw
# goes forward, an answer is given once, a member is replaced once; nothing of it is ever deleted.
EVIDENCE = ("expert_state", "draw_entry", "draw_nonce", "draw_reveal", "draw_nonce_share", "report_opinion")
KEPT = (
    "expert",
    "draw",
    "draw_call",
    "committee",
    "committee_member",
    "score_sheet",
    "rejection_vote",
    "evaluation_report",
)

GUARDS = """
CREATE FUNCTION experts_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are evidence', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE FUNCTION experts_only_void() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.void OR NOT NEW.void OR (to_jsonb(NEW) - 'void') <> (to_jsonb(OLD) - 'void') THEN
        RAISE EXCEPTION 'rows of % only become void', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER score_sheet_void BEFORE UPDATE ON score_sheet FOR EACH ROW EXECUTE FUNCTION experts_only_void();
CREATE TRIGGER rejection_vote_void BEFORE UPDATE ON rejection_vote FOR EACH ROW EXECUTE FUNCTION experts_only_void();
CREATE FUNCTION draw_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.lot_id, NEW.tender_id, NEW.round, NEW.reason, NEW.quotas, NEW.representatives, NEW.secret,
        NEW.roster_digest, NEW.beacon, NEW.release_at, NEW.prepared_by, NEW.prepared_at)
       IS DISTINCT FROM
       (OLD.id, OLD.lot_id, OLD.tender_id, OLD.round, OLD.reason, OLD.quotas, OLD.representatives, OLD.secret,
        OLD.roster_digest, OLD.beacon, OLD.release_at, OLD.prepared_by, OLD.prepared_at)
       OR (OLD.checkpoint IS NOT NULL AND NEW.checkpoint IS DISTINCT FROM OLD.checkpoint)
       OR (OLD.prk IS NOT NULL AND NEW.prk IS DISTINCT FROM OLD.prk)
       OR OLD.state = 'void' THEN
        RAISE EXCEPTION 'what a draw was made from is final' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER draw_final BEFORE UPDATE ON draw FOR EACH ROW EXECUTE FUNCTION draw_guard();
CREATE FUNCTION draw_call_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT ((OLD.state = 'invited' AND NEW.state IN ('accepted', 'declined', 'timed_out', 'recused'))
            OR (OLD.state = 'accepted' AND NEW.state = 'recused'))
       OR (NEW.draw_id, NEW.code, NEW.expert_id, NEW.position, NEW.ticket, NEW.invited_at, NEW.expires_at)
       IS DISTINCT FROM
       (OLD.draw_id, OLD.code, OLD.expert_id, OLD.position, OLD.ticket, OLD.invited_at, OLD.expires_at) THEN
        RAISE EXCEPTION 'an answer is final' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER draw_call_final BEFORE UPDATE ON draw_call FOR EACH ROW EXECUTE FUNCTION draw_call_guard();
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(GUARDS)
    for table in EVIDENCE:
        op.execute(
            f"CREATE TRIGGER {table}_evidence BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION experts_evidence()"
        )
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION experts_evidence()"
        )
    for table in (*EVIDENCE, *KEPT):
        op.execute(
            f"CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION experts_evidence()"
        )
