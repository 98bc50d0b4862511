"""Callbacks: what the bank says without being asked, true or forged, once, thrice, too late or never.

They are written beside the payment in its transaction and sent afterwards, in order, one at a time; an answer other
than 2xx is tried again by the bank's own clock.
"""

import json
import threading
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from anhuan.kit import fetch, signing
from anhuan.kit.clock import CHINA
from anhuan.kit.errors import Bad
from anhuan.simbank import courses, store_agenda
from anhuan.simbank.courses import Say
from anhuan.simbank.dice import Dice
from anhuan.simbank.house import KEY_ID, Act, Bank
from anhuan.simbank.model import Payment, State

SECONDS: Final = 5.0  # for one callback to be answered
_STRANGER: Final = "simbank-9"  # a key id that nobody was told of
_LONG_AGO: Final = timedelta(hours=1)


def announce(act: Act, payment: Payment, when: str) -> None:
    """Plan what is said at this point of a payment's way: `taken`, `final` or `event`; nothing without an address."""
    if act.callback_url is None:
        return
    for place, say in enumerate(_says(payment, when)):
        event_id = str(act.dice.uuid("event", payment.key, when, place))
        due = act.now + timedelta(seconds=say.after)
        for _ in range(say.times):
            store_agenda.add_callback(
                act.db, event_id=event_id, key=payment.key, state=say.state, variant=say.variant,
                at=due - timedelta(seconds=say.told_before), due_at=due,
            )  # fmt: skip


def _says(payment: Payment, when: str) -> tuple[Say, ...]:
    if when == "event":
        return (Say(str(payment.event_kind), when),)
    planned = courses.read(payment.course).callbacks
    if payment.state is State.FAILED or planned is None:
        return (Say(payment.state.value),) if when == "final" else ()
    return tuple(say for say in planned if say.when == when)


class Sender:
    """Sends what is due; a lock keeps two threads from sending the same callback."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self._one_at_a_time = threading.Lock()

    def send_due(self) -> int:
        """Send everything that is due by the bank's clock, in order; tells how many went out."""
        sent = 0
        with self._one_at_a_time:
            while self._send_one():
                sent += 1
        return sent

    def _send_one(self) -> bool:
        with self.bank.act() as act:
            row, url = store_agenda.callback_due(act.db, act.now), act.callback_url
            dice = act.dice
            if row is None:
                return False
            if url is None:
                store_agenda.callback_tried(act.db, row["seq"], answered=None, done_at=act.now, again_at=None)
                return True
        answered = self._post(url, row, dice)
        with self.bank.act() as act:
            heard = answered is not None and 200 <= answered < 300
            pauses = act.profile.callback_pauses
            # A forgery is sent once: whoever forges does not wait to be believed.
            last = heard or row["variant"] != "true" or row["tries"] >= len(pauses)
            again = None if last else act.now + timedelta(seconds=pauses[row["tries"]])
            done = act.now if last else None
            store_agenda.callback_tried(act.db, row["seq"], answered=answered, done_at=done, again_at=again)
        return True

    def _post(self, url: str, row: dict[str, Any], dice: Dice) -> int | None:
        body = _body(row, row["state"])
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        nonce = dice.token("callback", row["event_id"], row["seq"], row["tries"])
        headers = self._sign(row["variant"], dice, path, body, nonce)
        if row["variant"] == "changed_body":
            body = _body(row, "success" if row["state"] == "failed" else "failed")
        headers["content-type"] = "application/json"
        try:
            return fetch.fetch_here(url, method="POST", body=body, headers=headers, seconds=SECONDS).status
        except Bad:
            return None

    def _sign(self, variant: str, dice: Dice, path: str, body: bytes, nonce: str) -> dict[str, str]:
        now = self.bank.wire_now()
        key, key_id = self.bank.sign_key, KEY_ID
        if variant in ("unknown_key", "wrong_key"):
            key = Ed25519PrivateKey.from_private_bytes(dice.bytes("forger"))
        if variant == "unknown_key":
            key_id = _STRANGER
        return signing.sign(
            key, key_id, "POST", path, body, now=now - _LONG_AGO if variant == "old" else now, nonce=nonce
        )


def _body(row: dict[str, Any], state: str) -> bytes:
    at = row["at"].astimezone(CHINA).isoformat(timespec="seconds")
    return json.dumps({"event_id": row["event_id"], "key": row["key"], "state": state, "at": at}).encode()
