"""The common parts of all commands: flags, `--help`, `--version`, and errors with exit status 2."""

from __future__ import annotations

import contextlib
import io
import os
import re
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any

from absl import flags

import anime_gan
from anime_gan.common.errors import InputError
from anime_gan.common.quiet import MISSING
from anime_gan.common.source_names import joined
from anime_gan.common.suggestions import nearest
from anime_gan.common.system_limits import system_limit
from anime_gan.common.user_paths import expand_user

USAGE_ERROR = 2
# By the convention of shells: 128 plus the number of SIGINT.
INTERRUPTED = 130
# The same for SIGPIPE, which ends other programs of a pipe.
PIPE_CLOSED = 141
# Of a longer error message, only so many characters of its start and its end are shown.
LONGEST_PART = 500
# Help text of --model in all commands that pass its value to `exports.read.find_export`.
MODEL_HELP = (
    "path to a run or one of its checkpoints, an exported model, or a folder of runs (the newest export is "
    "used); or an exported model or a run in a bucket, such as s3://bucket/run; or the name of a bundled "
    "model: sutemo-64, sutemo-128 (default), or sutemo-256"
)


class Flags(flags.FlagValues):
    """The flags of a command; after parsing, the value of `--name` is the attribute `name`."""

    def __init__(self) -> None:
        """Creates an empty set of flags; absl's own constructor has no type hints."""
        super().__init__()  # type: ignore[no-untyped-call]

    def text(self, name: str, default: str | None, help_text: str) -> None:
        """Defines a text flag."""
        flags.DEFINE_string(name, default, help_text, flag_values=self)

    def path(self, name: str, default: str | None, help_text: str) -> None:
        """Defines a flag for a path, or for a data source that may be one; a leading `~` is expanded."""
        define_path(name, default, help_text, self)

    def sources(self, name: str, default: str | None, help_text: str) -> None:
        """Defines a flag for data sources, which may be given several times."""
        define_sources(name, default, help_text, self)

    def texts(self, name: str, default: Sequence[str], help_text: str) -> None:
        """Defines a flag for a list of texts, separated by commas."""
        flags.DEFINE_list(name, list(default), help_text, flag_values=self)

    def integer(
        self, name: str, default: int | None, help_text: str, low: int | None = None, high: int | None = None
    ) -> None:
        """Defines a flag for an integer; the bounds are inclusive."""
        flags.DEFINE_integer(name, default, help_text, low, high, flag_values=self)

    def number(
        self,
        name: str,
        default: float | None,
        help_text: str,
        low: float | None = None,
        high: float | None = None,
    ) -> None:
        """Defines a flag for a number; the bounds are inclusive."""
        flags.DEFINE_float(name, default, help_text, low, high, flag_values=self)

    def choice(self, name: str, values: Sequence[str], help_text: str) -> None:
        """Defines a flag for one of several texts; the first is the default."""
        flags.DEFINE_enum(name, values[0], list(values), help_text, flag_values=self)

    def switch(self, name: str, default: bool, help_text: str) -> None:
        """Defines a flag that is true or false."""
        flags.DEFINE_bool(name, default, help_text, flag_values=self)


class PathParser(flags.ArgumentParser):  # type: ignore[type-arg]
    """Parses a path; every flag that may name a file or folder uses this parser."""

    def parse(self, argument: str) -> str:
        """Returns the path with a leading `~` expanded."""
        return expand_user(argument)


class SourcesFlag(flags.Flag[str]):
    """A flag for data sources; given several times, it has all of them (see `source_names`)."""

    def parse(self, argument: Any) -> None:
        """Adds an argument to those given before."""
        before = str(self.value) if self.present else None
        super().parse(argument)
        if before is not None:
            self.value = joined([before, str(self.value)])


def define_sources(name: str, default: str | None, help_text: str, flag_values: flags.FlagValues) -> None:
    """Defines a flag for data sources, which may be given several times."""
    flag = SourcesFlag(PathParser(), flags.ArgumentSerializer(), name, default, help_text)
    flags.DEFINE_flag(flag, flag_values=flag_values)


