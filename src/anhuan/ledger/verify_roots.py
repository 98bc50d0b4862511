"""The signed roots: true signatures, one after the other, the same in file and table, and true of the chain."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from sqlalchemy.orm import Session

from anhuan.kit import audit_key, store_audit
from anhuan.ledger import root_bytes, store_proof, verify_rows
from anhuan.ledger.root_bytes import Root
from anhuan.ledger.verify_chain import GENESIS, Chain, Lane
from anhuan.ledger.verify_rows import HEAD, Rows, places
from anhuan.ledger.verify_words import Report

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FILE, TABLE = "roots.jsonl", "ledger.root"  # where a root was read
_ENDS: Final = 1_000  # the newest roots whose place in the audit log's chain is compared


def check(db: Session, report: Report, file: Sequence[Root], keys: Mapping[str, "Ed25519PublicKey"]) -> list[Root]:
    """Roots with a true signature, each once, by number; the file's word counts before the table's."""
    table = store_proof.roots(db)
    by_table = {root.no: root for root in table}
    for root in file:
        other = by_table.pop(root.no, None)
        if other is None:
            report.found("root_gone", root=root.no)
        elif other != root:
            report.found("root_differs", root=root.no)
    for number in by_table:  # younger ones may not be written yet; older ones come before what somebody kept
        if file and file[0].no < number < file[-1].no:
            report.found("root_unpublished", root=number)
    trusted = {root.no: root for root in _trusted(report, table, keys, TABLE)}
    trusted |= {root.no: root for root in _trusted(report, file, keys, FILE)}
    report.roots = len(trusted)
    found = [trusted[number] for number in sorted(trusted)]
    _check_audit(db, report, found[-_ENDS:])
    return found


def signed_heads(roots: Sequence[Root]) -> Rows:
    """What the roots say of shards that moved since the root before, by shard and batch."""
    seen: dict[int, bytes] = {}
    parts: list[bytes] = []
    for root in roots:
        for head in root.heads:
            if head.batch_no > 0 and seen.get(head.shard) != head.hash:
                seen[head.shard] = head.hash
                parts.append(root_bytes.pack([head]))
    heads = verify_rows.read(HEAD, b"".join(parts))
    return heads[np.argsort(places(heads), kind="stable")]


def compare(report: Report, roots: Sequence[Root], signed: Rows, chain: Chain, lanes: Mapping[int, Lane]) -> None:
    """After the walk: what was signed must stand in the chain; of each shard the first disagreement is told."""
    told: set[int] = set()
    for at in np.flatnonzero(~chain.matched | chain.differing):
        head = signed[at]
        shard, batch = int(head["shard"]), int(head["batch_no"])
        if shard in told:
            continue
        told.add(shard)
        number = _number(roots, shard, batch, head["hash"].tobytes())
        ended = lanes[shard].last if shard in lanes else 0
        if batch > ended:
            report.found("truncated", shard=shard, expected=batch, found=ended, root=number)
        else:
            report.found("rewritten", shard=shard, batch=batch, root=number)
    newest = roots[-1].heads if roots else ()
    report.covered = sum(head.batch_no for head in newest if head.shard not in told)
    for head in newest:
        if head.batch_no == 0 and head.hash != GENESIS:
            report.found("rewritten", shard=head.shard, batch=0, root=roots[-1].no)


def _trusted(report: Report, roots: Sequence[Root], keys: Mapping[str, "Ed25519PublicKey"], where: str) -> list[Root]:
    good = []
    before, number = root_bytes.FIRST, 0
    if roots and where == FILE:  # which may begin at any root
        before, number = roots[0].prev, roots[0].no - 1
    for root in roots:
        key = keys.get(root.key_id)
        if key is None:
            report.found("root_stranger", root=root.no, key=root.key_id, where=where)
        elif not audit_key.holds(key, root.line, bytes.fromhex(root.signature)):
            report.found("root_forged", root=root.no, where=where)
        else:
            good.append(root)
        if root.prev != before or root.no != number + 1:
            report.found("root_order", root=root.no, where=where)
        before, number = root.hash, root.no
    return good


def _check_audit(db: Session, report: Report, roots: Sequence[Root]) -> None:
    """The audit log still has the link that a root was tied to."""
    for root in roots:
        if root.audit_place and store_audit.link_at(db, root.audit_place) != root.audit_link:
            report.found("root_audit", root=root.no, place=root.audit_place)


def _number(roots: Sequence[Root], shard: int, batch: int, digest: bytes) -> int:
    """The first root that names this end."""
    end = root_bytes.End(shard, batch, digest)
    return next((root.no for root in roots if end in root.heads), 0)
