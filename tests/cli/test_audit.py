"""`anhuan audit` as a person uses it: sign, check, find what somebody changed in the database, hand out a pack."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from anhuan.kit import clock, postgres


def anhuan(home: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as its own process, on its own data folder, in English."""
    return subprocess.run(
        [sys.executable, "-m", "anhuan.cli", *args], capture_output=True, text=True, timeout=100, check=False,
        env=os.environ | {"ANHUAN_HOME": str(home), "LANG": "en_US.UTF-8", "LC_ALL": "en_US.UTF-8"},
    )  # fmt: skip


@pytest.fixture
def house(tmp_path: Path) -> Iterator[tuple[Path, postgres.Access]]:
    """An installation whose server runs while the test does."""
    tmp_path.chmod(0o711)
    place = tmp_path / "home"
    server = postgres.Embedded(place)
    access = server.join()
    assert anhuan(place, "db", "migrate").returncode == 0
    yield place, access
    server.leave()


@pytest.mark.scope("S1-32", "S3-18")
@pytest.mark.timeout(400)
def test_a_log_is_sealed_checked_tampered_with_and_packed(house: tuple[Path, postgres.Access], tmp_path: Path) -> None:
    home, access = house
    assert "made when the first root is signed" in anhuan(home, "audit", "key").stdout
    assert anhuan(home, "audit", "key", "--renew").stdout.count("BEGIN PUBLIC KEY") == 1  # which is itself a record

    sealed = anhuan(home, "audit", "seal", "--now")
    assert sealed.returncode == 0, sealed.stderr
    assert sealed.stdout.splitlines()[0] == "1 records linked"
    assert sealed.stdout.splitlines()[1].startswith("root 1: until ")
    assert anhuan(home, "audit", "seal", "--now").stdout.splitlines() == ["0 records linked", "no root is due"]

    whole = anhuan(home, "audit", "verify")
    assert (whole.returncode, whole.stdout.splitlines()) == (0, [
        "1 records checked, the chain ends at place 1; 1 signed roots cover all up to place 1; 0 records wait to be"
        " linked",
        "nothing is wrong",
    ]), whole.stderr  # fmt: skip

    out = tmp_path / "pack.zip"
    today = clock.today().isoformat()
    packed = anhuan(home, "audit", "pack", str(out), "--from", today, "--to", today)
    assert packed.returncode == 0, packed.stderr
    assert {"README.md", "check.py", "rows.jsonl", "roots.jsonl"} <= set(zipfile.ZipFile(out).namelist())
    again = anhuan(home, "audit", "pack", str(out), "--from", today, "--to", today)
    assert (again.returncode, "[audit.bad_pack]" in again.stderr) == (1, True)

    with psycopg.connect(access.owner, autocommit=True) as superuser:
        superuser.execute("UPDATE audit_log SET payload = replace(payload, 'key.made', 'key.lost') WHERE number = 1")
    found = anhuan(home, "audit", "verify")
    assert found.returncode == 1
    assert found.stdout.splitlines()[0] == (
        "Record 1 was changed: it no longer has the hash that stands in the chain (place 1)."
    )
    told = json.loads(anhuan(home, "audit", "verify", "--json").stdout)
    assert (told["whole"], told["records"]) == (False, 2)  # that a pack was made is a record too
    assert [(one["kind"], one["number"]) for one in told["findings"]] == [("row_changed", 1)]
