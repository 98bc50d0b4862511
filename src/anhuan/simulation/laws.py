"""The laws of a town, judged from the rows of both houses and from what its people wrote down: pure, and able to fail.

Each law is one function over `Case` that yields a `Finding` for everything it cannot explain. A law asks the simulated
bank's own books what happened to the money, never ourselves.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from anhuan.channels.evidence_rules import BANK_DATA
from anhuan.identity.stepup import ActKind
from anhuan.repayments.model import CLOSED, EventKind, GroupKind, OrderStatus
from anhuan.repayments.rules import NEXT
from anhuan.simulation.model import Fate, Finding, Tap

Row = Mapping[str, Any]
S: Final = OrderStatus
OURS: Final = "simbank"  # the channel whose other end is the bank of the town
LEAVES: Final = frozenset({"debit", "service_fee"})  # movements of the bank by which money leaves a paying account,
RETURNS: Final = frozenset({"give_back", "service_fee_back"})  # and by which it comes back
TAKEN: Final = frozenset({S.PROMISED, S.ARRIVED, S.GIVEN_BACK})  # these had their money taken
FILES_SLACK: Final = timedelta(days=3)  # in which a file that is out is fetched, a new edition of it too
ALERT_SLACK: Final = timedelta(hours=10)  # the town looks up a few times a day, so an alert is found so late
# What a line of the timeline makes of an order; other lines change nothing.
STEPS: Final = {
    EventKind.SCHEDULED: S.SCHEDULED, EventKind.PLACED: S.PLACED, EventKind.SENT: S.SENT,
    EventKind.PROMISED: S.PROMISED, EventKind.ARRIVED: S.ARRIVED, EventKind.IN_DOUBT: S.IN_DOUBT,
    EventKind.GIVEN_BACK: S.GIVEN_BACK, EventKind.FAILED: S.FAILED, EventKind.CANCELLED: S.CANCELLED,
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """Everything a judge looks at; rows as they stand in the tables, sealed values opened."""

    now: datetime
    orders: Sequence[Row]
    events: Sequence[Row] = ()
    groups: Sequence[Row] = ()
    proofs: Sequence[Row] = ()  # used, by person
    mandates: Sequence[Row] = ()
    instructions: Sequence[Row] = ()
    contradictions: Sequence[Row] = ()
    evidence: Sequence[Row] = ()
    bad_messages: Sequence[Row] = ()
    payments: Sequence[Row] = ()  # at the bank, by us
    others: Sequence[Row] = ()  # at the bank, by people in the bank's own app
    movements: Sequence[Row] = ()  # at the bank, of keys
    stood: Sequence[Row] = ()  # at the bank: what stands on cards, by key
    moved: Sequence[Row] = ()  # in our books, by order
    holds: Sequence[Row] = ()
    lame: Sequence[Row] = ()
    told: Sequence[Row] = ()
    taps: Sequence[Tap] = ()
    bills: Sequence[Row] = ()
    late: Sequence["LateBill"] = ()
    books_sound: bool = True
    verify_exit: int = 0
    verify_said: str = ""
    failed_jobs: Sequence[Row] = ()
    ended_unasked: Mapping[str, int] = field(default_factory=dict)  # processes that ended though nobody touched them
    day_files: Sequence[Row] = ()  # at the bank: each edition, what it announces and what its bytes are
    kept_files: Sequence[Row] = ()
    unread: Mapping[str, str] = field(default_factory=dict)  # files that came whole and were refused, and why

    @cached_property
    def by_key(self) -> Mapping[str, Row]:
        """Orders by the key of their instruction."""
        return {str(one["key"]): one for one in self.orders if one["key"] is not None}

    @cached_property
    def made(self) -> Mapping[str, Row]:
        """Instructions by key."""
        return {str(one["key"]): one for one in self.instructions}

    @cached_property
    def codes(self) -> Mapping[str, Counter[str]]:
        """How often each kind of movement happened at the bank, by key."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for one in self.movements:
            found[str(one["key"])][one["code"]] += 1
        return found

    @cached_property
    def debited(self) -> Mapping[str, int]:
        """Fen that left paying accounts at the bank for good, by key: debits and fees less what was given back."""
        found: dict[str, int] = defaultdict(int)
        for one in self.movements:
            if one["code"] in LEAVES:
                found[str(one["key"])] += one["amount"]
            elif one["code"] in RETURNS:
                found[str(one["key"])] -= one["amount"]
        return found

    @cached_property
    def lines(self) -> Mapping[UUID, list[Row]]:
        """The timeline of each order."""
        found: dict[UUID, list[Row]] = defaultdict(list)
        for one in self.events:
            found[one["order_id"]].append(one)
        return found


