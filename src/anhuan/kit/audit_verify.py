"""Checks the whole audit log again from its bytes, and says which record was changed, removed, swapped or slipped in.

It reads as the auditor's login, in one snapshot, and believes nothing but the public keys and the file of roots:
hashes are reckoned here, not in the database.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.orm import Session

from anhuan.kit import audit_bytes, audit_key, store_audit
from anhuan.kit.audit_bytes import LINK, Root

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

BATCH: Final = 10_000  # records at a time
FILE, TABLE = "roots.jsonl", "audit_roots"  # where a root was read
MOST_COMPARED: Final = 200  # damaged records among which swapped ones are looked for

# What can be found, and its sentence; {} are the facts of the finding.
SENTENCES: Final = {
    "row_changed": (
        "第 {number} 号记录被改动：内容与链上的指纹不符（位置 {place}）。",
        "Record {number} was changed: it no longer has the hash that stands in the chain (place {place}).",
    ),
    "rows_swapped": (
        "第 {number} 号和第 {other} 号记录的内容被对调。",
        "Records {number} and {other} were swapped: each holds what the other said.",
    ),
    "column_changed": (
        "第 {number} 号记录旁的检索栏被改动，与记录内容不符。",
        "A column beside record {number} was changed: it differs from what the record says.",
    ),
    "row_missing": (
        "第 {number} 号记录被删除：链上位置 {place} 有它，日志里没有。",
        "Record {number} is missing: the chain holds it at place {place}, the log does not.",
    ),
    "row_inserted": (
        "第 {number} 号记录是插入的：没有经过记录程序。",
        "Record {number} was inserted: it did not come through the function that writes records.",
    ),
    "waiting_changed": (
        "第 {number} 号记录在入链之前被改动。",
        "Record {number} was changed before it was linked.",
    ),
    "waiting_missing": (
        "第 {number} 号记录在入链之前被删除。",
        "Record {number} was removed before it was linked.",
    ),
    "link_changed": (
        "链上位置 {place} 的一环被改动或伪造。",
        "The link at place {place} was changed or forged.",
    ),
    "links_swapped": (
        "链上位置 {place} 和 {other} 被对调。",
        "The links at places {place} and {other} were swapped.",
    ),
    "links_missing": (
        "链上缺少位置 {place} 到 {other}。",
        "The links at places {place} to {other} are missing.",
    ),
    "head_differs": (
        "链的末端应在位置 {other}，实际止于 {place}：末尾被截去或添加。",
        "The chain should end at place {other} and ends at {place}: its end was cut off or added to.",
    ),
    "truncated": (
        "末尾被截去：第 {root} 个签名根覆盖到位置 {other}，链止于 {place}。",
        "The end was cut off: signed root {root} covers {other} links, the chain ends at {place}.",
    ),
    "rewritten": (
        "整条链在位置 {place} 与 {other} 之间被重写：与第 {root} 个签名根不符。",
        "The chain was rewritten somewhere from place {place} to {other}: signed root {root} says otherwise.",
    ),
    "late_link": (
        "位置 {place} 的一环落在第 {root} 个签名根已经覆盖的时间里。",
        "The link at place {place} claims a time that signed root {root} had closed already.",
    ),
    "time_reversed": (
        "位置 {place} 的一环比前一环更早。",
        "The link at place {place} claims to be older than the one before it.",
    ),
    "root_forged": (
        "第 {root} 个根的签名不对（{where}）。",
        "Root {root} is not signed by the key it names ({where}).",
    ),
    "root_stranger": (
        "第 {root} 个根由不认识的密钥 {key} 签名（{where}）。",
        "Root {root} is signed by a key that is not known here, {key} ({where}).",
    ),
    "root_order": (
        "根的序列在第 {root} 个断开（{where}）。",
        "The roots do not follow on one another at root {root} ({where}).",
    ),
    "root_differs": (
        "第 {root} 个根在文件和数据库里不一样。",
        "Root {root} differs between the file and the database.",
    ),
    "root_gone": (
        "第 {root} 个根在文件里有，数据库里没有。",
        "Root {root} stands in the file and not in the database.",
    ),
    "root_unpublished": (
        "第 {root} 个根在数据库里有，文件里没有。",
        "Root {root} stands in the database and not in the file.",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was written."""

    kind: str
    facts: Mapping[str, Any]

    def sentence(self, lang: str) -> str:
        """The finding in a person's words."""
        zh, en = SENTENCES[self.kind]
        return (en if lang == "en" else zh).format(**self.facts)


