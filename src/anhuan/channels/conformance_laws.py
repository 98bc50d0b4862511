"""The laws beside the scenarios: asking first after a crash, keys that are remembered, callbacks that cannot be bent,
files read by heading. Each gives one line of the report.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from anhuan.channels import conformance_files
from anhuan.channels.conformance_desk import Killed, Memory, Recorder
from anhuan.channels.conformance_ends import RIGHT_ENDS
from anhuan.channels.conformance_model import Call, Line, Sandbox, Unreached, Verdict
from anhuan.channels.conformance_plays import Stage, begin, to_its_end
from anhuan.channels.model import FileNotReady, Forged, OtherBody, Settled, Stale, State
from anhuan.kit.clock import CHINA

_AN_HOUR: Final = timedelta(hours=1)


def ask_first(sandbox: Sandbox) -> Line:
    """Killed between `sent_at` and the answer and started again, the first call is a question; money left once."""
    faults = []
    recorder = Recorder(sandbox.connector)
    desk = Memory(recorder, sandbox.now)
    order = sandbox.arrange(1)
    key = desk.prepare(order)
    recorder.die = True
    try:
        desk.step(key)
        faults.append("the process did not die")
    except Killed:
        pass
    to_its_end(Stage(sandbox, desk, RIGHT_ENDS[1]), key, desk.step(key))
    if recorder.of(key)[:2] != ["pay", "ask"]:
        faults.append(f"the calls were {recorder.of(key)}")
    if desk.view(key).state is not State.SUCCESS or sandbox.truth(key).debits != 1:
        faults.append(f"{desk.view(key).state}, {sandbox.truth(key).debits} debits")
    if sandbox.spent(order) != order.amount:
        faults.append(f"{sandbox.spent(order)} fen left the account, not {order.amount}")
    done = "died after the bytes went out, started again"
    return _line("ask first after a crash", done, "asked before anything went out; one debit", faults)


def key_lifetime(sandbox: Sandbox) -> Line:
    """Past the days for which a key is remembered, the same bytes still do not take money a second time."""
    stage, faults = Stage(sandbox, Memory(sandbox.connector, sandbox.now), RIGHT_ENDS[1]), list[str]()
    order, key, answer = begin(stage)
    days = stage.desk.record(order).key_days
    if stage.desk.instruction(key).expires_at > sandbox.now() + timedelta(days=days):
        faults.append("an instruction may be sent for longer than its key is remembered")
    sandbox.move(sandbox.now() + timedelta(days=days + 1))
    try:
        again = sandbox.connector.pay(stage.desk.instruction(key))
    except OtherBody:
        again = answer
    if isinstance(again, Settled) and again != answer:
        faults.append("the forgotten key was paid anew")
    if sandbox.truth(key).debits != 1:
        faults.append(f"{sandbox.truth(key).debits} debits")
    return _line("key lifetime", f"sent the same bytes after {days + 1} days", "no second debit", faults)


def callback_signatures(sandbox: Sandbox) -> Line:
    """A true callback is heard; bent in any way, or an hour later, it is refused; twice is once."""
    stage = Stage(sandbox, Memory(sandbox.connector, sandbox.now), RIGHT_ENDS[2])
    order, key, _ = begin(stage, order=sandbox.arrange(2))
    if not stage.desk.record(order).callbacks:
        raise Unreached("the record says that this channel sends no callbacks")
    stage.listen()
    sandbox.move(sandbox.now() + timedelta(minutes=10))
    calls = sandbox.calls()
    if not calls:
        raise Unreached("no callback came in")
    call, faults = calls[-1], list[str]()
    if stage.desk.hear(call) != key:
        faults.append("the true callback names another key")
    changes = stage.desk.view(key).changes
    for name, bent in _bent(call).items():
        faults += _refuses(stage, name, bent)
    stage.expect(_quietly(lambda: stage.desk.hear(call)), "the same callback again broke something")
    if stage.desk.view(key).changes != changes:
        faults.append("a replay or a forgery changed the state")
    sandbox.move(sandbox.now() + _AN_HOUR)
    faults += _refuses(stage, "an hour old", call)
    done = "bent its body and every header, replayed it, kept it for an hour"
    return _line("callback signatures", done, "refused, and nothing changed", [*faults, *stage.faults])


def _bent(call: Call) -> Mapping[str, Call]:
    """The call with its body changed, and with each header that matters changed or gone."""
    found = {
        "with a byte more": replace(call, body=call.body + b" "),
        "with another body": replace(call, body=call.body.replace(b"success", b"failed_") + b"\n"),
        "without headers": replace(call, headers={}),
    }
    for name, value in call.headers.items():
        if not name.lower().startswith(("x-", "wechatpay-", "signature", "authorization")):
            continue
        other = ("0" if value[:1] != "0" else "1") + value[1:]
        found[f"with another {name}"] = replace(call, headers={**call.headers, name: other})
        found[f"without {name}"] = replace(call, headers={**call.headers, name: ""})
    return found


def _refuses(stage: Stage, name: str, call: Call) -> list[str]:
    try:
        stage.desk.hear(call)
    except (Forged, Stale):
        return []
    return [f"a callback {name} was believed"]


def files_by_heading(sandbox: Sandbox) -> Line:
    """Every file of a day is read by heading: columns added or moved change nothing, a needed one gone refuses it."""
    stage = Stage(sandbox, Memory(sandbox.connector, sandbox.now), RIGHT_ENDS[1])
    _, key, answer = begin(stage)
    to_its_end(stage, key, answer)
    day = sandbox.now().astimezone(CHINA).date()
    conformance_files.read_day(sandbox, day)
    try:
        files = sandbox.connector.statement(day)
    except FileNotReady as error:
        raise Unreached("the channel offers no files") from error
    faults = [fault for one in files for fault in conformance_files.by_heading(one)]
    done = f"{len(files)} files: columns added, moved, removed one by one"
    return _line("files by heading", done, "the same rows, or the file refused", faults)


def _quietly(act: Callable[[], object]) -> bool:
    """Whether it went well, or was refused as a replay."""
    try:
        act()
    except Stale:
        return True
    except Forged:
        return False
    return True


def _line(title: str, done: str, end: str, faults: list[str]) -> Line:
    return Line("law", title, done, end, Verdict.BROKEN if faults else Verdict.HELD, "; ".join(faults))


LAWS: Final[tuple[tuple[str, Callable[[Sandbox], Line]], ...]] = (
    ("ask first after a crash", ask_first),
    ("key lifetime", key_lifetime),
    ("callback signatures", callback_signatures),
    ("files by heading", files_by_heading),
)
