"""The intake on a terminal: what is in a file, what a commit will do, what was done, in Chinese or English."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from anhuan.kit import clock, money, news
from anhuan.statements.changes import BillEffect, Commit, FileChange, FileEffect, ImportShown, Preview
from anhuan.statements.model import Bill, Line, Problem
from anhuan.statements.wording import words

if TYPE_CHECKING:
    from anhuan.statements.changes import FileRead
    from anhuan.statements.health import ReaderHealth

_WIDE: Final = ("description", "file", "bills", "failures", "cards", "number", "effect", "layout")
_ROWS: Final = 30  # rows of one file that a table shows


def print_reading(path: str, read: "FileRead", language: str) -> None:
    """What one file says: its bills, its first rows, its problems."""
    told, out, reading = words(language), _console(), read.reading
    kind = told[reading.kind.value] if reading else told[read.effect.value]
    out.print(Text.assemble((path, "bold"), "  ", reading.bank or "" if reading else "", "  ", kind))
    if reading and reading.bills:
        out.print(_bills(reading.bills, told))
    if reading and reading.lines:
        out.print(_rows(reading.lines, told))
    _problems(out, (*read.problems, *(reading.problems if reading else ())), language)


def print_preview(made: Preview, language: str) -> None:
    """What a commit will do, file by file."""
    told, out = words(language), _console()
    table = _table(told, "file", "effect", "bills", "rows")
    for each in made.files:
        rows = f"{each.rows_new}/{each.rows_known}/{made.linked_rows(each)}" if each.rows else ""
        table.add_row(each.name, _effect(each, told), "\n".join(_bill_effects(each, told)), rows)
    out.print(table)
    for each in made.files:
        if each.problems:
            out.print(Text(each.name, "bold"))
            _problems(out, each.problems, language)
    if made.changes_nothing:
        out.print(told["nothing"])


def print_commit(done: Commit, language: str) -> None:
    """What was done, and how to take it back."""
    told, out = words(language), _console()
    said = told["done"].format(
        files=done.files, lines=done.lines, new=done.bills_new, over=done.bills_superseded, same=done.bills_same,
        links=done.links,
    )  # fmt: skip
    out.print(Text(said, "green"))
    out.print(told["undo_hint"].format(id=done.id), soft_wrap=True)


def print_history(shown: Sequence[ImportShown], language: str) -> None:
    """The imports, newest first."""
    told = words(language)
    table = _table(told, "number", "when", "state", "lines", "bills", "file")
    for each in shown:
        when = each.committed_at or each.made_at
        names = ", ".join(each.files[:3]) + (" …" if len(each.files) > 3 else "")
        at = when.astimezone(clock.CHINA).strftime("%Y-%m-%d %H:%M")
        table.add_row(str(each.id), at, told[each.state.value], str(each.lines), str(each.bills), names)
    _console().print(table)


def print_health(readers: Sequence["ReaderHealth"], language: str) -> None:
    """Readers, the layouts they met, their failures."""
    told = words(language)
    table = _table(told, "reader", "layout", "met", "first", "last", "failures")
    for each in readers:
        failed = "\n".join(f"{code} ×{count}" for code, count, _ in each.failures)
        if each.changed_since:
            failed += "\n" + told["changed"].format(day=each.changed_since.astimezone(clock.CHINA).date())
        name = each.reader or told["unknown"]
        for n, layout in enumerate(each.layouts):
            days = [str(at.astimezone(clock.CHINA).date()) for at in (layout.first_met_at, layout.last_met_at)]
            table.add_row("" if n else name, layout.template, str(layout.met), *days, "" if n else failed.strip())
        if not each.layouts:
            table.add_row(name, "", "", "", "", failed.strip())
    _console().print(table)


def print_sample(
    headings: Sequence[str], sample: Sequence[Sequence[str]], proposal: Mapping[str, str], language: str
) -> None:
    """The headings of an unknown table, some rows, and our guess."""
    table = Table()
    for n, heading in enumerate(headings or [""] * max(map(len, sample), default=0)):
        table.add_column(Text(heading or f"#{n + 1}"))
    for row in sample:
        table.add_row(*(Text(cell) for cell in row[: len(table.columns)]))
    out = _console()
    out.print(table)
    for word, heading in proposal.items():
        out.print(Text(f"{word} ({words(language)[word]}) = {heading}"))


def _bills(bills: Sequence[Bill], told: Mapping[str, str]) -> Table:
    table = _table(told, "currency", "total_due", "minimum_due", "statement_on", "due_on", "cards", "credit_limit")
    for bill in bills:
        cells = [
            _marked(bill, name, value, told)
            for name, value in (
                ("total_due", _amount(bill.total_due, bill.currency)),
                ("minimum_due", _amount(bill.minimum_due, bill.currency)),
                ("statement_on", str(bill.statement_on or "-")),
                ("due_on", str(bill.due_on or "-")),
                ("cards", " ".join(bill.cards) or "-"),
                ("credit_limit", _amount(bill.credit_limit, bill.currency)),
            )
        ]
        table.add_row(bill.currency, *cells)
    return table


def _marked(bill: Bill, name: str, value: str, told: Mapping[str, str]) -> Text:
    """A value that a rule filled in says so."""
    return Text(f"{value} ({told['inferred']})", "yellow") if name in bill.inferred else Text(value)


def _rows(lines: Sequence[Line], told: Mapping[str, str]) -> Table:
    table = _table(told, "traded_on", "posted_on", "description", "amount", "card", "kind")
    table.columns[3].justify = "right"
    for line in lines[:_ROWS]:
        amount = (
            f"{money.to_text(line.amount, line.currency)} {line.currency if line.currency != 'CNY' else ''}".strip()
        )
        table.add_row(
            str(line.traded_on or ""), str(line.posted_on or ""), Text(line.description), amount, line.card or "",
            line.kind.value,
        )  # fmt: skip
    if len(lines) > _ROWS:
        table.caption = told["more"].format(n=len(lines) - _ROWS)
    return table


def _effect(change: FileChange, told: Mapping[str, str]) -> Text:
    style = {FileEffect.NEW: "green", FileEffect.KNOWN: "dim"}.get(change.effect, "red")
    return Text(told[change.effect.value], style)


def _bill_effects(change: FileChange, told: Mapping[str, str]) -> list[str]:
    counts = Counter(bill.effect for bill in change.bills if bill.effect is not BillEffect.SUPERSEDES)
    said = [f"{told[f'bill_{effect.value}']} {count}" for effect, count in counts.items()]
    for bill in (each for each in change.bills if each.effect is BillEffect.SUPERSEDES):
        now = _amount(bill.bill.total_due, bill.bill.currency)
        was = _amount(bill.replaced_total, bill.bill.currency)
        said.append(f"{told['bill_supersedes']} {now} ({told['replaced'].format(total=was)})")
    return said


def _problems(out: Console, problems: Sequence[Problem], language: str) -> None:
    for each in problems:
        sentence = news.told(each.code, each.message, language)
        out.print(Text(f"  ! {each.code}: {sentence}", "yellow"))


def _amount(minor: int | None, currency: str) -> str:
    return "-" if minor is None else money.to_text(minor, currency)


def _table(told: Mapping[str, str], *names: str) -> Table:
    table = Table(header_style="bold")
    for name in names:
        table.add_column(told[name], overflow="fold", no_wrap=name not in _WIDE)
    return table


def _console() -> Console:
    return Console(highlight=False)
