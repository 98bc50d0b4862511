"""From the rows of both houses to a verdict: the case is put together, the laws are asked, the report is written."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, Final
from uuid import UUID

from anhuan.kit import vault
from anhuan.kit.clock import CHINA
from anhuan.repayments.model import CLOSED, OrderStatus
from anhuan.simulation import laws, rules, store, ticking
from anhuan.simulation.habits import FIXED
from anhuan.simulation.laws import Case, LateBill
from anhuan.simulation.model import Fate, Household, Tap, Way
from anhuan.simulation.place import Place
from anhuan.simulation.store import Row, Rows

BANK_DATABASE: Final = "anhuan_simbank"
MOST_SHOWN: Final = 200  # broken laws in full; the rest is counted
S: Final = OrderStatus
# Final codes that tell of the card or of the limits, not of a lack of money.
NO_MONEY: Final = frozenset({"insufficient_funds", "repay.too_little_money"})


def judged(place: Place) -> dict[str, Any]:
    """The report of a town: what happened, and every law that is broken."""
    with store.connect(place.town.owner) as ours, store.connect(place.town.owner, BANK_DATABASE) as bank:
        rows = store.rows(ours, bank)
        of_bills, of_files, failed = store.met_by_bills(bank), store.met_by_files(bank), store.failed_jobs(ours)
    verified = place.town.verify()
    case = case_of(place, rows, verified=verified, failed_jobs=failed)
    broken = laws.broken(case)
    doubts = {str(one["key"]) for one in case.contradictions if one["cleared_at"] is None}
    open_orders = [one for one in case.orders if S(one["status"]) not in CLOSED]
    statuses = Counter(one["status"] for one in case.orders)
    met = Counter(number for one in rows.meetings for number in one["scenarios"])
    met.update({number: many for number, many in of_bills.items() if many})
    met.update({rules.WHOLE_FILES: of_files} if of_files else {})
    met.update(place.diary.sent_again)
    return {
        "households": len(place.houses),
        "days": place.ask.days,
        "seed": place.ask.seed,
        "orders": len(case.orders),
        "by_status": dict(sorted(statuses.items())),
        "arrived": statuses[S.ARRIVED],
        "given_back": statuses[S.GIVEN_BACK],
        "open_explained": sum(bool(laws.explained(one, case, doubts)) for one in open_orders),
        "paid_fen": sum(one["amount_minor"] for one in case.orders if one["status"] == S.ARRIVED),
        "taps": {"all": len(case.taps), **Counter(one.fate.value for one in case.taps)},
        "sent_twice_at_once": place.diary.doubled,
        "answers_lost": place.diary.lost,
        "not_done": dict(place.diary.skipped.most_common()),
        "kills": dict(sorted(place.diary.kills.items())),
        "ended_by_themselves": dict(place.town.ended_alone),
        "clock_jumps": dict(place.diary.jumps),
        "faults": {str(number): met[number] for number in sorted(met)},
        "late_bills_explained": sum(
            bool(one.reasons) and (one.told_at is not None or not one.known) for one in case.late
        ),
        "messages_kept": rows.messages,
        "files": dict(sorted(place.diary.fetched.items())),
        "jobs_given_up": {one["task_name"]: one["many"] for one in failed},
        "laws": len(laws.LAWS),
        "broken": [store.as_text_all(one.as_json()) for one in broken[:MOST_SHOWN]],
        "broken_in_all": len(broken),
    }


def case_of(
    place: Place, rows: Rows, *, verified: tuple[int, str] = (0, ""), failed_jobs: Sequence[Row] = ()
) -> Case:  # fmt: skip
    """What the laws look at."""
    partners = place.town.partners()
    mine = [one for one in rows.payments if one["partner"] in partners]
    theirs = [one for one in rows.payments if one["partner"] not in partners]
    keys = {str(one["key"]) for one in mine}
    bills = [{**one, "total": vault.open_("bills.total_minor", bytes(one["sealed_total"]))} for one in rows.bills]
    return Case(
        now=place.now, orders=rows.orders, events=rows.events, groups=rows.groups, instructions=rows.instructions,
        proofs=rows.proofs, mandates=rows.mandates,
        contradictions=rows.contradictions, evidence=rows.evidence, bad_messages=rows.bad_messages, payments=mine,
        others=theirs, movements=[one for one in rows.movements if str(one["key"]) in keys],
        stood=rows.stood, moved=rows.moved, holds=rows.holds, lame=rows.lame, told=rows.told,
        taps=tuple(place.diary.taps), bills=bills, late=late_bills(place, rows),
        books_sound=bool(ticking.patiently(place, place.hand.books)["sound"]), verify_exit=verified[0],
        verify_said=verified[1], failed_jobs=failed_jobs, ended_unasked=dict(place.town.ended_unasked),
        day_files=rows.day_files, kept_files=rows.kept_files, unread=dict(place.diary.unread),
    )  # fmt: skip


def late_bills(place: Place, rows: Rows) -> list[LateBill]:
    """Bills whose minimum was not on the card by the due day, by the bank's own postings, with what explains them."""
    holders = {card.number: house for house in place.houses for card in house.cards}
    paid: dict[str, list[tuple[date, int]]] = {}
    for one in rows.posted:
        if one["kind"] != "late_fee":
            paid.setdefault(one["card"], []).append((one["posted_on"], one["amount"]))
    today, found = place.now.astimezone(CHINA).date(), []
    for one in rows.statements:
        due_on = date.fromisoformat(one["due_on"])
        if due_on >= today or one["minimum"] <= 0 or one["card"] not in holders:
            continue
        on_card = sum(fen for day, fen in paid.get(one["card"], []) if one["statement_on"] < day <= due_on)
        if on_card < one["minimum"]:
            found.append(_late(place, rows, holders[one["card"]], one, due_on, on_card))
    return found


