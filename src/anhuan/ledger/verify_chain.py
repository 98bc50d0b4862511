"""The chain of each shard, walked in windows of time: every batch is hashed again from the bytes of its rows.

Inside a shard time never falls as batches grow, so the rows of a stretch of batches are found by their moment (the
index on `ts`), whatever month they lie in. Memory stays bounded: a window holds about `WINDOW` rows, and while one is
looked at, the next is fetched.
"""

import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from typing import Final

import numpy as np

from anhuan.ledger import store_proof, verify_rows
from anhuan.ledger.verify_rows import POSTING, ROW, SEAL, Ints, Rows, ints, places, same_bytes
from anhuan.ledger.verify_words import Report

WINDOW: Final = 50_000  # rows at a time, 8 MB
PAGE: Final = 4_096  # seals of one shard at a time
GENESIS: Final = bytes(32)  # stands before the first batch of every shard
_FAR: Final = store_proof.micros(datetime(9999, 12, 31, tzinfo=UTC))
_SORTABLE: Final = 1 << 20  # rows and seals whose places fit beside their order into one number


@dataclass(slots=True)
class Lane:
    """Where the walk stands in one shard, and the seals read ahead."""

    shard: int
    began: int = 0  # the walk begins behind this batch
    began_at: int = -_FAR
    last: int = 0
    hash: bytes = GENESIS
    ts: int = -_FAR
    read_to: int = 0
    read_ts: int = -_FAR
    all_read: bool = False
    waiting: Rows = field(default_factory=lambda: np.zeros(0, SEAL))
    waiting_ts: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # never falling, whatever the seals say

    def fill(self, raw: store_proof.Raw) -> None:
        """Read seals ahead."""
        if self.all_read or len(self.waiting) >= PAGE // 2:
            return
        more = verify_rows.read(SEAL, store_proof.seals(raw, self.shard, after=self.read_to, at_most=PAGE))
        self.all_read = len(more) < PAGE
        if len(more):
            steady = _steady(np.clip(ints(more, "ts"), -_FAR, _FAR), self.read_ts)
            self.read_to, self.read_ts = int(more["batch_no"][-1]), int(steady[-1])
            self.waiting = np.concatenate([self.waiting, more])
            self.waiting_ts = np.concatenate([self.waiting_ts, steady])

    def take(self, through: int) -> Rows:
        """The seals up to a moment; they wait no longer."""
        count = int(np.searchsorted(self.waiting_ts, through, side="right"))
        taken, self.waiting, self.waiting_ts = self.waiting[:count], self.waiting[count:], self.waiting_ts[count:]
        return taken


@dataclass(frozen=True, slots=True)
class Window:
    """Seals of all shards, by shard and number, and the rows of the same stretch of time."""

    seals: Rows
    rows: Rows
    seconds: float


