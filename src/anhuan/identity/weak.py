"""Passwords that everybody tries first, found by rule and offline.

A password is taken apart into the fewest pieces, where whatever guessers try by itself is one piece: a common word, a
pinyin syllable, a walk on the keyboard, a run of digits, a year or a date, something that stood before. A character of
one's own is a piece too. What falls into few pieces is guessed soon, however long it is.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Final

from anhuan.kit import terms

LEAST_PIECES: Final = 6  # five common words in a row are some 45 bits; one piece more is asked
LONGEST_READ: Final = 64  # characters looked at; pieces beyond them only help
_LONGEST_WORD: Final = 24
_ROWS: Final = (
    "`1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./", "~!@#$%^&*()_+", "abcdefghijklmnopqrstuvwxyz",
    "01234567890", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.", "qazwsxedcrfvtgbyhnujmikolp", "147258369", "159753",
)  # fmt: skip
_LEET: Final = str.maketrans("01345789@$!|+", "oieastbgasilt")
_INITIALS: Final = "b p m f d t n l g k h j q x zh ch sh r z c s y w"
_FINALS: Final = (
    "a o e i u v ai ei ui ao ou iu ie ue er an en in un ang eng ing ong ia iao ian iang iong ua uo uai uan uang ve"
)
_DATE: Final = re.compile(r"(19|20)\d\d((0[1-9]|1[0-2])((0[1-9]|[12]\d|3[01]))?)?|(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")


def is_weak(password: str, own: Iterable[str] = ()) -> bool:
    """Whether it falls into fewer than `LEAST_PIECES`; `own` are words of this person (name, sign-in name)."""
    return pieces(password, own) < LEAST_PIECES


def pieces(password: str, own: Iterable[str] = ()) -> int:
    """The fewest pieces a password falls into, also where digits stand for letters (p4ssw0rd)."""
    plain = unicodedata.normalize("NFKC", password).lower()
    known = {part for word in own for part in re.split(r"\W+", word.lower()) if len(part) > 1}
    return _fewest(plain, known)


def _fewest(text: str, own: set[str]) -> int:
    best = [0]
    for end in range(1, min(len(text), LONGEST_READ) + 1):
        ways = [best[end - 1] + 1]
        ways += [
            best[start] + 1
            for start in range(max(0, end - _LONGEST_WORD), end - 1)
            if _is_piece(text[start:end], text[:start], own)
        ]
        best.append(min(ways))
    return best[-1]


def _is_piece(part: str, before: str, own: set[str]) -> bool:
    return (
        part in _words()
        or part.translate(_LEET) in _words()
        or part in own
        or len(set(part)) == 1
        or part in before
        or (len(part) >= 3 and _is_walk(part))
        or _DATE.fullmatch(part) is not None
    )


def _is_walk(part: str) -> bool:
    return any(part in row or part in row[::-1] for row in _ROWS)


@cache
def _words() -> frozenset[str]:
    said = tomllib.loads(resources.files("anhuan.kit").joinpath("seeds", "weak_words.toml").read_text("utf-8"))
    common = [word for group in said.values() for word in group.split()]
    syllables = [
        first + last for first in (*_INITIALS.split(), "") for last in _FINALS.split() if len(first + last) > 1
    ]
    banks = [part for bank in terms.banks().values() for part in (bank.id, *bank.en.lower().split(), bank.zh)]
    return frozenset([*common, *syllables, *banks])
