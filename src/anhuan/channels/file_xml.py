"""XML from banks as a tree without namespaces: no document type, no entities, limits on size and depth."""

import re
from typing import Final
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from anhuan.channels.model import FileDamaged

MAX_BYTES: Final = 64 * 1024 * 1024
MAX_DEPTH: Final = 60  # the deepest path of ISO 20022 has about 20 steps
MAX_NODES: Final = 2_000_000
_DECLARED: Final = re.compile(rb"""^(<\?xml[^>]{0,80}?encoding\s*=\s*["'])(gbk|gb2312|gb18030)(["'])""", re.IGNORECASE)


def read(content: bytes) -> Element:
    """The root of the tree; raises FileDamaged for broken, hostile, huge or absurdly nested XML."""
    if len(content) > MAX_BYTES:
        raise FileDamaged(f"XML 超过 {MAX_BYTES // 1024 // 1024} MB，没有读取")
    parser = DefusedXMLParser(target=_Limited(), forbid_dtd=True)
    try:
        parser.feed(_as_utf8(content))
        root: Element = parser.close()
    except (ParseError, DefusedXmlException, ValueError, LookupError, AssertionError) as error:
        raise FileDamaged(f"XML 文件不完整或不能读取（{type(error).__name__}）") from error
    return root


def text(node: Element, *paths: str) -> str:
    """The first non-empty text at one of the paths, blanks joined; empty where there is none."""
    for path in paths:
        if found := " ".join((node.findtext(path) or "").split()):
            return found
    return ""


class _Limited(TreeBuilder):
    """Builds the tree with local names and stops at a depth and a number of nodes that no bank needs."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._nodes = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._depth += 1
        self._nodes += 1
        if self._depth > MAX_DEPTH or self._nodes > MAX_NODES:
            raise FileDamaged("XML 文件的层次太深或内容太多")
        return super().start(tag.rpartition("}")[2], attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag.rpartition("}")[2])


def _as_utf8(content: bytes) -> bytes:
    """Banks in China declare GBK, which the parser does not know: such a file is handed over as UTF-8."""
    declared = _DECLARED.match(content)
    if declared is None:
        return content
    try:
        rest = content[declared.end() :].decode("gb18030")
    except UnicodeDecodeError as error:
        raise FileDamaged("XML 声明为 GBK，内容却不是，可能已损坏") from error
    return declared[1] + b"utf-8" + declared[3] + rest.encode()
