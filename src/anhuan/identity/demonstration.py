"""A demonstration: invented people of each role, and sign-in with one tap that a real installation does not have.

Four things must hold at once: the database says for ever that it is a demonstration, the program was started to show
one, this installation is known by a name of this machine alone, and the request comes from this machine.
"""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Request
from sqlalchemy.orm import Session

from anhuan.identity import sessions, signin, store, store_signin
from anhuan.identity.rights import Role
from anhuan.identity.tables import MemberRow, OrganisationRow
from anhuan.kit import actors, audit, ids, page, settings, wall
from anhuan.kit.actors import Actor, ActorKind, Strength
from anhuan.kit.errors import Refused

REAL: Final = "real"
DEMONSTRATION: Final = "demonstration"
SHOP: Final = UUID("01900000-0000-7000-8000-0000000000f1")
SHOP_NAME: Final = "示例小店(虚构)"


class NotADemonstration(Refused):
    """这里有真实的数据: this installation is real, and stays so; a demonstration needs a folder of its own."""

    code = "demonstration.real_house"


class NotReal(Refused):
    """这是演示数据: this installation was made to be shown and is never used for real."""

    code = "demonstration.only"


@dataclass(frozen=True, slots=True)
class Invented:
    """One invented person, as a card on the page of sign-in."""

    id: UUID
    name: str
    role: Role
    party: UUID | None = None


def _id(number: int) -> UUID:
    return UUID(int=ids.LOCAL_USER.int - 1 + number)


PEOPLE: Final = (
    Invented(ids.LOCAL_USER, "张三", Role.HOLDER),
    Invented(_id(2), "李四", Role.MAKER, SHOP),
    Invented(_id(3), "王五", Role.CHECKER, SHOP),
    Invented(_id(4), "赵六", Role.OWNER, SHOP),
    Invented(_id(5), "孙七", Role.RISK),
    Invented(_id(6), "周八", Role.FINANCE),
    Invented(_id(7), "吴九", Role.OPERATIONS),
    Invented(_id(8), "郑十", Role.SUPPORT),
    Invented(_id(9), "冯十一", Role.CONTENT),
    Invented(_id(10), "陈十二", Role.AUDITOR),
    Invented(_id(11), "褚十三", Role.ADMINISTRATOR),
    Invented(_id(12), "卫十四", Role.ADMINISTRATOR),  # who signs what the other proposes
)


def declare(db: Session, kind: str, *, now: datetime) -> None:
    """Say once what kind of installation this is; refuses to serve one as the other."""
    said = store_signin.mode(db)
    if said is None:
        store_signin.mark(db, kind, now=now)
        facts = {"mode": kind}
        audit.write(db, Actor(ActorKind.COMMAND), "installation.mode_set", "installation:1", facts, now=now)
    elif said == REAL != kind:
        raise NotADemonstration("这里是真实的安装,不能当演示打开;演示请另选一个 ANHUAN_HOME。", field="--demo")
    elif said == DEMONSTRATION != kind:
        raise NotReal("这里只有演示数据,请用 --demo 打开;真实使用请另选一个 ANHUAN_HOME。", field="--demo")


def mode(db: Session) -> str | None:
    """`real` or `demonstration`; None while nobody has said."""
    return store_signin.mode(db)


def fill(db: Session, *, now: datetime) -> bool:
    """Enter the invented people, as the worker's role; does nothing where they are there."""
    wall.everybody(db)
    if store.person(db, PEOPLE[0].id) is not None:
        return False
    wall.enter(db, party=SHOP, person=PEOPLE[1].id)
    db.add(OrganisationRow(id=SHOP, kind="merchant", name=SHOP_NAME, state="active", made_at=now))
    db.flush()
    for one in PEOPLE:
        own = (Role.HOLDER,) if one.party else {Role.HOLDER, one.role}
        sessions.add_person(db, now=now, person_id=one.id, name=one.name, roles=own)
        if one.party is None:
            continue
        db.add(
            MemberRow(
                person_id=one.id, id=ids.new_id(), organisation_id=one.party, role=one.role, since=now,
                given_by=_id(4),
            )
        )  # fmt: skip
        db.flush()
    return True


def is_served(request: Request) -> bool:
    """Whether this program was started to show a demonstration, on this machine, and the request comes from it."""
    if not getattr(request.app.state, "demonstration", False):
        return False
    known = urlsplit(settings.read().origin).hostname in ("localhost", "127.0.0.1", "::1")
    return known and request.url.hostname in ("localhost", "127.0.0.1", "::1") and _is_near(request)


def is_open(request: Request, db: Session) -> bool:
    """Whether one tap may sign somebody in here and now."""
    return is_served(request) and store_signin.mode(db) == DEMONSTRATION


def sign_in(request: Request, db: Session, who: UUID, browser: signin.Browser, *, now: datetime) -> signin.SignedIn:
    """Sign an invented person in; where this is no demonstration there is no such page (404)."""
    found = next((one for one in PEOPLE if one.id == who), None)
    if found is None or not is_open(request, db):
        raise page.NotFound("没有这个页面。")
    return signin.let_in(db, found.id, Strength.DEMO, browser, now=now, how="demo", party_id=found.party)


def closed(request: Request, db: Session, who: Actor) -> Actor:
    """A session of one tap ends where one tap would not be offered; everybody else passes."""
    if not who.demo or is_open(request, db):
        return who
    wall.enter(db, party=None)
    return actors.NOBODY


def _is_near(request: Request) -> bool:
    address = request.client.host if request.client else ""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
