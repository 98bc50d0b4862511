"""The text layer of a PDF as pages of placed words. Opened in the sandbox; nothing of the file is drawn or run."""

import ctypes
from collections.abc import Iterator
from typing import Any, Final

import pypdfium2
import pypdfium2.raw as pdfium

from anhuan.statements import sandbox
from anhuan.statements.model import NeedsPassword, Page, TooLarge, Unreadable, Word

MAX_PAGES: Final = 300
_MAX_CHARS: Final = 3_000_000
_WRONG_PASSWORD: Final = "password"
_GAP: Final = 1.0  # of the letter's height: a wider gap parts words although no blank is printed
_RISE: Final = 0.6  # of the letter's height: a letter so much higher or lower stands on another line


def pages(data: bytes, password: str | None = None) -> list[Page]:
    """All pages with their words; raises NeedsPassword, TooLarge, or Unreadable where there is no text (a scan)."""
    found = [
        Page(number, width, height, tuple(Word(*word) for word in words))
        for number, (width, height, words) in enumerate(sandbox.run("pages", data, password=password), start=1)
    ]
    if not any(page.words for page in found):
        raise Unreadable("这份 PDF 没有文字层（可能是扫描件或图片），无法读取")
    return found


def extract(data: bytes, password: str | None = None) -> list[tuple[float, float, list[tuple[Any, ...]]]]:
    """Width, height and words of each page. Only for the worker."""
    document = _open(data, password)
    if len(document) > MAX_PAGES:
        raise TooLarge(f"PDF 有 {len(document)} 页，最多 {MAX_PAGES} 页")
    found = []
    left = _MAX_CHARS
    for page in document:
        layer = page.get_textpage()
        count = layer.count_chars()
        if (left := left - count) < 0:
            raise TooLarge("PDF 的文字太多")
        width, height = page.get_size()
        found.append((width, height, list(_words(layer, count, height))))
        layer.close()
        page.close()
    document.close()
    return found


def _open(data: bytes, password: str | None) -> Any:
    try:
        return pypdfium2.PdfDocument(data, password=password)
    except pypdfium2.PdfiumError as error:
        if _WRONG_PASSWORD in str(error).lower():
            asked = "密码不正确" if password else "PDF 有密码，请输入密码"
            raise NeedsPassword(asked) from error
        raise Unreadable("PDF 已损坏，无法打开") from error


def _words(layer: Any, count: int, height: float) -> Iterator[tuple[str, float, float, float, float]]:
    """Letters into words: a blank, a wide gap or another line ends one."""
    box = pdfium.FS_RECTF()
    letters: list[str] = []
    x0 = x1 = top = bottom = 0.0
    for place in range(count):
        code = pdfium.FPDFText_GetUnicode(layer, place)
        letter = chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else ""
        if not letter or letter.isspace() or letter in "\ufffe\ufeff\u200b":
            if letters:
                yield "".join(letters), x0, x1, top, bottom
                letters = []
            continue
        pdfium.FPDFText_GetLooseCharBox(layer, place, ctypes.byref(box))
        upper, lower = height - box.top, height - box.bottom
        tall = max(lower - upper, 1.0)
        if letters and (abs(upper - top) > _RISE * tall or box.left - x1 > _GAP * tall or box.right < x0 - tall):
            yield "".join(letters), x0, x1, top, bottom
            letters = []
        if not letters:
            x0, top, bottom = box.left, upper, lower
        letters.append(letter)
        x1, top, bottom = max(box.right, x0), min(top, upper), max(bottom, lower)
    if letters:
        yield "".join(letters), x0, x1, top, bottom
