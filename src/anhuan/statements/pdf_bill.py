"""Bills of any bank as PDF: labels give the head, placed words the rows, and the sum of the rows proves the total."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from anhuan.kit import money
from anhuan.statements import cells, exported, kinds, layouts, pdf_labels, pdf_rows, signs
from anhuan.statements.model import Bill, FileKind, Level, Line, LineKind, Page, Problem, Reading, Source
from anhuan.statements.pdf_labels import Found

_UNSURE: Final = 0.5  # of a field that the file prints in two ways
_CHECKED: Final = 0.99  # of a total that the rows prove


def read(pages: Sequence[Page]) -> Reading:
    """Read a bill or a table of rows; the kind is unknown where the pages hold neither."""
    found = {field: values for field, values in pdf_labels.by_field(pdf_labels.facts(pages))}
    rows = pdf_rows.read(pages)
    text = "\n".join(page.text for page in pages[:2])
    bank = layouts.bank_named(_without_rows(text))
    due = found.get("total_due") or found.get("minimum_due") or found.get("due_on")
    if not due and not rows.drafts:
        return Reading(FileKind.UNKNOWN, bank, problems=(_NOTHING,), reader="pdf", template="general")
    statement_on = found["statement_on"][0].day if "statement_on" in found else None
    problems: list[Problem] = []
    currency = _currency(found, rows, text, problems)
    order = pdf_labels.order_of(pages)
    lines = _lines(rows, currency, statement_on, order, is_card=bool(due), problems=problems)
    if not due:
        return Reading(
            FileKind.STATEMENT, bank, lines=tuple(lines), problems=tuple(problems), reader="pdf", template="general",
            source=Source.ACCOUNT if any(line.balance is not None for line in lines) else Source.CARD,
        )  # fmt: skip
    bill = _proved(_bill(found, rows, currency, problems), lines, problems)
    refused = _contradiction(bill)
    if refused:
        problems.append(refused)
    complete = not any(problem.code == "bill.rows_disagree" for problem in problems)
    return Reading(
        FileKind.BILL, bank, () if refused else (bill,), tuple(lines), tuple(problems), "pdf", "general",
        complete=complete,
    )  # fmt: skip


def _without_rows(text: str) -> str:
    """The text without its dated lines: a shop named like a bank or wallet (京东) sends no bill."""
    return "\n".join(line for line in text.splitlines() if not cells.raw_date((line.split() or [""])[0]))


_NOTHING: Final = Problem("pdf.unknown", "这份 PDF 里没有找到账单的日期、金额或明细")


def _bill(found: dict[str, list[Found]], rows: pdf_rows.Rows, currency: str, problems: list[Problem]) -> Bill:
    """The head of the bill: the first place that prints a field counts, a second that differs is told."""
    chosen = {field: values[0] for field, values in found.items()}
    confidence = {field: one.confidence for field, one in chosen.items()}
    for field, values in found.items():
        others = [one for one in values[1:] if (one.day, abs(one.minor)) != (values[0].day, abs(values[0].minor))]
        if others and field != "credit_limit":
            confidence[field] = _UNSURE
            said = "；".join(one.span for one in (values[0], *others[:3]))
            problems.append(
                Problem("bill.printed_twice", f"{_NAMES[field]}在文件中有不同的写法，取第一处，请核对：{said}")
            )
    day = {field: one.day for field, one in chosen.items()}
    minor = {field: one.minor for field, one in chosen.items()}
    return Bill(
        currency, minor.get("total_due"), minor.get("minimum_due"), day.get("statement_on"), day.get("due_on"),
        tuple(rows.cards), minor.get("credit_limit"), Level.CARD if len(rows.cards) == 1 else Level.ACCOUNT,
        confidence=confidence, spans={field: one.span for field, one in chosen.items()},
    )  # fmt: skip


_NAMES: Final = {
    "statement_on": "账单日", "due_on": "到期还款日", "minimum_due": "最低还款额", "total_due": "应还款额",
    "credit_limit": "信用额度",
}  # fmt: skip


def _proved(bill: Bill, lines: Sequence[Line], problems: list[Problem]) -> Bill:
    """Debt brought forward and rows must make the total; where they do, the total is as sure as print can be."""
    mine = [line for line in lines if line.currency == bill.currency]
    if bill.total_due is None or not mine or not any(line.kind is LineKind.BALANCE for line in mine):
        return bill
    counted = sum(line.amount for line in mine)
    if counted == bill.total_due:
        return replace(bill, confidence={**bill.confidence, "total_due": _CHECKED})
    said = f"上期余额加明细为 {money.to_text(counted, bill.currency)}，"
    said += f"应还款额写明 {money.to_text(bill.total_due, bill.currency)}"
    problems.append(Problem("bill.rows_disagree", f"{said}，明细可能不完整"))
    return replace(bill, confidence={**bill.confidence, "total_due": min(0.8, bill.confidence.get("total_due", 0.8))})


def _contradiction(bill: Bill) -> Problem | None:
    if bill.due_on and bill.statement_on and bill.due_on < bill.statement_on:
        said = f"到期还款日 {bill.due_on} 早于账单日 {bill.statement_on}"
        return Problem("bill.due_before_statement", f"{said}，没有采用这份账单")
    if bill.total_due and bill.minimum_due and bill.minimum_due > bill.total_due > 0:
        return Problem("bill.minimum_over_total", "最低还款额大于应还款额，没有采用这份账单")
    return None


def _currency(found: dict[str, list[Found]], rows: pdf_rows.Rows, text: str, problems: list[Problem]) -> str:
    """What the labels' amounts print, then the heading of the rows, then any currency of the first pages."""
    fields = ("total_due", "minimum_due", "credit_limit")
    printed = Counter(one.currency for field in fields for one in found.get(field, []) if one.currency)
    code = printed.most_common(1)[0][0] if printed else rows.currency
    if code:
        return code
    if any("\u4e00" <= letter <= "\u9fff" for letter in text):
        return "CNY"
    problems.append(Problem("currency.unknown", "文件没有写明币种，请补充"))
    return exported.NO_CURRENCY


def _lines(
    rows: pdf_rows.Rows,
    currency: str,
    statement_on: date | None,
    order: str,
    *,
    is_card: bool,
    problems: list[Problem],
) -> list[Line]:
    source = Source.CARD if is_card or all(draft.balance is None for draft in rows.drafts) else Source.ACCOUNT
    spending = "positive" if rows.marked and source is Source.CARD else ""
    problems += signs.settle(rows.drafts, (), source, spending, unsigned=False)
    latest = cells.month_end(statement_on.year, statement_on.month) if statement_on else None
    written = [text for draft in rows.drafts for text in (draft.posted, draft.traded) if text]
    column = cells.read_dates(written, latest=latest, order=order)
    if column.year_missing:
        problems.append(Problem("date.year_unknown", "明细没有写明年份，请补充；在此之前日期留空"))
    if column.order_open:
        problems.append(Problem("date.order_unknown", "日期的日和月无法区分，请说明次序；在此之前日期留空"))
    lines = []
    for draft, span in zip(rows.drafts, rows.spans, strict=True):
        kind = kinds.kind_of(draft.words, spent=draft.amount >= 0, source=source)
        posted, traded = column.dates.get(draft.posted), column.dates.get(draft.traded)
        lines.append(
            Line(
                posted,
                traded,
                cells.masked(draft.description),
                draft.amount,
                draft.currency or currency,
                draft.card,
                kind,
                span,
                balance=draft.balance,
                instalment=kinds.share_of(draft.words),
            )
        )
    return lines