def define_path(name: str, default: str | None, help_text: str, flag_values: flags.FlagValues) -> None:
    """Defines a flag for a path."""
    flags.DEFINE(
        PathParser(), name, default, help_text, flag_values=flag_values, serializer=flags.ArgumentSerializer()
    )


class Terminated(KeyboardInterrupt):
    """SIGTERM, which interrupts a command as Ctrl-C does."""


def interrupted_status(error: KeyboardInterrupt) -> int:
    """Returns the exit status of a command that was interrupted: 128 plus the number of the signal."""
    return 128 + signal.SIGTERM if isinstance(error, Terminated) else INTERRUPTED


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


@contextlib.contextmanager
def _no_lost_interrupts() -> Iterator[None]:
    """Raises an interrupt again if it came while an object was finalized, where Python drops exceptions."""
    previous = sys.unraisablehook

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            previous(unraisable)
            return
        number = signal.SIGTERM if issubclass(unraisable.exc_type, Terminated) else signal.SIGINT
        # Later, because this hook drops exceptions as well.
        threading.Timer(0.02, os.kill, (os.getpid(), number)).start()

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = previous


def run_command(
    name: str,
    summary: str,
    flag_values: flags.FlagValues,
    command: Callable[..., int],
    argv: Sequence[str] | None,
    positional: Sequence[str] = (),
) -> int:
    """Parses the flags and runs a command.

    Args:
        name: The command's name, for messages.
        summary: What the command does; shown above the flags by `--help`.
        flag_values: The command's own flags.
        command: Called with the positional arguments once the flags are parsed; returns the exit status. A
            `ValueError` or `OSError` from it is reported as a user error.
        argv: The arguments after the command's name; None for the arguments of this process.
        positional: Names of the arguments that must be given without a flag.

    Returns:
        The exit status; 2 for bad input, which is reported in one line.
    """
    _prepare_streams()
    # SIGTERM ends a command as Ctrl-C does, so that unfinished files and worker processes are cleaned up.
    signal.signal(signal.SIGTERM, _terminate)
    flags.DEFINE_bool("help", False, "show this help", short_name="h", flag_values=flag_values)
    flags.DEFINE_bool("version", False, "show the version", flag_values=flag_values)
    try:
        rest = flag_values([name, *(sys.argv[1:] if argv is None else argv)])[1:]
        _refuse_repeats(flag_values)
        if flag_values["help"].value:
            print(f"{summary}\n\n{_help_text(flag_values)}")
            return 0
        if flag_values["version"].value:
            print(f"anime_gan {anime_gan.__version__}")
            return 0
        if len(rest) > len(positional):
            raise InputError(
                f"unexpected argument {rest[len(positional)]!r}: options start with --; see --help"
            )
        if len(rest) < len(positional):
            raise InputError(f"missing argument: {' '.join(positional[len(rest) :])}; see --help")
        # All positional arguments are paths or data sources.
        with _no_lost_interrupts():
            status = command(*map(expand_user, rest))
        sys.stdout.flush()
        return status
    except flags.UnrecognizedFlagError as error:
        hint = nearest(error.flagname, list(flag_values), "--{}".format) or "; see --help"
        return _fail(name, f"unknown option --{error.flagname}{hint}")
    except KeyboardInterrupt as error:
        print(f"{name}: interrupted", file=sys.stderr)
        return interrupted_status(error)
    except InputError as error:
        return _fail(name, error.as_flag())
    except ModuleNotFoundError as error:
        if error.name not in ("tensorflow", "keras"):
            raise
        return _fail(name, MISSING)
    except flags.Error as error:
        # absl wraps the error of a parser.
        if isinstance(error.__context__, InputError):
            return _fail(name, str(error.__context__))
        return _fail(name, _flag_error(str(error), flag_values))
    except BrokenPipeError as error:
        return PIPE_CLOSED if _is_output_closed() else _fail(name, str(error))
    except Exception as error:
        if limit := system_limit(error):
            return _fail(name, limit)
        if isinstance(error, (ValueError, OSError)):
            return _fail(name, str(error))
        raise


