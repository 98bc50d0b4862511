"""Coverage-guided fuzzing of all readers: `make fuzz`, or `python -m bench.fuzz_readers SECONDS`.

Atheris instruments the readers and mutates small files of every kind; a file that trips a reader, or takes more than
ten seconds, is written to the folder `fuzz-found` and ends the run. Atheris is no part of the house's packages, it has
wheels for Linux and macOS alone: `.venv/bin/uv pip install atheris`. Without it the same seeds are changed at random.
"""

import importlib
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from anhuan.kit.errors import Bad

SEED = 20261122
SECONDS = 60
FOUND = Path("fuzz-found")
READERS = (
    "cells", "sheets", "headings", "signs", "kinds", "guess", "tabular", "export", "foreign_ofx", "foreign_mt940",
    "foreign_camt", "mime", "text", "bill_labels", "bill_rows", "bill_reader", "mail", "files",
)  # fmt: skip


def main(seconds: int) -> int:
    """Fuzz for some seconds; the exit code is 1 when a reader was tripped."""
    try:
        atheris = importlib.import_module("atheris")
    except ImportError:
        print("atheris is not installed (.venv/bin/uv pip install atheris): changing the seeds at random instead")
        return at_random(_starts(), seconds)
    return guided(atheris, seconds)


def _starts() -> list[bytes]:
    """The seeds; imported late, for what is imported before the instruments are set shows no coverage."""
    return list(importlib.import_module("tests.statements.seeds").texts())


def guided(atheris: Any, seconds: int) -> int:
    """Let libFuzzer lead; it ends the process itself, with code 0 when nothing was found."""
    with atheris.instrument_imports(include=[f"anhuan.statements.{name}" for name in READERS]):
        for name in READERS:
            importlib.import_module(f"anhuan.statements.{name}")
    FOUND.mkdir(exist_ok=True)
    corpus = Path(tempfile.mkdtemp(prefix="anhuan-fuzz-"))
    for number, start in enumerate(_starts()):
        (corpus / str(number)).write_bytes(start)
    arguments = [
        sys.argv[0], f"-max_total_time={seconds}", f"-seed={SEED}", "-max_len=20000", "-timeout=10",
        "-rss_limit_mb=2048", f"-artifact_prefix={FOUND}/", "-print_final_stats=1", "-verbosity=0", str(corpus),
    ]  # fmt: skip
    atheris.Setup(arguments, one)
    atheris.Fuzz()
    return 0


def one(data: bytes) -> None:
    """One file: a reading, a refusal, or a fault that ends the run."""
    from anhuan.statements import files

    if data.startswith((b"PK", b"\xd0\xcf\x11\xe0")) or b"%PDF-" in data[:1024]:
        return  # those are opened by other people's code in the limited process, which sees no coverage
    try:
        files.read_file(data, "x", password="1")
    except Bad as refused:
        if files.STUMBLED in refused.message:
            raise AssertionError(refused.message) from refused.__cause__


def at_random(starts: list[bytes], seconds: int) -> int:
    """Drop, repeat and put bytes without guidance."""
    dice = random.Random(SEED)
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        data = bytearray(dice.choice(starts))
        for _ in range(dice.randint(1, 6)):
            at = dice.randrange(len(data) + 1)
            other = dice.choice(starts)
            data[at : at + dice.choice((0, 1, 4, 60))] = other[dice.randrange(len(other)) :][
                : dice.choice((0, 1, 8, 80))
            ]
        count += 1
        try:
            one(bytes(data))
        except AssertionError as fault:
            FOUND.mkdir(exist_ok=True)
            (FOUND / "at-random").write_bytes(bytes(data))
            print(f"after {count} files: {fault}: {FOUND / 'at-random'}")
            return 1
    print(f"{count} files in {seconds} s, none tripped a reader (seed {SEED})")
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS))
