"""What a newcomer types: make explains itself, and the wheel carries everything that the program needs."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


@pytest.mark.parametrize(("answer", "sentence"), [
    ("sys.version_info", "needs Python 3.11 or newer"),   # too old
    ("ensurepip", "apt-get install python3-venv"),        # Debian's python3 without the package
])  # fmt: skip
def test_setup_says_in_one_sentence_what_is_missing(top: Path, tmp_path: Path, answer: str, sentence: str) -> None:
    shutil.copy(top / "Makefile", tmp_path)
    shutil.copytree(top / "requirements", tmp_path / "requirements")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ncase "$*" in *{answer}*) exit 1;; *--version*) echo Python 3.9.2;; esac\n')
    python.chmod(0o755)
    done = subprocess.run(
        ["make", "setup", f"PYTHON={python}"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert sentence in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_every_target_that_make_explains_exists(top: Path) -> None:
    makefile = (top / "Makefile").read_text()
    explained = set(re.findall(r'@echo "make (\w+) ', makefile))
    assert {"run", "test", "check", "bench", "lock"} <= explained
    assert explained <= set(re.findall(r"^(\w+):", makefile, re.MULTILINE))


def test_the_wheel_carries_migrations_pages_and_seeds(top: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=top, capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    wanted = {f"anhuan/migrations/versions/{file.name}" for file in (top / "migrations/versions").glob("0*.py")}
    wanted |= {f"anhuan/kit/seeds/{file.name}" for file in (top / "src/anhuan/kit/seeds").glob("*.*")}
    wanted |= {"anhuan/migrations/env.py", "anhuan/web/static/kit/htmx.min.js", "anhuan/py.typed"}
    assert wanted <= inside
    assert not [name for name in inside if "__pycache__" in name or name.startswith("tests")]
