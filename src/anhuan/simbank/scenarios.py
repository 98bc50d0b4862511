"""The 35 scenarios as data: what the bank does, where it is switched, and the oracle, which is the right end.

The oracle stands with the scenario and not in each test, so that a test compares and does not decide. What a
scenario does to a payment is worked out in `courses.py`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, Final

import msgspec

from anhuan.simbank.model import BadOrder

ALL: Final = range(1, 36)


class Where(StrEnum):
    """Where a scenario is switched."""

    PAYMENT = "payment"
    CALLBACK = "callback"
    FILE = "file"
    CALENDAR = "calendar"
    STATEMENT = "statement"
    CONSENT = "consent"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Oracle:
    """The right end of one payment that met one scenario."""

    answers: tuple[str, ...]  # what the caller's connector says, in order: settled, rejected, unknown, broken
    state: str  # at the bank in the end: success, failed, absent
    debits: int  # how often money left the funding account
    credits: int  # how often money reached the card and stayed
    callbacks: int  # true ones that are sent, repetitions included
    code: str | None = None  # the final no, or the refusal of a repetition
    busy: str | None = None  # what the first answer says while nothing is taken: maintenance, rate_limited, busy
    given_back: int = 0  # how often money came back to the funding account
    event: str | None = None  # returned, reversed
    forged: int = 0  # callbacks that must be refused
    changes: int = 1  # changes of the caller's rows that all callbacks together may cause, at most
    security_events: int = 0
    new_attempt: bool = False  # whether a new instruction may ever be made
    arrives: str = "same_day"  # same_day, next_day, next_workday, same_day_if_known
    file: str = "none"  # the break that the day's file must cause: missing_at_bank, unknown_to_us, amount, fee, none
    whole_file: Mapping[str, str] = field(default_factory=dict)  # by `how`: what becomes of the whole file
    statement: str = "as_usual"
    evidence: tuple[str, ...] = ()  # kinds of card postings in order; empty: one `payment` where credits is 1
    tells: tuple[str, ...] = ()  # fields that the answer must carry


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario: its number in channels.md, its names, its place, what it takes, what it needs, its right end."""

    number: int
    zh: str
    en: str
    at: Where
    oracle: Oracle
    params: Mapping[str, Any] = field(default_factory=dict)
    needs: str = ""

    def as_json(self) -> dict[str, Any]:
        """The scenario as the control interface tells it."""
        return asdict(self)


@cache
def every() -> Mapping[int, Scenario]:
    """All scenarios by number."""
    said = tomllib.loads(resources.files("anhuan.simbank").joinpath("scenarios.toml").read_text("utf-8"))
    return {int(number): _scenario(int(number), facts) for number, facts in said.items()}


def of(number: int) -> Scenario:
    """The scenario of this number; refuses one that does not exist."""
    found = every().get(number)
    if found is None:
        raise BadOrder(f"there is no scenario {number}; they are numbered 1 to {ALL[-1]}", field="scenario")
    return found


def checked(numbers: Any, params: Any = None) -> tuple[list[int], dict[str, dict[str, Any]]]:
    """Numbers in ascending order and their parameters by number as text; refuses what no scenario takes.

    `params` is either `{"7": {"how": "hang"}}` or, beside a single number, `{"how": "hang"}`.
    """
    if not isinstance(numbers, list) or not all(isinstance(each, int) for each in numbers):
        raise BadOrder("scenarios are a list of numbers", field="scenarios")
    found = sorted({of(number).number for number in numbers})
    given = params or {}
    if not isinstance(given, dict):
        raise BadOrder("params are an object", field="params")
    if len(found) == 1 and given and not set(given) <= {str(found[0])}:
        given = {str(found[0]): given}
    for number, values in given.items():
        if not str(number).isdecimal() or not isinstance(values, dict):
            raise BadOrder("params of several scenarios stand under their numbers", field="params")
        if unknown := set(values) - set(of(int(number)).params):
            raise BadOrder(f"scenario {number} does not take {sorted(unknown)[0]}", field="params")
    return found, {str(number): dict(values) for number, values in given.items()}


def params_of(number: int, given: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The parameters of a scenario: what was given, else what its data say."""
    return {**of(number).params, **given.get(str(number), {})}


def _scenario(number: int, facts: Mapping[str, Any]) -> Scenario:
    return Scenario(
        number=number,
        zh=facts["zh"],
        en=facts["en"],
        at=Where(facts["at"]),
        oracle=msgspec.convert(facts["oracle"], Oracle),
        params=facts.get("params", {}),
        needs=facts.get("needs", ""),
    )
