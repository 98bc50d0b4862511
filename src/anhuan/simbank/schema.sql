-- The simulated bank's own database, version 2. Applied once, whole, to an empty database; of an older one only what
-- was added is added (`store.UPGRADES`). Money is fen (bigint), moments are timestamptz, days are the bank's own (UTC+8).

CREATE SCHEMA bank;

CREATE TABLE bank.version (version integer PRIMARY KEY);
INSERT INTO bank.version VALUES (2);

-- One row: the clock held in hand, the seed, counters that chance is drawn by, the bank's own key.
CREATE TABLE bank.house (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    seed bigint NOT NULL,
    now timestamptz NOT NULL,
    profile jsonb NOT NULL DEFAULT '{}',
    sign_key bytea NOT NULL CHECK (length(sign_key) = 32),
    control_token text NOT NULL,
    callback_url text
);

CREATE TABLE bank.partner (
    key_id text PRIMARY KEY,
    public_key bytea NOT NULL CHECK (length(public_key) = 32)
);

CREATE TABLE bank.nonce (
    key_id text NOT NULL,
    nonce text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (key_id, nonce)
);

CREATE TABLE bank.account (
    name text PRIMARY KEY,
    holder text NOT NULL DEFAULT '',
    balance bigint NOT NULL DEFAULT 0,
    -- what belongs to people and what is on its way is never negative; cards owe, and the world outside pays in
    CHECK (balance >= 0 OR NOT (name LIKE 'client:%' OR name = 'transit'))
);

CREATE TABLE bank.card (
    card text PRIMARY KEY,
    bank text NOT NULL,
    name text NOT NULL,
    frozen boolean NOT NULL DEFAULT false,
    statement_day integer CHECK (statement_day BETWEEN 1 AND 31),
    marks integer[] NOT NULL DEFAULT '{}',
    facts jsonb NOT NULL DEFAULT '{}'
);

CREATE TABLE bank.movement (
    seq bigint PRIMARY KEY,
    day date NOT NULL,
    at timestamptz NOT NULL,
    code text NOT NULL,
    key text,
    text text NOT NULL DEFAULT ''
);
-- The law of this bank, kept by its database: per key money leaves the funding account at most once, comes back at
-- most once, and reaches the card at most once without having been withdrawn.
CREATE UNIQUE INDEX one_debit ON bank.movement (key) WHERE code = 'debit';
CREATE UNIQUE INDEX one_return ON bank.movement (key) WHERE code = 'give_back';
CREATE UNIQUE INDEX one_booking ON bank.movement (key) WHERE code = 'book';
CREATE UNIQUE INDEX one_service_fee ON bank.movement (key) WHERE code = 'service_fee';
CREATE INDEX movement_of_day ON bank.movement (day);

CREATE TABLE bank.leg (
    movement bigint NOT NULL REFERENCES bank.movement,
    account text NOT NULL REFERENCES bank.account,
    amount bigint NOT NULL CHECK (amount <> 0),
    after bigint NOT NULL,
    PRIMARY KEY (movement, account)
);

CREATE TABLE bank.payment (
    key text PRIMARY KEY,
    partner text NOT NULL,
    body_sha256 text NOT NULL,
    amount bigint NOT NULL,
    currency text NOT NULL,
    funding text NOT NULL,
    card text NOT NULL,
    name text NOT NULL,
    state text NOT NULL CHECK (state IN ('accepted', 'processing', 'success', 'failed')),
    reference text NOT NULL,
    taken_at timestamptz NOT NULL,
    visible_from timestamptz NOT NULL,
    course jsonb NOT NULL,
    scenarios integer[] NOT NULL,
    code text,
    message text,
    missing bigint,
    resets_at timestamptz,
    fee_kept bigint NOT NULL DEFAULT 0,
    service_fee bigint NOT NULL DEFAULT 0 CHECK (service_fee >= 0),  -- collected for the partner beside the amount
    final_at timestamptz,
    booked_on date,
    event_kind text CHECK (event_kind IN ('returned', 'reversed')),
    event_at timestamptz,
    event_reason text
);
CREATE INDEX payment_taken ON bank.payment (taken_at);
CREATE INDEX payment_reference ON bank.payment (reference);

-- What a key met when it was first heard of: its scenarios stay with it however often it is sent.
CREATE TABLE bank.meeting (
    key text PRIMARY KEY,
    scenarios integer[] NOT NULL,
    params jsonb NOT NULL,
    first_at timestamptz NOT NULL,
    heard integer NOT NULL DEFAULT 0
);

CREATE TABLE bank.posting (
    seq bigint PRIMARY KEY,
    card text NOT NULL REFERENCES bank.card,
    posted_on date NOT NULL,
    at timestamptz NOT NULL,
    kind text NOT NULL,
    amount bigint NOT NULL CHECK (amount <> 0),
    text text NOT NULL DEFAULT '',
    key text,
    reference text
);
CREATE INDEX posting_of_card ON bank.posting (card, posted_on, seq);

-- What falls due when the clock moves, in this order: moment, then place in the row.
CREATE TABLE bank.agenda (
    seq bigint PRIMARY KEY,
    due_at timestamptz NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    facts jsonb NOT NULL DEFAULT '{}',
    done_at timestamptz
);
CREATE INDEX agenda_due ON bank.agenda (due_at, seq) WHERE done_at IS NULL;

CREATE TABLE bank.callback (
    seq bigint PRIMARY KEY,
    event_id text NOT NULL,
    key text NOT NULL,
    state text NOT NULL,
    at timestamptz NOT NULL,
    variant text NOT NULL,
    due_at timestamptz NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    answered integer,
    done_at timestamptz
);
CREATE INDEX callback_due ON bank.callback (due_at, seq) WHERE done_at IS NULL;

CREATE TABLE bank.switch (
    number integer PRIMARY KEY CHECK (number BETWEEN 1 AND 35),
    probability text NOT NULL,
    params jsonb NOT NULL
);

CREATE TABLE bank.script (
    seq bigint PRIMARY KEY,
    key text,  -- none: for the next payment
    scenarios integer[] NOT NULL,
    params jsonb NOT NULL,
    used_by text
);

CREATE TABLE bank.day_file (
    day date NOT NULL,
    name text NOT NULL,
    edition integer NOT NULL,
    kind text NOT NULL,
    rows integer NOT NULL,
    sha256 text NOT NULL,
    ready_at timestamptz NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (day, name, edition)
);

CREATE TABLE bank.statement (
    card text NOT NULL REFERENCES bank.card,
    statement_on date NOT NULL,
    facts jsonb NOT NULL,
    PRIMARY KEY (card, statement_on)
);

-- Numbers are given out by the bank and not by sequences, which forget nothing at a rollback and nothing at a reset.
CREATE TABLE bank.counter (name text PRIMARY KEY, last bigint NOT NULL);
