"""Room cards on a terminal: board, cards, terms and worked sums as tables, in Chinese or English."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from anhuan.cards.consequences import Consequence
from anhuan.cards.instalments import PlanCost
from anhuan.cards.model import AccountFace, AccountPage, BillView, BoardEntry, DueBoard, OwnAccount, Step, Urgency
from anhuan.cards.safety import SafePayBy
from anhuan.kit import terms, wording
from anhuan.kit.money import digits_of
from anhuan.kit.terms import Term

_SAY: Final = {
    "overdue": ("已逾期", "Overdue"),
    "today": ("今天到期", "Due today"),
    "week": ("七天内", "Within a week"),
    "later": ("更晚", "Later"),
    "rolling": ("已还最低，余额计息", "Minimum paid, rest bears interest"),
    "settled": ("已还清", "Settled"),
    "account": ("账户", "Account"),
    "currency": ("币种", "Currency"),
    "open": ("待还", "Open"),
    "total": ("应还总额", "Total due"),
    "minimum": ("最低待还", "Minimum open"),
    "paid": ("已还", "Paid"),
    "due": ("到期还款日", "Due"),
    "days": ("剩余天数", "Days left"),
    "safe": ("最晚安全还款", "Safe to start by"),
    "soon": ("未来30天", "Next 30 days"),
    "line": ("额度", "Limit"),
    "available": ("可用", "Available"),
    "inferred": ("* 推算，非账单印出", "* worked out by rule, not printed"),
    "provisional": (
        "~ 当年节假日尚未公布，暂按最保守估计",
        "~ that year's calendar is not published yet: careful guess",
    ),
    "empty": ("还没有账单。导入：anhuan bills import 文件", "No bills yet. Import some: anhuan bills import FILE"),
    "waiting": ("还没有账单的卡", "Cards without a bill yet"),
    "cards": ("卡", "Cards"),
    "groups": ("分组", "Groups"),
    "id": ("编号", "Id"),
    "statement": ("账单日", "Statement"),
    "upcoming": ("预计账单", "Expected bills"),
    "sure": ("把握", "Sure"),
    "why": ("依据", "Resting on"),
    "key": ("条款", "Term"),
    "value": ("值", "Value"),
    "layer": ("来源层级", "Layer"),
    "source": ("出处", "Source"),
    "assumed": ("假设", "assumed"),
    "contract": ("合同", "contract"),
    "card": ("本卡", "card"),
    "product": ("产品", "product"),
    "bank": ("银行一般", "bank"),
    "typical": ("通常值", "typical"),
    "choice": ("还款方式", "Choice"),
    "full": ("全额", "In full"),
    "nothing": ("不还", "Nothing"),
    "custom": ("自定", "Custom"),
    "late": ("逾期还款", "Late"),
    "pay": ("还款金额", "Pay"),
    "interest": ("利息", "Interest"),
    "late_fee": ("违约金", "Late fee"),
    "mark": ("征信逾期", "Late mark"),
    "yes": ("是", "yes"),
    "no": ("否", "no"),
    "cost": ("合计成本", "Cost"),
    "next": ("下期应还", "Next balance"),
    "step": ("步骤", "Step"),
    "working": ("算式", "Working"),
    "amount": ("金额", "Amount"),
    "balance": ("余额", "Balance"),
    "on": ("截至", "As of"),
    "reserve": ("保留", "Reserve"),
    "own": ("自己的账户", "Own accounts"),
    "no_own": ("还没有自己的账户", "No own accounts yet"),
    "period": ("期数", "Period"),
    "principal": ("本金", "Principal"),
    "fee": ("手续费", "Fee"),
    "nominal": ("年化（名义，12r）", "Yearly, nominal (12 r)"),
    "effective": ("年化（实际，复利）", "Yearly, effective (compound)"),
    "fees": ("手续费合计", "Fees in all"),
    "channel": ("渠道", "Channel"),
    "start_by": ("最晚发起", "Start by"),
    "by_hand": ("只剩手动还款", "By hand from"),
}
_TONE: Final = {
    Urgency.OVERDUE: "bold red",
    Urgency.TODAY: "bold yellow",
    Urgency.WEEK: "yellow",
    Urgency.ROLLING: "magenta",
    Urgency.SETTLED: "dim",
}


def say(key: str, lang: str) -> str:
    """One word of the screen in the language asked for."""
    zh, en = _SAY[key]
    return en if lang == "en" else zh


def print_board(board: DueBoard, lang: str) -> None:
    """The due board: one table, most urgent first, then totals and limits."""
    out = _console()
    if not board.entries and not board.waiting:
        out.print(say("empty", lang))
        return
    table = _table(lang, "due", "days", "account", ">open", ">minimum", ">paid", "safe")
    for urgency, entries in board.groups:
        tone = _TONE.get(urgency, "")
        table.add_section()
        table.add_row(Text(say(urgency.value, lang), style=tone or "bold"))
        for entry in entries:
            table.add_row(*_entry(entry, board.on, lang), style=tone)
    out.print(table)
    _notes(out, board, lang)
    _totals(out, board, lang)
    if board.waiting:
        out.print(f"{say('waiting', lang)}: {', '.join(face.name(lang) for face in board.waiting)}")


def print_accounts(faces: Iterable[AccountFace], lang: str) -> None:
    """Every billed account with its cards and their ids."""
    table = _table(lang, "account", "cards", "groups", "id")
    for face in faces:
        for card in face.cards:
            name = f"{card.last_digits} {card.label}".strip() + (" 附" if card.supplementary else "")
            table.add_row(face.name(lang), name, "、".join(card.groups), str(card.card_id))
    _console().print(table)


def print_page(page: AccountPage, moments: Sequence[SafePayBy], lang: str, *, on: date) -> None:
    """One account: its bills, what is expected, and until when each channel is safe for the newest bill."""
    out = _console()
    out.print(Text(page.account.name(lang), style="bold"))
    bills = _table(lang, "statement", "due", ">total", ">paid", ">open", ">minimum")
    for view in page.bills:
        bills.add_row(
            wording.day(view.statement_on, lang=lang, this_year=on.year),
            _due(view, on, lang),
            wording.amount(view.total_due, view.currency) + _mark(view, "total_due"),
            wording.amount(view.paid, view.currency),
            wording.amount(view.open, view.currency),
            wording.amount(view.minimum_open, view.currency) + _mark(view, "minimum_due"),
        )
    out.print(bills)
    if page.upcoming:
        upcoming = _table(lang, "statement", "due", ">sure", "why", title=say("upcoming", lang))
        for one in page.upcoming:
            days = (wording.day(day, lang=lang, this_year=on.year) for day in (one.statement_on, one.due_on))
            upcoming.add_row(*days, f"{one.sure:.0%}", one.why)
        out.print(upcoming)
    if moments:
        safe = _table(lang, "channel", "start_by", "by_hand")
        for moment in moments:
            name = terms.channel(moment.channel, on=on).name(lang)
            start = wording.moment(moment.start_by, lang=lang, today=on) + ("~" if moment.provisional else "")
            safe.add_row(name, start, wording.moment(moment.by_hand_from, lang=lang, today=on))
        out.print(safe)


def print_terms(sheet: Sequence[Term], lang: str) -> None:
    """Every term with its layer; what is not this contract's is marked as assumed."""
    table = _table(lang, "key", ">value", "layer", "source")
    for term in sheet:
        layer = say(term.layer, lang) + (f"（{say('assumed', lang)} {term.confidence}）" if term.assumed else "")
        table.add_row(term.key, _value(term), layer, term.source)
    _console().print(table)