@dataclass(slots=True)
class Report:
    """What was looked at and what was found."""

    records: int = 0  # checked against the chain
    last_place: int = 0
    head: str = ""
    waiting: int = 0  # written, and not linked yet
    roots: int = 0
    covered: int = 0  # up to this place a signed root vouches for the chain
    findings: list[Finding] = field(default_factory=list)

    def found(self, kind: str, **facts: Any) -> None:
        """Note one finding."""
        self.findings.append(Finding(kind, facts))


@dataclass(frozen=True, slots=True)
class _Changed:
    """A record that does not have the hash that the chain holds for it."""

    place: int
    number: int
    row_hash: str
    line: str


@dataclass(frozen=True, slots=True)
class _Broken:
    """A link that is not the hash of its line, and the one that stands before it."""

    place: int
    linked_at: str
    number: int
    row_hash: str
    link: str
    before: str


@dataclass(slots=True)
class _Walk:
    """Where the check stands in the chain, and what it must look at a second time."""

    place: int
    link: str
    changed_rows: list[_Changed] = field(default_factory=list)
    broken: list[_Broken] = field(default_factory=list)
    at_roots: dict[int, str] = field(default_factory=dict)  # place of a root -> link found there
    behind_roots: dict[int, str] = field(default_factory=dict)  # place of a root -> when the next link was made
    moment: str = ""