def _prepare_streams() -> None:
    """Makes standard output and error usable whatever the console can show."""
    if sys.stderr is None:
        # Closed by the caller. The first file that is opened takes its place, so it must not be a result.
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (open until the process ends)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # The console of a Western Windows cannot show Chinese attributes, and no console shows file names
            # in another encoding.
            stream.reconfigure(errors="backslashreplace")


def _is_output_closed() -> bool:
    """Whether nobody reads standard output any more, as in `| head`; nothing more is written to it then."""
    output = sys.stdout.fileno()
    # Windows cannot ask, and there another pipe than this one is unlikely.
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(output, select.POLLERR)
        if not poll.poll(0):
            return False
    # Python would report the error once more at the end of the process.
    os.dup2(os.open(os.devnull, os.O_WRONLY), output)
    return True


def print_lines(lines: Sequence[str]) -> None:
    """Prints notes on standard error, so that a command's result on standard output stays clean."""
    for line in lines:
        print(f"note: {line}", file=sys.stderr)


def given_flags(flag_values: flags.FlagValues) -> dict[str, object]:
    """Returns the flags that were given on the command line, by name."""
    return {name: flag_values[name].value for name in flag_values if flag_values[name].present}


def _refuse_repeats(flag_values: flags.FlagValues) -> None:
    """Raises an error for a text that was given twice: it is no list, and only the last one would count."""
    for name in flag_values:
        flag = flag_values[name]
        is_text = "string" in flag.flag_type() and not hasattr(flag.parser, "enum_values")
        if is_text and flag.present > 1 and not isinstance(flag, SourcesFlag):
            raise InputError(f"was given {flag.present} times; give it once", flag.name)


def _fail(name: str, message: str) -> int:
    # The message takes one line, even if a library wrote several, or if the input is long.
    line = " ".join(message.split())
    if len(line) > 2 * LONGEST_PART:
        line = f"{line[:LONGEST_PART]} ... {line[-LONGEST_PART:]}"
    print(f"{name}: {line}", file=sys.stderr)
    return USAGE_ERROR


def _flag_error(message: str, flag_values: flags.FlagValues) -> str:
    """Rewrites an error of absl in the form of all other errors."""
    if found := re.fullmatch(r"(?s)flag --(\w+)=(.*?): .*", message):
        name, value = found.groups()
        return f"--{name}={value}: must be {_allowed(flag_values[name])}"
    if found := re.fullmatch(r"Missing value for flag -*(\w+)", message):
        return f"--{found[1]} needs a value: {_allowed(flag_values[found[1]])}"
    return message


def _allowed(flag: flags.Flag[Any]) -> str:
    """Returns the allowed values of a flag, in words."""
    choices = getattr(flag.parser, "enum_values", None)
    if choices:
        return f"one of {', '.join(choices)}"
    if flag.boolean:
        return "true or false"
    kind = {"int": "an integer", "float": "a number"}.get(flag.flag_type(), "text")
    least, most = (getattr(flag.parser, bound, None) for bound in ("lower_bound", "upper_bound"))
    if least is not None and most is not None:
        return f"{kind} from {least} to {most}"
    if least is not None:
        return f"{kind}, at least {least}"
    return kind if most is None else f"{kind}, at most {most}"


def _help_text(flag_values: flags.FlagValues) -> str:
    lines = []
    for name in dict.fromkeys(flag_values[name].name for name in flag_values):
        # absl puts the choices of a flag first, but the help text already lists them.
        text = re.sub(r"^<[\w|]+>: ", "", flag_values[name].help)
        lines.append(f"  --{name}: {text}")
    return "\n".join(lines)
