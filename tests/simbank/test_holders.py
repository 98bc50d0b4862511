"""Checks of names over the real wire: yes or no and what it is, signed like everything else; no name is ever told."""

from typing import Any

import pytest
from tests.bank import SimBank

from anhuan.kit import signing

CHECK = "/v1/holders/check"


def asked(bank: SimBank, kind: str, ref: str, name: str) -> Any:
    return bank.call("POST", CHECK, {"kind": kind, "ref": ref, "name": name})


@pytest.mark.parametrize(
    ("kind", "ref", "name", "said"),
    [
        ("funding", "lin", "林晓", {"match": "yes", "kind": "debit"}),
        ("funding", "lin", "林晓明", {"match": "no", "kind": "debit"}),
        ("funding", "lin", "", {"match": "no", "kind": "debit"}),
        ("card", "card-1", "林晓", {"match": "yes", "kind": "credit"}),
        ("card", "card-1", "张三", {"match": "no", "kind": "credit"}),
        ("funding", "card-1", "林晓", {"match": "yes", "kind": "credit"}),  # a card offered as a source is told as one
        ("card", "lin", "林晓", {"match": "yes", "kind": "debit"}),
    ],
)
def test_the_bank_says_whether_a_name_is_the_holders_and_what_the_thing_is(
    bank: SimBank, kind: str, ref: str, name: str, said: dict[str, str]
) -> None:
    answer = asked(bank, kind, ref, name)
    assert (answer.status, answer.json) == (200, said)


def test_what_is_not_of_this_bank_is_not_found_and_no_answer_tells_a_name(bank: SimBank) -> None:
    assert asked(bank, "funding", "nobody", "林晓").status == 404
    assert asked(bank, "funding", "transit", "林晓").status == 404  # the bank's own books are nobody's funding
    for kind, ref in (("funding", "lin"), ("card", "card-1")):
        assert "林晓" not in asked(bank, kind, ref, "张三").body.decode()


@pytest.mark.parametrize("body", [
    {"kind": "wallet", "ref": "lin", "name": "林晓"},
    {"kind": "card", "ref": "", "name": "林晓"},
    {"kind": "card", "ref": "card-1"},
    {"kind": "card", "ref": "card-1", "name": "林" * 65},
    {"kind": "card", "ref": "card-1", "name": "林晓", "also": 1},
])  # fmt: skip
def test_a_check_of_another_shape_is_refused(bank: SimBank, body: dict[str, Any]) -> None:
    assert bank.call("POST", CHECK, body).json["code"] == "bad_request"


def test_a_check_signed_over_other_bytes_is_not_heard(bank: SimBank) -> None:
    head = signing.sign(bank.key, bank.partner, "POST", CHECK, b"another body", now=bank.now)
    said = bank.call("POST", CHECK, {"kind": "funding", "ref": "lin", "name": "林晓"}, head=head)
    assert said.status == 401
    assert "match" not in said.json
