"""Accounts: users, grants, credentials, device keys; the edge's stored answers and counters."""

from alembic import op

revision = "m0003_accounts"
down_revision = "m0002_archive"
branch_labels = None
depends_on = None

ACCOUNTS = """
CREATE TABLE account (
    id uuid CONSTRAINT pk_account PRIMARY KEY,
    login varchar NOT NULL CONSTRAINT uq_account_login UNIQUE CONSTRAINT ck_account_login CHECK (login = lower(login)),
    name varchar NOT NULL,
    password varchar NOT NULL,
    email varchar NOT NULL DEFAULT '',
    made_at timestamptz NOT NULL,
    disabled_at timestamptz
);
CREATE TABLE account_grant (
    id uuid CONSTRAINT pk_account_grant PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT fk_account_grant_user_id REFERENCES account (id),
    role varchar NOT NULL,
    scope varchar NOT NULL,
    granted_by uuid,
    granted_at timestamptz NOT NULL,
    revoked_by uuid,
    revoked_at timestamptz,
    CONSTRAINT ck_account_grant_not_to_oneself CHECK (granted_by <> user_id OR granted_by IS NULL),
    CONSTRAINT ck_account_grant_admin_scope
        CHECK (NOT (role IN ('audit_admin', 'security_admin', 'system_admin')) OR scope = '*')
);
CREATE INDEX ix_account_grant_user_id ON account_grant (user_id);
CREATE UNIQUE INDEX uq_account_grant_active ON account_grant (user_id, role, scope) WHERE revoked_at IS NULL;
CREATE TABLE credential (
    id uuid CONSTRAINT pk_credential PRIMARY KEY,
    hash bytea NOT NULL CONSTRAINT uq_credential_hash UNIQUE CONSTRAINT ck_credential_hash CHECK (octet_length(hash) = 32),
    user_id uuid NOT NULL CONSTRAINT fk_credential_user_id REFERENCES account (id),
    kind varchar NOT NULL CONSTRAINT ck_credential_kind CHECK (kind IN ('session', 'token')),
    label varchar NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    proven_at timestamptz,
    confirmed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    revoked_at timestamptz
);
CREATE INDEX ix_credential_user_id ON credential (user_id);
CREATE TABLE password_reset (
    hash bytea CONSTRAINT pk_password_reset PRIMARY KEY
        CONSTRAINT ck_password_reset_hash CHECK (octet_length(hash) = 32),
    user_id uuid NOT NULL CONSTRAINT fk_password_reset_user_id REFERENCES account (id),
    expires_at timestamptz NOT NULL
);
CREATE INDEX ix_password_reset_user_id ON password_reset (user_id);
CREATE TABLE known_address (
    user_id uuid NOT NULL CONSTRAINT fk_known_address_user_id REFERENCES account (id),
    address varchar NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT pk_known_address PRIMARY KEY (user_id, address)
);
CREATE TABLE second_factor (
    id uuid CONSTRAINT pk_second_factor PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT fk_second_factor_user_id REFERENCES account (id),
    kind varchar NOT NULL CONSTRAINT ck_second_factor_kind CHECK (kind IN ('passkey', 'totp')),
    label varchar NOT NULL,
    secret bytea,
    last_step bigint,
    shown boolean NOT NULL,
    handle bytea CONSTRAINT uq_second_factor_handle UNIQUE,
    public_key bytea,
    sign_count bigint,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    confirmed_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT ck_second_factor_totp CHECK (kind <> 'totp' OR (secret IS NOT NULL AND handle IS NULL)),
    CONSTRAINT ck_second_factor_passkey CHECK (kind <> 'passkey'
        OR (handle IS NOT NULL AND public_key IS NOT NULL AND sign_count IS NOT NULL AND secret IS NULL AND NOT shown))
);
CREATE INDEX ix_second_factor_user_id ON second_factor (user_id);
CREATE TABLE recovery_code (
    hash bytea CONSTRAINT pk_recovery_code PRIMARY KEY CONSTRAINT ck_recovery_code_hash CHECK (octet_length(hash) = 32),
    user_id uuid NOT NULL CONSTRAINT fk_recovery_code_user_id REFERENCES account (id),
    used_at timestamptz
);
CREATE INDEX ix_recovery_code_user_id ON recovery_code (user_id);
CREATE TABLE passkey_challenge (
    user_id uuid CONSTRAINT pk_passkey_challenge PRIMARY KEY
        CONSTRAINT fk_passkey_challenge_user_id REFERENCES account (id),
    challenge bytea NOT NULL CONSTRAINT ck_passkey_challenge_challenge CHECK (octet_length(challenge) = 32),
    expires_at timestamptz NOT NULL
);
CREATE TABLE device_challenge (
    user_id uuid CONSTRAINT pk_device_challenge PRIMARY KEY
        CONSTRAINT fk_device_challenge_user_id REFERENCES account (id),
    challenge bytea NOT NULL CONSTRAINT ck_device_challenge_challenge CHECK (octet_length(challenge) = 32),
    expires_at timestamptz NOT NULL
);
CREATE TABLE device_key (
    public_key bytea CONSTRAINT pk_device_key PRIMARY KEY
        CONSTRAINT ck_device_key_public_key CHECK (octet_length(public_key) = 32),
    user_id uuid NOT NULL CONSTRAINT fk_device_key_user_id REFERENCES account (id),
    enrolled_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE UNIQUE INDEX uq_device_key_active ON device_key (user_id) WHERE revoked_at IS NULL;
"""

