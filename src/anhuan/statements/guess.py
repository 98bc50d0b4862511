"""Tables without a heading, and tables nobody knows: what each column probably holds, from its cells alone."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from anhuan.kit import money
from anhuan.statements import cells, headings
from anhuan.statements.headings import Heading

_LOOK_AT = 400  # rows: enough to know a column
_FILLED = 0.8  # share of its cells that must be of one kind


def columns_of(rows: Sequence[Sequence[str]]) -> dict[str, int]:
    """The probable column of each word: date, text, one signed amount or out and in, and the running balance."""
    body = [row for row in rows[:_LOOK_AT] if sum(1 for cell in row if cell.strip()) >= 2]
    if not body:
        return {}
    width = max(len(row) for row in body)
    table = [[row[place].strip() if place < len(row) else "" for row in body] for place in range(width)]
    dates = [place for place in range(width) if _share(table[place], _is_date) >= _FILLED]
    if not dates:
        return {}
    found = {"traded_on": dates[0], "posted_on": dates[1]} if len(dates) > 1 else {"posted_on": dates[0]}
    sums = [place for place in range(width) if place not in dates and _is_money_column(table[place])]
    texts = [place for place in range(width) if place not in dates and place not in sums]
    if texts:
        found["description"] = max(texts, key=lambda place: len("".join(table[place])))
    return found | _amounts(table, sums)


def heading_of(rows: Sequence[Sequence[str]]) -> Heading | None:
    """A heading for a table that has none and whose columns are beyond doubt; None where they are not."""
    if not rows:
        return None
    first = next((number for number, row in enumerate(rows) if any(_is_date(cell.strip()) for cell in row)), None)
    if first is None or first > 30:
        return None
    found = columns_of(rows[first:])
    body = [row for row in rows[first:] if sum(1 for cell in row if cell.strip()) >= 2]
    sure = found.keys() & {"amount", "money_out"} and "description" in found
    if not sure or _has_words(rows[:first]) or len({len(row) for row in body}) > 2:
        return None
    return Heading(first - 1, (), found)


def _amounts(table: list[list[str]], sums: list[int]) -> dict[str, int]:
    """One column is the amount; two never filled together are out and in; a full one after them the balance."""
    full = [place for place in sums if _share(table[place], bool) >= _FILLED]
    for first, second in pairwise(sums):
        if _take_turns(table[first], table[second]):
            rest = [place for place in full if place > second]
            pair = {"money_out": first, "money_in": second}
            return {**_turned(pair, table, rest[0]), "balance": rest[0]} if rest else pair
    if not full:
        return {}
    return {"amount": full[0], "balance": full[-1]} if len(full) > 1 else {"amount": full[0]}


def _take_turns(first: list[str], second: list[str]) -> bool:
    return all(bool(one) != bool(other) for one, other in zip(first, second, strict=True))


def _turned(pair: dict[str, int], table: list[list[str]], balance: int) -> dict[str, int]:
    """Which of the two is out: an account's balance falls with what goes out, in whichever order the rows stand."""
    minor = {place: [_minor(cell) for cell in table[place]] for place in (*pair.values(), balance)}
    moves = [out - into for out, into in zip(minor[pair["money_out"]], minor[pair["money_in"]], strict=True)]
    down = up = 0
    for number, (before, after) in enumerate(pairwise(minor[balance])):
        down += after - before == -moves[number + 1] or after - before == moves[number]
        up += after - before == moves[number + 1] or after - before == -moves[number]
    return pair if down >= up else {"money_out": pair["money_in"], "money_in": pair["money_out"]}


def _is_money_column(column: list[str]) -> bool:
    filled = [cell for cell in column if cell]
    return (
        bool(filled) and all(_is_money(cell) for cell in filled) and any("." in cell or "," in cell for cell in filled)
    )


def _is_money(cell: str) -> bool:
    try:
        return len(cell) < 30 and cells.amount_of(cell) is not None
    except money.NotMoney:
        return False


def _minor(cell: str) -> int:
    found = cells.amount_of(cell) if cell else None
    return found.minor if found else 0


def _is_date(cell: str) -> bool:
    return (cells.raw_date(cell) is not None and not cell.replace(".", "").isdigit()) or _is_compact(cell)


def _is_compact(cell: str) -> bool:
    return len(cell) == 8 and cell.isdigit() and cell[:2] in ("19", "20") and cells.raw_date(cell) is not None


def _share(column: list[str], test: Callable[[str], bool]) -> float:
    return sum(1 for cell in column if test(cell)) / len(column)


def _has_words(rows: Sequence[Sequence[str]]) -> bool:
    """True where a row above the first date looks like a heading that we do not understand."""
    return any(sum(1 for cell in row if cell.strip()) >= 3 and not headings.understand(0, row).places for row in rows)