@dataclass(frozen=True, slots=True)
class LateBill:
    """A bill whose minimum was not on the card by its due day, by the bank's own data; with what may explain it."""

    card: str
    statement_on: date
    due_on: date
    minimum: int
    paid: int
    party: UUID | None
    reasons: tuple[str, ...]  # habit, scenario, stop, lack of money: whatever holds
    told_at: datetime | None  # when the payer was last told before the end of the due day
    known: bool = True  # whether it was ever handed in and read
    facts: Mapping[str, Any] = field(default_factory=dict)


Law = Callable[[Case], Iterator[Finding]]


# --- the bank's own books ---


def one_debit(case: Case) -> Iterator[Finding]:
    """Per key of ours money leaves the paying account at most once, and comes back at most once."""
    for key, codes in case.codes.items():
        if codes["debit"] > 1 or codes["give_back"] > codes["debit"]:
            yield _found("one_debit", key, {"movements": dict(codes)})


def every_debit_is_an_order(case: Case) -> Iterator[Finding]:
    """Every payment of ours at the bank belongs to one order of ours, with its amount; nobody else's is among them."""
    for one in case.payments:
        key = str(one["key"])
        order, made = case.by_key.get(key), case.made.get(key)
        if order is None or made is None:
            yield _found("debit_without_order", key, {"amount": one["amount"], "state": one["state"]})
        elif made["order_id"] != order["id"] or made["amount_minor"] != order["amount_minor"]:
            yield _found("order_and_instruction_differ", key, {
                "order": order["id"], "instructed": made["amount_minor"], "ordered": order["amount_minor"],
            })  # fmt: skip


def every_order_is_at_the_bank(case: Case) -> Iterator[Finding]:
    """What we call promised, arrived or given back was debited; what failed or was cancelled was not, or came back."""
    for key, order in case.by_key.items():
        if order["channel"] != OURS:
            continue
        status, codes = S(order["status"]), case.codes.get(key, Counter())
        facts = {"order": order["id"], "status": status.value, "movements": dict(codes), "code": order["final_code"]}
        if status in (S.PROMISED, S.ARRIVED) and (codes["debit"] != 1 or codes["give_back"]):
            yield _found("promised_without_debit", key, facts)
        if status is S.GIVEN_BACK and (codes["debit"] != 1 or codes["give_back"] != 1):
            yield _found("given_back_without_return", key, facts)
        if status in (S.FAILED, S.CANCELLED) and codes["debit"] != codes["give_back"]:
            yield _found("failed_with_a_debit", key, facts)
        if status in (S.PLACED, S.SENT) and codes["debit"] and order["wait"]:
            yield _found("waiting_with_a_debit", key, facts)


def sums_agree(case: Case) -> Iterator[Finding]:
    """What the bank debited for us and kept is, to the fen, what our orders took: amounts and fees."""
    settled = {*TAKEN, S.FAILED, S.CANCELLED}
    for key, order in case.by_key.items():
        if order["channel"] != OURS or S(order["status"]) not in settled:
            continue
        kept = order["amount_minor"] + order["fee_minor"] if S(order["status"]) in (S.PROMISED, S.ARRIVED) else 0
        if kept != case.debited.get(key, 0):
            yield _found("sums", key, {"order": order["id"], "ours": kept, "bank": case.debited.get(key, 0)})


