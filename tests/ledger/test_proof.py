"""The proof of one posting: made by the auditor, checked by anybody with public keys alone; a changed one fails."""

import base64
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.ledger.books import Books, take

from anhuan.kit import audit_key, ids, wall
from anhuan.kit import db as database
from anhuan.ledger import proof


def prove(posting: UUID) -> str:
    """As the auditor's login."""
    with database.sessions("audit").begin() as session:
        return proof.prove(session, posting)


def some_posting(books: Books) -> UUID:
    """One from the middle of lane 3, some batches before the root."""
    found: UUID = books.sql("SELECT id FROM ledger.posting WHERE shard = 3 AND batch_no = 11 AND line = 2")[0]
    return found


@pytest.mark.scope("S2-36")
def test_a_proof_holds_with_nothing_but_the_public_key(books: Books) -> None:
    posting = some_posting(books)
    text = prove(posting)
    place = proof.check(text, audit_key.known_keys(books.home))
    assert place.root is not None
    assert (place.id, place.shard, place.batch_no, place.line, place.root.no) == (posting, 3, 11, 2, 1)
    row = books.sql("SELECT amount, src, dst, ts, event_at, ref FROM ledger.posting WHERE id = %s", posting)
    said = proof.facts(place.row)
    assert (said["amount"], said["src"], said["dst"]) == row[:3]
    assert (said["ts"], said["event_at"], said["ref"]) == (row[3].isoformat(), None, None)
    assert len(json.loads(text)["batches"]) == 4  # its own, and three more to the end that the root names


def test_a_changed_proof_does_not_hold(books: Books, tmp_path: Path) -> None:
    keys = audit_key.known_keys(books.home)
    said: dict[str, Any] = json.loads(prove(some_posting(books)))
    rows = bytearray(base64.b64decode(said["batches"][0]))
    rows[50] ^= 1
    flipped = [base64.b64encode(rows).decode(), *said["batches"][1:]]
    root = said["root"]
    changes: dict[str, dict[str, Any]] = {
        "another kind of file": {"proof": "anhuan-ledger-proof-2"},
        "a flipped bit": {"batches": flipped},
        "a batch left out": {"batches": said["batches"][:-1]},
        "no batches": {"batches": []},
        "another beginning": {"before": "00" * 32},
        "another posting": {"posting": str(ids.new_id())},
        "another line": {"line": 1},
        "another batch": {"batch_no": 12},
        "another shard": {"shard": 7},
        "a signature of nobody": {"root": root | {"signature": "00" * 64}},
        "another time of signing": {"root": root | {"line": root["line"].replace("T", "U")}},
        "no root": {"root": None},
        "rubbish": {"batches": ["not base64!"]},
    }
    for change in changes.values():
        text = json.dumps(said | change)
        with pytest.raises(proof.BadProof):
            proof.check(text, keys)
    with pytest.raises(proof.BadProof, match="not known"):
        proof.check(json.dumps(said), {})
    for text in ("", "[]", "{", '"x"', "null"):
        with pytest.raises(proof.BadProof):
            proof.check(text, keys)


def test_a_proof_waits_for_a_root_and_needs_a_posting(books: Books) -> None:
    person = books.people[0]
    fresh = ids.new_id()
    books.post(person, take(person, 5, id=fresh))
    with pytest.raises(proof.NotSignedYet):
        prove(fresh)
    books.sign()
    assert proof.check(prove(fresh), audit_key.known_keys(books.home)).id == fresh
    with pytest.raises(proof.NoSuchPosting):
        prove(ids.new_id())


def test_the_first_root_that_covers_a_posting_is_found_among_many(books: Books) -> None:
    person = books.people[2]
    posted = []
    for _ in range(6):
        posted.append(ids.new_id())
        books.post(person, take(person, 5, id=posted[-1]))
        books.sign()
    with database.sessions("audit").begin() as session:
        numbers = [proof.place_of(session, one).root for one in posted]
    assert [root.no for root in numbers if root is not None] == [2, 3, 4, 5, 6, 7]


def test_people_see_where_their_own_posting_lies_and_nobody_elses(books: Books) -> None:
    posting = some_posting(books)
    owner, stranger = books.people[1], books.people[2]
    with database.transaction() as session:
        wall.enter(session, party=owner, person=owner)
        place = proof.place_of(session, posting)
        assert (place.batch_no, place.root is not None) == (11, True)
    with database.transaction() as session:
        wall.enter(session, party=stranger, person=stranger)
        with pytest.raises(proof.NoSuchPosting):
            proof.place_of(session, posting)


def test_a_proof_does_not_grow_without_end(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "MOST_ROWS", 3)
    with pytest.raises(proof.ProofTooLong):
        prove(some_posting(books))
