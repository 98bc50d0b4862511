"""A small town as its judge sees it, with every law kept: the ground on which tests break one law after the other."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from anhuan.kit import ids
from anhuan.simulation.laws import Case, Row
from anhuan.simulation.model import Fate, Tap

NOW = datetime.fromisoformat("2027-01-20T04:00:00+00:00")
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PARTY, ACCOUNT, BILL = ids.new_id(), ids.new_id(), ids.new_id()
AMOUNT, FEE = 120_000, 0
FILE_DAY, OTHER_DAY = date(2027, 1, 14), date(2027, 1, 15)  # of the second the bank gives nothing whole
WALKS = {
    "arrived": ("placed", "sent", "promised", "arrived"),
    "given_back": ("placed", "sent", "promised", "given_back"),
    "failed": ("placed", "sent", "failed"),
    "promised": ("placed", "sent", "promised"),
    "sent": ("placed", "sent"),
    "cancelled": ("placed", "cancelled"),
}
CODES = {"arrived": ("debit", "book"), "given_back": ("debit", "give_back"), "promised": ("debit",), "sent": ("debit",)}


def sound() -> Case:
    """One order of each kind, everything as it should be."""
    case = Case(
        now=NOW, orders=(), bills=({"id": BILL, "total": 10 * AMOUNT},),
        day_files=(edition(1, "a"), edition(2, "b"), edition(1, "c", found="half of c", day=OTHER_DAY)),
        kept_files=(kept(1, "a"), kept(2, "b")),
    )  # fmt: skip
    for status in WALKS:
        case = with_order(case, status)
    return case


def edition(number: int, announced: str, *, found: str = "", day: date = FILE_DAY) -> Row:
    """One edition of the bank's file of a day; `found`: the hash of its bytes where it is another."""
    return {"day": day, "name": "trade.csv", "edition": number, "sha256": announced, "found": found or announced,
            "ready_at": NOW - 5 * DAY}  # fmt: skip


def kept(version: int, content: str, *, found: str = "", day: date = FILE_DAY) -> Row:
    """One version of it as we keep it."""
    return {"day": day, "name": "trade.csv", "version": version, "sha256": content, "found": found or content}


def with_order(case: Case, status: str) -> Case:
    """The case with one more order of this status, and all that belongs to it in both houses."""
    order, key, group, proof = ids.new_id(), ids.new_id(), ids.new_id(), ids.new_id()
    at = NOW - 20 * DAY
    closed = status in ("arrived", "given_back", "failed", "cancelled")
    row = {
        "id": order, "user_id": PARTY, "group_id": group, "number": 1, "account_id": ACCOUNT, "bill_id": BILL,
        "channel": "simbank", "amount_minor": AMOUNT, "fee_minor": FEE, "status": status, "wait": None, "key": key,
        "due_on": date(2027, 1, 5), "start_at": at, "by_hand_at": None, "placed_at": at, "sent_at": at,
        "arrived_on": date(2027, 1, 1) if status == "arrived" else None,
        "arrived_minor": AMOUNT if status == "arrived" else None, "closed_at": at + HOUR if closed else None,
        "final_code": "insufficient_funds" if status == "failed" else None, "retry_of": None,
        "next_at": None if closed else NOW + HOUR, "alerted_at": None,
    }  # fmt: skip
    walk = WALKS[status]
    events = [{"order_id": order, "id": ids.new_id(), "at": at + place * HOUR, "kind": kind, "code": ""}
              for place, kind in enumerate(("confirmed", *walk))]  # fmt: skip
    movements = [{"seq": place, "key": str(key), "code": code, "at": at, "source": "x", "amount": AMOUNT}
                 for place, code in enumerate(CODES.get(status, ()))]  # fmt: skip
    tap = Tap(ids.new_id(), PARTY, ACCOUNT, AMOUNT, at, 2, Fate.TAKEN, groups={str(group)})
    made = {"key": key, "order_id": order, "state": "success", "amount_minor": AMOUNT, "next_ask_at": NOW + DAY,
            "stopped_at": None, "final_at": None}  # fmt: skip
    at_bank = [] if status == "cancelled" else [{"key": str(key), "amount": AMOUNT, "state": "success"}]
    taken = AMOUNT if status in ("arrived", "promised") else 0
    moved = {"order_id": order, "taken": taken, "in_transit": taken if status == "promised" else 0,
             "on_card": AMOUNT if status == "arrived" else 0}  # fmt: skip
    more: dict[str, Any] = {
        "orders": [row], "events": events, "movements": movements, "instructions": [made], "payments": at_bank,
        "groups": [{"user_id": PARTY, "id": group, "key": tap.key, "kind": "one", "mandate_id": None,
                    "confirmed_by": PARTY, "step_up_id": proof}],
        "proofs": [{"person_id": PARTY, "id": proof, "kind": "payment", "used_at": at}],
        "moved": [moved] if status in ("arrived", "promised", "given_back") else [],
        "evidence": [{"key": key, "kind": "bank_file"}] if status == "arrived" else [],
        "stood": [{"key": str(key), "amount": AMOUNT}] if status == "arrived" else [],
    }  # fmt: skip
    added: dict[str, Any] = {name: (*getattr(case, name), *rows) for name, rows in more.items()}
    return replace(case, taps=(*case.taps, tap), **added)


def order_of(case: Case, status: str) -> Row:
    """The order of this status."""
    return next(one for one in case.orders if one["status"] == status)


def changed(case: Case, table: str, which: Any, **facts: Any) -> Case:
    """The case with the rows of a table changed that fulfil `which`."""
    table_after: dict[str, Any] = {
        table: tuple({**one, **facts} if which(one) else one for one in getattr(case, table))
    }
    return replace(case, **table_after)


def without(case: Case, table: str, which: Any) -> Case:
    """The case without the rows of a table that fulfil `which`."""
    left: dict[str, Any] = {table: tuple(one for one in getattr(case, table) if not which(one))}
    return replace(case, **left)


def with_row(case: Case, table: str, row: Any) -> Case:
    """The case with one more row."""
    grown: dict[str, Any] = {table: (*getattr(case, table), row)}
    return replace(case, **grown)


def key_of(case: Case, status: str) -> UUID:
    """The key of the instruction of the order of this status."""
    found: UUID = order_of(case, status)["key"]
    return found
