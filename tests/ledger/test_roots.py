"""Signed roots of the ledger: one when a chain moved, the same in table, file and sink, and none that lies."""

import hashlib
import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from tests.ledger.books import Books, take

from anhuan.kit import audit, audit_key, audit_roots, clock, ids
from anhuan.kit import db as database
from anhuan.kit.actors import Actor, ActorKind
from anhuan.ledger import root_bytes, roots, store_proof
from anhuan.ledger.root_bytes import End, Root


def in_table() -> list[Root]:
    """Every root in the database."""
    with database.sessions("work").begin() as session:
        return store_proof.roots(session)


def test_a_root_is_signed_only_when_a_chain_moved(own_books: Books) -> None:
    assert own_books.sign() is None
    assert not (own_books.home / "keys").exists()  # the key is made when the first root is signed
    first, second = own_books.people
    own_books.post(first, take(first, 100))
    one = own_books.sign()
    assert one is not None
    assert own_books.sign() is None
    own_books.post(second, take(second, 100))
    two = own_books.sign()
    assert two is not None
    assert (one.no, two.no, two.prev) == (1, 2, one.hash)
    assert [end.shard for end in two.heads if end.batch_no] == [3, 7]
    assert in_table() == [one, two] == roots.in_file(roots.roots_file(own_books.home))
    assert stat.S_IMODE(roots.roots_file(own_books.home).stat().st_mode) == 0o600


def test_the_hash_is_that_of_the_page_and_the_signature_that_of_the_audit_key(own_books: Books) -> None:
    person = own_books.people[0]
    own_books.post(person, take(person, 100))
    root = own_books.sign()
    assert root is not None
    parts = [(end.shard.to_bytes(2, "big") + end.batch_no.to_bytes(8, "big") + end.hash) for end in root.heads]
    assert [end.shard for end in root.heads] == list(range(16))
    assert root.hash == hashlib.sha256(bytes.fromhex(root_bytes.FIRST) + b"".join(parts)).hexdigest()
    (key,) = audit_key.known_keys(own_books.home).values()
    assert audit_key.holds(key, root.line, bytes.fromhex(root.signature))
    assert root.line.split(" ")[:2] == ["anhuan-ledger-root-1", "1"]


def test_a_root_names_the_end_of_the_audit_log(own_books: Books) -> None:
    person = own_books.people[0]
    with database.transaction() as session:
        audit.write(session, Actor(ActorKind.COMMAND), "command.run", f"person:{person}", {}, now=clock.now())
    audit_roots.link_waiting()
    own_books.post(person, take(person, 100))
    root = own_books.sign()
    assert root is not None
    assert root.audit_place == 1
    assert own_books.kinds() == set()
    own_books.sql("UPDATE audit_chain SET link = sha256('x')")
    assert own_books.kinds() == {"root_audit"}


def test_many_at_once_sign_one_root(own_books: Books) -> None:
    person = own_books.people[0]
    own_books.post(person, take(person, 100))
    with ThreadPoolExecutor(4) as crowd:
        made = list(crowd.map(lambda _: own_books.sign(), range(8)))
    assert len([one for one in made if one is not None]) == 1
    assert len(in_table()) == len(roots.in_file(roots.roots_file(own_books.home))) == 1


def test_the_database_refuses_a_root_that_does_not_say_what_the_chains_say(own_books: Books) -> None:
    person = own_books.people[0]
    own_books.post(person, take(person, 100))
    own_books.post(person, take(person, 100))
    first = own_books.sign()
    assert first is not None
    own_books.post(person, take(person, 100))
    signer = audit_key.signer(own_books.home, may_make=False)
    with database.sessions("work").begin() as session:
        true = replace(first, no=2, at=audit_at(), heads=store_proof.ends(session), prev=first.hash)
    ends = true.heads
    wrong: dict[str, dict[str, Any]] = {
        "another number": {"no": 3},
        "another root before": {"prev": "11" * 32},
        "a head that is no batch": {"heads": (*ends[:3], End(3, 3, bytes(32)), *ends[4:])},
        "a shard left out": {"heads": ends[:-1]},
        "a shard twice": {"heads": (*ends[:-1], ends[0])},
        "a head behind that of the root before": {"heads": (*ends[:3], End(3, 1, seal(own_books, 1)), *ends[4:])},
        "a link that is none": {"audit_link": "22" * 32},
        "no later than the root before": {"at": first.at},
    }
    for lie, change in wrong.items():
        root = replace(true, **change)
        with pytest.raises(DBAPIError) as refused:
            keep(replace(root, signature=signer.sign(root.line).hex()))
        assert getattr(refused.value.orig, "sqlstate", "") == "23514", lie
    keep(replace(true, signature=signer.sign(true.line).hex()))


def audit_at() -> str:
    """This moment as a root writes it."""
    from anhuan.kit import audit_bytes

    return audit_bytes.moment(clock.now())


def seal(books: Books, number: int) -> bytes:
    """The hash of a batch of lane 3."""
    return bytes(books.sql("SELECT hash FROM ledger.seal WHERE shard = 3 AND batch_no = %s", number)[0])


def keep(root: Root) -> None:
    """As the worker would."""
    with database.sessions("work").begin() as session:
        store_proof.keep_root(session, root)


