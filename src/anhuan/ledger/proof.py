"""The proof of one posting: its row, the batches from its own to the end that a signed root names, and that root.

Whoever holds the public key can check it without this house: hash the rows batch by batch, arrive at the hash in the
root, check the signature (docs/LEDGER.md). A batch is hashed whole, so a proof shows the rows that were written beside
the posting; it is for auditors and operators, a user's statement names the root instead.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.kit import audit_key
from anhuan.kit.errors import Refused
from anhuan.ledger import root_bytes, store_proof, store_statement
from anhuan.ledger.root_bytes import Root

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

WORD: Final = "anhuan-ledger-proof-1"
ROW: Final = 156
MOST_ROWS: Final = 500_000  # of the batches between a posting and its root: 78 MB; a minute holds far fewer


class NoSuchPosting(Refused):
    """没有这笔凭证: no posting has this id, or it is not yours to see."""

    code = "ledger.no_such_posting"


class NotSignedYet(Refused):
    """尚未签名: no signed root covers this posting yet; one is signed every minute while a worker runs."""

    code = "ledger.not_signed_yet"


class ProofTooLong(Refused):
    """证明过长: too many rows lie between the posting and the root that covers it."""

    code = "ledger.proof_too_long"


class BadProof(Refused):
    """证明不成立: the file is no proof, or does not prove what it says; the sentence names the step."""

    code = "ledger.bad_proof"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a posting lies in its chain, and what vouches for it."""

    id: UUID
    shard: int
    batch_no: int
    line: int
    row: bytes
    root: Root | None  # the first that covers it


def place_of(db: Session, posting_id: UUID) -> Place:
    """Batch and root of a posting that the session may see; raises `NoSuchPosting`."""
    found = store_statement.where_is(db, posting_id)
    if found is None:
        raise NoSuchPosting(f"no posting {posting_id}", field="id")
    shard, batch_no, line, row = found
    return Place(posting_id, shard, batch_no, line, row, store_proof.root_covering(db, shard, batch_no))


def prove(db: Session, posting_id: UUID) -> str:
    """The proof as JSON; needs a session that sees every row (the auditor's)."""
    place = place_of(db, posting_id)
    if place.root is None:
        raise NotSignedYet(
            f"posting {posting_id} is younger than the last root: `anhuan ledger root --now`", field="id"
        )
    last = next(end.batch_no for end in place.root.heads if end.shard == place.shard)
    rows = store_statement.rows_between(db, place.shard, first=place.batch_no, last=last)
    if rows > MOST_ROWS:
        raise ProofTooLong(f"{rows:,} rows lie between the posting and root {place.root.no}", field="id")
    batches = list(store_statement.sealed(db, place.shard, first=place.batch_no, last=last))
    return json.dumps(
        {
            "proof": WORD,
            "posting": str(posting_id),
            "shard": place.shard,
            "batch_no": place.batch_no,
            "line": place.line,
            "before": batches[0].prev.hex(),
            "batches": [base64.b64encode(one.rows).decode() for one in batches],
            "root": place.root.said(),
        },
        indent=1,
    )


def check(text: str, keys: Mapping[str, "Ed25519PublicKey"]) -> Place:
    """Check a proof with nothing but public keys; returns what is proved, or raises `BadProof` with the reason."""
    try:
        said: dict[str, Any] = json.loads(text)
        if said["proof"] != WORD:
            raise BadProof("this is another kind of file", field="proof")
        root = root_bytes.read(said["root"])
        posting, shard, first = UUID(said["posting"]), int(said["shard"]), int(said["batch_no"])
        link, batches = bytes.fromhex(said["before"]), [base64.b64decode(one, validate=True) for one in said["batches"]]
        line = int(said["line"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadProof("this file is no proof of a posting, or was changed", field="proof") from error
    key = keys.get(root.key_id)
    if key is None:
        raise BadProof(f"the root is signed by a key that is not known here, {root.key_id}", field="root")
    if not audit_key.holds(key, root.line, bytes.fromhex(root.signature)):
        raise BadProof("the root is not signed by the key it names", field="root")
    row = _row(batches[0] if batches else b"", shard, first, line, posting)
    for rows in batches:
        link = hashlib.sha256(link + rows).digest()
    if root_bytes.End(shard, first + len(batches) - 1, link) not in root.heads:
        raise BadProof(f"the batches do not lead to what root {root.no} says of shard {shard}", field="batches")
    return Place(posting, shard, first, line, row, root)


def facts(row: bytes) -> dict[str, Any]:
    """What the 156 bytes of a row say, by name."""
    from anhuan.ledger import verify_rows  # here, because numpy costs a command that does not need it 0.1 s

    found = verify_rows.read(verify_rows.POSTING, row)[0]
    said: dict[str, Any] = {}
    for name in verify_rows.POSTING.names or ():
        value = found[name]
        if name in ("id", "parent_id", "group_id", "ref"):
            one = UUID(bytes=value.tobytes())
            said[name] = str(one) if one.int else None
        elif name in ("ts", "event_at"):
            moment = None if int(value) == store_proof.NONE else store_proof.moment(int(value))
            said[name] = None if moment is None else moment.isoformat()
        else:
            said[name] = int(value)
    return said


def _row(rows: bytes, shard: int, batch_no: int, line: int, posting: UUID) -> bytes:
    """The row of a posting among those of its batch."""
    start = shard.to_bytes(2, "big", signed=True) + batch_no.to_bytes(8, "big", signed=True)
    start += line.to_bytes(2, "big", signed=True) + posting.bytes
    for at in range(0, len(rows), ROW):
        if rows[at : at + len(start)] == start:
            return rows[at : at + ROW]
    raise BadProof("the posting is not among the rows of its batch", field="posting")
