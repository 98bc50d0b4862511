"""camt.052, camt.053 and camt.054 as answers to a file: an entry on the payer's account is a yes, a return is an event.

Matched by end-to-end id alone. A booked debit says that the money left, a pending one that it is on its way; a credit
counts as a return only where the bank says so. Everything else is reported.
"""

from datetime import datetime
from typing import Final
from xml.etree.ElementTree import tostring

from anhuan.channels import file_camt
from anhuan.channels.answers_model import Asked, Said, Told, Unmatched
from anhuan.channels.answers_model import Why as NoMatch
from anhuan.channels.file_camt import Payment
from anhuan.channels.file_model import LineState, same_reference
from anhuan.channels.file_text import moment
from anhuan.channels.model import Event, EventKind, Settled, Unknown, Why
from anhuan.kit.clock import CHINA

_KINDS: Final = {"Stmt": "camt053", "Rpt": "camt052", "Ntfctn": "camt054"}


def read(content: bytes, asked: Asked) -> tuple[list[Told], list[Unmatched]]:
    """What the entries say of the payments asked about, and what was laid to none; raises FileDamaged."""
    paid, _, _ = file_camt.verified(content)
    told: list[Told] = []
    unmatched: list[Unmatched] = []
    for place, one in enumerate(paid, start=1):
        where = f"Ntry {place}"
        sent = asked.get(same_reference(one.reference))
        said = _said(one) if sent else None
        if sent is None or said is None:
            unmatched.append(Unmatched(_why(one, ours=sent is not None), one.reference, _code(one), where, one.amount))
        else:
            raw = tostring(one.entry if one.details is None else one.details)
            told.append(Told(sent.key, said, _code(one), where, raw))
    return told, unmatched


def kind_of(tag: str) -> str:
    """Which message a statement element belongs to."""
    return _KINDS[tag]


def _said(one: Payment) -> Said | None:
    day, at = moment(one.printed_day, what="BookgDt")
    when = at or datetime(day.year, day.month, day.day, tzinfo=CHINA)
    if one.currency not in ("CNY", ""):
        return None
    if one.came:
        if not one.back or one.state is not LineState.DONE:
            return None
        kind = EventKind.REVERSED if one.reversal else EventKind.RETURNED
        return Event(kind, when, one.amount, one.reason or "退回")
    if one.back:
        return None  # a reversal of a return: nobody guesses what that makes of the payment
    return Settled(one.channel_reference, when, one.amount, one.fee) if _done(one) else Unknown(Why.PROCESSING)


def _done(one: Payment) -> bool:
    return one.state is LineState.DONE


def _why(one: Payment, *, ours: bool) -> NoMatch:
    if not one.reference:
        return NoMatch.NO_REFERENCE
    if not ours:
        return NoMatch.NOT_OURS
    return NoMatch.UNMARKED_CREDIT if one.came and not one.back else NoMatch.UNKNOWN_STATUS


def _code(one: Payment) -> str:
    return " ".join(
        filter(None, (one.state, "CRDT" if one.came else "DBIT", "RVSL" if one.reversal else "", one.reason))
    )