def bank_books_sound(case: Case) -> Iterator[Finding]:
    """The bank's own double entry holds: else nothing it says proves anything."""
    if not case.books_sound:
        yield _found("bank_books", "simbank", {})


# --- taps ---


def no_tap_is_lost(case: Case) -> Iterator[Finding]:
    """What was acknowledged is there once, with orders, by the number that was told; what was refused left nothing."""
    groups: dict[tuple[UUID, UUID], list[Row]] = defaultdict(list)
    for one in case.groups:
        groups[one["user_id"], one["key"]].append(one)
    of_group = Counter(one["group_id"] for one in case.orders)
    for tap in case.taps:
        found = groups.get((tap.party, tap.key), [])
        facts = {
            "fate": tap.fate.value,
            "sent": tap.sent,
            "told": sorted(tap.groups),
            "groups": len(found),
            "at": tap.at,
        }
        if tap.fate is Fate.TAKEN:
            if len(found) != 1 or not of_group[found[0]["id"]]:
                yield _found("tap_lost", str(tap.key), facts)
            elif tap.groups != {str(found[0]["id"])}:
                yield _found("tap_told_otherwise", str(tap.key), facts)
        elif tap.fate is Fate.REFUSED and found:
            yield _found("refused_tap_left_orders", str(tap.key), facts | {"why": tap.why})
        elif len(found) > 1:
            yield _found("tap_doubled", str(tap.key), facts)


def every_group_is_proved(case: Case) -> Iterator[Finding]:
    """What was confirmed rests on one used proof of the person who confirmed it, or on a mandate that rests on one; a
    proof is good for one act. No foreign key crosses the rooms for it, so it is looked for here."""
    kinds = {(one["person_id"], one["id"]): one["kind"] for one in case.proofs}
    given = {(one["user_id"], one["id"]): one for one in case.mandates}
    used = Counter(one["step_up_id"] for one in (*case.groups, *case.mandates) if one["step_up_id"])
    for group in case.groups:
        mandate, kind = given.get((group["user_id"], group["mandate_id"])), ActKind.PAYMENT
        by, proof = group["confirmed_by"], group["step_up_id"]
        if group["kind"] == GroupKind.AUTOPAY and mandate is not None:
            by, proof, kind = mandate["given_by"], mandate["step_up_id"], ActKind.MANDATE
        if kinds.get((by, proof)) != kind:
            yield _found("confirmed_without_proof", str(group["id"]), {"kind": group["kind"], "proof": str(proof)})
    for proof, many in used.items():
        if many > 1:
            yield _found("proof_used_again", str(proof), {"many": many})


def one_successor(case: Case) -> Iterator[Finding]:
    """An order has at most one successor, and only where it came to nothing; one instruction is one order's."""
    by_id = {one["id"]: one for one in case.orders}
    after = Counter(one["retry_of"] for one in case.orders if one["retry_of"])
    for order_id, many in after.items():
        first = by_id.get(order_id)
        if many > 1 or first is None or S(first["status"]) not in (S.FAILED, S.GIVEN_BACK):
            yield _found("successor", str(order_id), {"many": many, "status": first and first["status"]})
    for key, many in Counter(str(one["key"]) for one in case.orders if one["key"]).items():
        if many > 1:
            yield _found("key_of_two_orders", key, {"orders": many})
    for order_id, many in Counter(one["order_id"] for one in case.instructions).items():
        if many > 1 or order_id not in by_id:
            yield _found("instructions_of_order", str(order_id), {"many": many, "known": order_id in by_id})


