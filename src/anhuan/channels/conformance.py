"""The conformance kit 一致性检验: every connector shows what it does in the 35 scenarios of channels.md, section 6.

    from anhuan.channels import conformance
    report = conformance.conform(my_sandbox)     # my_sandbox: conformance.Sandbox
    assert report.held, report.as_table()

What a sandbox cannot bring about is listed with the reason, never passed over in silence. Nothing here needs a database
or a test runner.
"""

import importlib
from collections.abc import Callable, Iterable
from typing import Final

from anhuan.channels import registry
from anhuan.channels.conformance_desk import Memory, Recorder
from anhuan.channels.conformance_ends import RIGHT_ENDS
from anhuan.channels.conformance_laws import LAWS
from anhuan.channels.conformance_members import CHARGING, beyond, charging, members, no_charging_verb, six_verbs
from anhuan.channels.conformance_model import (
    Call,
    Desk,
    Line,
    Order,
    Proof,
    Report,
    RightEnd,
    Sandbox,
    Truth,
    Unreached,
    Verdict,
    View,
)
from anhuan.channels.conformance_plays import Stage, play
from anhuan.channels.model import Connector

__all__ = [
    "CHARGING",
    "RIGHT_ENDS",
    "Call",
    "Desk",
    "Line",
    "Memory",
    "Order",
    "Proof",
    "Recorder",
    "Report",
    "RightEnd",
    "Sandbox",
    "Stage",
    "Truth",
    "Unreached",
    "Verdict",
    "View",
    "charging",
    "conform",
    "conform_named",
    "members",
    "no_charging_verb",
    "play",
    "register_sandbox",
    "scenario",
    "six_verbs",
    "still",
]

MakeSandbox = Callable[[], Sandbox]
MakeDesk = Callable[[Sandbox], Desk]
# Sandboxes that come with the package, made from the settings of this installation.
BUILT_IN: Final = {"simbank": "anhuan.channels.simbank_sandbox:make"}
_NO_SANDBOX: Final = "nobody has brought a sandbox for this connector"
_registered: dict[str, MakeSandbox] = {}


def conform(sandbox: Sandbox, *, numbers: Iterable[int] = RIGHT_ENDS, laws: bool = True) -> Report:
    """Play the scenarios and the laws against a sandbox; a connector without one shows its members alone (`still`)."""
    lines = [no_charging_verb(sandbox.connector), six_verbs(sandbox.connector)]
    if laws:
        lines += [_law(title, law, sandbox) for title, law in LAWS]
    lines += [scenario(number, sandbox) for number in numbers]
    return Report(sandbox.connector.name, beyond(sandbox.connector), tuple(lines))


def conform_named(name: str) -> Report:
    """The report of a registered connector, with the sandbox that is known for it; raises `Unreached` where that
    sandbox cannot be had."""
    make = _sandbox_of(name)
    if make is None:
        return still(registry.find(name))
    sandbox = make()
    try:
        return conform(sandbox)
    finally:
        close = getattr(sandbox, "close", None)
        if close is not None:
            close()


def still(connector: Connector, why: str = _NO_SANDBOX) -> Report:
    """The report of a connector that nobody can bring to act: its members, and every scenario with the reason."""
    lines = [no_charging_verb(connector), six_verbs(connector)]
    lines += [_line(end, Verdict.UNREACHED, why) for end in RIGHT_ENDS.values()]
    return Report(connector.name, beyond(connector), tuple(lines))


def scenario(number: int, sandbox: Sandbox, make_desk: MakeDesk | None = None) -> Line:
    """One scenario in all its ways, with a desk in memory or another one."""
    end, done, faults = RIGHT_ENDS[number], list[str](), list[str]()
    for how in end.hows:
        desk = make_desk(sandbox) if make_desk else Memory(sandbox.connector, sandbox.now)
        try:
            stage = play(end, sandbox, desk, how)
        except Unreached as error:
            return _line(end, Verdict.UNREACHED, error.message)
        done += stage.done
        faults += stage.faults
    told = "; ".join(dict.fromkeys(done))
    return _line(end, Verdict.BROKEN if faults else Verdict.HELD, "; ".join(faults), told)


def register_sandbox(name: str, make: MakeSandbox) -> None:
    """Say how the sandbox of a connector is made, for `anhuan channels conform NAME`."""
    _registered[name] = make


def _law(title: str, law: Callable[[Sandbox], Line], sandbox: Sandbox) -> Line:
    try:
        return law(sandbox)
    except Unreached as error:
        return Line("law", title, "", "", Verdict.UNREACHED, error.message)


def _sandbox_of(name: str) -> MakeSandbox | None:
    if name in _registered or name not in BUILT_IN:
        return _registered.get(name)
    module, _, function = BUILT_IN[name].partition(":")
    made: MakeSandbox = getattr(importlib.import_module(module), function)
    return made


def _line(end: RightEnd, verdict: Verdict, why: str = "", done: str = "") -> Line:
    return Line(str(end.number), f"{end.zh} · {end.en}", done, end.says, verdict, why)
