"""XML as a tree of plain nodes, parsed in the sandbox: no document type, no entities, no references to elsewhere."""

from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError

from anhuan.statements import sandbox
from anhuan.statements.model import TooLarge, Unreadable

MAX_DEPTH: Final = 60  # the deepest path of the banks' standards has about 20 steps
MAX_NODES: Final = 2_000_000


def read(data: bytes) -> Element:
    """The tree without namespaces; raises Unreadable for broken, hostile or absurdly nested XML, TooLarge for huge."""
    path: list[Element] = []
    root: Element | None = None
    for depth, tag, text, attributes in sandbox.run("xml", data):
        node = Element(tag, dict(attributes))
        node.text = text
        del path[depth:]
        if path:
            path[-1].append(node)
        elif root is None:
            root = node
        path.append(node)
    if root is None:
        raise Unreadable("XML 文件是空的")
    return root


def extract(data: bytes) -> list[tuple[int, str, str | None, list[tuple[str, str]]]]:
    """Depth, name, text and attributes of each node in document order. Only for the worker."""
    from defusedxml import DefusedXmlException, ElementTree

    try:
        root: Element = ElementTree.fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        raise Unreadable(f"XML 文件无法读取：{type(error).__name__}") from error
    found: list[Any] = []
    waiting = [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth >= MAX_DEPTH:
            raise Unreadable("XML 文件的层次太深")
        if len(found) >= MAX_NODES:
            raise TooLarge("XML 文件的内容太多")
        found.append((depth, str(node.tag).rpartition("}")[2], node.text, list(node.attrib.items())))
        waiting += [(child, depth + 1) for child in reversed(node)]
    return found
