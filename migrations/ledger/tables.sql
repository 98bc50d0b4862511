-- The books (ledger.md, section 3). Every key on the posting path begins with `shard`.
CREATE SCHEMA ledger;
REVOKE ALL ON SCHEMA ledger FROM PUBLIC;
GRANT USAGE ON SCHEMA ledger TO anhuan_app, anhuan_work, anhuan_desk, anhuan_audit;

CREATE TABLE ledger.licence (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, number text NOT NULL UNIQUE, bank text NOT NULL, valid_to date NOT NULL,
  first_approver uuid NOT NULL, second_approver uuid NOT NULL, entered_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT two_approvers CHECK (first_approver <> second_approver),
  CONSTRAINT named CHECK (number <> '' AND bank <> ''));

CREATE TABLE ledger.unit (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text NOT NULL UNIQUE,
  book text NOT NULL CONSTRAINT known_book CHECK (book IN ('tracked', 'house', 'credit', 'benefit', 'custody')),
  scale smallint NOT NULL CONSTRAINT few_digits CHECK (scale BETWEEN 0 AND 4), issuer uuid,
  licence_id int REFERENCES ledger.licence, opened_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT custody_needs_a_licence CHECK (book <> 'custody' OR licence_id IS NOT NULL));

CREATE TABLE ledger.owner (id uuid PRIMARY KEY, shard smallint NOT NULL);

CREATE TABLE ledger.account (
  shard smallint, id bigint GENERATED ALWAYS AS IDENTITY, unit int NOT NULL REFERENCES ledger.unit, kind smallint NOT NULL,
  owner uuid, sub text NOT NULL DEFAULT '' CONSTRAINT sub_short CHECK (length(sub) <= 200),
  floor bigint, ceil bigint,
  posted bigint NOT NULL DEFAULT 0, held bigint NOT NULL DEFAULT 0, held_in bigint NOT NULL DEFAULT 0, seq bigint NOT NULL DEFAULT 0,
  over boolean NOT NULL DEFAULT false, frozen_out boolean NOT NULL DEFAULT false, frozen_in boolean NOT NULL DEFAULT false,
  opened_at timestamptz NOT NULL DEFAULT now(), closed_at timestamptz,
  PRIMARY KEY (shard, id), CONSTRAINT one_of_a_name UNIQUE NULLS NOT DISTINCT (shard, unit, kind, owner, sub),
  -- A check passes on NULL, so an account without floor or ceiling is not held; each statement reads these texts anew.
  CONSTRAINT floor_holds CHECK (over OR posted - held >= floor),
  CONSTRAINT ceil_holds CHECK (over OR posted + held_in <= ceil),
  CONSTRAINT holds_counted CHECK (held >= 0 AND held_in >= 0),
  CONSTRAINT bounds_in_order CHECK (floor <= ceil)) WITH (fillfactor = 50);
CREATE INDEX account_owner ON ledger.account (owner) WHERE owner IS NOT NULL;

CREATE TABLE ledger.posting (
  src bigint NOT NULL, dst bigint NOT NULL, amount bigint NOT NULL CONSTRAINT amount_positive CHECK (amount > 0),
  src_seq bigint NOT NULL, dst_seq bigint NOT NULL, src_bal bigint NOT NULL, dst_bal bigint NOT NULL,
  batch_no bigint NOT NULL, ts timestamptz NOT NULL, event_at timestamptz,
  unit int NOT NULL, shard smallint NOT NULL, line smallint NOT NULL, kind smallint NOT NULL, code smallint NOT NULL,
  id uuid NOT NULL, parent_id uuid, group_id uuid, ref uuid,
  PRIMARY KEY (shard, id), CONSTRAINT two_accounts CHECK (src <> dst)) PARTITION BY RANGE (id);

CREATE TABLE ledger.hold (
  shard smallint, id uuid, src bigint NOT NULL, dst bigint NOT NULL, unit int NOT NULL,
  amount bigint NOT NULL CONSTRAINT amount_positive CHECK (amount > 0), expires_at timestamptz, PRIMARY KEY (shard, id));
CREATE INDEX hold_expires ON ledger.hold (shard, expires_at) WHERE expires_at IS NOT NULL;

-- The one row of its lane that a batch renews.
CREATE TABLE ledger.shard_head (
  shard smallint PRIMARY KEY, batch_no bigint NOT NULL DEFAULT 0, ts timestamptz NOT NULL DEFAULT '2000-01-01 00:00:00+00',
  hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex')) WITH (fillfactor = 10);

CREATE TABLE ledger.seal (
  shard smallint, batch_no bigint, n smallint NOT NULL, ts timestamptz NOT NULL, prev bytea NOT NULL, hash bytea NOT NULL,
  PRIMARY KEY (shard, batch_no));

CREATE TABLE ledger.month (
  month date PRIMARY KEY, from_id uuid NOT NULL, to_id uuid NOT NULL,
  state text NOT NULL DEFAULT 'open' CONSTRAINT known_state CHECK (state IN ('open', 'closed', 'detached')));

-- What the open months span together: one row, so a batch need not add them up.
CREATE TABLE ledger.span (
  one boolean PRIMARY KEY DEFAULT true CONSTRAINT only_one CHECK (one), from_id uuid NOT NULL, to_id uuid NOT NULL);

CREATE TABLE ledger.account_change (
  no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, shard smallint NOT NULL, account bigint NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(), login text NOT NULL DEFAULT session_user,
  old_floor bigint, old_ceil bigint, old_frozen_out boolean NOT NULL, old_frozen_in boolean NOT NULL,
  new_floor bigint, new_ceil bigint, new_frozen_out boolean NOT NULL, new_frozen_in boolean NOT NULL,
  reason text NOT NULL CONSTRAINT reasoned CHECK (reason <> ''), decision_id uuid NOT NULL, approver uuid NOT NULL);
CREATE INDEX account_change_of ON ledger.account_change (shard, account, no);

CREATE TABLE ledger.root (
  no bigint PRIMARY KEY, at timestamptz NOT NULL, heads bytea NOT NULL, prev bytea NOT NULL, hash bytea NOT NULL,
  audit_place bigint NOT NULL, audit_link bytea NOT NULL, key_id text NOT NULL,
  signature bytea NOT NULL CONSTRAINT signature_length CHECK (octet_length(signature) = 64));
