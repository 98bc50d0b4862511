"""Reading a letter in a test, and saying in one line each what was read."""

import io
from collections.abc import Sequence
from typing import Final

import pdfplumber
from tests.statements.shapes_mail import SHAPES, Letter, mail

from anhuan.kit import money
from anhuan.statements.mail import read_mail
from anhuan.statements.model import Page, Reading, Word

ALL_SHAPES: Final = (*SHAPES, "plain")


def read(letter: Letter, shape: str = "nested", *, charset: str = "utf-8", encoding: str = "base64") -> Reading:
    """What the room reads of a letter in this shape."""
    return read_mail(mail(letter, shape, charset=charset, encoding=encoding), pages_of=pages_of)


def pages_of(data: bytes, password: str | None = None) -> Sequence[Page]:
    """The pages of a small and friendly PDF, with the words where they stand."""
    with pdfplumber.open(io.BytesIO(data), password=password or "") as pdf:
        return [
            Page(
                number,
                float(sheet.width),
                float(sheet.height),
                tuple(Word(w["text"], w["x0"], w["x1"], w["top"], w["bottom"]) for w in sheet.extract_words()),
            )
            for number, sheet in enumerate(pdf.pages, 1)
        ]


def bills(reading: Reading) -> list[str]:
    """One line a bill: currency, total, minimum, statement date, due date, cards, level, limit."""
    return [
        " ".join(
            (
                bill.currency,
                _text(bill.total_due, bill.currency),
                _text(bill.minimum_due, bill.currency),
                str(bill.statement_on),
                str(bill.due_on),
                ",".join(bill.cards) or "-",
                bill.level,
                _text(bill.credit_limit, bill.currency),
            )
        )
        for bill in reading.bills
    ]


def lines(reading: Reading) -> list[str]:
    """One line a row: trade date, posting date, amount, currency, card, kind, description."""
    return [
        " ".join(
            (
                str(line.traded_on),
                str(line.posted_on),
                _text(line.amount, line.currency),
                line.currency,
                line.card or "-",
                line.kind,
                line.description,
            )
        )
        for line in reading.lines
    ]


def problems(reading: Reading) -> list[str]:
    """The codes of what is wrong or open."""
    return [problem.code for problem in reading.problems]


def _text(minor: int | None, currency: str) -> str:
    return "-" if minor is None else money.to_text(minor, currency)