def verify(
    db: Session,
    *,
    file_roots: Sequence[Root],
    keys: Mapping[str, "Ed25519PublicKey"],
    since: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Check the chain from its beginning, or from the last signed root before the place `since`.

    `db` is a transaction of the auditor's login that has asked nothing yet. `progress` hears how many of how many
    links are done.
    """
    store_audit.freeze(db)
    report = Report()
    table_roots = store_audit.roots(db)
    trusted = _check_roots(report, table_roots, file_roots, keys)
    start = max((root for root in trusted if root.place < since), key=lambda root: root.place, default=None)
    walk = _Walk(0, audit_bytes.GENESIS.hex()) if start is None else _Walk(start.place, start.link)
    _walk_chain(db, report, walk, {root.place for root in trusted}, progress)
    _explain_rows(report, walk.changed_rows)
    _explain_links(report, walk.broken)
    _check_end(db, report, walk)
    _compare_roots(db, report, walk, trusted)
    _check_unlinked(db, report)
    report.findings.sort(key=lambda one: (one.facts.get("place", 0), one.facts.get("number", 0)))
    return report


def _check_roots(
    report: Report, table: Sequence[Root], file: Sequence[Root], keys: Mapping[str, "Ed25519PublicKey"]
) -> list[Root]:
    """Roots with a true signature, each once; the file's word counts before the table's."""
    by_table = {root.number: root for root in table}
    for root in file:
        other = by_table.pop(root.number, None)
        if other is None:
            report.found("root_gone", root=root.number)
        elif other != root:
            report.found("root_differs", root=root.number)
    # Younger ones may not be written yet; older ones come before what somebody kept.
    for number in by_table:
        if file and file[0].number < number < file[-1].number:
            report.found("root_unpublished", root=number)
    trusted = _trusted(report, file, keys, FILE)
    seen = {root.number for root in trusted}
    trusted += [root for root in _trusted(report, table, keys, TABLE) if root.number not in seen]
    report.roots = len(trusted)
    return sorted(trusted, key=lambda root: root.number)


def _trusted(report: Report, roots: Sequence[Root], keys: Mapping[str, "Ed25519PublicKey"], where: str) -> list[Root]:
    good = []
    before, number = audit_bytes.GENESIS.hex(), 0
    if roots and where == FILE:  # which may begin at any root
        before, number = roots[0].before, roots[0].number - 1
    for root in roots:
        key = keys.get(root.key_id)
        if key is None:
            report.found("root_stranger", root=root.number, key=root.key_id, where=where)
        elif not audit_key.holds(key, root.line, bytes.fromhex(root.signature)):
            report.found("root_forged", root=root.number, where=where)
        else:
            good.append(root)
        if root.before != before or root.number != number + 1:
            report.found("root_order", root=root.number, where=where)
        before, number = root.hash, root.number
    return good


def _walk_chain(
    db: Session, report: Report, walk: _Walk, root_places: set[int], progress: Callable[[int, int], None]
) -> None:
    """Reckon every link and every record again; a damaged one is noted and the walk goes on from what is stored."""
    total = store_audit.last_place(db)
    for links, rows in store_audit.linked_records(db, after=walk.place, through=total, at_a_time=BATCH):
        _check_links(report, walk, links, root_places)
        _check_rows(report, walk, links, rows)
        report.records += len(links)
        progress(walk.place, total)


def _check_links(report: Report, walk: _Walk, links: Sequence[store_audit.BareLink], root_places: set[int]) -> None:
    """The chain itself: each link is the hash of its line, which holds the link before."""
    sha256 = hashlib.sha256
    last, before, moment, printed = walk.place, walk.link, walk.moment, ""
    for place, linked_at, number, row_hash, link in links:
        if linked_at != printed:
            printed, earlier = linked_at, moment
            moment = audit_bytes.printed(linked_at)
            if moment < earlier:
                report.found("time_reversed", place=place)
        if place != last + 1:
            report.found("links_missing", place=last + 1, other=place - 1)
        elif sha256(f"{LINK} {place} {moment} {number} {row_hash.hex()} {before}".encode()).digest() != link:
            walk.broken.append(_Broken(place, moment, number, row_hash.hex(), link.hex(), before))
        if last in root_places:
            walk.behind_roots[last] = moment
        last, before = place, link.hex()
        if place in root_places:
            walk.at_roots[place] = before
    walk.place, walk.link, walk.moment = last, before, moment


def _check_rows(
    report: Report,
    walk: _Walk,
    links: Sequence[store_audit.BareLink],
    rows: Mapping[int, store_audit.BareRow],
) -> None:
    """The records: each has the hash that its link holds, and the columns beside it repeat what it says."""
    sha256 = hashlib.sha256
    for place, _, number, row_hash, _ in links:
        row = rows.get(number)
        if row is None:
            report.found("row_missing", number=number, place=place)
        elif sha256(row[1]).digest() != row_hash:
            walk.changed_rows.append(_Changed(place, number, row_hash.hex(), row[1].decode()))
        elif row[2] is not None and not _repeats(row[1].decode(), row[2]):
            report.found("column_changed", number=number, place=place)


def _repeats(line: str, columns: str) -> bool:
    """Whether act, subject, actor and person beside a record are those of its payload."""
    said = json.loads(line.split(" ", 4)[4])
    return bool(json.loads(columns) == [said["act"], said["subject"], said["actor"].get("person"), said.get("person")])


def _explain_rows(report: Report, changed: Sequence[_Changed]) -> None:
    """Tell swapped records from changed ones: what a swapped one says has the hash of another."""
    by_hash = {one.row_hash: one for one in changed}
    told: set[int] = set()
    for one in changed:
        if one.number in told:
            continue
        other = _swapped_with(one, changed, by_hash) if len(changed) <= MOST_COMPARED else None
        if other is None:
            report.found("row_changed", number=one.number, place=one.place)
        else:
            told.add(other.number)
            report.found("rows_swapped", number=one.number, other=other.number, place=one.place)


def _swapped_with(one: _Changed, changed: Sequence[_Changed], by_hash: Mapping[str, _Changed]) -> _Changed | None:
    """The record whose hash this one's content has, be it with its own moment and login or with the other's."""
    _, _, written_at, login, payload = one.line.split(" ", 4)
    for other in changed:
        _, _, other_at, other_login, _ = other.line.split(" ", 4)
        for at, name in product({written_at, other_at}, {login, other_login}):
            line = audit_bytes.row_line(other.number, at, name, payload)
            if other is not one and by_hash.get(audit_bytes.digest(line).hex()) is other:
                return other
    return None


def _explain_links(report: Report, broken: Sequence[_Broken]) -> None:
    """Tell swapped links from changed ones, and leave out the neighbours that only suffer from them."""
    pairs = _swapped_links(broken) if len(broken) <= MOST_COMPARED else []
    swapped = {one.place: one.link for pair in pairs for one in pair}
    for one, other in pairs:
        report.found("links_swapped", place=one.place, other=other.place)
    for one in broken:
        suffers = swapped.get(one.place - 1) == one.before and _fits(one, one.place, swapped.values())
        if one.place not in swapped and not suffers:
            report.found("link_changed", place=one.place)


def _swapped_links(broken: Sequence[_Broken]) -> list[tuple[_Broken, _Broken]]:
    befores = [*(one.before for one in broken), *(one.link for one in broken)]
    found: list[tuple[_Broken, _Broken]] = []
    taken: set[int] = set()
    for one in broken:
        for other in broken:
            fresh = one.place < other.place and not {one.place, other.place} & taken
            if fresh and _fits(one, other.place, befores) and _fits(other, one.place, befores):
                found.append((one, other))
                taken |= {one.place, other.place}
    return found


def _fits(one: _Broken, place: int, befores: Iterable[str]) -> bool:
    """Whether this link, as stored, was made for that place behind one of these links."""
    lines = (audit_bytes.link_line(place, one.linked_at, one.number, one.row_hash, before) for before in befores)
    return any(audit_bytes.digest(line).hex() == one.link for line in lines)


def _check_end(db: Session, report: Report, walk: _Walk) -> None:
    """The row that holds the chain's end must name the end that was reached."""
    place, link = store_audit.head(db)
    if (place, link) != (walk.place, walk.link):
        report.found("head_differs", place=walk.place, other=place)
    report.last_place, report.head = walk.place, walk.link


def _compare_roots(db: Session, report: Report, walk: _Walk, trusted: Sequence[Root]) -> None:
    """What was signed must stand in the chain at its place; the first root that disagrees says where to look."""
    agreed = 0
    for root in trusted:
        if root.place > walk.place:
            report.found("truncated", place=walk.place, other=root.place, root=root.number)
            break
        found = walk.at_roots.get(root.place) or store_audit.link_at(db, root.place)
        if found is not None and found != root.link:
            report.found("rewritten", place=agreed + 1, other=root.place, root=root.number)
            break
        agreed = root.place
        if walk.behind_roots.get(root.place, root.through_at) < root.through_at:
            report.found("late_link", place=root.place + 1, root=root.number)
    report.covered = agreed


def _check_unlinked(db: Session, report: Report) -> None:
    """Records beside the chain: each must wait with the hash it was written with."""
    for one in store_audit.unlinked(db):
        if one.row_hash is None:
            report.found("row_inserted", number=one.number)
            continue
        report.waiting += 1
        if one.payload is None or one.written_at is None or one.login is None:
            report.found("waiting_missing", number=one.number)
            continue
        line = audit_bytes.row_line(one.number, audit_bytes.moment(one.written_at), one.login, one.payload)
        if audit_bytes.digest(line).hex() != one.row_hash:
            report.found("waiting_changed", number=one.number)
