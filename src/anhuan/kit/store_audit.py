"""Every question the audit log asks of the database. Rows come and go through the owner's functions alone."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from sqlalchemy import cast, exists, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from anhuan.kit.audit_bytes import Root, moment
from anhuan.kit.audit_tables import AuditHead, AuditLink, AuditRoot, AuditRow

_APPEND: Final = text("SELECT audit_append(:payload)")
_APPEND_MANY: Final = text("SELECT audit_append(payload) FROM unnest(CAST(:payloads AS text[])) AS payload")
_LINK: Final = text("SELECT audit_link(:at_most)")
_ROOT_DUE: Final = text("SELECT number, place, link, links FROM audit_root_due(:through)")
_ROOT_KEEP: Final = text("""
    SELECT audit_root_keep(ROW(CAST(:number AS bigint), CAST(:through_at AS timestamptz), CAST(:place AS bigint),
        CAST(:link AS bytea), CAST(:links AS bigint), CAST(:before AS bytea), CAST(:signed_at AS timestamptz),
        CAST(:key_id AS text), CAST(:signature AS bytea))::audit_roots)
""")


# Bare and binary, and the two tables by their own keys: joined in the database this takes five times as long.
_LINKS: Final = """
    SELECT place, linked_at::text, number, row_hash, link FROM audit_chain WHERE place > %s AND place <= %s
    ORDER BY place"""
# A record as the bytes that were hashed, and its columns where they do not plainly repeat what canonical JSON says.
_ROW: Final = """
    SELECT number, convert_to('anhuan-audit-row-1 ' || number || ' '
            || to_char(written_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
            || ' ' || login || ' ' || payload, 'UTF8'),
        CASE WHEN starts_with(payload, '{"act":"' || act || '","actor":{')
            AND right(payload, length(ending)) = ending
            AND CASE WHEN actor_id IS NULL THEN strpos(split_part(payload, '},"at":"', 1), '"person":') = 0
                ELSE strpos(split_part(payload, '},"at":"', 1), '"person":"' || actor_id || '"') > 0 END
        THEN NULL ELSE jsonb_build_array(act, subject, actor_id, person_id)::text END
    FROM (SELECT *, coalesce(',"person":"' || person_id || '"', '}') || ',"subject":"' || subject || '"}' AS ending
        FROM audit_log) l WHERE number"""
_ROWS: Final = f"{_ROW} BETWEEN %s AND %s"
_SCATTERED: Final = f"{_ROW} = ANY(%s)"
_UNLINKED: Final = text("""
    SELECT coalesce(l.number, w.number), l.written_at, l.login, l.payload, encode(w.row_hash, 'hex')
    FROM audit_log l FULL JOIN audit_waiting w ON w.number = l.number
    WHERE NOT EXISTS (SELECT 1 FROM audit_chain c WHERE c.number = coalesce(l.number, w.number))
    ORDER BY 1 LIMIT :at_most""")

# The fields of a link: place, moment of linking as the server prints it, number, hash of the record, link.
BareLink = tuple[int, str, int, bytes, bytes]
# The fields of a record: number, its line, and act, subject, actor and person as JSON where they may not repeat it.
BareRow = tuple[int, bytes, str | None]


@dataclass(frozen=True, slots=True)
class Unlinked:
    """A record that no link holds; `row_hash` is None where it does not wait for one either."""

    number: int
    written_at: datetime | None
    login: str | None
    payload: str | None
    row_hash: str | None


@dataclass(frozen=True, slots=True)
class Due:
    """What the next root has to say: its number, the last place it covers, that link, and how many links are new."""

    number: int
    place: int
    link: bytes
    links: int


def append(db: Session, payload: str) -> int:
    """Write one record; the database adds number, moment and login. Returns the number."""
    return int(db.scalar(_APPEND, {"payload": payload}) or 0)


def append_many(db: Session, payloads: Sequence[str]) -> None:
    """The same for several, in their order."""
    if payloads:
        db.execute(_APPEND_MANY, {"payloads": list(payloads)})


def link(db: Session, *, at_most: int) -> int:
    """Link waiting records into the chain, oldest number first; returns how many."""
    return int(db.scalar(_LINK, {"at_most": at_most}) or 0)


def relax(db: Session) -> None:
    """Let this transaction end before the disk has it; for what can be done again."""
    db.execute(text("SET LOCAL synchronous_commit = off"))


def clock(db: Session) -> datetime:
    """The moment by the database's clock."""
    moment_there: datetime = db.scalars(select(func.clock_timestamp())).one()
    return moment_there


def first_link_at(db: Session) -> datetime | None:
    """When the chain began; None while it is empty."""
    return db.scalar(select(AuditLink.linked_at).where(AuditLink.place == 1))


def root_due(db: Session, through: datetime) -> Due:
    """What a root that covers everything before this moment must say; keeps the chain's end still until the commit."""
    return Due(*db.execute(_ROOT_DUE, {"through": through}).one())


def keep_root(db: Session, root: Root) -> None:
    """Store a signed root; the database refuses one that is not the end of the chain at its moment."""
    said = asdict(root) | {name: bytes.fromhex(getattr(root, name)) for name in ("link", "before", "signature")}
    db.execute(_ROOT_KEEP, said)


def roots(db: Session) -> list[Root]:
    """Every root, oldest first: one a day."""
    return [_root(row) for row in db.scalars(select(AuditRoot).order_by(AuditRoot.number))]


def last_root(db: Session) -> Root | None:
    """The newest root."""
    row = db.scalar(select(AuditRoot).order_by(AuditRoot.number.desc()).limit(1))
    return None if row is None else _root(row)


def freeze(db: Session) -> None:
    """Let all that this transaction reads be of one moment, let it write nothing, and print moments in one way."""
    db.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    db.execute(text("SELECT set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO, YMD', true)"))


def head(db: Session) -> tuple[int, str]:
    """Place and link (hex) at which the chain should end."""
    place, link = db.execute(select(AuditHead.place, AuditHead.link)).one()
    return int(place), link.hex()


def last_place(db: Session) -> int:
    """Place at which the chain does end."""
    return db.scalar(select(func.max(AuditLink.place))) or 0


def link_at(db: Session, place: int) -> str | None:
    """The link (hex) at a place."""
    found = db.scalar(select(AuditLink.link).where(AuditLink.place == place))
    return None if found is None else found.hex()


def linked_records(
    db: Session, *, after: int, through: int, at_a_time: int
) -> Iterator[tuple[list[BareLink], dict[int, BareRow]]]:
    """Links by place with their records by number, batch after batch; while one is worked on, the next is fetched."""
    connection = db.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    ranges = [(low, min(low + at_a_time, through)) for low in range(after, through, at_a_time)]
    if not ranges:
        return
    with ThreadPoolExecutor(max_workers=1) as aside:
        coming = aside.submit(_fetch, connection, ranges[0])
        for bounds in ranges[1:]:
            batch = coming.result()
            coming = aside.submit(_fetch, connection, bounds)
            yield batch
        yield coming.result()


def _fetch(connection: psycopg.Connection, bounds: tuple[int, int]) -> tuple[list[BareLink], dict[int, BareRow]]:
    links: list[BareLink] = connection.execute(_LINKS, bounds, binary=True).fetchall()
    numbers = [link[2] for link in links]
    if not numbers:
        return links, {}
    lowest, highest = min(numbers), max(numbers)
    if highest - lowest < 4 * len(numbers):  # as it is where nobody tampered
        rows = connection.execute(_ROWS, (lowest, highest), binary=True).fetchall()
    else:
        rows = connection.execute(_SCATTERED, (numbers,), binary=True).fetchall()
    return links, {row[0]: row for row in rows}


def unlinked(db: Session, *, at_most: int = 10_000) -> Iterator[Unlinked]:
    """Records beside the chain, and places of waiting ones whose record is gone."""
    for row in db.execute(_UNLINKED, {"at_most": at_most}):
        yield Unlinked(*row)


def _root(row: AuditRoot) -> Root:
    return Root(
        number=row.number,
        through_at=moment(row.through_at),
        place=row.place,
        links=row.links,
        link=row.link.hex(),
        before=row.before.hex(),
        signed_at=moment(row.signed_at),
        key_id=row.key_id,
        signature=row.signature.hex(),
    )


def page(
    db: Session, *, subject: str | None, actor_id: UUID | None, act: str | None, before: int | None, at_most: int
) -> Sequence[tuple[int, datetime, str, dict[str, Any], bool]]:
    """Records by subject, actor and act, highest number first; row-level security decides whose."""
    linked = exists().where(AuditLink.number == AuditRow.number)
    wanted = select(AuditRow.number, AuditRow.written_at, AuditRow.login, cast(AuditRow.payload, JSONB), linked)
    for column, value in ((AuditRow.subject, subject), (AuditRow.actor_id, actor_id), (AuditRow.act, act)):
        if value is not None:
            wanted = wanted.where(column == value)
    if before is not None:
        wanted = wanted.where(AuditRow.number < before)
    rows = db.execute(wanted.order_by(AuditRow.number.desc()).limit(at_most)).all()
    return [(number, written_at, login, payload, known) for number, written_at, login, payload, known in rows]