def test_nobody_but_the_worker_keeps_roots_and_nobody_changes_one(own_books: Books) -> None:
    person = own_books.people[0]
    own_books.post(person, take(person, 100))
    root = own_books.sign()
    assert root is not None
    for login in ("app", "desk", "audit"):
        with pytest.raises(DBAPIError, match="permission denied"), database.sessions(login).begin() as session:
            store_proof.keep_root(session, root)
    for statement in ("UPDATE ledger.root SET no = 2", "DELETE FROM ledger.root", "TRUNCATE ledger.root"):
        with pytest.raises(DBAPIError, match="permission denied"), database.sessions("work").begin() as session:
            session.connection().exec_driver_sql(statement)


def test_the_sink_gets_every_root_once_and_what_it_refused_again(
    own_books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = own_books.home / "taken.jsonl"
    person = own_books.people[0]
    monkeypatch.setenv("ANHUAN_AUDIT_SINK", "false")
    own_books.post(person, take(person, 100))
    with pytest.raises(roots.SinkFailed):
        own_books.sign()
    assert len(in_table()) == 1
    monkeypatch.setenv("ANHUAN_AUDIT_SINK", f"tee -a {taken}")
    own_books.post(person, take(person, 100))
    own_books.sign()
    own_books.sign()
    assert [root_bytes.read(line).no for line in taken.read_text().splitlines()] == [1, 2]


def test_a_line_that_a_crash_tore_is_written_again(own_books: Books) -> None:
    person = own_books.people[0]
    own_books.post(person, take(person, 100))
    own_books.sign()
    file = roots.roots_file(own_books.home)
    whole = file.read_text()
    for cut in (1, len(whole) // 2, len(whole) - 1):
        file.write_text(whole[:cut])
        own_books.sign()
        assert len(roots.in_file(file)) == 1, cut
    file.unlink()
    own_books.sign()
    assert file.read_text() == whole


def test_nothing_is_added_while_file_and_table_disagree(own_books: Books) -> None:
    person = own_books.people[0]
    own_books.post(person, take(person, 100))
    root = own_books.sign()
    assert root is not None
    file = roots.roots_file(own_books.home)
    file.write_text(replace(root, audit_link="33" * 32).json + "\n")
    own_books.post(person, take(person, 100))
    with pytest.raises(roots.RootsDisagree):
        own_books.sign()
    assert {"root_differs", "root_forged"} <= own_books.kinds()


def test_only_the_end_of_a_long_file_is_read_to_know_what_it_has(
    own_books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = own_books.people[0]
    monkeypatch.setattr(roots, "TAIL_BYTES", 3000)  # less than two roots
    for _ in range(5):
        own_books.post(person, take(person, 100))
        own_books.sign()
    assert [root.no for root in roots.in_file(roots.roots_file(own_books.home))] == [1, 2, 3, 4, 5]
    assert own_books.kinds() == set()


ROOTS = {
    "a root in the table": ("UPDATE ledger.root SET audit_place = audit_place + 1", {"root_differs", "root_forged"}),
    "the hash of a root": ("UPDATE ledger.root SET hash = sha256('x')", {"root_differs", "root_forged"}),
    "the roots of the table gone": ("DELETE FROM ledger.root", {"root_gone"}),
}


@pytest.mark.parametrize("what", ROOTS)
def test_whoever_changes_a_root_is_found(books: Books, what: str) -> None:
    statement, expected = ROOTS[what]
    books.sql(statement)
    assert books.kinds() == expected


def test_a_root_that_others_signed_is_found(books: Books, tmp_path: Path) -> None:
    forger = audit_key.make(tmp_path / "elsewhere")
    (root,) = roots.in_file(roots.roots_file(books.home))
    forged = replace(root, key_id=forger.key_id)
    forged = replace(forged, signature=forger.sign(forged.line).hex())
    assert books.kinds(file_roots=[forged]) == {"root_stranger", "root_differs"}
    assert books.kinds(file_roots=[replace(root, signature=forger.sign(root.line).hex())]) == {
        "root_forged", "root_differs",
    }  # fmt: skip


def test_a_root_kept_elsewhere_finds_what_file_and_table_together_hide(books: Books) -> None:
    kept = roots.in_file(roots.roots_file(books.home))
    books.sql("DELETE FROM ledger.root")
    roots.roots_file(books.home).unlink()
    for table in ("posting", "seal"):
        books.sql(f"DELETE FROM ledger.{table} WHERE shard = 3 AND batch_no > 12")
    books.sql("UPDATE ledger.shard_head SET batch_no = 12, hash = (SELECT hash FROM ledger.seal WHERE shard = 3"
              " AND batch_no = 12) WHERE shard = 3")  # fmt: skip
    assert not {"truncated", "root_gone"} & books.kinds()
    assert {"truncated", "root_gone"} <= books.kinds(file_roots=kept)


def test_what_is_no_root_is_not_read_as_one(books: Books) -> None:
    (root,) = roots.in_file(roots.roots_file(books.home))
    said = json.loads(root.json)
    assert root_bytes.read(root.json) == root
    bad: list[Any] = [
        "", "{}", "[]", "1", root.json[:-2],
        said | {"signature": "00"}, said | {"heads": said["heads"][:-1]}, said | {"line": said["line"] + " "},
        said | {"heads": [[0, 1, "00" * 32], *said["heads"][1:]]}, said | {"line": said["line"].replace("-1", "-2", 1)},
        said | {"heads": [*said["heads"], said["heads"][0]]}, said | {"heads": None},
    ]  # fmt: skip
    for entry in bad:
        with pytest.raises(ValueError):  # noqa: PT011 - whatever is wrong with it
            root_bytes.read(entry)


def test_the_file_belongs_to_this_user_alone(books: Books) -> None:
    assert os.stat(roots.roots_file(books.home).parent).st_mode & 0o077 == 0
    assert ids.new_id() != ids.new_id()