def never_more_than_the_bill(case: Case) -> Iterator[Finding]:
    """All that our orders put on the card for one bill, or have on its way, is no more than the bill asks for.

    Where a channel kept a fee of the amount (scenario 26), what is missing may be paid once more.
    """
    paid: dict[UUID, int] = defaultdict(int)
    for one in case.orders:
        if one["bill_id"] is not None and S(one["status"]) not in (S.FAILED, S.CANCELLED, S.GIVEN_BACK):
            short = one["arrived_minor"] if S(one["status"]) is S.ARRIVED else None
            paid[one["bill_id"]] += one["amount_minor"] if short is None else short
    for bill in case.bills:
        if paid.get(bill["id"], 0) > max(0, bill["total"]):
            orders = [str(one["id"]) for one in case.orders if one["bill_id"] == bill["id"]]
            yield _found("more_than_the_bill", str(bill["id"]), {
                "bill": bill["total"], "ordered": paid[bill["id"]], "orders": orders,
            })  # fmt: skip


# --- ends ---


def open_is_explained(case: Case) -> Iterator[Finding]:
    """Every order is at its end, or open with a reason that a person would accept."""
    open_doubts = {str(one["key"]) for one in case.contradictions if one["cleared_at"] is None}
    for one in case.orders:
        if S(one["status"]) not in CLOSED and not explained(one, case, open_doubts):
            made = case.made.get(str(one["key"]))
            yield _found("open_unexplained", str(one["id"]), {
                "status": one["status"], "wait": one["wait"], "next_at": one["next_at"], "key": one["key"],
                "channel": one["channel"], "instruction": made and made["state"],
                "next_ask_at": made and made["next_ask_at"], "placed_at": one["placed_at"],
            })  # fmt: skip


def explained(order: Row, case: Case, open_doubts: set[str]) -> str:
    """Why an open order is open: a wait, a question to come, a doubt that people must clear, a proof to come."""
    status, key = S(order["status"]), str(order["key"])
    made = case.made.get(key)
    if status is S.IN_DOUBT:
        withdrawn = any(str(one["key"]) == key and one["kind"] == "doubt" for one in case.evidence)
        return "doubt" if key in open_doubts or withdrawn else ""
    if status is S.SCHEDULED and order["start_at"] > case.now:
        return "its day has not come"
    if order["wait"] and order["next_at"] is not None:
        return f"waits: {order['wait']}"
    if made is not None and made["stopped_at"] is not None:
        return "stopped: the bank knows it otherwise" if key in open_doubts else ""
    if order["channel"] != OURS:
        return "by hand: a statement will tell" if made is not None and made["state"] != "failed" else ""
    if status is S.PROMISED:
        return "proof to come" if case.codes.get(key, Counter())["debit"] == 1 else ""
    asked = made["next_ask_at"] if made is not None else None
    return "asked again" if asked is not None and asked > case.now else ""


def statuses_follow_the_table(case: Case) -> Iterator[Finding]:
    """Each timeline walks along the table of steps and ends where the order stands."""
    for order in case.orders:
        at, walked = S.SCHEDULED, ["scheduled"]
        for line in case.lines.get(order["id"], ()):
            step = STEPS.get(EventKind(line["kind"]))
            if line["kind"] == EventKind.CLEARED or step is None or step is at:
                continue
            walked.append(step.value)
            if step not in NEXT[at]:
                yield _found("step", str(order["id"]), {"walked": walked})
                break
            at = step
        else:
            if at is not S(order["status"]):
                yield _found("timeline_ends_elsewhere", str(order["id"]), {"walked": walked, "status": order["status"]})


def arrived_by_bank_data(case: Case) -> Iterator[Finding]:
    """Nobody was told "arrived" without bank data, and the bank's own card shows it."""
    proved = {str(one["key"]) for one in case.evidence if one["kind"] in BANK_DATA}
    on_card = {str(one["key"]): one["amount"] for one in case.stood}
    ever = {one["order_id"] for one in case.events if one["kind"] == EventKind.ARRIVED}
    for one in case.orders:
        key = str(one["key"])
        if one["id"] in ever and key not in proved:
            yield _found("arrived_without_bank_data", key, {"order": one["id"], "status": one["status"]})
        if one["status"] == S.ARRIVED and one["channel"] == OURS and on_card.get(key, 0) <= 0:
            yield _found("arrived_nowhere", key, {"order": one["id"], "on_card": on_card.get(key, 0)})
        if one["status"] == S.ARRIVED and one["channel"] == OURS and one["arrived_minor"] != on_card.get(key, 0):
            yield _found("arrived_otherwise", key, {"ours": one["arrived_minor"], "card": on_card.get(key, 0)})