def print_consequences(found: Sequence[Consequence], currency: str, lang: str, *, steps: bool) -> None:
    """The choices side by side, least cost first, and the worked sum of each where asked."""
    table = _table(lang, "choice", ">pay", ">interest", ">late_fee", "mark", ">cost", ">next")
    for one in found:
        money = [wording.amount(minor, currency) for minor in (one.amount, one.interest, one.late_fee)]
        cost = wording.amount(one.cost, currency) + ("*" if one.assumed else "")
        mark = Text(say("yes", lang), style="bold red") if one.missed else Text(say("no", lang))
        table.add_row(say(one.choice, lang), *money, mark, cost, wording.amount(one.next_balance, currency))
    out = _console()
    out.print(table)
    for one in found if steps else ():
        out.print(Text(f"{say(one.choice, lang)} {wording.amount(one.amount, currency)}", style="bold"))
        out.print(steps_table(one.steps, currency, lang))


def steps_table(steps: Iterable[Step], currency: str, lang: str) -> Table:
    """The steps of a worked sum; amounts are exact, to a hundredth of a fen on the screen."""
    table = _table(lang, "step", "working", ">amount")
    for step in steps:
        exact = Decimal(step.amount.numerator) / Decimal(step.amount.denominator) / 10 ** digits_of(currency)
        table.add_row(step.label, step.working, f"{exact:,.4f}" if step.amount.denominator > 1 else f"{exact:,.2f}")
    return table