def _late(place: Place, rows: Rows, house: Household, bill: Row, due_on: date, paid: int) -> LateBill:
    account = house.accounts.get(bill["card"])
    known = next((one for one in rows.bills if one["account_id"] == account
                  and one["statement_on"] == bill["statement_on"]), None)  # fmt: skip
    orders = [one for one in rows.orders if known is not None and one["bill_id"] == known["id"]]
    scenarios = {str(one["key"]): one["scenarios"] for one in rows.meetings}
    reasons, facts = list[str](), list[Mapping[str, Any]]()
    if bill["layout"] == "changed":
        reasons.append("scenario 35: the bill could not be read")
    elif known is None:
        reasons.append("never handed in") if account is None else None
    if house.way in (Way.FORGETFUL, Way.OVERDRAWN):
        reasons.append(f"habit: {house.way.value}")
    if house.way is Way.AUTO_FIXED and bill["minimum"] > FIXED:
        reasons.append("habit: a fixed amount below the minimum")
    reasons += [f"{what} on {day}" for day, what in place.diary.stops.get(house.number, [])]
    for one in orders:
        met = scenarios.get(str(one["key"]), [])
        facts.append({"order": one["id"], "status": one["status"], "code": one["final_code"], "met": met,
                      "wait": one["wait"], "sent_at": one["sent_at"], "arrived_on": one["arrived_on"]})  # fmt: skip
        if one["final_code"] in NO_MONEY:
            reasons.append("not enough money")
        elif one["channel"] != laws.OURS and S(one["status"]) in (S.SCHEDULED, S.PLACED, S.SENT):
            reasons.append("to be paid by hand, and nobody said that it was")
        elif S(one["status"]) in (S.FAILED, S.GIVEN_BACK, S.IN_DOUBT):
            reasons.append(f"{one['status']}: {one['final_code'] or 'contradiction'} (scenarios {met})")
        elif {3, 4, 5, 6, 17, 26, 32} & set(met):
            reasons.append(f"the bank booked late or less (scenarios {met})")
    reasons += refused(rows.blocked, place.diary.taps, account, since=bill["statement_on"], due_on=due_on)
    day_over = datetime.combine(due_on, time(23, 59, 59), CHINA)
    theirs = [one for one in rows.payments if one["partner"] not in place.town.partners()]
    reasons += booked_late(theirs, rows.posted, bill["card"], since=bill["statement_on"], due_on=due_on)
    told = [one["made_at"] for one in rows.told if one["user_id"] == house.party and one["made_at"] <= day_over
            and one["made_at"] >= datetime.combine(bill["statement_on"], time(), CHINA)]  # fmt: skip
    return LateBill(
        bill["card"], bill["statement_on"], due_on, bill["minimum"], paid, house.party, tuple(reasons),
        max(told, default=None), known is not None, {"way": house.way.value, "orders": facts},
    )  # fmt: skip


def refused(
    blocked: Sequence[Row], taps: Sequence[Tap], account: UUID | None, *, since: date, due_on: date
) -> list[str]:  # fmt: skip
    """What the house itself forbade: a debit of a mandate to its end, a tap; each with the reason that was told."""
    runs = [one for one in blocked if (one["account_id"], one["statement_on"]) == (account, since)]
    no = [(one.at.astimezone(CHINA).date(), one.why) for one in taps
          if one.account == account and one.fate is Fate.REFUSED and one.why]  # fmt: skip
    return [f"autopay was forbidden to its end: {one['blocked']}" for one in runs] + [
        f"a tap was refused on {day}: {why}" for day, why in no if since <= day <= due_on
    ]


def booked_late(
    payments: Sequence[Row], posted: Sequence[Row], card: str, *, since: date, due_on: date
) -> list[str]:  # fmt: skip
    """What a holder paid in the bank's own app by the due day, and the bank booked after it."""
    paid = {one["key"]: one["taken_at"].astimezone(CHINA).date() for one in payments if one["taken_at"]}
    return [
        f"paid at the bank on {paid[one['key']]}, booked there on {one['posted_on']}"
        for one in posted
        if one["card"] == card and one["key"] in paid and since <= paid[one["key"]] <= due_on < one["posted_on"]
    ]