def alerted_in_time(case: Case) -> Iterator[Finding]:
    """Whoever's order was not proved arrived at the moment from which only paying by hand is left was told then, or
    as soon as the proof was doubted."""
    alerted: dict[UUID, datetime] = {}
    for line in case.events:
        if line["kind"] == EventKind.ALERTED:
            alerted.setdefault(line["order_id"], line["at"])
    for one in case.orders:
        limit = _unproved_from(one["by_hand_at"], case.lines.get(one["id"], ()))
        if limit is None or limit > case.now - ALERT_SLACK or one["placed_at"] > limit:
            continue
        if one["closed_at"] is not None and one["closed_at"] <= limit + ALERT_SLACK:
            continue
        first = alerted.get(one["id"]) or one["alerted_at"]
        if first is None or first > limit + ALERT_SLACK:
            yield _found("no_alert", str(one["id"]), {
                "status": one["status"], "by_hand_at": limit, "alerted_at": first, "closed_at": one["closed_at"],
                "placed_at": one["placed_at"],
            })  # fmt: skip


def _unproved_from(by_hand_at: datetime | None, lines: Sequence[Row]) -> datetime | None:
    """From when an order is not proved arrived, so long that nobody can overlook it; None: it stayed proved."""
    if by_hand_at is None:
        return None
    steps = [line for line in lines if EventKind(line["kind"]) in STEPS]
    before = [line for line in steps if line["at"] <= by_hand_at]
    since = None if before and before[-1]["kind"] == EventKind.ARRIVED else by_hand_at
    for line in steps[len(before) :]:
        if line["kind"] != EventKind.ARRIVED:
            since = since or line["at"]
        elif since is not None and line["at"] > since + ALERT_SLACK:
            return since
        else:
            since = None
    return since


def late_is_explained(case: Case) -> Iterator[Finding]:
    """Every bill that was late at the bank has its reason, and its payer was told before the day was over."""
    for bill in case.late:
        facts = {"due_on": bill.due_on, "minimum": bill.minimum, "paid": bill.paid, **bill.facts}
        if not bill.reasons:
            yield _found("late_unexplained", f"{bill.card} {bill.statement_on}", facts)
        elif bill.told_at is None and bill.known:  # of a bill that nobody could read nobody is told
            yield _found("late_untold", f"{bill.card} {bill.statement_on}", facts | {"reasons": list(bill.reasons)})


def refusals_say_why(case: Case) -> Iterator[Finding]:
    """Whoever is refused reads on the page why."""
    for tap in case.taps:
        if tap.fate is Fate.REFUSED and not tap.why.partition(" ")[2]:
            yield _found("refused_without_reason", str(tap.key), {"account": tap.account, "said": tap.why})


def nobody_ends_alone(case: Case) -> Iterator[Finding]:
    """A process ends because it is killed, its database died under it or it was held still, and for nothing else."""
    for name, times in case.ended_unasked.items():
        yield _found("ended_unasked", name, {"times": times})


# --- the books, and what was kept ---


def books_hold(case: Case) -> Iterator[Finding]:
    """`anhuan ledger verify` is content, and every balance is the sum of its postings."""
    if case.verify_exit:
        yield _found("ledger_verify", "exit code", {"exit": case.verify_exit, "said": case.verify_said[-600:]})
    for one in case.lame:
        yield _found("ledger_law", str(one["which"]), {"what": one["what"]})