def print_plan(cost: PlanCost, lang: str) -> None:
    """An instalment plan with its true yearly rates and its rows."""
    table = _table(lang, ">period", ">principal", ">fee", ">amount")
    for row in cost.rows:
        table.add_row(str(row.period), *(wording.amount(minor) for minor in (row.principal, row.fee, row.amount)))
    out = _console()
    out.print(table)
    out.print(f"{say('fees', lang)}: {wording.amount(cost.fees)}")
    out.print(f"{say('nominal', lang)}: {cost.nominal:.2%}  {say('effective', lang)}: {cost.effective:.2%}")


def print_own(accounts: Sequence[OwnAccount], lang: str) -> None:
    """The user's debit accounts."""
    out = _console()
    if not accounts:
        out.print(say("no_own", lang))
        return
    table = _table(lang, "account", ">balance", "on", ">reserve", "id", title=say("own", lang))
    for one in accounts:
        name = f"{terms.card_name(one.bank, [one.last_digits], lang)} {one.label}".strip()
        as_of = one.balance_on.isoformat() if one.balance_on else ""
        balance, reserve = (wording.amount(minor, one.currency) for minor in (one.balance, one.reserve))
        table.add_row(name, balance, as_of, reserve, str(one.account_id))
    out.print(table)


def _entry(entry: BoardEntry, on: date, lang: str) -> list[str]:
    bill = entry.bill
    safe = wording.moment(entry.safe_pay_by, lang=lang, today=on) if entry.safe_pay_by else ""
    return [
        _due(bill, on, lang),
        "" if entry.days_left is None else str(entry.days_left),
        entry.account.name(lang),
        wording.amount(entry.open, bill.currency) + _mark(bill, "total_due"),
        wording.amount(bill.minimum_open, bill.currency) + _mark(bill, "minimum_due"),
        wording.amount(bill.paid, bill.currency) if bill.paid else "",
        safe + ("~" if entry.provisional else ""),
    ]


def _notes(out: Console, board: DueBoard, lang: str) -> None:
    if any(entry.bill.inferred for entry in board.entries):
        out.print(say("inferred", lang), style="dim")
    if any(entry.provisional for entry in board.entries):
        out.print(say("provisional", lang), style="dim")


def _totals(out: Console, board: DueBoard, lang: str) -> None:
    if board.totals:
        table = _table(lang, "currency", ">open", ">minimum", ">overdue", ">soon")
        for total in board.totals:
            sums = (total.open, total.minimum_open, total.overdue, total.next_30_days)
            table.add_row(total.currency, *(wording.amount(minor, total.currency) for minor in sums))
        out.print(table)
    if board.lines:
        limits = _table(lang, "line", ">total", ">available")
        for line in board.lines:
            of_line = (line.limit, line.available)
            limits.add_row(line.label, *(wording.amount(minor, line.currency) for minor in of_line))
        out.print(limits)


def _due(bill: BillView, on: date, lang: str) -> str:
    if bill.due_on is None:
        return "—"
    return wording.day(bill.due_on, lang=lang, this_year=on.year) + _mark(bill, "due_on")


def _mark(bill: BillView, name: str) -> str:
    return "*" if name in bill.inferred else ""


def _value(term: Term) -> str:
    if term.unit == "fen" and isinstance(term.value, int):
        return wording.amount(term.value)
    return str(term.value)


def _table(lang: str, *columns: str, title: str | None = None) -> Table:
    """A plain table; a column named with `>` holds figures and stands to the right."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        right = column.startswith(">")
        table.add_column(say(column.removeprefix(">"), lang), justify="right" if right else "left")
    return table


def _console() -> Console:
    return Console(highlight=False)
