"""docs/AUDIT.md is followed word by word: its SQL as the auditor's role, its commands with programs of the system."""

import re
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from anhuan.kit import audit, audit_key, audit_roots, clock, ids
from anhuan.kit import db as database
from anhuan.kit.actors import Actor, ActorKind, Strength

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "AUDIT.md"


def blocks(kind: str) -> list[str]:
    """The fenced blocks of one kind."""
    found = re.findall(rf"```{kind}\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    return [re.sub(r"^   ", "", block, flags=re.MULTILINE) for block in found]


def shell(command: str, folder: Path, **env: str) -> str:
    """What the command prints."""
    return subprocess.run(
        ["bash", "-ec", command], cwd=folder, capture_output=True, text=True, check=True,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "LC_ALL": "C.UTF-8", **env},
    ).stdout  # fmt: skip


@pytest.mark.scope("S1-32")
def test_a_record_is_checked_by_hand_as_the_document_says(own_database: Engine, tmp_path: Path) -> None:
    who = Actor(ActorKind.PERSON, person_id=ids.new_id(), strength=Strength.PASSKEY)
    with database.transaction() as session:
        for number in (1, 2):
            audit.write(session, who, "person.read", f"person:{who.person_id}", {"turn": number}, now=clock.now())
    audit_roots.seal_due(now=clock.now(), home=tmp_path, today_too=True)
    record_sql, link_sql = blocks("sql")
    hash_record, hash_link, check_root = blocks("sh")
    for number in (1, 2):
        with database.sessions("audit")() as session:
            line = session.scalar(text(record_sql.replace("number = 1", f"number = {number}").replace(":", "\\:")))
            link_line = session.scalar(text(link_sql.replace("number = 1", f"number = {number}").replace(":", "\\:")))
            row_hash, link = session.execute(
                text("SELECT encode(row_hash, 'hex'), encode(link, 'hex') FROM audit_chain WHERE number = :number"),
                {"number": number},
            ).one()
        assert shell(hash_record, tmp_path, LINE=line).split()[0] == row_hash
        assert shell(hash_link, tmp_path, LINE=link_line).split()[0] == link

    (key,) = audit_key.known_keys(tmp_path).values()
    (tmp_path / "audit-key.pem").write_bytes(audit_key.public_pem(key))
    (tmp_path / "roots.jsonl").write_bytes(audit_roots.roots_file(tmp_path).read_bytes())
    assert "Signature Verified Successfully" in shell(check_root, tmp_path)
    assert (tmp_path / "root.txt").read_text().split(" ")[3:6:2] == ["2", link]


def test_the_document_names_every_table_and_command() -> None:
    said = DOCUMENT.read_text(encoding="utf-8")
    for name in ("audit_log", "audit_waiting", "audit_chain", "audit_head", "audit_roots"):
        assert f"`{name}`" in said
    from anhuan.cli import audit as door

    for command in door.app.registered_commands:
        assert command.callback is not None
        assert f"anhuan audit {command.callback.__name__}" in said