class Windows:
    """Every window from the first to the last, each fetched while the one before is looked at."""

    def __init__(self, raw: store_proof.Raw, lanes: Mapping[int, Lane], *, size: int = WINDOW) -> None:
        self._raw, self._lanes, self._size = raw, lanes, size
        self._after: int | None = None
        self._ended = False

    def __iter__(self) -> Iterator[Window]:
        self._begin()
        with ThreadPoolExecutor(max_workers=1) as aside:
            coming = aside.submit(self._next)
            while (window := coming.result()) is not None:
                coming = aside.submit(self._next)
                yield window

    def _begin(self) -> None:
        """Start before the first seal; from the very beginning, also what claims to be older than any seal is read."""
        for lane in self._lanes.values():
            lane.fill(self._raw)
        if any(lane.began for lane in self._lanes.values()):
            firsts = [int(lane.waiting_ts[0]) for lane in self._lanes.values() if len(lane.waiting)]
            newest = max((lane.began_at for lane in self._lanes.values()), default=-_FAR)
            self._after = min(firsts, default=newest + 1) - 1

    def _next(self) -> Window | None:
        if self._ended:
            return None
        began = perf_counter()
        for lane in self._lanes.values():
            lane.fill(self._raw)
        through = self._through()
        self._ended = through is None
        taken = [lane.take(_FAR if through is None else through) for lane in self._lanes.values()]
        data = store_proof.window(self._raw, self._after, through)
        self._after = through
        seals = np.concatenate([np.zeros(0, SEAL), *taken])
        return Window(seals, verify_rows.read(POSTING, data), perf_counter() - began)

    def _through(self) -> int | None:
        """The moment at which about so many rows are sealed; None when all that is left fits."""
        lanes = [lane for lane in self._lanes.values() if len(lane.waiting)]
        if not lanes:
            return None
        ts = np.concatenate([lane.waiting_ts for lane in lanes])
        rows = np.concatenate([np.clip(ints(lane.waiting, "n"), 1, None) for lane in lanes])
        known_to = min((int(lane.waiting_ts[-1]) for lane in lanes if not lane.all_read), default=_FAR)
        order = np.argsort(ts, kind="stable")
        order = order[ts[order] <= known_to]
        enough = int(np.searchsorted(np.cumsum(rows[order]), self._size))
        if enough >= len(order) and known_to == _FAR:
            return None
        return int(ts[order[min(enough, len(order) - 1)]])


class Chain:
    """What the seals say against what the rows are."""

    def __init__(self, report: Report, lanes: Mapping[int, Lane], signed: Rows) -> None:
        self._report, self._lanes = report, lanes
        self._signed = signed  # heads of roots, by place
        self._signed_places = places(signed)
        self.matched = np.zeros(len(signed), bool)
        self.differing = np.zeros(len(signed), bool)

    def check(self, window: Window) -> Rows:
        """Check one window; returns its sealed rows by shard, batch and line."""
        seals = window.seals
        self._check_order(seals)
        rows, batch = self._sealed(window)
        rows, batch = _in_order(rows, batch)
        counts = np.bincount(batch, minlength=len(seals))
        for at in np.flatnonzero(counts != ints(seals, "n")):
            self._report.found("batch_rows", **_where(seals, at), expected=int(seals["n"][at]), found=int(counts[at]))
        self._check_hashes(seals, rows, counts)
        self._check_signed(seals)
        self._report.batches += len(seals)
        self._report.postings += len(rows)
        return rows

    def check_ends(self, heads: Mapping[int, tuple[int, bytes]]) -> None:
        """Every shard must end where its head says."""
        for shard, lane in self._lanes.items():
            stored, digest = heads.get(shard, (0, GENESIS))
            if (stored, digest) != (lane.last, lane.hash):
                self._report.found("head_differs", shard=shard, expected=stored, found=lane.last)

    def _check_order(self, seals: Rows) -> None:
        """Numbers without a gap, moments that rise, each seal holding the hash of the one before."""
        shard = ints(seals, "shard")
        for number in np.unique(shard):
            lane, own = self._lanes[int(number)], seals[shard == number]
            no, ts = ints(own, "batch_no"), ints(own, "ts")
            before = np.concatenate([[lane.last], no[:-1]])
            for at in np.flatnonzero(no != before + 1):
                self._report.found("seals_missing", shard=lane.shard, batch=int(before[at]) + 1, other=int(no[at]) - 1)
            for at in np.flatnonzero(ts <= np.concatenate([[lane.ts], ts[:-1]])):
                self._report.found("time_reversed", **_where(own, at))
            hashes = np.concatenate([np.frombuffer(lane.hash, "V32"), own["hash"]])
            for at in np.flatnonzero(~same_bytes(own["prev"], hashes[:-1]) & (no == before + 1)):
                self._report.found("seal_order", **_where(own, at))
            lane.last, lane.ts, lane.hash = int(no[-1]), int(ts[-1]), hashes[-1:].tobytes()

    def _sealed(self, window: Window) -> tuple[Rows, Ints]:
        """The rows that belong to a seal of this window, and which; all others are told."""
        seals, rows = window.seals, window.rows
        known, claimed = places(seals), places(rows)
        batch = np.searchsorted(known, claimed).astype(np.int64)
        fits = np.zeros(len(rows), bool)
        inside = batch < len(known)
        fits[inside] = known[batch[inside]] == claimed[inside]
        if fits.all():
            return rows, batch
        for lane in self._lanes.values():  # from a root on: what it vouches for was read again at the edge
            if lane.began:
                old = (ints(rows, "shard") == lane.shard) & (ints(rows, "batch_no") <= lane.began)
                claimed[old & (ints(rows, "ts") <= lane.began_at) & ~fits] = -1
        for place, count in zip(*np.unique(claimed[~fits & (claimed != -1)], return_counts=True), strict=True):
            row = rows[np.flatnonzero(claimed == place)[0]]
            self._report.found("rows_unsealed", shard=int(row["shard"]), batch=int(row["batch_no"]), found=int(count))
        return rows[fits], batch[fits]

    def _check_hashes(self, seals: Rows, rows: Rows, counts: Ints) -> None:
        """SHA-256 of the hash before and the rows, for each batch."""
        data, before = rows.view(np.uint8).data, seals["prev"].tobytes()
        sha256, start, made = hashlib.sha256, 0, []
        for at, end in enumerate((np.cumsum(counts) * ROW).tolist()):
            digest = sha256(before[at * 32 : at * 32 + 32])
            digest.update(data[start:end])
            made.append(digest.digest())
            start = end
        found = np.frombuffer(b"".join(made), "V32")
        for bad in np.flatnonzero(~same_bytes(found, seals["hash"])):
            self._report.found("batch_changed", **_where(seals, bad))

    def _check_signed(self, seals: Rows) -> None:
        """What a root says about these batches."""
        if not len(self._signed) or not len(seals):
            return
        known = places(seals)
        at = np.minimum(np.searchsorted(known, self._signed_places), len(known) - 1)
        here = known[at] == self._signed_places
        self.matched |= here
        self.differing[here] = ~same_bytes(seals["hash"][at[here]], self._signed["hash"][here])