def books_follow_orders(case: Case) -> Iterator[Finding]:
    """Transit is empty for whatever is closed, and the card shows what arrived."""
    by_id = {one["id"]: one for one in case.orders}
    for one in case.moved:
        order = by_id.get(one["order_id"])
        if order is None:
            yield _found("posting_without_order", str(one["order_id"]), dict(one))
        elif wrong := _wrong_in_books(order, one):
            yield _found(wrong, str(order["id"]), {
                "status": order["status"], "debit": order["amount_minor"] + order["fee_minor"], **one,
            })  # fmt: skip
    moved = {one["order_id"] for one in case.moved}
    for one in case.orders:
        if S(one["status"]) in TAKEN and one["channel"] == OURS and one["id"] not in moved:
            yield _found("taken_without_posting", str(one["id"]), {"status": one["status"]})


def only_what_is_open_is_held(case: Case) -> Iterator[Finding]:
    """Money is set aside for open orders alone."""
    status = {one["id"]: one["status"] for one in case.orders}
    for hold in case.holds:
        found = status.get(hold["order_id"])
        if found is None or S(found) in CLOSED:
            yield _found("hold_of_closed", str(hold["order_id"]), {"status": found, "fen": hold["amount"]})


def _wrong_in_books(order: Row, moved: Row) -> str:
    """What the books say of an order that its status forbids, or nothing."""
    status, debit = S(order["status"]), order["amount_minor"] + order["fee_minor"]
    match status:
        case _ if status in CLOSED and moved["in_transit"]:
            return "transit_not_empty"
        case S.ARRIVED if moved["taken"] != debit or moved["on_card"] != order["arrived_minor"]:
            return "books_of_arrived"
        case S.GIVEN_BACK | S.FAILED | S.CANCELLED if moved["on_card"]:
            return "books_of_nothing"
        case S.PROMISED if moved["taken"] != debit or moved["in_transit"] + moved["on_card"] != debit:
            return "books_of_promised"
        case _:
            return ""


def messages_keep_their_hash(case: Case) -> Iterator[Finding]:
    """What the outside world said is kept as it was said."""
    for one in case.bad_messages:
        yield _found("message_hash", str(one["id"]), {"key": one["key"]})


def files_are_whole(case: Case) -> Iterator[Finding]:
    """We keep of each day what the bank published whole, its newest edition among it, and can read all of it.

    A file whose bytes are not those that it announces is nobody's word: nothing of it is kept.
    """
    out: dict[tuple[date, str], list[Row]] = defaultdict(list)
    kept: dict[tuple[date, str], set[str]] = defaultdict(set)
    for one in case.day_files:
        out[one["day"], one["name"]].append(one)
    for one in case.kept_files:
        day, name = place = (one["day"], one["name"])
        kept[place].add(one["sha256"])
        whole = {edition["sha256"] for edition in out[place] if edition["sha256"] == edition["found"]}
        if one["sha256"] not in whole or one["sha256"] != one["found"]:
            yield _found("file_not_as_published", f"{day} {name}", {"version": one["version"]})
    broken_days = {one["day"] for one in case.day_files if one["sha256"] != one["found"]}
    for (day, name), editions in out.items():
        last = max(editions, key=lambda one: one["edition"])
        if (
            day not in broken_days
            and last["ready_at"] < case.now - FILES_SLACK
            and last["sha256"] not in kept[day, name]
        ):
            yield _found("file_not_taken", f"{day} {name}", {"edition": last["edition"], "ready_at": last["ready_at"]})
    for name, why in case.unread.items():
        yield _found("file_unread", name, {"why": why})


LAWS: Final[tuple[Law, ...]] = (
    one_debit, every_debit_is_an_order, every_order_is_at_the_bank, sums_agree, bank_books_sound, no_tap_is_lost,
    every_group_is_proved, one_successor, never_more_than_the_bill, open_is_explained, statuses_follow_the_table,
    arrived_by_bank_data, alerted_in_time, late_is_explained, refusals_say_why, nobody_ends_alone, books_hold,
    books_follow_orders, only_what_is_open_is_held, messages_keep_their_hash, files_are_whole,
)  # fmt: skip


def broken(case: Case) -> list[Finding]:
    """Everything that breaks a law."""
    return [found for law in LAWS for found in law(case)]


def _found(law: str, about: str, evidence: Mapping[str, Any]) -> Finding:
    return Finding(law, about, evidence)
