"""The program `anhuan`: a list of commands, each imported only when it is called, so that help is quick."""

import importlib
import os
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from anhuan.kit.errors import Bad

# Command, the module whose `app` it is, and what the list of commands says about it.
COMMANDS: Final = {
    "serve": ("anhuan.cli.serve", "Start the web pages on this machine · 打开网页"),
    "bills": ("anhuan.statements.cli", "Read and import what banks send · 读取、导入账单"),
    "cards": ("anhuan.cards.cli", "Cards, due dates, what a late payment costs · 信用卡与到期日"),
    "plan": ("anhuan.planning.cli", "The cheapest way to pay on time · 还款方案"),
    "repay": ("anhuan.repayments.cli", "Pay a card, follow it, mandates, pauses · 还款、进度、授权、暂停"),
    "limits": ("anhuan.identity.cli_limits", "Your own limits, and the pause · 限额与暂停"),
    "consent": ("anhuan.identity.cli_consent", "What you agreed to, purpose by purpose · 授权管理"),
    "work": ("anhuan.cli.work", "Do the background work until stopped · 后台任务"),
    "watch": ("anhuan.cli.watch", "Warn payers when nothing else works · 第二值守"),
    "people": ("anhuan.identity.cli", "Who lives here, invitations, lost keys · 成员与邀请"),
    "demo": ("anhuan.cli.demo", "Fill a demo household · 示例数据"),
    "db": ("anhuan.cli.database", "The database of this installation · 数据库"),
    "ledger": ("anhuan.ledger.cli", "The books: check, sign, statements · 账本"),
    "channels": ("anhuan.channels.cli", "Who carries a payment where, files out and in · 渠道"),
    "partners": ("anhuan.channels.cli_partners", "Who is licensed, until when · 持牌登记"),
    "audit": ("anhuan.cli.audit", "Who did what, provably: sign, check, hand out · 审计日志"),
    "keys": ("anhuan.cli.keys", "The keys that seal people's data · 数据密钥"),
    "simbank": ("anhuan.cli.simbank", "A bank to practise on, in a process of its own · 模拟银行"),
    "simulate": ("anhuan.cli.simulate", "A whole town on a throw-away database, killed and judged · 模拟小镇"),
    "selfcheck": ("anhuan.cli.selfcheck", "Is everything in order here? · 自检"),
}
FAULT_EXIT: Final = 70  # EX_SOFTWARE of sysexits.h


class Rooms(TyperGroup):
    """A group that knows its commands by name and imports one only to run it."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All commands, in the order people need them."""
        return [name for name in COMMANDS if _is_there(name)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Name and help line alone, which is all that a list of commands needs."""
        if cmd_name not in COMMANDS or not _is_there(cmd_name):
            return None
        return TyperCommand(name=cmd_name, help=COMMANDS[cmd_name][1])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The real command, imported now; a name we do not know is answered as usual."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, command(str(name)), rest


app = typer.Typer(
    cls=Rooms,
    name="anhuan",
    help="Anhuan 安还: bills in, plan out. 账单进,方案出。",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@app.callback()
def root(
    verbose: Annotated[bool, typer.Option("--verbose", help="tell what happens inside, on stderr")] = False,
) -> None:
    """Say how the log is to speak before a command runs."""
    from anhuan.kit import terminal

    terminal.log_when_needed(verbose=verbose)


def command(name: str) -> Any:
    """The named command, ready to run."""
    made = typer.main.get_command(importlib.import_module(COMMANDS[name][0]).app)
    made.name = name
    made.params = [one for one in made.params if one.name not in ("install_completion", "show_completion")]
    return made


def main(args: list[str] | None = None) -> NoReturn:
    """Run the command line and end the process: 0 done, 1 bad news told in one line, 2 misuse, 70 our fault."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end_orderly)
    try:
        typer.main.get_command(app)(args, prog_name="anhuan")
    except Bad as bad:
        from anhuan.kit import terminal

        _tell(terminal.bad_news(bad, terminal.asked_language(sys.argv[1:] if args is None else args)))
        sys.exit(1)
    except Exception as fault:
        from anhuan.kit import masking

        first = masking.scrub((str(fault).splitlines() or [""])[0][:200])
        _tell(f"unexpected fault {type(fault).__name__}: {first} (trace in {_keep_trace()})")
        sys.exit(FAULT_EXIT)
    finally:
        _leave_database()
    raise AssertionError("unreachable: the command line always ends with an exit")


def _is_there(name: str) -> bool:
    """Whether the room's file exists; asking the import system would import the room."""
    return Path(__file__).parents[2].joinpath(*COMMANDS[name][0].split(".")).with_suffix(".py").exists()


def _tell(line: str) -> None:
    print("anhuan:", " ".join(line.split()), file=sys.stderr)  # noqa: T201 - one line, without a logger's dress


def _keep_trace() -> Path:
    """The trace helps whoever mends the fault, not whoever met it: scrubbed, it goes to a file of this installation."""
    from anhuan.kit import masking, settings

    place = settings.read().home / "faults.log"
    place.parent.mkdir(parents=True, exist_ok=True)
    with open(place, "a", opener=_for_us_alone) as out:
        out.write(masking.scrub(traceback.format_exc()))
    return place


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _end_orderly(number: int, frame: FrameType | None) -> NoReturn:
    """A polite request to stop unwinds the stack, so that the database is left in order."""
    sys.exit(128 + number)


def _leave_database() -> None:
    database = sys.modules.get("anhuan.kit.db")
    if database is not None:
        database.close()
