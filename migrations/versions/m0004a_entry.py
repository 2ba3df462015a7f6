"""Trading: sketches of tenders, questions and answers, seats of committees, halls and their bookings."""

from alembic import op

revision = "m0004a_entry"
down_revision = "m0004_trading"
branch_labels = None
depends_on = None

TABLES = """
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE TABLE tender_sketch (
    id UUID NOT NULL,
    by UUID NOT NULL,
    tender_id UUID,
    content JSONB NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT pk_tender_sketch PRIMARY KEY (id),
    CONSTRAINT uq_tender_sketch_by_tender_id UNIQUE (by, tender_id),
    CONSTRAINT fk_tender_sketch_tender_id FOREIGN KEY(tender_id) REFERENCES tender (id)
);
CREATE TABLE question (
    id UUID NOT NULL,
    lot_id UUID NOT NULL,
    bidder varchar NOT NULL,
    text varchar NOT NULL,
    by UUID NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT pk_question PRIMARY KEY (id),
    CONSTRAINT fk_question_lot_id_bidder FOREIGN KEY(lot_id, bidder) REFERENCES document_issue (lot_id, bidder)
);
CREATE INDEX ix_question_lot ON question (lot_id, at, id);
CREATE TABLE question_answer (
    question_id UUID NOT NULL,
    notice_id UUID NOT NULL,
    wording varchar NOT NULL,
    text varchar NOT NULL,
    CONSTRAINT pk_question_answer PRIMARY KEY (question_id),
    CONSTRAINT fk_question_answer_question_id FOREIGN KEY(question_id) REFERENCES question (id),
    CONSTRAINT fk_question_answer_notice_id FOREIGN KEY(notice_id) REFERENCES notice (id)
);
CREATE TABLE lot_judge (
    lot_id UUID NOT NULL,
    user_id UUID NOT NULL,
    CONSTRAINT pk_lot_judge PRIMARY KEY (lot_id, user_id),
    CONSTRAINT fk_lot_judge_lot_id FOREIGN KEY(lot_id) REFERENCES lot (id)
);
CREATE INDEX ix_lot_judge_user_id ON lot_judge (user_id);
CREATE TABLE hall (
    id UUID NOT NULL,
    site varchar NOT NULL,
    name varchar NOT NULL,
    kind varchar NOT NULL,
    seats INTEGER NOT NULL,
    established_at timestamptz NOT NULL,
    CONSTRAINT pk_hall PRIMARY KEY (id),
    CONSTRAINT uq_hall_site_name UNIQUE (site, name),
    CONSTRAINT ck_hall_kind CHECK (kind IN ('opening', 'evaluation')),
    CONSTRAINT ck_hall_seats CHECK (seats BETWEEN 1 AND 500),
    CONSTRAINT fk_hall_site FOREIGN KEY(site) REFERENCES site (code)
);
CREATE TABLE booking (
    id UUID NOT NULL,
    hall_id UUID NOT NULL,
    lot_id UUID NOT NULL,
    seats int4range NOT NULL,
    during tstzrange NOT NULL,
    by UUID NOT NULL,
    at timestamptz NOT NULL,
    cancelled_by UUID,
    cancelled_at timestamptz,
    reason varchar DEFAULT '' NOT NULL,
    CONSTRAINT pk_booking PRIMARY KEY (id),
    CONSTRAINT ck_booking_seats CHECK (lower(seats) >= 1 AND NOT upper_inf(seats)),
    CONSTRAINT ck_booking_during CHECK (NOT isempty(during) AND NOT lower_inf(during) AND NOT upper_inf(during)),
    CONSTRAINT ck_booking_cancelled CHECK ((cancelled_at IS NULL) = (cancelled_by IS NULL) AND (cancelled_at IS NULL) = (reason = '')),
    CONSTRAINT fk_booking_hall_id FOREIGN KEY(hall_id) REFERENCES hall (id),
    CONSTRAINT fk_booking_lot_id FOREIGN KEY(lot_id) REFERENCES lot (id),
    CONSTRAINT ex_booking_clash EXCLUDE USING gist (hall_id WITH =, seats WITH &&, during WITH &&) WHERE (cancelled_at IS NULL)
);
CREATE INDEX ix_booking_lot ON booking (lot_id);
"""

# A booking lies within its hall, and afterwards it is only cancelled, once. A hall keeps its seats.
BOOKING = """
CREATE FUNCTION booking_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF upper(NEW.seats) - 1 > (SELECT seats FROM hall WHERE id = NEW.hall_id) THEN
            RAISE EXCEPTION 'a booking lies within its hall' USING ERRCODE = 'check_violation';
        END IF;
    ELSIF TG_OP = 'DELETE' OR OLD.cancelled_at IS NOT NULL
       OR (to_jsonb(NEW) - 'cancelled_by' - 'cancelled_at' - 'reason')
          <> (to_jsonb(OLD) - 'cancelled_by' - 'cancelled_at' - 'reason') THEN
        RAISE EXCEPTION 'a booking is only cancelled, once' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN COALESCE(NEW, OLD);
END $$;
CREATE TRIGGER booking_kept BEFORE INSERT OR UPDATE OR DELETE ON booking FOR EACH ROW EXECUTE FUNCTION booking_guard();
"""
KEPT = ("question", "question_answer", "hall")


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(BOOKING)
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER {table}_evidence BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION trading_evidence()"
        )
    for table in (*KEPT, "booking"):
        op.execute(
            f"CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION trading_evidence()"
        )
