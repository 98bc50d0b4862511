"""Every route of an application with the rule it carries: what descriptions, tables and tests of access walk."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from fastapi.routing import iter_route_contexts
from starlette.routing import Mount


@dataclass(frozen=True, slots=True)
class Rule:
    """One method at one path, and the rights it names: exactly one in a house that is in order."""

    method: str
    path: str
    rights: tuple[str, ...]
    endpoint: Callable[..., Any]
    forms: bool  # whether it takes forms of our own pages alone


def rules_of(app: Any, *, prefix: str = "") -> Iterator[Rule]:
    """The rules of an application and of those mounted on it, in the order in which they are asked."""
    for mounted in app.routes:
        if isinstance(mounted, Mount):
            yield from rules_of(mounted.app, prefix=prefix + mounted.path)
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, Mount):
            continue
        asked = getattr(route, "dependant", None)
        calls = [one.call for one in asked.dependencies] if asked is not None else []
        rights = tuple(call.right for call in calls if hasattr(call, "right"))
        forms = any(getattr(call, "__name__", "") == "own_form" for call in calls)
        for method in sorted((route.methods or set()) - {"HEAD"}):
            assert route.path is not None
            assert route.endpoint is not None
            yield Rule(method, prefix + route.path, rights, route.endpoint, forms)
