"""A plan as tables on a terminal: payments by day with their reasons, the cost with its proof, what stays open."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date

from rich.console import Console
from rich.table import Table
from rich.text import Text

from anhuan.kit import wording
from anhuan.planning.answer import calendar_warnings
from anhuan.planning.explained import Explanation
from anhuan.planning.model import Plan, Request, Status
from anhuan.planning.wording import Name, Words, label

_WORDS = {
    "day": ("日期", "day"),
    "from": ("从", "from"),
    "by": ("渠道", "by"),
    "to": ("还到", "to"),
    "amount": ("金额", "amount"),
    "fee": ("手续费", "fee"),
    "arrives": ("到账", "arrives"),
    "why": ("为什么", "why"),
    "saves": ("省下", "saves"),
    "cost": ("总费用", "cost"),
    "bound": ("证明的下限", "proved lower bound"),
    "kind": ("费用", "cost by kind"),
    "habit": ("做法", "habit"),
    "plan": ("本方案", "this plan"),
    "card": ("卡", "card"),
    "due": ("还款日", "due"),
    "open": ("还剩", "open"),
    "interest": ("利息", "interest"),
    "left": ("没有还清的账单", "bills not paid in full"),
    "nothing": ("现在不用还款。", "Nothing needs to be paid."),
    "hundred": ("第一天多 100 元,总费用再少 {saving}。", "100 yuan more on the first day would save {saving}."),
    "idle": (
        "{account} 余额最少的一天是 {day}:{amount}(保留金以上)。",
        "{account} is lowest on {day}: {amount} above its reserve.",
    ),
    "missed": (
        "{card} 的最低还款 {minimum}({due} 到期)保不住;{by} 前再有 {more} 就能保住。",
        "The minimum of {minimum} on {card} (due {due}) cannot be kept; {more} more by {by} would save it.",
    ),
    "too_late": (
        "{card} 的最低还款 {minimum}({due} 到期)已来不及,请尽快联系银行协商。",
        "The minimum of {minimum} on {card} (due {due}) can no longer be kept; please call the bank.",
    ),
    "instalment": ("分期 {offer}:{amount}", "Take instalments {offer}: {amount}"),
    "draw": ("{day} 借 {amount}({line})", "{day}: draw {amount} on {line}"),
    "repay": ("{day} 还借款 {amount}({line})", "{day}: repay {amount} on {line}"),
    "advice": ("只是建议,没有转走任何钱。", "Advice only: no money has been moved."),
}


def print_plan(
    request: Request, answer: Plan, told: Explanation | None, warnings: Sequence[Words] = (), *, title: str, lang: str,
    names: Mapping[str, Name] | None = None, assumptions: Sequence[Words] = (),
) -> None:  # fmt: skip
    """Print one plan in the language; names are shown instead of ids where given."""
    printer = _Printer(request, answer, told, lang, names or {})
    console = printer.console
    if title:
        console.rule(Text(title))
    printer.headline()
    printer.shortfall()
    printer.payments()
    printer.other_legs()
    printer.left()
    printer.costs()
    for words in (*calendar_warnings(request), *warnings) if title else warnings:
        console.print(Text(f"! {words.say(lang)}", style="yellow"))
    for words in assumptions:
        console.print(Text(f"· {words.say(lang)}", style="dim"))
    console.print(Text(_word("advice", lang), style="dim"))


class _Printer:
    def __init__(
        self, request: Request, answer: Plan, told: Explanation | None, lang: str, names: Mapping[str, Name]
    ) -> None:
        self.request, self.answer, self.told, self.lang, self.names = request, answer, told, lang, names
        self.console = Console(highlight=False)

    def headline(self) -> None:
        """What it costs, and how sure that is."""
        answer, gap = self.answer, self.answer.cost - self.answer.lower_bound
        line = Text(f"{self.word('cost')} ", style="bold")
        line.append(wording.amount(answer.cost), style="bold green" if not answer.missed else "bold yellow")
        line.append(f"  {label(f'status_{answer.status}', self.lang)}")
        if gap or answer.status is Status.FEASIBLE:
            line.append(f" ({self.word('bound')} {wording.amount(answer.lower_bound)})", style="dim")
        self.console.print(line)

    def shortfall(self) -> None:
        """Which minimums fall, and what would save each."""
        for missed in self.answer.missed:
            key = "too_late" if missed.more is None or missed.by is None else "missed"
            text = self.word(key).format(
                card=self.name(missed.card), minimum=wording.amount(missed.minimum), due=self.day(missed.due),
                by=self.day(missed.by or missed.due), more=wording.amount(missed.more or 0),
            )  # fmt: skip
            self.console.print(Text(text, style="bold red"))

    def payments(self) -> None:
        """What to pay, by day."""
        if not self.answer.legs.payments:
            self.console.print(self.word("nothing"))
            return
        saves = ("saves:r",) if self.told else ()
        table = self.table("day", "from", "by", "to", "amount:r", "fee:r", "arrives", *saves, "")
        reasons: dict[str, list[str]] = {}
        day = None
        for at, leg in enumerate(self.answer.legs.payments):
            row = [
                "" if leg.day == day else self.day(leg.day), self.name(leg.account), self.name(leg.channel),
                self.name(leg.card), wording.amount(leg.amount), wording.amount(leg.fee) if leg.fee else "",
                self.day(leg.credited, short=True),
            ]  # fmt: skip
            if self.told:
                why = self.told.legs[at]
                same = reasons.setdefault(why.text(self.lang), [])
                same.append(str(at + 1))
                row += [wording.amount(why.saves), str(at + 1)]
            table.add_row(*row)
            day = leg.day
        self.console.print(table)
        for text, numbers in reasons.items():
            self.console.print(Text(f"{' '.join(numbers)}  {text}", style="dim"))

    def other_legs(self) -> None:
        """Instalments taken, draws and repayments of lines."""
        legs = self.answer.legs
        lines = [
            self.word("instalment").format(offer=one.offer, amount=wording.amount(one.principal))
            for one in legs.instalments
        ]
        for key, moves in (("draw", legs.draws), ("repay", legs.line_repayments)):
            lines += [
                self.word(key).format(day=self.day(move.day), amount=wording.amount(move.amount), line=move.line)
                for move in moves
            ]
        for line in lines:
            self.console.print(line)

    def left(self) -> None:
        """What is not paid in full, and why."""
        if not self.told or not self.told.left:
            return
        table = self.table("card", "due", "open:r", "interest:r", "why")
        table.title = self.word("left")
        table.title_justify = "left"
        for left in self.told.left:
            table.add_row(
                self.name(left.card), self.day(left.due_on.toordinal()), wording.amount(left.open),
                wording.amount(left.interest), left.why.say(self.lang),
            )  # fmt: skip
        self.console.print(table)

    def costs(self) -> None:
        """What it costs by kind, beside what people usually do."""
        kinds = {kind: amount for kind, amount in asdict(self.answer.breakdown).items() if amount}
        if kinds:
            table = self.table("kind", "amount:r")
            for kind, amount in kinds.items():
                table.add_row(label(kind, self.lang), wording.amount(amount))
            self.console.print(table)
        if not self.told:
            return
        table = self.table("habit", "cost:r", "saves:r")
        table.add_row(self.word("plan"), wording.amount(self.answer.cost), "", style="bold")
        for habit in self.told.habits:
            table.add_row(label(habit.kind, self.lang), wording.amount(habit.cost), wording.amount(habit.saves))
        self.console.print(table)
        if self.told.hundred:
            self.console.print(self.word("hundred").format(saving=wording.amount(self.told.hundred)))
        for idle in self.told.idle:
            self.console.print(self.word("idle").format(
                account=self.name(idle.account), day=wording.short_day(idle.lowest_on, lang=self.lang),
                amount=wording.amount(idle.lowest),
            ))  # fmt: skip

    def table(self, *heads: str) -> Table:
        made = Table(box=None, pad_edge=False, header_style="dim")
        for head in heads:
            key, _, right = head.partition(":")
            made.add_column(self.word(key) if key else "", justify="right" if right else "left", no_wrap=bool(right),
                            overflow="fold")  # fmt: skip
        return made

    def word(self, key: str) -> str:
        return _word(key, self.lang)

    def name(self, name: str) -> str:
        return self.names[name].say(self.lang) if name in self.names else name

    def day(self, day: int, *, short: bool = False) -> str:
        on = date.fromordinal(day)
        if short:
            return wording.short_day(on, lang=self.lang)
        return wording.day(on, lang=self.lang, this_year=date.fromordinal(self.request.as_of).year)


def _word(key: str, lang: str) -> str:
    return _WORDS[key][lang == "en"]
