"""Programs that ask with a key: partners' clients, opened by signed changes, and a person's own programs.

A key is `anh_<number>_<secret>`: shown once, kept as the SHA-256 of its 256 random bits. What it may do are rights of
the table; a partner sees no person's data but with that person's consent to share it with this client.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import changes, rules, store_access, store_keys
from anhuan.identity.change_rules import Kind
from anhuan.identity.model import PersonState
from anhuan.identity.rights import Role, rights_of, roles_with
from anhuan.identity.tables import OrganisationRow
from anhuan.identity.tables_access import ChangeRow, ClientKeyRow, ClientRow, PersonalKeyRow
from anhuan.kit import audit, ids, page
from anhuan.kit.actors import Actor
from anhuan.kit.errors import Refused

# What a person's own program may be given: reading, and entering what the person enters. Nothing that moves money,
# lets somebody in, agrees to something or changes how the person is protected.
PERSONAL: Final = ("cards.read", "cards.write", "bills.read", "bills.import", "plan.read", "plan.write", "repay.read")
SHAPE: Final = re.compile(r"anh_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")
LONGEST: Final = 60  # characters of a name


class BadClient(Refused):
    """接口客户信息不对: a name, a right or a number is missing or cannot be."""

    code = "client.bad"


class UnknownClient(Refused):
    """没有这个接口客户: there is no such client or key."""

    code = "client.unknown"


class KeyGone(Refused):
    """密钥不能取出: it was drawn already, ended, or nobody drew it in time."""

    code = "client.key_gone"


@dataclass(frozen=True, slots=True)
class Wish:
    """A key that somebody asks for: what it is for, what it may do, when it ends."""

    label: str
    scopes: tuple[str, ...]
    ends_at: datetime


def partner_scopes() -> tuple[str, ...]:
    """The rights that a client can be given."""
    return tuple(
        sorted(right for right in rights_of([Role.PARTNER]) if "." in right and Role.PARTNER in roles_with(right))
    )


def propose_open(
    db: Session, who: Actor, *, organisation: str, name: str, scopes: Sequence[str], quota: int, reason: str,
    now: datetime,
) -> ChangeRow:  # fmt: skip
    """Ask that a partner's organisation gets a client with these rights; once others signed, its first key is drawn."""
    asked = {
        "organisation": _called(organisation, "organisation"), "name": _called(name, "name"),
        "scopes": _scopes(scopes, partner_scopes()), "quota": _quota(quota, now),
    }  # fmt: skip
    return changes.propose(db, who, Kind.CLIENT_OPEN, subject_id=ids.new_id(), asked=asked, reason=reason, now=now)


def propose_scopes(
    db: Session, who: Actor, client_id: UUID, *, scopes: Sequence[str], quota: int, reason: str, now: datetime
) -> ChangeRow:
    """Ask that a client may do these things and no others, so often a minute."""
    held = _client(db, client_id)
    asked = {
        "before": [*held.scopes, str(held.quota_per_minute)], "scopes": _scopes(scopes, partner_scopes()),
        "quota": _quota(quota, now),
    }  # fmt: skip
    return changes.propose(db, who, Kind.CLIENT_SCOPES, subject_id=client_id, asked=asked, reason=reason, now=now)


def propose_key(db: Session, who: Actor, client_id: UUID, *, reason: str, now: datetime) -> ChangeRow:
    """Ask that a client gets another key; the ones before work on for the time of overlap."""
    _client(db, client_id)
    return changes.propose(db, who, Kind.CLIENT_KEY, subject_id=client_id, asked={}, reason=reason, now=now)


def open_client(db: Session, who: Actor, change: ChangeRow, now: datetime) -> None:
    """What an approved opening does: the partner's organisation, its client, and a key to be drawn."""
    organisation_id, asked = ids.new_id(), change.asked
    db.add(OrganisationRow(id=organisation_id, kind="partner", name=asked["organisation"], state="active", made_at=now))
    db.flush()
    db.add(
        ClientRow(
            id=change.subject_id, organisation_id=organisation_id, name=asked["name"], scopes=asked["scopes"],
            quota_per_minute=asked["quota"], made_at=now, change_id=change.id,
        )
    )  # fmt: skip
    db.flush()
    facts = {"organisation": organisation_id, "scopes": asked["scopes"], "change": change.id}
    audit.write(db, who, "client.made", f"client:{change.subject_id}", facts, now=now)
    allow_key(db, who, change, now)


def change_scopes(db: Session, who: Actor, change: ChangeRow, now: datetime) -> None:
    """What an approved change of rights does."""
    held, asked = _client(db, change.subject_id), change.asked
    if [*held.scopes, str(held.quota_per_minute)] != asked["before"]:
        raise changes.ChangeStale("这个接口客户的权限已经变了，请重新提出。")
    store_keys.set_client(db, held.id, scopes=asked["scopes"], quota=asked["quota"], change_id=change.id)
    facts = {"scopes": asked["scopes"], "quota": asked["quota"], "change": change.id}
    audit.write(db, who, "client.changed", f"client:{held.id}", facts, now=now)


def allow_key(db: Session, who: Actor, change: ChangeRow, now: datetime) -> None:
    """What an approved key does: an administrator may draw it, once and soon."""
    day = now.date()
    row = ClientKeyRow(
        id=ids.new_id(), client_id=change.subject_id, made_at=now, change_id=change.id,
        draw_by=now + timedelta(hours=rules.house("client_draw_hours", on=day)),
        ends_at=now + timedelta(days=rules.house("client_key_days", on=day)),
    )  # fmt: skip
    db.add(row)
    db.flush()


