"""Checks the whole books again from their bytes: the chain, laws 1 to 3, the chart, the bounds, the signed roots.

It reads as the auditor's login, in one snapshot, and believes nothing but the public keys and the file of roots:
hashes and balances are reckoned here, not in the database. What it can find stands in `verify_words`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Final

import numpy as np
from sqlalchemy.orm import Session

from anhuan.kit.errors import Refused
from anhuan.ledger import rules, store_proof, verify_roots, verify_rows
from anhuan.ledger.root_bytes import Root
from anhuan.ledger.verify_chain import WINDOW, Chain, Windows, lanes_from
from anhuan.ledger.verify_holds import Holds
from anhuan.ledger.verify_laws import Accounts, Laws
from anhuan.ledger.verify_rows import HEAD
from anhuan.ledger.verify_words import Report

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

CHART: Final = {int(code): (str(way.book), int(way.src), int(way.dst)) for code, way in rules.CHART.items()}
NEWEST: Final = 0  # as `from_root`: the newest root with a true signature


class NoSuchRoot(Refused):
    """没有这个签名根: no root with this number and a true signature is known."""

    code = "ledger.no_such_root"


def verify(
    db: Session,
    *,
    file_roots: Sequence[Root],
    keys: Mapping[str, "Ed25519PublicKey"],
    from_root: int | None = None,
    window: int = WINDOW,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Check the books from the first batch, or from a signed root on (`NEWEST`: the last one).

    `db` is a transaction of the auditor's login that has asked nothing yet. `progress` hears how many of how many
    batches are done. Beginning at a root trusts what came before it, and looks up what each account had then.
    """
    began = perf_counter()
    raw = store_proof.freeze(db)
    report = Report()
    with _step(report, "roots"):
        trusted = verify_roots.check(db, report, file_roots, keys)
        start = _start(trusted, from_root)
        later = trusted if start is None else [root for root in trusted if root.no > start.no]
        signed = verify_roots.signed_heads(later)
    report.from_root = None if start is None else start.no
    with _step(report, "accounts"):
        accounts = Accounts(report, raw, from_root=start is not None)
        lanes = lanes_from(raw, np.zeros(0, HEAD) if start is None else verify_rows.read(HEAD, start.head_bytes))
        heads = store_proof.heads(raw)
    chain, laws = Chain(report, lanes, signed), Laws(report, accounts, CHART, store_proof.books(raw))
    holds = Holds(report, raw, accounts, from_root=start is not None)
    total = sum(batch for batch, _ in heads.values()) - sum(lane.began for lane in lanes.values())
    waited = perf_counter()
    for one in Windows(raw, lanes, size=window):
        report.took("waiting for rows", perf_counter() - waited)
        report.took("database, beside Python", one.seconds)
        with _step(report, "chain"):
            rows = chain.check(one)
        with _step(report, "entries and chart"):
            laws.check(rows)
        with _step(report, "holds and reversals"):
            holds.check(rows)
        progress(report.batches, total)
        waited = perf_counter()
    with _step(report, "ends"):
        chain.check_ends(heads)
        laws.check_accounts(raw, from_root=start is not None)
        holds.check_ends()
        for code in store_proof.unlicensed(raw):
            report.found("unit_unlicensed", unit=code)
        verify_roots.compare(report, trusted, signed, chain, lanes)
    report.shards = len(lanes)
    report.findings.sort(key=lambda one: (one.facts.get("shard", -1), one.facts.get("batch", 0)))
    report.seconds = perf_counter() - began
    return report


def _start(trusted: Sequence[Root], wanted: int | None) -> Root | None:
    if wanted is None:
        return None
    found = [root for root in trusted if wanted in (NEWEST, root.no)]
    if not found:
        raise NoSuchRoot(f"no signed root {wanted or ''} is known here: leave the option out", field="from_root")
    return found[-1]


@contextmanager
def _step(report: Report, name: str) -> Iterator[None]:
    began = perf_counter()
    yield
    report.took(name, perf_counter() - began)