def lanes_from(raw: store_proof.Raw, heads: Rows) -> dict[int, Lane]:
    """Every shard, from its first batch or from where these heads of a root leave it."""
    lanes = {shard: Lane(shard) for shard in store_proof.shards(raw)}
    for head in heads:
        if head["batch_no"] > 0:
            lane = lanes.setdefault(int(head["shard"]), Lane(int(head["shard"])))
            lane.began = lane.last = lane.read_to = int(head["batch_no"])
            lane.hash = head["hash"].tobytes()
            seal = verify_rows.read(SEAL, store_proof.seals(raw, lane.shard, after=lane.began - 1, at_most=1))
            if len(seal) and seal["batch_no"][0] == lane.began:
                lane.began_at = lane.ts = lane.read_ts = int(np.clip(ints(seal, "ts")[0], -_FAR, _FAR))
    return lanes


def _in_order(rows: Rows, batch: Ints) -> tuple[Rows, Ints]:
    """Rows by batch and line."""
    count = len(rows)
    if count == 0:
        return rows, batch
    line = ints(rows, "line") + 2**15
    if count < _SORTABLE and int(batch.max()) < _SORTABLE:
        order = np.sort(batch << 36 | line << 20 | np.arange(count)) & (_SORTABLE - 1)
    else:
        order = np.lexsort((line, batch)).astype(np.int64)
    return rows[order], batch[order]


def _steady(ts: Ints, floor: int) -> Ints:
    """The moments of seals as a line that never falls: one that was changed takes the place of its neighbours."""
    if len(ts) > 2:
        ts = np.concatenate(
            [ts[:1], np.median(np.stack([ts[:-2], ts[1:-1], ts[2:]]), axis=0).astype(np.int64), ts[-1:]]
        )
    return np.maximum.accumulate(np.maximum(ts, floor))


def _where(seals: Rows, at: int | np.int64) -> dict[str, int]:
    return {"shard": int(seals["shard"][at]), "batch": int(seals["batch_no"][at])}
