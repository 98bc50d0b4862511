"""Law 3 and the mirror of reversals: each hold is open or resolved exactly once, each reversal undoes what it names."""

import hashlib
from typing import Final
from uuid import UUID

import numpy as np

from anhuan.ledger import store_proof, verify_rows
from anhuan.ledger.model import Kind
from anhuan.ledger.verify_laws import MOVING, PAGE, Accounts, as_uuid, where
from anhuan.ledger.verify_rows import HOLD, POSTING, Ints, Rows, ints, same_bytes
from anhuan.ledger.verify_words import Report

RESOLVING: Final = (Kind.CAPTURE, Kind.VOID, Kind.EXPIRE)
LOOKED_UP: Final = 20_000  # postings fetched by their id at a time

_Key = tuple[int, bytes]  # shard and id: two lanes may use one id, each for its own
_Held = tuple[int, int, int, int, int]  # shard, src, dst, unit, amount
_SAID: Final = ("shard", "src", "dst", "unit", "amount")


class Holds:
    """Every hold that is open where the walk stands."""

    def __init__(self, report: Report, raw: store_proof.Raw, accounts: Accounts, *, from_root: bool) -> None:
        self._report, self._raw, self._accounts, self._from_root = report, raw, accounts, from_root
        self._open: dict[_Key, _Held] = {}
        self._reversals: list[Rows] = []

    def check(self, rows: Rows) -> None:
        """One window of rows by shard, batch and line."""
        kind = ints(rows, "kind")
        made = rows[kind == Kind.HOLD]
        if len(made):
            self._open.update(zip(_keys(made, "id"), _said(made), strict=True))
        resolved = rows[np.isin(kind, RESOLVING)]
        if len(resolved):
            self._check_ids(resolved, b"resolve")
            self._resolve(resolved)
        reversed_ = rows[kind == Kind.REVERSE]
        if len(reversed_):
            self._check_ids(reversed_, b"reverse")
            self._reversals.append(reversed_)
            if sum(map(len, self._reversals)) >= LOOKED_UP:
                self._check_reversals()

    def check_ends(self) -> None:
        """At the end: the table of open holds, and what accounts say is held."""
        self._check_reversals()
        pages = [verify_rows.read(HOLD, page) for page in store_proof.holds(self._raw, at_a_time=PAGE)]
        table = np.concatenate([np.zeros(0, HOLD), *pages])
        self._report.open_holds = len(table)
        stored = dict(zip(_keys(table, "id"), _said(table), strict=True))
        if self._from_root:
            self._add_older(stored)
        for key, held in self._open.items():
            if key not in stored:
                self._report.found("hold_lost", shard=held[0], hold=as_uuid(key[1]))
        for key, held in stored.items():
            if self._open.get(key) != held:
                self._report.found("hold_stray", shard=held[0], hold=as_uuid(key[1]))
        self._check_accounts()

    def _resolve(self, rows: Rows) -> None:
        """Each resolution takes one open hold away; a capture of at most what was held, the others of all of it."""
        older: list[int] = []
        kinds = rows["kind"].tolist()
        for at, (key, said) in enumerate(zip(_keys(rows, "parent_id"), _said(rows), strict=True)):
            held = self._open.pop(key, None)
            if held is None:
                older.append(at)
            else:
                self._compare(rows, at, kinds[at], held, said)
        if older and self._from_root:
            older = self._resolve_older(rows, older)
        for at in older:
            self._report.found("hold_unknown", **where(rows, at), hold=as_uuid(rows["parent_id"][at].tobytes()))

    def _compare(self, rows: Rows, at: int, kind: int, held: _Held, said: _Held) -> None:
        enough = said[4] <= held[4] if kind == Kind.CAPTURE else said[4] == held[4]
        if said[:4] != held[:4] or not enough:
            self._report.found("hold_other", **where(rows, at), hold=as_uuid(rows["parent_id"][at].tobytes()))

    def _resolve_older(self, rows: Rows, places: list[int]) -> list[int]:
        """From a root on, a hold may be older than the walk: it is fetched; returns places of those that are not."""
        wanted = rows[places]
        found = self._fetch(wanted)
        unknown = []
        for at, key, said in zip(places, _keys(wanted, "parent_id"), _said(wanted), strict=True):
            kind, hold = found.get(key, (0, None))
            if hold is not None:
                self._compare(rows, at, int(rows["kind"][at]), hold, said)
            if kind != Kind.HOLD:
                unknown.append(at)
        return unknown

    def _add_older(self, stored: dict[_Key, _Held]) -> None:
        """From a root on, holds of the table that the walk has not met: each must have been made by a posting."""
        older = [key for key in stored if key not in self._open]
        for start in range(0, len(older), LOOKED_UP):
            piece = older[start : start + LOOKED_UP]
            for kind, key, held in _postings(self._raw, piece):
                if kind == Kind.HOLD:
                    self._open[key] = held

    def _check_ids(self, rows: Rows, step: bytes) -> None:
        """The id of a resolution or reversal is derived from its parent, so that the key itself refuses a second."""
        parents = _ids(rows, "parent_id")
        hashed = b"".join(hashlib.sha256(parent + step).digest()[:10] for parent in parents)
        tail = np.frombuffer(hashed, np.uint8).reshape(-1, 10).copy()
        tail[:, 0] = tail[:, 0] & 0x0F | 0x80  # version 8
        tail[:, 2] = tail[:, 2] & 0x3F | 0x80  # variant of RFC 9562
        head = np.frombuffer(b"".join(parents), np.uint8).reshape(-1, 16)[:, :6]
        derived = np.ascontiguousarray(np.concatenate([head, tail], axis=1)).view("V16").reshape(-1)
        for at in np.flatnonzero(~same_bytes(derived, rows["id"])):
            self._report.found("id_wrong", **where(rows, at))

    def _check_reversals(self) -> None:
        """Each reversal is the mirror of a posting that moved money."""
        for rows in self._reversals:
            found = self._fetch(rows)
            for at, (key, said) in enumerate(zip(_keys(rows, "parent_id"), _said(rows), strict=True)):
                kind, parent = found.get(key, (0, None))
                mirror = None if parent is None else (parent[0], parent[2], parent[1], parent[3], parent[4])
                if kind not in MOVING or mirror != said:
                    self._report.found("reversal_wrong", **where(rows, at), parent=as_uuid(key[1]))
        self._reversals = []

    def _fetch(self, rows: Rows) -> dict[_Key, tuple[int, _Held]]:
        """The parents of these rows, by lane and id, with their kind."""
        found = _postings(self._raw, _keys(rows, "parent_id"))
        return {key: (kind, held) for kind, key, held in found}

    def _check_accounts(self) -> None:
        """`held` and `held_in` are the sums of open holds."""
        accounts = self._accounts
        held = np.array(list(self._open.values()), np.int64).reshape(-1, 5)
        for column, side in ((1, "held"), (2, "held_in")):
            sums = np.zeros(len(accounts.ids) + 1, np.int64)
            np.add.at(sums, accounts.find(held[:, column]), held[:, 4])  # of no account: the place behind the last
            stored: Ints = ints(accounts.rows, side)
            for at in np.flatnonzero(stored != sums[:-1]):
                facts = {"found": int(stored[at]), "expected": int(sums[at]), "side": side}
                self._report.found("held_differs", **accounts.name(at), **facts)


def _postings(raw: store_proof.Raw, keys: list[_Key]) -> list[tuple[int, _Key, _Held]]:
    """Kind, key and what it says of each posting with these keys."""
    asked = [shard for shard, _ in keys], [UUID(bytes=one) for _, one in keys]
    rows = verify_rows.read(POSTING, store_proof.postings(raw, *asked))
    return list(zip(rows["kind"].tolist(), _keys(rows, "id"), _said(rows), strict=True))


def _keys(rows: Rows, name: str) -> list[_Key]:
    return list(zip(rows["shard"].tolist(), _ids(rows, name), strict=True))


def _ids(rows: Rows, name: str) -> list[bytes]:
    found: list[bytes] = rows[name].tolist()
    return found


def _said(rows: Rows) -> list[_Held]:
    return list(zip(*(rows[name].tolist() for name in _SAID), strict=True))
