"""Signed roots over the ends of the ledger's chains: kept through one function of the owner, by the worker alone."""

from alembic import op

from anhuan.kit.audit_bytes import GENESIS as AUDIT_GENESIS
from anhuan.ledger.root_bytes import FIRST

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

# A root is refused unless it follows the one before and every head in it is a batch that was sealed, none behind the
# root before: whoever holds the worker's login cannot put one there that says something else than the chain.
KEEP = """
    CREATE FUNCTION ledger.root_keep(number bigint, moment timestamptz, ends bytea, before bytea, place bigint,
        link bytea, key text, signed bytea) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
        last ledger.root;
        count integer := octet_length(ends) / 42;
        shards bigint;
        true_ones bigint;
    BEGIN
        PERFORM pg_advisory_xact_lock(1818584167, -2);
        SELECT * INTO last FROM ledger.root r ORDER BY r.no DESC LIMIT 1;
        IF number <> coalesce(last.no, 0) + 1 OR before <> coalesce(last.hash, decode('FIRST', 'hex'))
            OR moment <= last.at OR moment > clock_timestamp() + interval '5 minutes' THEN
            RAISE EXCEPTION 'this root does not follow the one before' USING ERRCODE = 'check_violation';
        END IF;
        SELECT count(*) INTO shards FROM ledger.shard_head;
        SELECT count(DISTINCT e.shard) FILTER (
                WHERE (e.batch_no = 0 AND e.hash = decode(repeat('00', 32), 'hex') OR s.hash IS NOT NULL)
                AND e.batch_no >= coalesce(o.batch_no, 0))
            INTO true_ones
            FROM (SELECT substr(ends, i * 42 + 1, 2)::smallint AS shard,
                    substr(ends, i * 42 + 3, 8)::bigint AS batch_no, substr(ends, i * 42 + 11, 32) AS hash
                FROM generate_series(0, count - 1) i) e
            JOIN ledger.shard_head h ON h.shard = e.shard
            LEFT JOIN ledger.seal s ON s.shard = e.shard AND s.batch_no = e.batch_no AND s.hash = e.hash
            LEFT JOIN (SELECT substr(last.heads, i * 42 + 1, 2)::smallint AS shard,
                    substr(last.heads, i * 42 + 3, 8)::bigint AS batch_no
                FROM generate_series(0, octet_length(last.heads) / 42 - 1) i) o ON o.shard = e.shard;
        IF octet_length(ends) <> count * 42 OR count <> shards OR true_ones <> shards THEN
            RAISE EXCEPTION 'these are not the ends of the chains' USING ERRCODE = 'check_violation';
        END IF;
        IF NOT (place = 0 AND link = decode('GENESIS', 'hex')
                OR EXISTS (SELECT FROM public.audit_chain c
                    WHERE c.place = root_keep.place AND c.link = root_keep.link)) THEN
            RAISE EXCEPTION 'this is no link of the audit log' USING ERRCODE = 'check_violation';
        END IF;
        INSERT INTO ledger.root (no, at, heads, prev, hash, audit_place, audit_link, key_id, signature)
            VALUES (number, moment, ends, before, sha256(before || ends), place, link, key, signed);
    END $$""".replace("FIRST", FIRST).replace("GENESIS", AUDIT_GENESIS.hex())
NAME = "ledger.root_keep(bigint, timestamptz, bytea, bytea, bigint, bytea, text, bytea)"


def upgrade() -> None:
    """Make the function, for the worker."""
    op.execute(KEEP.replace(":", "\\:"))
    op.execute(f"REVOKE ALL ON FUNCTION {NAME} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {NAME} TO anhuan_work")


def downgrade() -> None:
    """Drop it again."""
    op.execute(f"DROP FUNCTION {NAME}")
