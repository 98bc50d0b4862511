"""Pages of consent and of agreements: what is asked, in which words, and one tap for yes as for no."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Final

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.orm import Session

from anhuan.identity import consent, documents, store_consent
from anhuan.identity.consent import Standing
from anhuan.identity.consent_words import DATA, PURPOSES, parse, written
from anhuan.identity.documents import AGREEMENTS, Block, Change, Document, Kind
from anhuan.kit import page
from anhuan.kit.doors import own_path

router = APIRouter(include_in_schema=False)

READ: Final = [page.needs("consent.write")]
WRITE: Final = [page.needs("consent.write"), Depends(page.own_form)]
HERE: Final = "/me/consents"


@dataclass(frozen=True, slots=True)
class PurposeShown:
    """One purpose as the list shows it."""

    name: str
    title: str
    partner: str
    under: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class ConsentsPage:
    """授权管理: every purpose with what holds, and a no within reach."""

    template: ClassVar[str] = "identity/consents.html"
    purposes: tuple[PurposeShown, ...]


@dataclass(frozen=True, slots=True)
class ConsentPage:
    """One purpose as a sheet: what is done with which data until when, the whole text, and one button."""

    template: ClassVar[str] = "identity/consent.html"
    name: str
    title: str
    partner: str
    sentence: str
    data: tuple[str, ...]
    needed_by: str
    standing: Standing
    until: datetime
    document: Document
    blocks: tuple[Block, ...]
    back: str


@dataclass(frozen=True, slots=True)
class AgreementShown:
    """One text of the list: what holds, what comes, whether it still waits for this person."""

    document: Document
    coming: Document | None
    waits: bool


@dataclass(frozen=True, slots=True)
class DocumentsPage:
    """协议与说明: every text with its version."""

    template: ClassVar[str] = "identity/documents.html"
    agreements: tuple[AgreementShown, ...]
    consents: tuple[AgreementShown, ...]


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """One version of a text, the others, and what it says differently from another."""

    template: ClassVar[str] = "identity/document.html"
    document: Document
    blocks: tuple[Block, ...]
    versions: tuple[Document, ...]
    in_force: int
    older: Document | None
    changes: tuple[Change, ...]
    waits: bool


@router.get(HERE, dependencies=READ)
def show_consents(request: Request, db: page.Transaction) -> Response:
    """Every purpose, and what this party said about it."""
    held = consent.all_standing(db, page.person(request), page.now(request))
    return page.render(request, ConsentsPage(tuple(_shown(request, db, one) for one in held)))


@router.get(HERE + "/{name}", dependencies=READ)
def show_consent(request: Request, db: page.Transaction, name: str, back: str = HERE) -> Response:
    """One purpose with its text; the version that is shown is the one a yes will name."""
    purpose, partner = parse(name)
    lang, now = page.visitor(request).lang, page.now(request)
    line = PURPOSES[purpose]
    document = documents.in_force(db, documents.kind_of(purpose), page.today(request))
    value = ConsentPage(
        name=name,
        title=line.name.in_(lang),
        partner=consent.partner_called(db, partner),
        sentence=line.sentence.in_(lang),
        data=tuple(DATA[one].in_(lang) for one in line.data),
        needed_by=line.needed_by.in_(lang) if line.needed_by else "",
        standing=consent.standing(db, page.person(request), purpose, now, partner=partner),
        until=consent.would_end(purpose, now),
        document=document,
        blocks=documents.blocks(document.text(lang)),
        back=own_path(back),
    )
    return page.render(request, value)


@router.post(HERE + "/{name}/give", dependencies=WRITE)
def give(
    request: Request, db: page.Transaction, name: str, version: Annotated[int, Form()],
    back: Annotated[str, Form()] = HERE,
) -> Response:  # fmt: skip
    """Yes, to the version that was shown; then on to where the person came from."""
    purpose, partner = parse(name)
    consent.partner_called(db, partner)
    lang = page.visitor(request).lang
    consent.give(
        db, page.person(request), purpose, actor=page.actor(request), now=page.now(request), partner=partner,
        lang=lang, version=version,
    )  # fmt: skip
    return page.go(own_path(back), request=request, note="Agreed." if lang == "en" else "已同意,随时可以撤回。")


@router.post(HERE + "/{name}/withdraw", dependencies=WRITE)
def withdraw(request: Request, db: page.Transaction, name: str) -> Response:
    """No, at once."""
    purpose, partner = parse(name)
    lang = page.visitor(request).lang
    consent.withdraw(
        db, page.person(request), purpose, actor=page.actor(request), now=page.now(request), partner=partner, lang=lang
    )
    return page.go(HERE, request=request, note="Withdrawn." if lang == "en" else "已撤回。")


@router.get("/documents", dependencies=[page.needs("public")])
def show_documents(request: Request, db: page.Transaction) -> Response:
    """Every text that somebody is asked to agree to."""
    value = DocumentsPage(
        tuple(_agreement(request, db, kind) for kind in AGREEMENTS),
        tuple(_agreement(request, db, kind) for kind in Kind if kind not in AGREEMENTS),
    )
    return page.render(request, value)


@router.get("/documents/{kind}", dependencies=[page.needs("public")])
def show_document(
    request: Request, db: page.Transaction, kind: str, version: int | None = None, compare: int | None = None
) -> Response:
    """One version, the one in force unless another is named, beside what it changed."""
    found, lang = documents.known(kind), page.visitor(request).lang
    holds = documents.in_force(db, found, page.today(request))
    shown = holds if version is None else documents.version_of(db, found, version)
    older = None if compare is None else documents.version_of(db, found, compare)
    value = DocumentPage(
        document=shown,
        blocks=documents.blocks(shown.text(lang)),
        versions=documents.history(db, found),
        in_force=holds.version,
        older=older,
        changes=documents.compare(older, shown, lang) if older else (),
        waits=shown.version == holds.version and _waits(request, db, found),
    )
    return page.render(request, value)


@router.post("/documents/{kind}/accept", dependencies=[page.needs("me.use"), Depends(page.own_form)])
def accept(request: Request, db: page.Transaction, kind: str, version: Annotated[int, Form()]) -> Response:
    """Accept the version that was shown."""
    lang = page.visitor(request).lang
    documents.accept(
        db, page.person(request), documents.known(kind), version, actor=page.actor(request), now=page.now(request),
        lang=lang,
    )  # fmt: skip
    return page.go("/documents", request=request, note="Accepted." if lang == "en" else "已接受。")


def _shown(request: Request, db: Session, one: Standing) -> PurposeShown:
    lang, line = page.visitor(request).lang, PURPOSES[one.purpose]
    return PurposeShown(
        name=written(one.purpose, one.partner),
        title=line.name.in_(lang),
        partner=(store_consent.partner_name(db, one.partner) or one.partner) if one.partner else "",
        under=line.sentence.in_(lang),
        standing=one,
    )


def _agreement(request: Request, db: Session, kind: Kind) -> AgreementShown:
    today = page.today(request)
    return AgreementShown(
        documents.in_force(db, kind, today), documents.coming(db, kind, today), _waits(request, db, kind)
    )


def _waits(request: Request, db: Session, kind: Kind) -> bool:
    party = page.actor(request).party_id
    if party is None or kind not in AGREEMENTS:
        return False
    return kind in {one.kind for one in documents.to_accept(db, party, page.today(request))}
