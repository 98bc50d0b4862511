"""Pages of the own account: who looked at me, why it is frozen, keys for own programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.orm import Session

from anhuan.identity import approvals, changes, clients, confirming, freezing, looking, rules, store_keys
from anhuan.identity.desk_page import cut, place_of, said
from anhuan.identity.freezing import Told
from anhuan.identity.tables_access import LookRow, PersonalKeyRow
from anhuan.kit import audit, news, page

router = APIRouter(prefix="/me", include_in_schema=False)
Ours: Final = Depends(page.own_form)
Mine: Final = page.needs("me.use")


@dataclass(frozen=True, slots=True)
class PartnerLook:
    """A partner's program that read what the person agreed to share."""

    at: datetime
    client: str


@dataclass(frozen=True, slots=True)
class Looks:
    """Who looked at what of mine, when and why."""

    template: ClassVar[str] = "own/looks.html"
    looks: tuple[LookRow, ...]
    partners: tuple[PartnerLook, ...]
    after: str


@dataclass(frozen=True, slots=True)
class Frozen:
    """Why the account is frozen and how to object."""

    template: ClassVar[str] = "own/frozen.html"
    told: Told | None


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys for the person's own programs; a fresh one, this once."""

    template: ClassVar[str] = "own/keys.html"
    keys: tuple[PersonalKeyRow, ...]
    scopes: tuple[str, ...]
    fresh: str
    trouble: str
    days: int


@router.get("/looks", dependencies=[Mine])
def looks(request: Request, db: page.Transaction, after: str = "") -> Response:
    """Who looked at this person's data, or at those of the organisation acted for."""
    person, who = changes.person_of(page.actor(request)), page.actor(request)
    found = looking.of_person(db, who.party_id or person, before=place_of(after), at_most=looking.PAGE + 1)
    rows, following = cut(found, lambda one: (one.looked_at, one.id))
    partners = () if after else partner_looks(db, person)
    return page.render(request, Looks(rows, tuple(partners), following))


@router.get("/frozen", dependencies=[Mine])
def frozen(request: Request, db: page.Transaction) -> Response:
    """Why the account is frozen, and how to object."""
    return page.render(request, Frozen(freezing.told(db, changes.person_of(page.actor(request)))))


@router.get("/keys", dependencies=[Mine])
def keys(request: Request, db: page.Transaction) -> Response:
    """The keys of the person's own programs."""
    return page.render(request, _keys(request, db))


@router.post("/keys", dependencies=[page.needs("cards.write"), Ours])
def make(
    request: Request, db: page.Transaction, proof: confirming.Proof,
    label: Annotated[str, Form(max_length=100)] = "",
    scopes: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI reads it as the default of an absent field
) -> Response:  # fmt: skip
    """Make a key after one more proof and show it, this once."""
    who, now, lang = page.actor(request), page.now(request), page.visitor(request).lang
    try:
        wanted = approvals.own_key(db, who, label=label, scopes=scopes, now=now)
        fresh = approvals.make_key(db, who, proof, label=label, scopes=scopes, now=now)
    except confirming.AGAIN as refused:
        fields = (("label", label), *(("scopes", one) for one in scopes))
        return confirming.ask(
            request, db, wanted.act, confirming.key_words(wanted.name, wanted.scopes, wanted.ends_at), refused,
            action="/me/keys", back="/me/keys", fields=fields,
        )  # fmt: skip
    except clients.BadClient as bad:
        return page.render(request, _keys(request, db, trouble=news.told(bad.code, bad.message, lang)), status=422)
    return confirming.done(request, db, page.render(request, _keys(request, db, fresh=fresh)), proof)


@router.post("/keys/{key_id}/end", dependencies=[Mine, Ours])
def end(request: Request, db: page.Transaction, key_id: UUID) -> Response:
    """Make a key worthless."""
    clients.end_personal(db, page.actor(request), key_id, now=page.now(request))
    return page.go("/me/keys", request=request, note=said(request, "密钥已停用。", "The key was ended."))


def partner_looks(db: Session, person: UUID) -> Sequence[PartnerLook]:
    """The last times that partners' programs read this person's data, from the person's own part of the audit log."""
    found = audit.page_of(db, subject=f"person:{person}", act="person.read", at_most=looking.PAGE)
    return [PartnerLook(one.written_at, str(one.actor["client"])) for one in found if one.actor.get("client")]


def _keys(request: Request, db: Session, *, fresh: str = "", trouble: str = "") -> Keys:
    who = page.actor(request)
    scopes = tuple(one for one in clients.PERSONAL if who.may(one))
    rows = tuple(store_keys.personal_keys(db, changes.person_of(who)))
    return Keys(rows, scopes, fresh, trouble, rules.house("personal_key_days", on=page.today(request)))
