"""Statements sealed: file names, bills, all that a line says; amounts, orders and rows are found by keyed hashes."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from hashlib import blake2b
from typing import Any
from uuid import UUID

import msgspec
from alembic import op
from sqlalchemy import Connection, Row, text

from anhuan.kit import vault
from anhuan.kit.converting import BATCH, seal_columns, sealed

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

KEY = ("user_id", "id")
PLACE = r"(row \d+|p\d+ y\d+(\.\d+)?)"
FEE_WORDS = "年费|手续费|违约金|滞纳金|会员费|工本费|利息|[Ff]ee|FEE|[Ii]nterest|INTEREST"
OLD_LINES = (
    "card", "account", "amount_minor", "currency", "description", "reference", "order_root", "counterparty",
    "paid_with", "original_minor", "original_currency", "share", "shares", "balance_minor", "row_key",
)  # fmt: skip
GONE_FROM_LINES = (
    "account", "description", "amount_minor", "reference", "order_root", "counterparty", "paid_with", "original_minor",
    "original_currency", "share", "shares", "balance_minor",
)  # fmt: skip


def upgrade() -> None:
    """Seal every row that stands; what lay in clear leaves the files of the tables too, which are written anew."""
    connection = op.get_bind()
    with vault.keys_of(connection):
        _imports(connection)
        _files(connection)
        _bills(connection)
        _sightings(connection)
        _lines(connection)


def _imports(connection: Connection) -> None:
    op.execute("ALTER TABLE statement_imports ADD balances jsonb")
    op.execute(
        "UPDATE statement_imports SET balances = nullif(counts -> 'balances', '[]'), counts = counts - 'balances'"
    )
    table = "statement_imports"
    seal_columns(connection, table, KEY, {name: sealed(table, name) for name in ("change_set", "balances")})


def _files(connection: Connection) -> None:
    table = "statement_files"
    op.execute("DROP INDEX statement_files_hash")
    op.execute("ALTER TABLE statement_files ADD content_key text")
    op.execute("UPDATE statement_files SET content_key = sha256")
    op.execute("ALTER TABLE statement_files ALTER content_key SET NOT NULL")
    made = {name: sealed(table, name) for name in ("name", "sha256", "account", "problems")}
    seal_columns(connection, table, KEY, made | {"content_key": _content})
    op.execute("CREATE UNIQUE INDEX statement_files_content ON statement_files (user_id, content_key) WHERE standing")


def _bills(connection: Connection) -> None:
    for table, columns in (("statement_bills", ("total_minor", "facts")), ("statement_fields", ("value", "span"))):
        seal_columns(connection, table, KEY, {name: sealed(table, name) for name in columns})


def _sightings(connection: Connection) -> None:
    """A span is a place, and behind it often a quote of the row; a file shows a line once, which is the key now."""
    table = "statement_sightings"
    op.execute("ALTER TABLE statement_sightings ADD place text, ADD quote text")
    op.execute(
        text(
            "UPDATE statement_sightings SET place = coalesce(substring(span FROM :place), ''),"
            " quote = CASE WHEN span !~ :whole THEN span END"
        ).bindparams(place=f"^{PLACE}", whole=f"^{PLACE}?$")
    )
    op.execute("DROP INDEX statement_sightings_file")
    op.execute("ALTER TABLE statement_sightings DROP id, DROP span, ALTER place SET NOT NULL")
    op.execute("ALTER TABLE statement_sightings ADD PRIMARY KEY (user_id, file_id, line_id)")
    seal_columns(connection, table, ("user_id", "file_id", "line_id"), {"quote": sealed(table, "quote")})


def _lines(connection: Connection) -> None:
    for name in ("amount", "day", "order"):
        op.execute(f"DROP INDEX statement_lines_{name}")
    op.execute("ALTER TABLE statement_lines DROP CONSTRAINT statement_lines_user_id_row_key_occurrence_key")
    op.execute(
        "ALTER TABLE statement_lines ADD amount_key bigint, ADD order_key bigint, ADD account_tail text,"
        " ADD tells_cost boolean, ADD said bytea"
    )
    for part in _parts(connection):
        connection.execute(_FILL, _told(part))
    op.execute(
        text(
            "UPDATE statement_lines SET"
            " account_tail = CASE WHEN card IS NULL AND account ~ '^[0-9]+$' THEN account END,"
            " tells_cost = source = 'card' AND (kind IN ('fee', 'interest')"
            " OR (kind = 'refund' OR amount_minor = 0) AND description ~ :words)"
        ).bindparams(words=FEE_WORDS)
    )
    op.execute("ALTER TABLE statement_lines " + ", ".join(f"DROP {name}" for name in GONE_FROM_LINES))
    op.execute("ALTER TABLE statement_lines ALTER said SET NOT NULL, ALTER tells_cost SET NOT NULL")
    # A dropped column stays in its rows until the table is written anew; a type "changed" by a function does that.
    op.execute("ALTER TABLE statement_lines ALTER said TYPE bytea USING substring(said FROM 1)")
    op.execute("ALTER TABLE statement_lines ADD UNIQUE (user_id, row_key, occurrence)")
    for name, column in (("amount", "amount_key"), ("order", "order_key")):
        where = f"WHERE {column} IS NOT NULL"
        op.execute(f"CREATE INDEX statement_lines_{name} ON statement_lines (user_id, {column}) {where}")
    op.execute("CREATE INDEX statement_lines_day ON statement_lines (user_id, day)")


_FILL = text(
    "UPDATE statement_lines l SET row_key = n.row_key, amount_key = n.amount_key, order_key = n.order_key,"
    " said = n.said FROM unnest(CAST(:user_id AS uuid[]), CAST(:id AS uuid[]), CAST(:row_key AS uuid[]),"
    " CAST(:amount_key AS bigint[]), CAST(:order_key AS bigint[]), CAST(:said AS bytea[]))"
    " AS n (user_id, id, row_key, amount_key, order_key, said) WHERE (l.user_id, l.id) = (n.user_id, n.id)"
)


def _parts(connection: Connection) -> Iterator[Sequence[Row[Any]]]:
    """All lines in batches, by their key."""
    after = ""
    last: dict[str, Any] = {}
    while True:
        asked = f"SELECT user_id, id, {', '.join(OLD_LINES)} FROM statement_lines {after} ORDER BY user_id, id"
        rows = connection.execute(text(f"{asked} LIMIT {BATCH}"), last).all()
        if not rows:
            return
        yield rows
        after, last = "WHERE (user_id, id) > (:user, :line)", {"user": rows[-1].user_id, "line": rows[-1].id}


def _told(rows: Sequence[Row[Any]]) -> dict[str, list[Any]]:
    return {
        "user_id": [row.user_id for row in rows],
        "id": [row.id for row in rows],
        "row_key": [UUID(bytes=_hash("rows", row.user_id, row.row_key.bytes, 16)) for row in rows],
        "amount_key": [
            _number("amounts", row.user_id, f"{row.currency}{abs(row.amount_minor)}") if row.amount_minor else None
            for row in rows
        ],
        "order_key": [_number("orders", row.user_id, row.order_root) if row.order_root else None for row in rows],
        "said": [vault.seal_raw("statement_lines.said", _packed(row)) for row in rows],
    }


def _packed(row: Row[Any]) -> bytes:
    original = None if row.original_minor is None else (row.original_minor, row.original_currency)
    share = None if row.share is None else (row.share, row.shares)
    packed = msgspec.msgpack.encode((
        row.row_key.bytes, row.amount_minor, row.description, row.reference, row.counterparty, row.paid_with, original,
        share, row.balance_minor, row.account,
    ))  # fmt: skip
    return packed + b"\xc1" * (-len(packed) % 16)


@cache
def _hash_key(purpose: str, user_id: UUID) -> bytes:
    return vault.keyed_hash(f"statements.{purpose}", b"", party=user_id)


def _hash(purpose: str, user_id: UUID, value: bytes, size: int) -> bytes:
    return blake2b(value, digest_size=size, key=_hash_key(purpose, user_id)).digest()


def _number(purpose: str, user_id: UUID, value: str) -> int:
    return int.from_bytes(_hash(purpose, user_id, value.encode(), 8), "big", signed=True)


def _content(row: Mapping[str, Any]) -> bytes:
    return _hash("contents", row["user_id"], row["content_key"].encode(), 16)
