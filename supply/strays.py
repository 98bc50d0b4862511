"""Secrets that strayed into the tree: `make check` looks through every file that git keeps.

Plain rules and a measure of chance; about a second, so it can run at every check. A line that only looks like a
secret says so at its end: `no secret: <why>`.
"""

import math
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TOP: Final = Path(__file__).resolve().parents[1]
LOCKS: Final = re.compile(r"package-lock\.json|requirements/\w+\.txt")  # names and hashes of what is public
EXCUSED: Final = "no secret: "

# What the issuers of keys write at their beginning, and the forms in which keys are kept.
KINDS: Final = {
    "private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----",
    "AWS key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "Aliyun key": r"\bLTAI[0-9A-Za-z]{16,26}\b",
    "Tencent key": r"\bAKID[0-9A-Za-z]{32}\b",
    "GitHub token": r"\b(?:gh[pousr]_[0-9A-Za-z]{36}|github_pat_[0-9A-Za-z_]{60,})",
    "GitLab token": r"\bglpat-[0-9A-Za-z_-]{20}",
    "Slack token": r"\bxox[abprs]-[0-9A-Za-z-]{20,}",
    "payment key": r"\b[rs]k_live_[0-9A-Za-z]{20,}",
    "model key": r"\bsk-[0-9A-Za-z_-]{32,}",
    "Google key": r"\bAIza[0-9A-Za-z_-]{35}",
    "npm token": r"\bnpm_[0-9A-Za-z]{36}",
    "PyPI token": r"\bpypi-AgE[0-9A-Za-z_-]{50,}",
    "signed token": r"\beyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,}",
    "age key": r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}",
}
_KNOWN: Final = re.compile("|".join(f"(?P<k{number}>{rule})" for number, rule in enumerate(KINDS.values())))
_ADDRESS: Final = re.compile(r"\w://[^\s/:@\"'<>{}$]+:([^\s/@\"'<>{}$]{6,})@")
_NAMED: Final = re.compile(
    r"(?i)(?:passwo?r?d|passwd|secret|token|api_?key|private_?key|master_?key|credential)\w{0,20}[\"']?\s*(?::\s*\w+\s*)?"
    r"[:=]\s*b?[\"']([^\"'\s]{10,})[\"']"
)
_QUOTED: Final = re.compile(r"[\"']([0-9A-Za-z+/_=-]{32,200})[\"']")
_HEX: Final = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_NAMED_BITS, _QUOTED_BITS, _HEX_BITS = 3.4, 4.5, 3.3  # chance per character from which nobody typed it
_WORDS: Final = re.compile(r"(?:^|[_=/+-])[a-z]{4,}(?=$|[_=/+-])|[A-Z]?[a-z]{5,}")


@dataclass(frozen=True, slots=True)
class Stray:
    """One line that holds something like a secret; what it is, never the secret itself."""

    place: str
    kind: str


def main() -> int:
    """Look through the tree; 1 when something is found."""
    found = [
        stray for file in tracked() for stray in strays(file.read_text(errors="replace"), str(file.relative_to(TOP)))
    ]
    for stray in found:
        sys.stderr.write(f"{stray.place}: {stray.kind} (if it is none, end the line with `{EXCUSED}<why>`)\n")
    return 1 if found else 0


def tracked() -> list[Path]:
    """Every text file that git keeps, but for lock files."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, text=True, check=True)
    files = [TOP / name for name in done.stdout.split("\0") if name and not LOCKS.fullmatch(name)]
    return [file for file in files if file.is_file() and b"\0" not in file.read_bytes()[:4096]]


def strays(text: str, name: str) -> Iterator[Stray]:
    """What looks like a secret in a text, line by line."""
    for number, line in enumerate(text.splitlines(), start=1):
        if EXCUSED in line:
            continue
        kind = kind_of(line)
        if kind is not None:
            yield Stray(f"{name}:{number}", kind)


def kind_of(line: str) -> str | None:
    """What kind of secret a line seems to hold."""
    if known := _KNOWN.search(line):
        return list(KINDS)[int((known.lastgroup or "k0")[1:])]
    if (address := _ADDRESS.search(line)) and chance(address[1]) > _NAMED_BITS:
        return "password in an address"
    for named in _NAMED.finditer(line):
        if chance(named[1]) > _NAMED_BITS and re.search(r"\d", named[1]) and not _WORDS.search(named[1]):
            return "value of a secret's name"
    for quoted in _QUOTED.finditer(line):
        least = _HEX_BITS if _HEX.fullmatch(quoted[1]) else _QUOTED_BITS
        if chance(quoted[1]) > least and re.search(r"\d", quoted[1]) and not _WORDS.search(quoted[1]):
            return "text of chance"
    return None


def chance(text: str) -> float:
    """Bits of chance per character (Shannon)."""
    return -sum(many / len(text) * math.log2(many / len(text)) for many in Counter(text).values()) if text else 0.0


if __name__ == "__main__":
    sys.exit(main())