# 三员分立: an administrator holds one administrator's role and no other. The row lock on the account makes two grants at
# the same moment see each other. What was granted or enrolled stays on record: only the end of it may be written.
APART = """
CREATE FUNCTION account_grant_apart() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM account WHERE id = NEW.user_id FOR UPDATE;
    IF EXISTS (
        SELECT 1 FROM account_grant g WHERE g.user_id = NEW.user_id AND g.revoked_at IS NULL
        AND (g.role IN ('audit_admin', 'security_admin', 'system_admin')
             OR NEW.role IN ('audit_admin', 'security_admin', 'system_admin'))
    ) THEN
        RAISE EXCEPTION 'administrators hold one role' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'ck_account_grant_apart';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER account_grant_apart BEFORE INSERT ON account_grant
    FOR EACH ROW EXECUTE FUNCTION account_grant_apart();

CREATE FUNCTION account_record_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' OR OLD.revoked_at IS NOT NULL
       OR (to_jsonb(NEW) - 'revoked_at' - 'revoked_by') <> (to_jsonb(OLD) - 'revoked_at' - 'revoked_by') THEN
        RAISE EXCEPTION 'rows of % are only ended, once', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER account_grant_kept BEFORE UPDATE OR DELETE ON account_grant
    FOR EACH ROW EXECUTE FUNCTION account_record_kept();
CREATE TRIGGER account_grant_whole BEFORE TRUNCATE ON account_grant
    FOR EACH STATEMENT EXECUTE FUNCTION account_record_kept();
CREATE TRIGGER device_key_kept BEFORE UPDATE OR DELETE ON device_key
    FOR EACH ROW EXECUTE FUNCTION account_record_kept();
CREATE FUNCTION account_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never removed', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER account_kept BEFORE DELETE OR TRUNCATE ON account FOR EACH STATEMENT EXECUTE FUNCTION account_kept();
CREATE TRIGGER device_key_whole BEFORE TRUNCATE ON device_key
    FOR EACH STATEMENT EXECUTE FUNCTION account_record_kept();

-- Codes are shown on the second step's page in a sandbox alone, whatever a program says (api.accounts.showing).
CREATE FUNCTION second_factor_hidden() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.shown AND NOT coalesce((SELECT sandbox FROM installation), false) THEN
        RAISE EXCEPTION 'codes are shown in a sandbox alone' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'ck_second_factor_hidden';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER second_factor_hidden BEFORE INSERT OR UPDATE ON second_factor
    FOR EACH ROW EXECUTE FUNCTION second_factor_hidden();
CREATE FUNCTION second_factor_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'second factors are ended, never removed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER second_factor_kept BEFORE TRUNCATE ON second_factor
    FOR EACH STATEMENT EXECUTE FUNCTION second_factor_kept();
CREATE TRIGGER second_factor_used BEFORE DELETE ON second_factor
    FOR EACH ROW WHEN (OLD.confirmed_at IS NOT NULL) EXECUTE FUNCTION second_factor_kept();
"""

EDGE = """
CREATE TABLE stored_answer (
    name bytea CONSTRAINT pk_stored_answer PRIMARY KEY CONSTRAINT ck_stored_answer_name CHECK (octet_length(name) = 32),
    user_id uuid NOT NULL,
    request bytea NOT NULL CONSTRAINT ck_stored_answer_request CHECK (octet_length(request) = 32),
    status smallint NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ix_stored_answer_made_at ON stored_answer (made_at);
CREATE TABLE client_release (
    number bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_client_release PRIMARY KEY,
    digest bytea NOT NULL CONSTRAINT ck_client_release_digest CHECK (octet_length(digest) = 32),
    manifest varchar NOT NULL,
    event bytea NOT NULL,
    salt bytea NOT NULL,
    commitment bytea NOT NULL
);
CREATE TRIGGER client_release_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON client_release
    FOR EACH STATEMENT EXECUTE FUNCTION account_kept();
CREATE TABLE message (
    id uuid CONSTRAINT pk_message PRIMARY KEY,
    key varchar NOT NULL CONSTRAINT uq_message_key UNIQUE,
    user_id uuid,
    party varchar,
    code varchar NOT NULL,
    params jsonb NOT NULL,
    path varchar NOT NULL,
    posted_at timestamptz NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    outcome varchar CONSTRAINT ck_message_outcome CHECK (outcome IN ('sent', 'no_address', 'refused', 'given_up')),
    tries smallint NOT NULL DEFAULT 0,
    next_try_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT ck_message_recipient CHECK ((user_id IS NULL) <> (party IS NULL))
);
CREATE INDEX ix_message_user_id ON message (user_id, posted_at);
CREATE INDEX ix_message_party ON message (party, posted_at);
CREATE INDEX ix_message_unsettled ON message (next_try_at) WHERE outcome IS NULL;
CREATE TABLE message_cursor (
    id smallint CONSTRAINT pk_message_cursor PRIMARY KEY DEFAULT 1 CONSTRAINT ck_message_cursor_one CHECK (id = 1),
    index bigint NOT NULL
);
INSERT INTO message_cursor (index) VALUES (-1);
CREATE UNLOGGED TABLE counter (
    name varchar NOT NULL,
    slot timestamptz NOT NULL,
    count integer NOT NULL,
    CONSTRAINT pk_counter PRIMARY KEY (name, slot)
);
"""


def upgrade() -> None:
    op.execute(ACCOUNTS)
    op.execute(APART)
    op.execute(EDGE)
