"""Cards and planning sealed: what people own, owe and call things is turned into ciphertext, row by row."""

from collections.abc import Mapping
from typing import Any

from alembic import op

from anhuan.kit import vault
from anhuan.kit.converting import seal_columns, sealed

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# Table, key, columns to seal.
TABLES = (
    ("credit_lines", ("user_id", "id"), ("label", "limit_minor")),
    ("card_accounts", ("user_id", "id"), ("label",)),
    ("cards", ("user_id", "id"), ("label", "groups")),
    ("bills", ("user_id", "id"), ("total_minor", "minimum_minor", "limit_minor", "spans")),
    ("bill_charges", ("user_id", "bill_id", "seq"), ("amount_minor",)),
    ("card_payments", ("user_id", "id"), ("amount_minor",)),
    ("own_accounts", ("user_id", "id"), ("label", "balance_minor", "reserve_minor")),
    ("terms", ("user_id", "id"), ("value", "basis", "source")),
    ("plan_flows", ("user_id", "id"), ("label", "amount_minor")),
    ("plan_spending", ("user_id", "id"), ("amount_minor",)),
)


def upgrade() -> None:
    """Seal every row that stands; the old columns go, with their checks, which the mapped rows uphold from here on."""
    connection = op.get_bind()
    with vault.keys_of(connection):
        for table, key, columns in TABLES:
            made = {column: sealed(table, column) for column in columns}
            if table == "bills":
                made["fingerprint"] = _keyed
            seal_columns(connection, table, key, made)


def _keyed(row: Mapping[str, Any]) -> bytes:
    return vault.keyed_hash("bills.fingerprint", row["fingerprint"], party=row["user_id"])
