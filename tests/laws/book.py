"""A journal as it would be written at a desk, posted through the ledger's own door.

    bank:lin -> transit:C              500.00            # taken from her own account
    hold bank:lin -> transit:C         500.00 as order   # set aside under a name
    capture order 300.00                                 # or void, expire, reverse
    {                                                    # lines that stand or fall together
    issuer@points/mall -> points:lin/2027-12  120
    }

An account is its kind, whose it is (`:lin`, nobody's for the house) and what of it (`/2027-12`); for the house the
part after the colon is what of it (`transit:C`). `@unit` names the unit where the kind leaves it open. Amounts are
yuan, or whole points and coupons. `as name` remembers the posting, `by CODE` says which code where the chart knows
several, `until 2026-11-30` lets a hold expire.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import ledger
from anhuan.kit import ids
from anhuan.kit.money import Money, from_text
from anhuan.ledger import CHART, AccountKind, AccountName, Balance, Code, Kind, Line, Results
from anhuan.ledger.rules import OF_THE_HOUSE

ISSUER: Final = "points/mall"
_HOME: Final[Mapping[AccountKind, str]] = {
    **dict.fromkeys((kind for kind in AccountKind if kind < 10), "CNY/tracked"),
    **dict.fromkeys((kind for kind in AccountKind if 10 <= kind < 30), "CNY/house"),
    **dict.fromkeys((AccountKind.ISSUER, AccountKind.POINTS, AccountKind.POINTS_EXCHANGE, AccountKind.EXPIRED), ISSUER),
    **dict.fromkeys((AccountKind.QUOTA_SOURCE, AccountKind.QUOTA, AccountKind.QUOTA_USED), "quota"),
}
_MOVE: Final = re.compile(
    r"(?P<hold>hold )?(?P<src>\S+) -> (?P<dst>\S+) (?P<amount>[\d.]+)"
    r"(?: by (?P<code>[A-Z_]+))?(?: as (?P<name>\w+))?(?: until (?P<until>[\d-]+))?"
)
_AFTER: Final = re.compile(
    r"(?P<verb>capture|void|expire|reverse) (?P<parent>\w+)(?: (?P<amount>[\d.]+))?(?: as (?P<name>\w+))?"
)


@dataclass(slots=True)
class Book:
    """Journals of people who share one lane, in one transaction; owners are known by their names in it.

    The session should see all rows (the owner's login): a person's own sees no account of the house.
    """

    db: Session
    shard: int = 9
    names: dict[str, UUID] = field(default_factory=dict)  # of postings
    written: dict[str, AccountName] = field(default_factory=dict)  # accounts, as they were first written

    def post(self, journal: str) -> None:
        """Post the journal as one batch and insist on every line."""
        self.ask(journal).insist()

    def ask(self, journal: str) -> Results:
        """Post the journal as one batch; what became of each line."""
        lines, group = [], None
        for text in filter(None, (" ".join(line.split("#")[0].split()) for line in journal.splitlines())):
            if text in "{}":
                group = ids.new_id() if text == "{" else None
            else:
                lines.append(self._line(text, group))
        return ledger.post(self.db, lines, shard=self.shard)

    def balances(self) -> dict[str, Money | int]:
        """What stands on every account that was written of, by the name it was written with."""
        return {written: self._counted(name, self.state(written).posted) for written, name in self.written.items()}

    def available(self, written: str) -> Money | int:
        """The balance without what is held."""
        return self._counted(self.account(written), self.state(written).available)

    def state(self, written: str) -> Balance:
        """All figures of an account, in minor units; zeros where nothing was ever posted."""
        name = self.account(written)
        nothing = Balance(0, 0, 0, 0, None, None, over=False, frozen_out=False, frozen_in=False)
        return ledger.balance(self.db, name, shard=self.shard) or nothing

    def person(self, name: str) -> UUID:
        """The id that this name stands for; everybody here shares the book's lane."""
        return UUID(bytes=ids.derive(ids.LOCAL_USER, name).bytes[:15] + bytes([self.shard]))

    def account(self, written: str) -> AccountName:
        """The account that is written so."""
        head, _, unit = written.partition("@")
        word, _, rest = head.partition(":")
        kind = AccountKind[word.upper()]
        whose, _, sub = ("", "", rest) if kind in OF_THE_HOUSE else rest.partition("/")
        return AccountName(unit or _HOME[kind], kind, self.person(whose) if whose else None, sub)

    def bound(self, written: str, *, floor: str | None = None, ceil: str | None = None, frozen: bool = False) -> None:
        """Give an account bounds in its own unit, or freeze both its sides."""
        name = self.account(written)
        self._open_unit(name)
        low, high = (None if bound is None else self._minor(name, bound) for bound in (floor, ceil))
        ledger.set_bounds(
            self.db, name, floor=low, ceil=high, frozen_out=frozen, frozen_in=frozen, reason="a test says so",
            decision_id=ids.new_id(), approver=ids.LOCAL_USER, shard=self.shard,
        )  # fmt: skip

    def _line(self, text: str, group: UUID | None) -> Line:
        if found := _AFTER.fullmatch(text):
            parent = self.names[found["parent"]]
            kind = Kind[found["verb"].upper()]
            amount = None if found["amount"] is None else from_text(found["amount"], "CNY")
            if found["name"]:
                self.names[found["name"]] = ids.derive(parent, "reverse" if kind == Kind.REVERSE else "resolve")
            return Line(kind, parent=parent, amount=amount, group=group)
        found = _MOVE.fullmatch(text)
        assert found, f"no line of a journal: {text}"
        src, dst = self.account(found["src"]), self.account(found["dst"])
        self.written |= {found["src"]: src, found["dst"]: dst}
        for name in (src, dst):
            self._open_unit(name)
        made = ids.new_id()
        if found["name"]:
            self.names[found["name"]] = made
        return Line(
            Kind.HOLD if found["hold"] else Kind.POST, id=made, src=src, dst=dst,
            amount=self._minor(src, found["amount"]), code=self._code(src, dst, found["code"]), group=group,
            expires_at=datetime.fromisoformat(found["until"]).replace(tzinfo=UTC) if found["until"] else None,
        )  # fmt: skip

    def _code(self, src: AccountName, dst: AccountName, given: str | None) -> Code:
        if given:
            return Code[given]
        return next((code for code, way in CHART.items() if (way.src, way.dst) == (src.kind, dst.kind)), Code.OPENING)

    def _open_unit(self, name: AccountName) -> None:
        if not name.unit.startswith("CNY/"):
            ledger.open_unit(self.db, name.unit, scale=2 if name.unit == "quota" else 0)

    def _minor(self, name: AccountName, text: str) -> int:
        return from_text(text, "CNY") if name.unit.startswith("CNY/") or name.unit == "quota" else int(text)

    def _counted(self, name: AccountName, minor: int) -> Money | int:
        return Money(minor) if name.unit.startswith("CNY/") or name.unit == "quota" else minor
