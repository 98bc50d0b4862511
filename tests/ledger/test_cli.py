"""`anhuan ledger` as a person uses it: sign, check, find what was changed, statements, the proof of a posting."""

import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest
from tests.ledger.books import Books, arrive, bank, take
from typer.testing import CliRunner

from anhuan import ledger
from anhuan.kit import db as database
from anhuan.kit import ids, wall
from anhuan.ledger import cli

ME = ids.LOCAL_USER


@pytest.fixture
def mine(own_books: Books, monkeypatch: pytest.MonkeyPatch) -> Books:
    """Books with postings of the person of this command line."""
    monkeypatch.setenv("ANHUAN_HOME", str(own_books.home))
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    own_books.post(ME, take(ME, 50_000), arrive(ME, 49_950))
    own_books.people = [ME]
    return own_books


def run(*args: str) -> tuple[int, str]:
    """Exit code and output; a refusal is its code."""
    done = CliRunner().invoke(cli.app, list(args))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        return 1, getattr(done.exception, "code", repr(done.exception))
    return done.exit_code, done.stdout


def some_posting() -> UUID:
    """The first of mine."""
    with database.transaction() as db:
        wall.enter(db, party=ME, person=ME)
        return ledger.entries(db, bank(ME), at_most=1)[0].id


def test_the_books_are_signed_checked_and_what_was_changed_is_told(mine: Books) -> None:
    assert run("root") == (0, "no root was signed yet\n")
    code, said = run("root", "--now")
    assert (code, said.split(",")[0][:8]) == (0, "root 1: ")
    assert run("root", "--now") == (0, "no chain moved since the last root\n")
    assert run("root")[1].startswith("the newest: root 1, ")
    assert json.loads(run("root", "--json")[1])["line"].startswith("anhuan-ledger-root-1 1 ")

    code, said = run("verify")
    assert code == 0
    assert said.startswith(
        "2 postings in 1 batches, 3 accounts, 0 open holds, 16 shards checked; 1 signed roots cover 1"
    )
    assert said.endswith("nothing is wrong\n")
    assert run("verify", "--from-root", "0")[1].startswith("from signed root 1 on\n0 postings")
    assert run("verify", "--from-genesis", "--from-root", "0")[1].startswith("2 postings")
    assert run("verify", "--from-root", "9") == (1, "ledger.no_such_root")

    mine.sql("UPDATE ledger.posting SET amount = amount + 1 WHERE line = 1")
    code, said = run("verify")
    assert code == 1
    assert "[10] Batch 1 of shard " in said
    assert "[2] Account " in said
    told = json.loads(run("verify", "--json")[1])
    assert (told["whole"], {one["law"] for one in told["findings"]}) == (False, {"2", "10"})


def test_a_person_reads_statement_accounts_and_posting(mine: Books, tmp_path: Path) -> None:
    run("root", "--now")
    code, said = run("statement")
    assert code == 0
    assert "posted repayment taken" in said
    assert "which covers every entry above" in said
    out = tmp_path / "statement.csv"
    assert run("statement", "--format", "csv", "--out", str(out)) == (0, f"{out}\n")
    assert out.read_bytes().startswith(b"\xef\xbb\xbfaccount,")
    assert run("statement", "--out", str(out)) == (1, "ledger.file_exists")
    assert len(json.loads(run("statement", "--format", "json")[1])["accounts"]) == 2
    assert run("statement", "--from", "2026-11-22", "--to", "2026-11-21") == (1, "ledger.bad_period")
    assert [row["posted"] for row in json.loads(run("accounts", "--json")[1])] == [-50_000, 49_950]
    assert [row["posted"] for row in json.loads(run("as-of", "2020-01-01", "--json")[1])] == [0, 0]
    assert "499.50" in run("accounts")[1]
    code, said = run("posting", str(some_posting()))
    assert code == 0
    assert "amount     50000" in said
    assert "covered by signed root 1" in said
    assert run("posting", str(ids.new_id())) == (1, "ledger.no_such_posting")


def test_the_house_reads_its_statement(mine: Books) -> None:
    code, said = run("house-statement", "CNY/tracked")
    assert code == 0
    assert "the 3 accounts of CNY/tracked in shard" in said
    assert "come to 0" in said
    shard, number = mine.sql("SELECT shard, id FROM ledger.account WHERE kind = 3")
    assert f"account {shard}/{number}  transit simbank" in run("house-statement", "--account", f"{shard}/{number}")[1]
    for wrong in ("x", "3", "3/x", "-1/2", "3/999999"):
        assert run("house-statement", "--account", wrong) == (1, "ledger.no_such_account")
    assert run("house-statement", "CNY/x") == (1, "ledger.no_such_account")


def test_a_proof_is_written_and_checked_elsewhere(mine: Books, tmp_path: Path) -> None:
    posting, file = some_posting(), tmp_path / "proof.json"
    assert run("proof", str(posting), "--file", str(file)) == (1, "ledger.not_signed_yet")
    run("root", "--now")
    assert run("proof", str(posting), "--file", str(file)) == (0, f"the proof is in {file}\n")
    assert run("proof", str(posting), "--file", str(file)) == (1, "ledger.file_exists")
    away = tmp_path / "the-auditors-keys"
    away.mkdir()
    for key in (mine.home / "keys").glob("*.pub.pem"):
        (away / key.name).write_bytes(key.read_bytes())
    checked = anhuan(tmp_path / "nowhere", "ledger", "check-proof", str(file), "--keys", str(away))
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.startswith("the proof holds: this posting stood in the books when root 1 was signed")
    file.write_text(file.read_text().replace('"line": 1', '"line": 2'))
    bad = anhuan(tmp_path / "nowhere", "ledger", "check-proof", str(file), "--keys", str(away))
    assert (bad.returncode, "[ledger.bad_proof]" in bad.stderr) == (1, True)
    assert not (tmp_path / "nowhere" / "postgres").exists()  # no database was asked


def anhuan(home: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """The command line as its own process, on a data folder that has nothing."""
    return subprocess.run(
        [sys.executable, "-m", "anhuan.cli", *args], capture_output=True, text=True, timeout=100, check=False,
        env=os.environ | {"ANHUAN_HOME": str(home), "LANG": "en_US.UTF-8", "LC_ALL": "en_US.UTF-8"},
    )  # fmt: skip
