"""Bills over the wire: which there are of a card, and each in the forms that banks send."""

import json
from typing import Any, Final

from starlette.requests import Request

from anhuan.simbank import issued, store, store_agenda
from anhuan.simbank.house import Act
from anhuan.simbank.model import Card
from anhuan.simbank.replies import Reply, no

_MEDIA: Final = {
    "html": "text/html; charset=utf-8",
    "csv": "text/csv",
    "pdf": "application/pdf",
    "eml": "message/rfc822",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def listed(act: Act, request: Request, body: bytes, partner: str) -> Reply:
    """The bills of a card, oldest first, with the figures that a bank's own service would tell; fen."""
    card = request.path_params["card"]
    if store.card(act.db, card) is None:
        return no(404, "not_found")
    said = []
    for row in store_agenda.statements(act.db, card):
        bill = row["facts"]["statement"]
        told = {name: bill[name] for name in ("due_on", "currency", "balance", "minimum", "interest", "late_fee")}
        told["charged_by_mistake"] = row["facts"].get("charged_by_mistake", 0)  # so far, of scenario 32
        said.append({"day": row["statement_on"].isoformat(), **told, "forms": ["json", *_MEDIA]})
    return Reply(200, {"card": card, "statements": said})


def bill(act: Act, request: Request, body: bytes, partner: str) -> Reply:
    """One bill: `2026-03-05.html`, or json, csv, pdf, eml, xlsx; with the changed layout where scenario 35 met it."""
    number, (day, _, form) = request.path_params["card"], request.path_params["file"].partition(".")
    card = store.card(act.db, number)
    found = [row for row in store_agenda.statements(act.db, number) if row["statement_on"].isoformat() == day]
    if card is None or not found:
        return no(404, "not_found")
    facts = found[0]["facts"]
    if form == "json":
        return Reply(200, {**facts["statement"], "layout": facts["layout"]})
    if form not in _MEDIA:
        return no(404, "not_found", f"a bill comes as one of {', '.join(_MEDIA)}")
    return Reply(200, _printed(card, facts, form), media=_MEDIA[form])


def _printed(card: Card, facts: dict[str, Any], form: str) -> bytes:
    from anhuan.simbank import printing  # here, because the bank starts without a printer

    statement = issued.from_json(json.dumps(facts["statement"]), issued.Statement)
    holder = printing.Holder(
        card.name,
        str(card.facts.get("mailbox", f"holder-{card.card[-4:]}@example.com")),
        card.card[-4:],
        int(card.facts.get("credit_limit", 0)),
    )
    return printing.printed(statement, holder, printing.Form(form), changed=facts["layout"] == "changed")
