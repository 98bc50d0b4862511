"""MT940 and MT942: SWIFT statements of accounts, as strict as banks write them, which is not very.

Fields begin with `:NN:`; what does not is the continuation of the field before. References longer than the standard,
currencies missing in a closing balance, statements without an end mark and the 30th of February (German banks count
months of 30 days) all occur; none of them may cost a row.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from anhuan.kit import money
from anhuan.statements import cells, kinds
from anhuan.statements.model import Balance, FileKind, Line, LineKind, Problem, Reading, Source, Unreadable

_FIELD: Final = re.compile(r":(\d{2}[A-Z]?|NS):")
_HEAD_TAGS: Final = re.compile(rb"(?:^|[\r\n{])\s*:(\d{2}[A-Z]?):")
_END: Final = re.compile(r"-[A-Z}{0-9:]*|\{.*")
_BALANCE: Final = re.compile(r"(?P<mark>[CD])(?P<day>\d{6})(?P<currency>[A-Z]{3})?(?P<sum>\d[\d.]*(?:,\d*)?)")
_ROW: Final = re.compile(
    r"(?P<day>\d{6})(?P<booked>\d{4})?(?P<mark>R?[CD]|E[CD])(?P<funds>[A-Z])?(?P<sum>\d[\d.]*,\d*|\d+)"
    r"(?P<type>[A-Z][A-Z0-9]{3})?(?P<rest>.*)",
    re.DOTALL,
)
_CODES: Final = {
    "60F": "opening",
    "60M": "opening",
    "62F": "closing",
    "62M": "closing",
    "64": "available",
    "65": "forward",
}
_SUBFIELD: Final = re.compile(r"^(\d{3})([?>~|+@<])")
_SLASHED: Final = re.compile(r"/([A-Z]{2,5})/")
_NO_REFERENCE: Final = frozenset(("", "N", "NONREF", "NOREF", "EREF", "EREF+", "KREF", "KREF+", "NOTPROVIDED"))


@dataclass(slots=True)
class Movement:
    """One :61: with the :86: that follows it, each with its continuation lines."""

    row: list[str]
    line_number: int
    details: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Statement:
    """One statement or page: from :20: (or a new opening balance) to the next."""

    account: str = ""
    currency: str = ""
    balances: list[tuple[str, str]] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)


def looks_like(head: bytes) -> bool:
    """True for the beginning of an MT940 or MT942 file."""
    tags = set(_HEAD_TAGS.findall(head[:4000]))
    return b"20" in tags and bool(tags & {b"60F", b"60M", b"61", b"28C", b"28", b"34F"})


def read(data: bytes) -> Reading:
    """Read all statements of the file; raises Unreadable where it holds none."""
    statements = list(_statements(_text(data)))
    if not any(statement.movements or statement.balances for statement in statements):
        raise Unreadable("MT940 文件里没有明细也没有余额")
    accounts = cells.masked_accounts(statement.account for statement in statements if statement.account)
    lines: list[Line] = []
    balances: list[Balance] = []
    problems: list[Problem] = []
    for statement in statements:
        shown = accounts.get(statement.account)
        account = shown if len(accounts) > 1 else None
        mine = [_line(one, statement.currency or "XXX", account, problems) for one in statement.movements]
        printed = list(_balances(statement, account))
        problems += _check(printed, [line for line in mine if line], shown or "")
        lines += [line for line in mine if line]
        balances += printed
    return Reading(
        FileKind.STATEMENT, None, lines=tuple(lines), problems=tuple(problems), reader="mt940", template="mt940",
        source=Source.ACCOUNT, account=next(iter(accounts.values())) if len(accounts) == 1 else None,
        balances=tuple(balances), complete=not any(problem.code in _LOST for problem in problems),
    )  # fmt: skip


_LOST: Final = frozenset(("row.unreadable", "balance.disagrees"))


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _statements(text: str) -> Iterator[Statement]:
    """Cut the text into statements; a new :20: or a second opening balance begins the next."""
    current = Statement()
    target: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        found = _FIELD.match(line)
        if found is None:
            if _END.fullmatch(line.strip()):
                target = []
            elif line.strip():
                target.append(line)
            continue
        tag, value = found[1], line[found.end() :]
        if tag == "20" or (tag in ("60F", "60M") and any(code in ("62F", "62M") for code, _ in current.balances)):
            yield current
            current = Statement(currency=current.currency, account=current.account if tag != "20" else "")
        target = _take(current, tag, value, number, target)
    yield current


def _take(current: Statement, tag: str, value: str, number: int, target: list[str]) -> list[str]:
    """Put a field where it belongs; the list returned takes its continuation lines."""
    if tag == "25":
        current.account = value.strip()
    elif tag in _CODES:
        current.balances.append((tag, value.strip()))
        if found := _BALANCE.match(value.strip()):
            current.currency = current.currency if found["currency"] is None else found["currency"]
    elif tag == "34F" and not current.currency:
        current.currency = value.strip()[:3]
    elif tag == "61":
        current.movements.append(Movement([value], number))
        return current.movements[-1].row
    elif tag in ("86", "NS") and current.movements and not any(code.startswith("62") for code, _ in current.balances):
        current.movements[-1].details.append(value)
        return current.movements[-1].details
    return []


def _line(movement: Movement, currency: str, account: str | None, problems: list[Problem]) -> Line | None:
    """Read one movement; what cannot be read is told with its line number."""
    found = _ROW.match(movement.row[0].strip())
    try:
        minor = (
            money.from_text(found["sum"].replace(".", "").replace(",", ".").rstrip("."), currency) if found else None
        )
    except money.NotMoney:
        minor = None
    if found is None or minor is None:
        problems.append(Problem("row.unreadable", f"第 {movement.line_number} 行的 :61: 无法读取，没有计入"))
        return None
    valued = _day(found["day"], problems)
    booked = _booked(found["booked"], valued, problems) if found["booked"] else valued
    amount = minor if found["mark"] in ("D", "RC", "ED") else -minor
    reference, bank_reference = _references(found["rest"])
    text, party = _details(movement.details)
    more = " ".join(cells.clean(line) for line in movement.row[1:])
    words = text or more or party or reference
    return Line(
        booked, None, cells.masked(cells.clean(words)), amount, currency,
        kind=_kind(f"{words} {more}", amount, found["mark"]), span=f"line {movement.line_number}",
        reference=bank_reference or (None if reference in _NO_REFERENCE else reference), account=account,
        counterparty=cells.masked(party) or (cells.masked(more) or None), valued_on=valued,
    )  # fmt: skip


def _kind(words: str, amount: int, mark: str) -> LineKind:
    """RC and RD take back an earlier row: money that returns is a refund."""
    return LineKind.REFUND if mark == "RD" else kinds.kind_of(words, spent=amount >= 0, source=Source.ACCOUNT)


def _references(rest: str) -> tuple[str, str]:
    """The customer's reference and, behind //, the bank's; longer than the standard's 16 is taken whole."""
    own, _, bank = rest.strip().partition("//")
    return own.strip(), bank.strip()


