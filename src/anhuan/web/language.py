"""Two languages: Chinese stands in the source, English comes from one catalogue read at start (no compiled files)."""

import gettext
import io
from functools import cache
from pathlib import Path
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

CATALOGUE: Final = Path(__file__).parent / "locale" / "en" / "LC_MESSAGES" / "messages.po"
LANGUAGES: Final = ("zh", "en")


@cache
def translations(lang: str) -> gettext.NullTranslations:
    """What turns a source sentence into the language; Chinese is the source itself."""
    if lang == "zh":
        return gettext.NullTranslations()
    with CATALOGUE.open("rb") as source:
        catalogue = read_po(source, locale=lang)
    packed = io.BytesIO()
    write_mo(packed, catalogue)
    packed.seek(0)
    return gettext.GNUTranslations(packed)
