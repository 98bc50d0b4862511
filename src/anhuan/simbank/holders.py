"""户名核验: whether an account or a card of this bank is somebody's of this name, and what it is. Moves nothing."""

from typing import Final

import msgspec
from starlette.requests import Request

from anhuan.kit.errors import Refused
from anhuan.simbank import books, store
from anhuan.simbank.house import Act
from anhuan.simbank.replies import Reply, no

KINDS: Final = ("funding", "card")
MAX_WORD: Final = 64  # characters


class HolderBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of one check: as what it is offered, how the partner names it, and the holder's name."""

    kind: str
    ref: str
    name: str


def check(act: Act, request: Request, body: bytes, partner: str) -> Reply:
    """Compare a name with the holder's; what stands behind the reference is told as it is, whatever it was offered as.

    Nobody learns a name here, only whether the one they brought is right.
    """
    try:
        said = msgspec.json.decode(body, type=HolderBody)
    except (msgspec.DecodeError, msgspec.ValidationError) as why:
        raise Refused(f"this is no check: {why}") from why
    if said.kind not in KINDS or not said.ref or max(len(said.ref), len(said.name)) > MAX_WORD:
        raise Refused(f"kind: one of {', '.join(KINDS)}; ref and name: {MAX_WORD} characters at most, and a ref")
    card = store.card(act.db, said.ref)
    holder = store.holder(act.db, books.client(said.ref)) if card is None else card.name
    if holder is None:
        return no(404, "not_found")
    match = bool(said.name) and said.name == holder
    return Reply(200, {"match": "yes" if match else "no", "kind": "debit" if card is None else "credit"})