def draw(db: Session, who: Actor, key_id: UUID, *, now: datetime) -> str:
    """The key itself, this once; keys of the client that work already end with the time of overlap."""
    page.insist(who, "desk.clients_write")
    _, row = waiting_key(db, key_id, now=now)
    until = now + timedelta(days=rules.house("client_overlap_days", on=now.date()))
    for other in store_keys.keys_of(db, row.client_id):
        if other.drawn_at is not None and other.ended_at is None and other.ends_at > until:
            other.ends_at = until
    secret = _secret()
    row.secret_hash, row.drawn_at, row.drawn_by = hash_of(secret), now, changes.person_of(who)
    db.flush()
    audit.write(db, who, "client.key_made", f"client:{row.client_id}", {"key": row.id}, now=now)
    return f"anh_{row.id.hex}_{secret}"


def waiting_key(db: Session, key_id: UUID, *, now: datetime) -> tuple[ClientRow, ClientKeyRow]:
    """An allowed key that nobody has drawn yet, locked, and its client; raises KeyGone."""
    row = store_keys.client_key(db, key_id, lock=True)
    if row is None or row.drawn_at is not None or row.ended_at is not None or now >= row.draw_by:
        raise KeyGone("这个密钥已取出或已失效，请重新申请。")
    return _client(db, row.client_id), row


def end_key(db: Session, who: Actor, key_id: UUID, *, now: datetime) -> None:
    """Make a client's key worthless, at once: it only takes power away."""
    page.insist(who, "desk.clients_write")
    row = store_keys.client_key(db, key_id, lock=True)
    if row is None:
        raise UnknownClient("没有这个密钥。")
    if row.ended_at is None:
        row.ended_at = now
        db.flush()
        audit.write(db, who, "client.key_ended", f"client:{row.client_id}", {"key": row.id}, now=now)


def end_client(db: Session, who: Actor, client_id: UUID, *, now: datetime) -> None:
    """Shut a client with all its keys, at once."""
    page.insist(who, "desk.clients_write")
    row = store_keys.client(db, client_id, lock=True)
    if row is None:
        raise UnknownClient("没有这个接口客户。")
    if row.ended_at is None:
        row.ended_at = now
        db.flush()
        audit.write(db, who, "client.changed", f"client:{client_id}", {"ended": True}, now=now)


def wish(db: Session, who: Actor, *, label: str, scopes: Sequence[str], now: datetime) -> Wish:
    """A key for a person's own programs as it would be; raises BadClient for one that cannot be."""
    person, day = changes.person_of(who), now.date()
    if who.party_id != person:
        raise page.NotAllowed("请先切换回本人，再建立个人密钥。")
    most = rules.house("personal_keys_most", on=day)
    if store_keys.count_personal(db, person, now=now) >= most:
        raise BadClient(f"最多保留 {most} 个密钥，请先停用不用的。")
    chosen = _scopes(scopes, [one for one in PERSONAL if who.may(one)])
    days = rules.house("personal_key_days", on=day)
    return Wish(_called(label, "label"), tuple(chosen), now + timedelta(days=days))


def make_personal(db: Session, who: Actor, *, label: str, scopes: Sequence[str], now: datetime) -> str:
    """A key for a person's own programs; returns it this once."""
    wanted, person, secret = wish(db, who, label=label, scopes=scopes, now=now), changes.person_of(who), _secret()
    row = PersonalKeyRow(
        person_id=person, id=ids.new_id(), secret_hash=hash_of(secret), label=wanted.label, scopes=list(wanted.scopes),
        made_at=now, ends_at=wanted.ends_at,
    )  # fmt: skip
    db.add(row)
    db.flush()
    facts = {"key": row.id, "scopes": list(wanted.scopes)}
    audit.write(db, who, "client.key_made", f"person:{person}", facts, now=now)
    return f"anh_{row.id.hex}_{secret}"


def end_personal(db: Session, who: Actor, key_id: UUID, *, now: datetime) -> None:
    """Make one of the own keys worthless."""
    person = changes.person_of(who)
    row = db.get(PersonalKeyRow, (person, key_id))
    if row is None:
        raise UnknownClient("没有这个密钥。")
    if row.ended_at is None:
        row.ended_at = now
        db.flush()
        audit.write(db, who, "client.key_ended", f"person:{person}", {"key": row.id}, now=now)


def hash_of(secret: str) -> bytes:
    """What the database keeps of a key's secret; 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def usable(state: str) -> bool:
    """Whether keys of an owner in this state open anything."""
    return state == PersonState.ACTIVE


def organisation_of(db: Session, client: ClientRow) -> OrganisationRow | None:
    """Whose client it is."""
    return store_access.organisation(db, client.organisation_id)


def _secret() -> str:
    return secrets.token_urlsafe(32)


def _client(db: Session, client_id: UUID) -> ClientRow:
    row = store_keys.client(db, client_id)
    if row is None or row.ended_at is not None:
        raise UnknownClient("没有这个接口客户，或者它已停用。")
    return row


def _scopes(wanted: Sequence[str], possible: Sequence[str]) -> list[str]:
    chosen = sorted(set(wanted))
    if not chosen or not set(chosen) <= set(possible):
        raise BadClient("请选择允许的权限。", field="scopes")
    return chosen


def _called(name: str, field: str) -> str:
    said = " ".join(name.split())
    if not 1 <= len(said) <= LONGEST:
        raise BadClient(f"请填写名称(1 到 {LONGEST} 个字)。", field=field)
    return said


def _quota(quota: int, now: datetime) -> int:
    most: int = rules.house("client_quota_most", on=now.date())
    if not 1 <= quota <= most:
        raise BadClient(f"每分钟请求数应为 1 到 {most}。", field="quota")
    return quota
