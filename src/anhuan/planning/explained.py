"""The words of an explained plan: why each payment, what stays open, what habits would cost. Amounts in fen."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from anhuan.planning.model import Breakdown, Payment
from anhuan.planning.wording import Words


@dataclass(frozen=True, slots=True)
class LegWhy:
    """Why one payment is made, and what the plan without it would cost more."""

    payment: Payment
    reasons: tuple[Words, ...]
    saves: int

    def text(self, lang: str = "zh") -> str:
        """The reasons as one line."""
        return " ".join(words.say(lang) for words in self.reasons) if lang == "en" else self._chinese()

    def _chinese(self) -> str:
        return "".join(words.say("zh") for words in self.reasons)


@dataclass(frozen=True, slots=True)
class LeftOpen:
    """A bill the plan does not pay in full by its last day, why, and the interest of its cycle."""

    card: str
    statement: int
    statement_on: date
    due_on: date
    balance: int
    open: int
    interest: int
    why: Words


@dataclass(frozen=True, slots=True)
class HabitCost:
    """What a habit of people costs under the same rules, and what the plan saves against it."""

    kind: str
    cost: int
    breakdown: Breakdown
    saves: int


@dataclass(frozen=True, slots=True)
class IdleCash:
    """Money above the reserve that the plan leaves on an account: the least of it, and fen-days over the horizon."""

    account: str
    lowest: int
    lowest_on: date
    fen_days: int


@dataclass(frozen=True, slots=True)
class CardSteps:
    """How the cost of one card adds up, bill by bill."""

    card: str
    steps: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything a plan says about itself; `hundred` is what 100 yuan more on the first day would save."""

    legs: tuple[LegWhy, ...]
    left: tuple[LeftOpen, ...]
    habits: tuple[HabitCost, ...]
    idle: tuple[IdleCash, ...]
    steps: tuple[CardSteps, ...]
    hundred: int | None

    def as_json(self, lang: str = "en") -> dict[str, Any]:
        """Plain values for the answer: sentences in one language, amounts in fen."""
        return {
            "payments": [
                {"reasons": [words.code for words in leg.reasons], "text": leg.text(lang), "saves": leg.saves}
                for leg in self.legs
            ],
            "not_paid_in_full": [
                {
                    "card": left.card, "statement_date": left.statement_on.isoformat(),
                    "due_date": left.due_on.isoformat(), "balance": left.balance, "open": left.open,
                    "interest": left.interest, "reason": left.why.code, "text": left.why.say(lang),
                }
                for left in self.left
            ],
            "habits": {habit.kind: {"cost": habit.cost, "saved": habit.saves} for habit in self.habits},
            "hundred_more": self.hundred,
            "idle_cash": [
                {"account": idle.account, "lowest": idle.lowest, "on": idle.lowest_on.isoformat(),
                 "fen_days": idle.fen_days}
                for idle in self.idle
            ],
            "steps": {one.card: [words.say(lang) for words in one.steps] for one in self.steps},
        }  # fmt: skip
