"""Data classes of personal financial information, stated where a column is declared (JR/T 0171-2020).

C3 lets somebody in (passwords, keys, codes) and is never kept in clear; C2 tells who somebody is or what they own and
owe; C1 is the rest. C2 and C3 are sealed by the application before they reach the database, masked on the way out.
"""

from enum import StrEnum
from typing import Any, Final


class DataClass(StrEnum):
    """How much harm the loss of a value would do, mildest first."""

    C1 = "C1"
    C2 = "C2"
    C3 = "C3"


C1: Final[dict[str, Any]] = {"data_class": DataClass.C1}
C2: Final[dict[str, Any]] = {"data_class": DataClass.C2}
C3: Final[dict[str, Any]] = {"data_class": DataClass.C3}


def c2_clear(reason: str) -> dict[str, Any]:
    """C2 that the database itself must reckon with and so keeps in clear, behind the wall; the reason is published."""
    return {"data_class": DataClass.C2, "clear": reason}


def c2_hashed(how: str) -> dict[str, Any]:
    """C2 of which only a keyed hash is kept, by which the same value is found again; `how` names it."""
    return {"data_class": DataClass.C2, "hashed": how}


def c3_hashed(how: str) -> dict[str, Any]:
    """C3 of which only a keyed or slow hash is kept, that nobody can turn back; `how` names it."""
    return {"data_class": DataClass.C3, "hashed": how}
