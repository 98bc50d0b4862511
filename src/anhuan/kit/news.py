"""Bad news in the language of whoever reads it: the room's own sentence where it fits, else the one of its code."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

_CHINESE: Final = re.compile("[\u4e00-\u9fff]")
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"|“[^”]*”")


@cache
def sentences() -> Mapping[str, Mapping[str, str]]:
    """The sentences by code, each in `zh` and `en`."""
    return tomllib.loads(resources.files("anhuan.kit").joinpath("seeds", "messages.toml").read_text("utf-8"))


def told(code: str, message: str, lang: str) -> str:
    """What to tell about bad news or a problem; a message in the other language gives way to the sentence of its code.

    The room's own sentence says more (which row, which day), so it stands wherever its language is right.
    """
    if speaks(message, lang) or code not in sentences():
        return message
    return sentences()[code]["en" if lang == "en" else "zh"]


def speaks(message: str, lang: str) -> bool:
    """Whether a sentence is in the language; what it quotes does not count."""
    return bool(_CHINESE.search(_QUOTED.sub("", message))) == (lang != "en")
