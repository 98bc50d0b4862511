"""The auditor's pack, checked by exactly the steps that its README documents, with no program of ours."""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from anhuan.kit import audit, audit_key, audit_pack, audit_roots, clock, ids
from anhuan.kit import db as database
from anhuan.kit.actors import Actor, ActorKind, Strength

GOOD = "Signature Verified Successfully"


def write(count: int) -> None:
    """Records of one operator."""
    actor = Actor(ActorKind.PERSON, person_id=ids.new_id(), strength=Strength.PASSKEY, roles=frozenset({"support"}))
    with database.transaction() as session:
        for number in range(count):
            audit.write(session, actor, "person.read", f"person:{ids.new_id()}", {"fields": number}, now=clock.now())


def packed(home: Path, name: str = "pack.zip") -> Path:
    """The pack of yesterday and today, unpacked."""
    out = home / name
    with database.sessions("audit").begin() as session:
        audit_pack.pack(
            session, out, first_day=clock.today() - timedelta(days=1), last_day=clock.today(),
            keys=audit_key.known_keys(home),
        )  # fmt: skip
    folder = home / name.removesuffix(".zip")
    with zipfile.ZipFile(out) as archive:
        archive.extractall(folder)
    return folder


def steps(folder: Path) -> list[str]:
    """The commands of the README, step by step."""
    return re.findall(r"```sh\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.DOTALL)


def follow(folder: Path) -> list[subprocess.CompletedProcess[str]]:
    """Do what the README says, as a person with bash, openssl and python3 would."""
    isolated = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "PYTHONNOUSERSITE": "1", "LC_ALL": "C.UTF-8"}
    return [
        subprocess.run(["bash", "-c", step], cwd=folder, capture_output=True, text=True, check=False, env=isolated)
        for step in steps(folder)
    ]


@pytest.fixture
def pack(own_database: Engine, tmp_path: Path) -> Path:
    write(5)
    audit_roots.seal_due(now=clock.now(), home=tmp_path, today_too=True)
    write(4)
    audit_roots.seal_due(now=clock.now(), home=tmp_path, today_too=True)
    return packed(tmp_path)


@pytest.mark.scope("S1-32", "S3-18")
def test_the_documented_steps_pass_on_a_pack(pack: Path) -> None:
    key, signatures, chain, by_hand = follow(pack)
    (name,) = [one.stem for one in (pack / "keys").iterdir()]
    assert key.stdout.splitlines()[1].startswith(name)
    assert (signatures.returncode, signatures.stdout.splitlines()) == (0, [GOOD, GOOD]), signatures.stderr
    assert (chain.returncode, chain.stdout.splitlines()) == (
        0, ["places 1 to 9; a signed root covers all up to place 9", "nothing is wrong"],
    )  # fmt: skip
    row_hash, link_line, link_hash, link = by_hand.stdout.splitlines()
    assert row_hash in link_line
    assert link_hash == link


def change_row(pack: Path, at: int, change: Callable[[dict[str, Any]], None]) -> None:
    """Change one line of rows.jsonl."""
    lines = (pack / "rows.jsonl").read_text().splitlines()
    said = json.loads(lines[at])
    change(said)
    lines[at] = json.dumps(said)
    (pack / "rows.jsonl").write_text("\n".join(lines) + "\n")


def drop_row(pack: Path, at: int) -> None:
    """Take one line out of rows.jsonl."""
    lines = (pack / "rows.jsonl").read_text().splitlines()
    del lines[at]
    (pack / "rows.jsonl").write_text("\n".join(lines) + "\n")


def swap_rows(pack: Path, one: int, other: int) -> None:
    """Exchange two lines of rows.jsonl."""
    lines = (pack / "rows.jsonl").read_text().splitlines()
    lines[one], lines[other] = lines[other], lines[one]
    (pack / "rows.jsonl").write_text("\n".join(lines) + "\n")


def forged_root(pack: Path) -> None:
    """Another end of the chain in the second root, in the file and in the signed text alike."""
    text = (pack / "roots" / "2.txt").read_text()
    forged = text.replace(text.split(" ")[5], "ab" * 32)
    (pack / "roots" / "2.txt").write_text(forged)
    (pack / "roots.jsonl").write_text((pack / "roots.jsonl").read_text().replace(text, forged))


@pytest.mark.parametrize(("tamper", "sentence"), [
    (lambda pack: change_row(pack, 3, lambda said: said.update(row=said["row"].replace("on.read", "on.frozen"))),
     "record 4 was changed (place 4)"),
    (lambda pack: change_row(pack, 3, lambda said: said.update(link_line=said["link_line"].replace(" 4 ", " 5 ", 1))),
     "place 5 does not follow on place 3"),
    (lambda pack: change_row(pack, 3, lambda said: said.update(link="00" * 32)), "the link at place 4 was changed"),
    (lambda pack: change_row(pack, 3, lambda said: said.update(row=None)), "record 4 is missing (place 4)"),
    (lambda pack: change_row(pack, 0, lambda said: said.update(link_line=said["link_line"][:-64] + "00" * 32)),
     "the chain does not begin with its genesis"),
    (lambda pack: drop_row(pack, 3), "place 5 does not follow on place 3"),
    (lambda pack: drop_row(pack, 8), "root 2 covers 9 links, the rows of this pack end at place 8"),
    (lambda pack: swap_rows(pack, 2, 6), "place 7 does not follow on place 2"),
    (lambda pack: (pack / "roots" / "2.txt").write_text("x"), "roots/2.txt is not what roots.jsonl says"),
    (forged_root, "the chain was rewritten: root 2 says otherwise"),
])  # fmt: skip
def test_the_documented_steps_find_a_tampered_pack(pack: Path, tamper: Callable[[Path], None], sentence: str) -> None:
    tamper(pack)
    _, _, chain, _ = follow(pack)
    assert chain.returncode == 1
    assert sentence in chain.stdout.splitlines()


def test_a_forged_root_fails_at_openssl(pack: Path) -> None:
    forged_root(pack)
    _, signatures, _, _ = follow(pack)
    assert signatures.returncode != 0
    assert signatures.stdout.splitlines().count(GOOD) == 1


def test_a_pack_begins_behind_the_root_before_its_days(own_database: Engine, tmp_path: Path) -> None:
    write(3)
    audit_roots.seal_due(now=clock.now(), home=tmp_path, today_too=True)
    with database.sessions("audit").begin() as session:
        later = clock.today() + timedelta(days=1)
        done = audit_pack.pack(session, tmp_path / "later.zip", first_day=later, last_day=later, keys={})
    assert (done.first, done.last, done.roots) == (4, 3, 1)  # no record, and the root that says so


def test_the_check_is_short_enough_to_be_read(pack: Path) -> None:
    check = (pack / "check.py").read_text()
    assert len(check.splitlines()) < 60
    imported = set(re.findall(r"^(?:import|from) (\w+)", check, re.MULTILINE))
    assert imported <= sys.stdlib_module_names


def test_the_same_days_give_the_same_bytes_and_an_old_pack_is_not_overwritten(pack: Path) -> None:
    home = pack.parent
    packed(home, "again.zip")
    assert (home / "again.zip").read_bytes() == (home / "pack.zip").read_bytes()
    with pytest.raises(audit_pack.BadDays):
        packed(home, "pack.zip")
