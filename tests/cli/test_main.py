"""The command line as a person meets it: quick help, one line of bad news, never a trace."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "fastapi",
    "uvicorn",
    "sqlalchemy",
    "psycopg",
    "alembic",
    "highspy",
    "numpy",
    "pypdfium2",
    "jinja2",
)


def anhuan(*args: str, home: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as its own process, with its own data folder."""
    return subprocess.run(
        [sys.executable, "-m", "anhuan.cli", *args],
        capture_output=True, text=True, timeout=100, check=False, env=os.environ | {"ANHUAN_HOME": str(home)} | env,
    )  # fmt: skip


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "anhuan.cli", "--help"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    imported = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert "typer" in imported, "the list of imports was not read"
    assert imported.isdisjoint(HEAVY)
    assert "serve" in done.stdout


def test_a_setting_that_cannot_be_meant_is_named_in_one_line(tmp_path: Path) -> None:
    done = anhuan("db", "status", home=tmp_path, ANHUAN_PORT="eighty")
    assert done.returncode == 1
    assert done.stderr.startswith("anhuan: ANHUAN_PORT: ")
    assert len(done.stderr.splitlines()) == 1


def test_an_unknown_command_is_misuse(tmp_path: Path) -> None:
    done = anhuan("bilsl", home=tmp_path)
    assert done.returncode == 2
    assert "No such command" in done.stderr


def test_an_unexpected_fault_leaves_its_trace_in_a_file_and_one_line_for_the_person(tmp_path: Path) -> None:
    (tmp_path / "access.json").write_text("{ this is no JSON")
    done = anhuan("db", "status", home=tmp_path)
    assert done.returncode == 70
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr + done.stdout
    assert "JSONDecodeError" in (tmp_path / "faults.log").read_text()


@pytest.mark.parametrize("command", ["start", "stop"])
def test_somebodys_server_is_not_ours_to_start_or_stop(command: str, tmp_path: Path) -> None:
    done = anhuan("db", command, home=tmp_path, DATABASE_URL="postgresql://localhost:1/none")
    assert done.returncode == 1
    assert "DATABASE_URL" in done.stderr


def test_a_silent_server_is_bad_news_in_one_line(tmp_path: Path) -> None:
    done = anhuan("db", "status", home=tmp_path, DATABASE_URL="postgresql://anhuan_app:x@127.0.0.1:1/anhuan")
    assert done.returncode == 1
    assert "does not answer" in done.stderr
    assert len(done.stderr.splitlines()) == 1
