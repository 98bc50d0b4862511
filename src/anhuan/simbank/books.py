"""The bank's own double-entry books: every movement takes from one account and gives to another; proved on demand.

Accounts: `client:<funding>` what people hold, `transit` on its way, `card:<card>` what cards owe (below zero) or hold,
`partner:<key id>` what was collected for a partner,
and the house's own: `world`, `merchants`, `suspense`, and income from fees, interest and late fees.
"""

from datetime import date
from typing import Any, Final

from anhuan.simbank import store, store_books
from anhuan.simbank.house import Act
from anhuan.simbank.model import BadOrder, Movement

TRANSIT: Final = "transit"  # 在途
WORLD: Final = "world"  # where deposits come from
MERCHANTS: Final = "merchants"
SUSPENSE: Final = "suspense"  # 挂账: booked on the wrong bill and taken back
FEES: Final = "income:fees"
INTEREST: Final = "income:interest"
LATE_FEES: Final = "income:late_fees"
HOUSE: Final = (TRANSIT, WORLD, MERCHANTS, SUSPENSE, FEES, INTEREST, LATE_FEES)


def client(funding: str) -> str:
    """The account of a person's own money."""
    return f"client:{funding}"


def of_card(card: str) -> str:
    """The account of a card."""
    return f"card:{card}"


def of_partner(partner: str) -> str:
    """The account of what was collected for a partner beside the amounts."""
    return f"partner:{partner}"


def open_house(act: Act) -> None:
    """The accounts that every bank has."""
    for name in HOUSE:
        store.add_account(act.db, name)


def move(
    act: Act, code: str, source: str, target: str, amount: int, *, key: str | None = None, text: str = "",
    day: date | None = None,
) -> None:  # fmt: skip
    """Book one movement of `amount` fen, above zero, now; the database refuses a second debit of the same key.

    `day` is the bank day it counts for, where that is not today.
    """
    if amount <= 0:
        raise BadOrder("an amount is above zero", field="amount")
    one = Movement(act.number("movement"), day or act.today, act.now, code, source, target, amount, key)
    store_books.add_movement(act.db, one, text)


def withdrawn(act: Act, key: str) -> bool:
    """Whether this payment was taken off its card and waits in suspense to be posted where it belongs."""
    codes = [moved["code"] for moved in store_books.of_key(act.db, key)]
    return codes.count("withdraw") > codes.count("correct")


def proof(act: Act) -> dict[str, Any]:
    """The books laid open: balances as kept and as the legs say, what does not fit, and whether all of it is sound."""
    accounts = store_books.accounts(act.db)
    total = sum(one["balance"] for one in accounts)
    wrong = [one["name"] for one in accounts if one["balance"] != one["legs"]]
    lame = store_books.lame(act.db)
    transit = next(one["balance"] for one in accounts if one["name"] == TRANSIT)
    under_way = store_books.under_way(act.db)
    return {
        "sum": total,
        "sound": total == 0 and not wrong and not lame and transit == under_way,
        "transit": transit,
        "under_way": under_way,
        "wrong_balances": wrong,
        "lame_movements": lame,
        "accounts": accounts,
    }
