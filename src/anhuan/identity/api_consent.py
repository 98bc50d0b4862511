"""Consents, agreements and requests about one's own data as JSON; moments are ISO 8601, hashes hexadecimal."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from anhuan.identity import approvals, consent, documents, erasure, export, journey, store_consent
from anhuan.identity.api_limits import Proof
from anhuan.identity.consent import Standing
from anhuan.identity.consent_words import PURPOSES, Channel, parse
from anhuan.identity.tables_consent import DataRequestRow
from anhuan.kit import page

router = APIRouter(tags=["consent"])
assert journey, "its import names the jobs that are promised here"

Name = Annotated[str, Path(max_length=80, description="a purpose, for sharing with its partner: sharing:<partner>")]


class Yes(BaseModel):
    """A yes names the version of the text that the person has seen."""

    model_config = ConfigDict(extra="forbid")
    version: int = Field(ge=1, le=100_000)
    lang: Literal["zh", "en"] = "zh"


class Wanted(BaseModel):
    """What a person wants done with their own data."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["export", "erasure"]
    lang: Literal["zh", "en"] = "zh"
    proof: Proof | None = Field(default=None, description="for an erasure; 422 stepup.needed asks for one")


class Proved(BaseModel):
    """The proof that a person answered a step-up for this act."""

    model_config = ConfigDict(extra="forbid")
    proof: Proof | None = None


class ConsentOut(BaseModel):
    """What holds about one purpose, and the version of the text that a yes would name."""

    purpose: str
    zh: str
    en: str
    stands: bool
    said_at: datetime | None
    expires_at: datetime | None
    renew: bool
    version: int
    sha256: str
    data: list[str]


class DocumentOut(BaseModel):
    """One version of a text."""

    kind: str
    version: int
    in_force_on: date
    sha256: str
    zh: str
    en: str


class DataRequestOut(BaseModel):
    """One request about one's own data, and how far it is."""

    id: UUID
    kind: str
    state: str
    percent: int
    doing: str
    asked_at: datetime
    acts_at: datetime
    done_at: datetime | None
    expires_at: datetime | None
    report: dict[str, Any]


@router.get("/consents", dependencies=[page.needs("consent.write")])
def consents(request: Request, db: page.Transaction) -> list[ConsentOut]:
    """Every purpose, and what this party said about it."""
    today = page.today(request)
    held = consent.all_standing(db, page.person(request), page.now(request))
    return [_consent(one, documents.in_force(db, documents.kind_of(one.purpose), today)) for one in held]


@router.post("/consents/{purpose}", dependencies=[page.needs("consent.write")])
def give(request: Request, db: page.Transaction, purpose: Name, said: Yes) -> ConsentOut:
    """Agree to one purpose, in the words of the version that is named."""
    found, partner = parse(purpose)
    consent.partner_called(db, partner)
    made = consent.give(
        db, page.person(request), found, actor=page.actor(request), now=page.now(request), partner=partner,
        channel=Channel.API, lang=said.lang, version=said.version,
    )  # fmt: skip
    return _consent(made, documents.in_force(db, documents.kind_of(found), page.today(request)))


@router.post("/consents/{purpose}/withdraw", dependencies=[page.needs("consent.write")])
def withdraw(request: Request, db: page.Transaction, purpose: Name) -> ConsentOut:
    """Withdraw, at once and without a reason."""
    found, partner = parse(purpose)
    made = consent.withdraw(
        db, page.person(request), found, actor=page.actor(request), now=page.now(request), partner=partner,
        channel=Channel.API,
    )  # fmt: skip
    return _consent(made, documents.in_force(db, documents.kind_of(found), page.today(request)))


@router.get("/documents/{kind}", dependencies=[page.needs("public")])
def document(
    request: Request, db: page.Transaction, kind: Annotated[str, Path(max_length=40)], version: int | None = None
) -> DocumentOut:
    """One text in both languages: the version in force, or the one that is named."""
    found = documents.known(kind)
    one = (
        documents.in_force(db, found, page.today(request))
        if version is None
        else documents.version_of(db, found, version)
    )
    return DocumentOut(
        kind=one.kind.value, version=one.version, in_force_on=one.in_force_on, sha256=one.sha256.hex(), zh=one.zh,
        en=one.en,
    )  # fmt: skip


@router.get("/data-requests", dependencies=[page.needs("me.data")])
def data_requests(request: Request, db: page.Transaction) -> list[DataRequestOut]:
    """This party's requests, newest first."""
    return [_request(row) for row in store_consent.requests(db, page.person(request))]


@router.post("/data-requests", status_code=202, dependencies=[page.needs("me.data")])
def ask(request: Request, db: page.Transaction, wanted: Wanted) -> DataRequestOut:
    """Ask for a copy of everything, or to be erased after the cooling time; an open request is given again."""
    who, now = page.actor(request), page.now(request)
    if wanted.kind == "erasure":
        answer = wanted.proof.answer() if wanted.proof else None
        return _request(approvals.erase(db, who, answer, lang=wanted.lang, now=now))
    return _request(export.ask(db, page.person(request), actor=who, now=now, lang=wanted.lang))


@router.get("/data-requests/{request_id}", dependencies=[page.needs("me.data")])
def data_request(request: Request, db: page.Transaction, request_id: UUID) -> DataRequestOut:
    """How far a request is."""
    row = store_consent.request(db, page.person(request), request_id)
    if row is None:
        raise export.NoSuchRequest("没有这项申请。")
    return _request(row)


@router.post("/data-requests/{request_id}/cancel", dependencies=[page.needs("me.data")])
def cancel(request: Request, db: page.Transaction, request_id: UUID) -> DataRequestOut:
    """Call an erasure off while it cools."""
    row = erasure.cancel(db, page.person(request), request_id, actor=page.actor(request), now=page.now(request))
    return _request(row)


@router.post("/data-requests/{request_id}/file", dependencies=[page.needs("me.data")],
             response_class=Response, responses={200: {"content": {"application/zip": {}}}})  # fmt: skip
def file(request: Request, db: page.Transaction, request_id: UUID, proved: Proved) -> Response:
    """The archive of a finished export, for the person who asked for it, with a proof bound to this file."""
    answer = proved.proof.answer() if proved.proof else None
    data = approvals.fetch(db, page.actor(request), request_id, answer, now=page.now(request))
    headers = {"Content-Disposition": 'attachment; filename="anhuan.zip"', "Cache-Control": "no-store"}
    return Response(data, media_type="application/zip", headers=headers)


def _consent(one: Standing, text: documents.Document) -> ConsentOut:
    line = PURPOSES[one.purpose]
    return ConsentOut(
        purpose=one.name, zh=line.name.zh, en=line.name.en, stands=one.stands, said_at=one.said_at,
        expires_at=one.expires_at, renew=one.renew, version=text.version, sha256=text.sha256.hex(),
        data=list(line.data),
    )  # fmt: skip


def _request(row: DataRequestRow) -> DataRequestOut:
    return DataRequestOut.model_validate(row, from_attributes=True)
