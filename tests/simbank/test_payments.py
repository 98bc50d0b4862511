"""Payments over the real wire: taken once, asked about, moved by the clock, refused for good."""

from tests.bank import SimBank


def test_a_payment_is_taken_and_stands_on_the_card(bank: SimBank) -> None:
    said = bank.pay("k1")
    assert said["state"] == "success"
    assert said["amount"] == 50_000
    assert bank.ask("k1").json == said
    assert [(one["kind"], one["amount"], one["key"]) for one in bank.postings()] == [("payment", 50_000, "k1")]
    assert bank.books()["sound"]
