"""A bill as the bank sends it: a mail, a page, a PDF, a table. Figures as issued, layouts invented, words as usual.

The banks differ as banks do: where labels stand, how dates are written, whether the bill is the mail or hangs on it.
`changed` prints the layout of a later year, which nobody has seen yet (scenario 35).
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from anhuan.kit.money import to_text
from anhuan.simbank import printing_files, printing_mail
from anhuan.simbank.issued import Kind, Row, Statement
from anhuan.simbank.printed import Arrangement, Face, Printed
from anhuan.simbank.terms import bank


class Form(StrEnum):
    """How a bill is handed over."""

    EML = "eml"  # the mail as it lies in the mailbox
    HTML = "html"
    PDF = "pdf"
    CSV = "csv"
    XLSX = "xlsx"


@dataclass(frozen=True, slots=True)
class Holder:
    """What a bill says of who holds the card: how to address them, their mailbox, the card's last four digits."""

    name: str
    mailbox: str
    tail: str
    credit_limit: int = 0  # fen; 0 prints none


_FACES: Final = {
    "sim_a": Face(Arrangement.PAIRS, "%Y年%m月%d日"),
    "sim_b": Face(Arrangement.BLOCK, "%Y-%m-%d", pdf_in_mail=True),
    "sim_c": Face(Arrangement.COLUMNS, "%Y/%m/%d"),
    "sim_d": Face(Arrangement.BLOCK, "%Y/%m/%d"),
    "sim_e": Face(Arrangement.PAIRS, "%Y-%m-%d"),
}
_WORDS: Final = {
    Kind.CHARGE: "消费", Kind.SHARE: "分期付款", Kind.CASH: "预借现金", Kind.CASH_FEE: "预借现金手续费",
    Kind.REFUND: "退货", Kind.PAYMENT: "还款", Kind.INSTALMENT: "账单分期转出", Kind.RETURNED: "还款退回",
    Kind.INTEREST: "循环利息", Kind.LATE_FEE: "违约金",
}  # fmt: skip


def printed(statement: Statement, holder: Holder, form: Form, *, changed: bool = False) -> bytes:
    """The bill in one form; the same bill gives the same bytes."""
    bill, face = _page(statement, holder), _FACES[statement.bank]
    match form:
        case Form.EML:
            return printing_mail.eml(bill, face, changed=changed)
        case Form.HTML:
            return printing_mail.html(bill, face, changed=changed).encode()
        case Form.PDF:
            return printing_files.pdf(bill, face, changed=changed)
        case Form.CSV:
            return printing_files.csv_table(bill, changed=changed)
        case Form.XLSX:
            return printing_files.xlsx(bill, changed=changed)


def _page(statement: Statement, holder: Holder) -> Printed:
    """Every word of the bill."""
    house = bank(statement.bank)
    rows = [_row(row, holder.tail, statement.currency) for row in statement.rows]
    if statement.since and statement.previous:
        opening = Row(statement.since, Kind.CHARGE, statement.previous, "上期账单余额")
        rows.insert(0, _row(opening, holder.tail, statement.currency))
    return Printed(
        bank_zh=house.zh,
        domain=house.domain,
        holder=holder.name,
        mailbox=holder.mailbox,
        card=f"{house.prefix}******{holder.tail}",
        number=statement.number,
        statement_on=statement.statement_on,
        due_on=statement.due_on,
        since=statement.since,
        currency=statement.currency,
        total_due=_money(statement.balance - statement.credit, statement.currency),
        minimum_due=_money(statement.minimum, statement.currency),
        credit_limit=_money(holder.credit_limit, statement.currency) if holder.credit_limit else "",
        rows=tuple(rows),
    )


def _row(row: Row, tail: str, currency: str) -> tuple[date, date, str, str, str]:
    words = row.text or _WORDS[row.kind]
    if row.kind is Kind.SHARE:
        number, of = row.text.split("/")
        words = f"{_WORDS[row.kind]} 第{int(number):02d}/{int(of):02d}期"
    elif row.text and row.kind in (Kind.PAYMENT, Kind.RETURNED, Kind.REFUND):
        words = f"{_WORDS[row.kind]} {row.text}"
    return row.traded or row.posted, row.posted, words, _money(row.amount, currency), tail


def _money(minor: int, currency: str) -> str:
    """`1,234.56`, with the currency before it where it is not yuan."""
    whole, _, rest = to_text(abs(minor), currency).partition(".")
    text = f"{'-' if minor < 0 else ''}{int(whole):,}.{rest}"
    return text if currency == "CNY" else f"{currency} {text}"
