"""No card-charging verb: the members of a connector, word by word; and that the six verbs are there."""

import inspect
import re
from typing import Final

from anhuan.channels.conformance_model import Line, Verdict
from anhuan.channels.model import Connector

# Beginnings of words by which anybody takes money from a card, or puts a card's line to another use.
CHARGING: Final = (
    *("charg", "captur", "sale", "sell", "purchas", "preauth", "authori", "collect", "pull", "swipe", "consum"),
    *("advance", "cash", "withdraw", "drawdown", "deduct", "debit", "checkout", "acquir"),
)
VERBS: Final = ("capabilities", "pay", "ask", "read_callback", "statement", "health")
_WORDS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


def words(name: str) -> list[str]:
    """The words of a name in either spelling: `collect_from_card`, `collectFromCard`."""
    return [word.lower() for word in _WORDS.findall(name)]


def charging(name: str) -> str:
    """The first word of a name that would charge a card, or nothing."""
    return next((word for word in words(name) for stem in CHARGING if word.startswith(stem)), "")


def members(connector: object) -> tuple[str, ...]:
    """Every name that a connector answers to, private ones too, save Python's own."""
    names = dir(connector) if isinstance(connector, type) else {*dir(type(connector)), *vars(connector)}
    return tuple(sorted(name for name in names if not (name.startswith("__") and name.endswith("__"))))


def beyond(connector: object) -> tuple[str, ...]:
    """Public names that the protocol does not ask for."""
    return tuple(name for name in members(connector) if not name.startswith("_") and name not in (*VERBS, "name"))


def no_charging_verb(connector: object) -> Line:
    """The line of the report about the verbs of this connector."""
    bad = [f"{name} ({word})" for name in members(connector) if (word := charging(name))]
    return _line("no verb that charges a card", "listed every member", "none of them takes money from a card", bad)


def six_verbs(connector: object) -> Line:
    """The line about the six verbs: there, with the arguments of the protocol."""
    bad = [f"{verb} is missing" for verb in VERBS if not callable(getattr(connector, verb, None))]
    for verb in VERBS:
        if callable(getattr(connector, verb, None)):
            wanted, found = _arguments(getattr(Connector, verb))[1:], _arguments(getattr(connector, verb))
            if wanted != found:
                bad.append(f"{verb}({', '.join(found)}) should take ({', '.join(wanted)})")
    if not isinstance(getattr(connector, "name", None), str):
        bad.append("name is missing")
    return _line("six verbs", "compared with the protocol", "each is there, with the protocol's arguments", bad)


def _arguments(verb: object) -> list[str]:
    return list(inspect.signature(verb).parameters) if callable(verb) else []


def _line(what: str, done: str, end: str, bad: list[str]) -> Line:
    return Line("law", what, done, end, Verdict.BROKEN if bad else Verdict.HELD, "; ".join(bad))
