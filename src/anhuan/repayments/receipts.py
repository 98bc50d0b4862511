"""回单: what one payment was, with every stage, its evidence, the books' postings and the signed root over them.

Until bank data show the money on the card it is a 还款进度单 and says what it does not prove. The same facts make the
same bytes: nothing of it depends on when it was asked for.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import channels
from anhuan.channels import kept_messages
from anhuan.channels.model import Settled
from anhuan.identity import organisations
from anhuan.kit import clock, terms, wording
from anhuan.kit.errors import Unavailable
from anhuan.ledger import explorer, proof
from anhuan.repayments.model import FeeLine, OrderStatus, Stamp
from anhuan.repayments.receipt_words import EVENTS, PROOFS, SCHEDULES, STATUSES, VERBS, word
from anhuan.repayments.screen_orders import Progress

TEMPLATE: Final = Path(__file__).with_name("receipt.typ")
FONT: Final = "Noto Sans SC"
FONT_PACKAGE: Final = "pylopdf_fonts_zh_cn"
SHORT: Final = 16  # digits of a hash that people compare
POSTINGS: Final = 50


class NoReceiptFont(Unavailable):
    """没有中文字体: the package of the font is missing."""

    code = "repay.no_receipt_font"


@dataclass(frozen=True, slots=True)
class ReceiptPart:
    """One table of the receipt: heading, then labels with what they stand for."""

    title: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as finished text in one language; `at`: the last moment it tells of."""

    lang: str
    brand: str
    title: str
    made: str
    arrived: bool
    amount: str
    stand: str
    parts: tuple[ReceiptPart, ...]
    notes: tuple[str, ...]
    footer: str


def receipt_of(db: Session, party: UUID, progress: Progress, *, lang: str) -> Receipt:
    """The receipt of one order as far as it is known."""
    order = progress.shown.order
    arrived = order.status is OrderStatus.ARRIVED
    parts = [
        ReceiptPart(word("payment", lang), tuple(_payment(db, party, progress, lang))),
        ReceiptPart(word("stages", lang), tuple(_stage(stamp, lang) for stamp in progress.past)),
        ReceiptPart(word("evidence", lang), tuple(_evidence(db, party, progress, lang))),
        ReceiptPart(word("books", lang), tuple(_books(db, order.order_id, lang))),
    ]
    return Receipt(
        lang=lang, brand=word("brand", lang), title=word("receipt" if arrived else "progress", lang),
        made=word("made", lang, at=_moment(last_of(progress)), number=order.order_id), arrived=arrived,
        amount=wording.amount(order.amount), stand=_stand(progress, lang),
        parts=tuple(part for part in parts if part.rows),
        notes=tuple(word(name, lang) for name in (("proves", "own") if arrived else ("not_yet", "own"))),
        footer=word("footer", lang, number=order.order_id),
    )  # fmt: skip


def pdf(receipt: Receipt, *, at: datetime) -> bytes:
    """The receipt as PDF; the same receipt gives the same bytes."""
    import typst  # here, because a page that prints nothing should not load a typesetter

    made = typst.compile(
        TEMPLATE,
        root=TEMPLATE.parent,
        font_paths=[_font_folder()],
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps({**asdict(receipt), "font": FONT}, ensure_ascii=False)},
        timestamp=int(at.timestamp()),
    )
    assert isinstance(made, bytes)
    return made


def last_of(progress: Progress) -> datetime:
    """The last moment that the receipt tells of."""
    order = progress.shown.order
    return max([order.placed_at, *(one.at for one in progress.past), *(one.given_at for one in progress.proofs)])


def _payment(db: Session, party: UUID, progress: Progress, lang: str) -> Iterator[tuple[str, str]]:
    one, order = progress.shown, progress.shown.order
    bank = terms.bank(order.bank)
    card = one.account.name(lang) if one.account and not one.account.label else ""
    if one.account and one.account.label:
        card = terms.card_name(order.bank, [each.last_digits for each in one.account.cards], lang)
    yield word("payer", lang), organisations.party_name(db, party) or "—"
    yield word("from", lang), terms.card_name(one.source.bank, [one.source.last_digits], lang) if one.source else "—"
    yield word("to", lang), card or (bank.en if lang == "en" else bank.zh)
    yield word("channel", lang), one.channel_en if lang == "en" else one.channel_zh
    yield word("amount", lang), wording.amount(order.amount)
    for line in order.fees:
        if line.fee or line.free:
            yield SCHEDULES[line.schedule == "service"][lang == "en"], _fee(line, lang)
    yield word("debit", lang), wording.amount(order.amount + order.fee)
    if order.arrived is not None:
        yield word("on_card", lang), wording.amount(order.arrived)
    if order.key is not None:
        known = channels.known(db, party, order.key)
        if isinstance(known, Settled) and known.reference:
            yield word("reference", lang), known.reference
        yield word("key", lang), str(order.key)


def _stage(stamp: Stamp, lang: str) -> tuple[str, str]:
    said = EVENTS[stamp.kind][lang == "en"]
    return _moment(stamp.at), f"{said} · {stamp.code}" if stamp.code else said


def _evidence(db: Session, party: UUID, progress: Progress, lang: str) -> Iterator[tuple[str, str]]:
    for one in progress.proofs:
        said = [PROOFS[one.kind][lang == "en"], *([f"{one.on:%Y-%m-%d}"] if one.on else []), one.source]
        said += [word("sha", lang, short=one.receipt[:SHORT])] if one.receipt else []
        said += [word("withdrawn", lang)] if one.withdrawn else []
        yield _moment(one.given_at), " · ".join(part for part in said if part)
    key = progress.shown.order.key
    for message in kept_messages.of(db, party, key) if key else ():
        verb = VERBS.get(message.verb, (message.verb, message.verb))[lang == "en"]
        yield _moment(message.at), f"{verb} · {word('sha', lang, short=message.sha256[:SHORT])}"


def _books(db: Session, order_id: UUID, lang: str) -> Iterator[tuple[str, str]]:
    postings = explorer.of_business(db, order_id, at_most=POSTINGS)
    for one in postings:
        said = one.code.en if lang == "en" else one.code.zh
        yield str(one.id), f"{_moment(one.at)} · {said} · {wording.amount(one.amount)}"
    if postings:
        root = proof.place_of(db, postings[-1].id).root
        said = word("no_root", lang) if root is None else word("root_is", lang, number=root.no, short=root.hash[:SHORT])
        yield word("root", lang), said


def _stand(progress: Progress, lang: str) -> str:
    order = progress.shown.order
    said = STATUSES[order.status][lang == "en"]
    if order.status is OrderStatus.ARRIVED:
        return f"{said} · {word('posted', lang, day=f'{order.arrived_on:%Y-%m-%d}')}"
    if order.expected_at is not None and progress.pause:
        return f"{said} · {word('expected', lang, at=_moment(order.expected_at))}"
    return said


def _fee(line: FeeLine, lang: str) -> str:
    said = wording.amount(line.fee)
    return f"{said} · {word('free', lang, free=wording.amount(line.free))}" if line.free else said


def _moment(at: datetime) -> str:
    return f"{at.astimezone(clock.CHINA):%Y-%m-%d %H:%M:%S}"


def _font_folder() -> Path:
    """Where Noto Sans SC lies; the package is data only and is never imported."""
    found = find_spec(FONT_PACKAGE)
    if found is None or found.origin is None:
        raise NoReceiptFont("没有找到中文字体,请重新安装(make setup)。")
    return Path(found.origin).parent
