"""Kernel: the installation row and the database's clock."""

from alembic import op

revision = "m0001_kernel"
down_revision = None
branch_labels = None
depends_on = None

# One row says once and for ever whether this database is a sandbox. Only a sandbox's clock can be moved, only forward.
INSTALLATION = """
CREATE TABLE installation (
    id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    sandbox boolean NOT NULL,
    clock_offset interval NOT NULL DEFAULT '0' CHECK (sandbox OR clock_offset = '0'),
    made_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE FUNCTION installation_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' OR NEW.sandbox <> OLD.sandbox OR NEW.made_at <> OLD.made_at
       OR NEW.clock_offset < OLD.clock_offset THEN
        RAISE EXCEPTION 'the installation row is final' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER installation_final BEFORE UPDATE OR DELETE ON installation
    FOR EACH ROW EXECUTE FUNCTION installation_guard();
CREATE TRIGGER installation_kept BEFORE TRUNCATE ON installation
    FOR EACH STATEMENT EXECUTE FUNCTION installation_guard();
CREATE FUNCTION ggzy_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT clock_timestamp() + coalesce((SELECT clock_offset FROM installation), interval '0')
$$;
"""


def upgrade() -> None:
    op.execute(INSTALLATION)
