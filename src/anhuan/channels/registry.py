"""Connectors by name: a module makes one from its own settings, and says so here; everybody asks here for it.

    registry.register("bank_of_x", make)        # make(witness) -> Connector, called once per process at first use

A factory reads what it needs (addresses, keys) from the environment and raises `BadSetting` where that is missing, so a
connector that nobody set up is simply not there. Whether it may be used is not asked here but of the partner register.
"""

import importlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from anhuan.channels.model import Connector, Seen, UnknownChannel, Witness

Factory = Callable[[Witness], Connector]

# What comes with the package: loaded when asked for, so that a program that pays nothing imports no bank.
BUILT_IN: Final = {
    "manual": "anhuan.channels.manual:make",
    "file_export": "anhuan.channels.file_export:make",
    "simbank": "anhuan.channels.simbank_http:make",
}

_factories: dict[str, Factory] = {}
_made: dict[str, Connector] = {}
_witness: list[Witness] = []
_lock = threading.RLock()


def register(name: str, factory: Factory) -> None:
    """Make a connector known by its name, in place of one that was registered before."""
    with _lock:
        _factories[name] = factory
        _made.pop(name, None)


def find(name: str) -> Connector:
    """The connector of this name, made at its first use; refuses a name that nobody registered."""
    with _lock:
        if name not in _made:
            _made[name] = _factory(name)(_tell)
        return _made[name]


def names() -> tuple[str, ...]:
    """Every connector that can be asked for by name, set up or not."""
    return tuple(dict.fromkeys((*BUILT_IN, *_factories)))


def witnessed_by(witness: Witness) -> None:
    """Who stores what connectors see; the service says so once when it is imported."""
    _witness[:] = [witness]


@contextmanager
def only(**connectors: Connector) -> Iterator[None]:
    """Nothing but these connectors inside the block; for tests and drills, which bring a bank of their own."""
    with _lock:
        before = (dict(_factories), dict(_made))
        _made.clear()
        for name, connector in connectors.items():
            _factories[name] = _always(connector)
    try:
        yield
    finally:
        with _lock:
            _factories.clear()
            _factories.update(before[0])
            _made.clear()
            _made.update(before[1])


def forget() -> None:
    """Drop every connector made so far; the next use makes it anew from the settings."""
    with _lock:
        _made.clear()


def _always(connector: Connector) -> Factory:
    return lambda witness: connector


def _tell(seen: Seen) -> None:
    for witness in _witness:
        witness(seen)


def _factory(name: str) -> Factory:
    if name in _factories:
        return _factories[name]
    if name not in BUILT_IN:
        raise UnknownChannel(f"没有名为 {name} 的渠道。", field="channel")
    module, _, function = BUILT_IN[name].partition(":")
    try:
        made: Factory = getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        raise UnknownChannel(f"这个安装没有 {name} 渠道。", field="channel") from error
    return made
