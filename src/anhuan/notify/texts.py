"""What messages say: `texts/*.toml`, one table for each kind, with the facts that its caller gives.

    [repay_arrived]
    facts = ["amount", "card", "on"]                  # what `notify.tell(..., facts=...)` brings, neither more nor less
    zh = { title = "还款已到账", text = "{card} 的还款 {amount:fen} 已于 {on:day} 到账。" }
    en = { title = "A repayment arrived", text = "…" }
    mail = false                                       # in the pages alone; true where nothing is said
    warns = true                                       # ends with the sentence about other accounts

A title is the subject of a mail: it has no facts, no amounts and no names of banks. A fact is shown as it is, or as
`{x:fen}` (an amount in fen), `{x:day}` (an ISO day), `{x:moment}` (an ISO moment), `{x:bank}` (a bank's id) or
`{x:said}` (two facts, `x_zh` and `x_en`, whichever fits). A fact that is not known is None, and told as such.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib import resources
from string import Formatter
from typing import Final

from anhuan.kit import clock, terms, wording
from anhuan.notify.model import Fact, Facts, MissingFact, UnknownKind, Written

WARNING: Final = {
    "zh": "银行不会要求您还款到其他账户。",
    "en": "No bank will ever ask you to repay into another account.",
}
_NOT_KNOWN: Final = {"zh": "未知", "en": "not known"}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of message."""

    name: str
    facts: frozenset[str]
    said: Mapping[str, Written]  # by language
    mail: bool
    warns: bool


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind of every file."""
    found: dict[str, Kind] = {}
    folder = resources.files("anhuan.notify").joinpath("texts")
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        if file.name.endswith(".toml"):
            for name, row in tomllib.loads(file.read_text("utf-8")).items():
                if name in found:
                    raise UnknownKind(f"two kinds of message are called {name}")
                said = {lang: Written(row[lang]["title"], row[lang]["text"]) for lang in ("zh", "en")}
                found[name] = Kind(name, frozenset(row["facts"]), said, row.get("mail", True), row.get("warns", False))
    return found


def find(name: str) -> Kind:
    """The kind of this name; `UnknownKind` where no file has it."""
    kind = kinds().get(name)
    if kind is None:
        raise UnknownKind(f"no file of notify/texts has the kind {name!r}")
    return kind


def insist(kind: Kind, facts: Facts) -> None:
    """Refuse facts that are not those of the kind."""
    if kind.facts != set(facts):
        raise MissingFact(f"{kind.name} tells {sorted(kind.facts)}, and was given {sorted(facts)}")


def write(name: str, facts: Facts, lang: str, *, today: date) -> Written:
    """A message in one language."""
    kind = find(name)
    insist(kind, facts)
    said = kind.said["en" if lang == "en" else "zh"]
    told = _Teller(facts, "en" if lang == "en" else "zh", today).format(said.text)
    return Written(said.title, f"{told}{' ' if lang == 'en' else ''}{WARNING[lang]}" if kind.warns else told)


def fields_of(text: str) -> set[tuple[str, str]]:
    """Every fact that a sentence tells, with how it is shown."""
    return {(name, how or "") for _, name, how, _ in Formatter().parse(text) if name is not None}


class _Teller(Formatter):
    """Fills facts into a sentence; it knows the facts and their ways of being shown, and nothing else of Python."""

    def __init__(self, facts: Facts, lang: str, today: date) -> None:
        self.facts, self.lang, self.today = facts, lang, today

    def get_field(self, field_name: str, args: object, kwargs: object) -> tuple[Fact | str, str]:
        """The fact of exactly this name: no attributes, no items."""
        if f"{field_name}_{self.lang}" in self.facts:
            return self.facts[f"{field_name}_{self.lang}"], field_name
        if field_name not in self.facts:
            raise MissingFact(f"the sentence tells {field_name!r}")
        return self.facts[field_name], field_name

    def format_field(self, value: Fact, format_spec: str) -> str:
        """A fact as it is shown."""
        return _NOT_KNOWN[self.lang] if value is None else SHOWN[format_spec](value, self.lang, self.today)


def _moment(value: str | int, lang: str, today: date) -> str:
    return wording.moment(datetime.fromisoformat(str(value)), lang=lang, today=today)


def _day(value: str | int, lang: str, today: date) -> str:
    return wording.day(date.fromisoformat(str(value)), lang=lang, this_year=today.year)


SHOWN: Final[Mapping[str, Callable[[str | int, str, date], str]]] = {
    "": lambda value, _, __: str(value),
    "said": lambda value, _, __: str(value),
    "fen": lambda value, _, __: wording.amount(int(value)),
    "day": _day,
    "moment": _moment,
    "bank": lambda value, lang, _: terms.bank(str(value)).name(lang),
}


def day_of(now: datetime) -> date:
    """The bank day by which a message says today."""
    return now.astimezone(clock.CHINA).date()
