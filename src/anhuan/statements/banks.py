"""The banks whose bills can be read: each `bank_*.py` beside this file names one as `BANK`, or several as `BANKS`."""

import pkgutil
import re
from functools import cache
from importlib import import_module
from pathlib import Path

from anhuan.statements.bill_reader import Bank
from anhuan.statements.text import Sheet


@cache
def all_banks() -> tuple[Bank, ...]:
    """Every bank, in the order of its id."""
    names = sorted(
        one.name for one in pkgutil.iter_modules([str(Path(__file__).parent)]) if one.name.startswith("bank_")
    )
    modules = [import_module(f"{__package__}.{name}") for name in names]
    return tuple(bank for module in modules for bank in getattr(module, "BANKS", None) or (module.BANK,))


def bank_of_sender(address: str) -> Bank | None:
    """The bank that sends from this address."""
    return next((bank for bank in all_banks() if bank.sends_as(address)), None) if address else None


@cache
def _marks() -> tuple[tuple[Bank, tuple[re.Pattern[str], ...]], ...]:
    return tuple((bank, tuple(re.compile(mark) for mark in bank.marks)) for bank in all_banks())


def banks_by_marks(sheet: Sheet, hint: str = "") -> list[Bank]:
    """Banks whose marks a text bears, the likeliest first: named by `hint`, then most marks, then the earliest mark."""
    found = []
    for bank, marks in _marks():
        places = [met.start() for mark in marks if (met := mark.search(sheet.labels))]
        named = bool(hint) and any(re.search(pattern, hint) for pattern in bank.subjects)
        if places or named:
            found.append((not named, -len(places), min(places, default=0), bank))
    return [one[-1] for one in sorted(found, key=lambda one: one[:3])]