def _details(lines: Sequence[str]) -> tuple[str, str]:
    """Text and counterparty of :86: in its three dialects: ?-subfields, /CODE/ words, or plain lines."""
    first = lines[0].strip() if lines else ""
    if found := _SUBFIELD.match(first):
        return _numbered("".join([first, *lines[1:]])[3:], found[2])
    joined = "".join(lines).strip()
    if joined.startswith("/") and _SLASHED.match(joined):
        return _coded(joined)
    return " ".join(cells.clean(line) for line in lines if line.strip()), ""


def _numbered(text: str, mark: str) -> tuple[str, str]:
    """?00 is the bank's word, ?20 to ?29 and ?60 to ?63 the purpose, ?32 and ?33 the other party."""
    parts = [(part[:2], part[2:].strip(" ")) for part in text.split(mark) if part[:2].isdigit()]
    word = " ".join(part for number, part in parts if number == "00")
    purpose = "".join(part for number, part in parts if "20" <= number <= "29" or "60" <= number <= "63")
    party = "".join(part for number, part in parts if number in ("32", "33"))
    return f"{word} {purpose}".strip(), cells.clean(party)


def _coded(text: str) -> tuple[str, str]:
    """/NAME/ is the other party, /REMI/ the purpose; the rest stays as it is."""
    parts = _SLASHED.split(text)
    found = dict(zip(parts[1::2], (part.strip("/ ") for part in parts[2::2]), strict=False))
    purpose = found.get("REMI") or found.get("MARF") or found.get("EREF") or text
    return cells.clean(purpose), cells.clean(found.get("NAME", ""))


def _balances(statement: Statement, account: str | None) -> Iterator[Balance]:
    for tag, value in statement.balances:
        if found := _BALANCE.match(value):
            currency = found["currency"] or statement.currency or "XXX"
            sign = 1 if found["mark"] == "C" else -1
            if (minor := _minor(found["sum"], currency)) is not None:
                yield Balance(_CODES[tag], sign * minor, currency, _day(found["day"], []), account)


def _minor(text: str, currency: str) -> int | None:
    """The amount with its decimal comma; None where it has more decimals than the currency."""
    try:
        return money.from_text(text.replace(".", "").replace(",", ".").rstrip("."), currency)
    except money.NotMoney:
        return None


def _check(balances: Sequence[Balance], lines: Sequence[Line], account: str) -> list[Problem]:
    """The opening balance and the movements must make the closing balance."""
    opening = next((one for one in balances if one.code == "opening"), None)
    closing = next((one for one in reversed(balances) if one.code == "closing"), None)
    if opening is None or closing is None or opening.currency != closing.currency:
        return []
    counted = opening.amount - sum(line.amount for line in lines)
    if counted == closing.amount:
        return []
    said = f"{account}：期初加明细为 {money.to_text(counted, closing.currency)}"
    return [
        Problem("balance.disagrees", f"账户 {said}，期末余额写明 {money.to_text(closing.amount, closing.currency)}")
    ]


def _day(text: str, problems: list[Problem]) -> date | None:
    """YYMMDD; a day that the month does not have is its last day, and that is told."""
    year, month, day = 2000 + int(text[:2]), int(text[2:4]), int(text[4:6])
    if not 1 <= month <= 12 or not 1 <= day <= 31:
        problems.append(Problem("date.impossible", f"日历上没有这样的日期：{text}"))
        return None
    last = cells.month_end(year, month)
    if day > last.day:
        problems.append(Problem("date.impossible", f"日历上没有这样的日期：{text}，取该月最后一天"))
    return last.replace(day=min(day, last.day))


def _booked(text: str, valued: date | None, problems: list[Problem]) -> date | None:
    """The booking day MMDD of the year that brings it closest to the value date."""
    if valued is None:
        return None
    years = (f"{(valued.year + by) % 100:02d}{text}" for by in (0, -1, 1))
    days = [day for year in years if (day := _day(year, [])) is not None]
    if not days:
        problems.append(Problem("date.impossible", f"日历上没有这样的日期：{text}"))
        return valued
    return min(days, key=lambda day: abs((day - valued).days))
