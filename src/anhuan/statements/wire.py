"""What `anhuan bills read --json` says of one file: one line of JSON, amounts as decimal text, spending positive."""

import json
from typing import Any

from anhuan.kit import money
from anhuan.statements.changes import FileRead
from anhuan.statements.model import Bill, FileKind, Line, Problem


def line_of(path: str, read: FileRead) -> str:
    """One file as one line; a file that could not be read has kind `unknown` and its problem."""
    return json.dumps(told(path, read), ensure_ascii=False)


def told(path: str, read: FileRead) -> dict[str, Any]:
    """One file in plain words: bank, kind, bills, transactions, problems."""
    reading = read.reading
    return {
        "file": path,
        "bank": reading.bank if reading else None,
        "kind": (reading.kind if reading else FileKind.UNKNOWN).value,
        "bills": [_bill(bill) for bill in reading.bills] if reading else [],
        "transactions": [_row(line) for line in reading.lines] if reading else [],
        "problems": [_problem(each) for each in (*read.problems, *(reading.problems if reading else ()))],
    }


def _bill(bill: Bill) -> dict[str, Any]:
    return {
        "currency": bill.currency,
        "total_due": _amount(bill.total_due, bill.currency),
        "minimum_due": _amount(bill.minimum_due, bill.currency),
        "statement_on": _day(bill.statement_on),
        "due_on": _day(bill.due_on),
        "cards": list(bill.cards),
        "credit_limit": _amount(bill.credit_limit, bill.currency),
        "level": bill.level.value,
        "cycle_from": _day(bill.cycle_from),
        "cycle_to": _day(bill.cycle_to),
        "inferred": list(bill.inferred),
        "confidence": bill.confidence,
        "spans": bill.spans,
    }


def _row(line: Line) -> dict[str, Any]:
    original = line.original and {"amount": money.to_text(*line.original), "currency": line.original[1]}
    return {
        "posted_on": _day(line.posted_on),
        "traded_on": _day(line.traded_on),
        "description": line.description,
        "amount": money.to_text(line.amount, line.currency),
        "currency": line.currency,
        "card": line.card,
        "kind": line.kind.value,
        "counterparty": line.counterparty,
        "paid_with": line.paid_with,
        "reference": line.reference,
        "original": original,
        "instalment": list(line.instalment) if line.instalment else None,
        "balance": _amount(line.balance, line.currency),
        "span": line.span,
    }


def _problem(each: Problem) -> dict[str, str]:
    return {"code": each.code, "message": each.message}


def _amount(minor: int | None, currency: str) -> str | None:
    return None if minor is None else money.to_text(minor, currency)


def _day(day: Any) -> str | None:
    return day.isoformat() if day else None
