"""What the commands share: flags that belong to one command, and errors as one line with exit status 2."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence

from absl import flags

from anime_gan.attributes import nearest

USAGE_ERROR = 2
# 128 + the number of SIGINT, as shells have it.
INTERRUPTED = 130
# Of --model, where `generation.find_export` reads it.
MODEL_HELP = (
    "a run, an export, a folder of runs, of which the newest counts, or sutemo-128 (default: sutemo-64; both "
    "come with the package)"
)


def run_command(
    name: str,
    summary: str,
    flag_values: flags.FlagValues,
    command: Callable[..., int],
    argv: Sequence[str],
    positional: Sequence[str] = (),
) -> int:
    """Parses the flags and runs a command.

    Args:
        name: The command's name, for messages.
        summary: What it does, shown above the flags by `--help`.
        flag_values: The command's own flags.
        command: Does the work once the flags are parsed, and returns the exit status; called with what was
            given for `positional`. A `ValueError` or `OSError` from it is taken as the user's to mend.
        argv: What stands behind the command's name.
        positional: Names of the arguments that must be given without a flag.

    Returns:
        The exit status: 2 for anything wrong with what the user gave, after one line that says what.
    """
    # A process that is asked to end gives up what it has begun, its worker processes too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    flags.DEFINE_bool("help", False, "show this help", short_name="h", flag_values=flag_values)
    try:
        rest = flag_values([name, *argv])[1:]
        if flag_values["help"].value:
            print(f"{summary}\n\n{_help_text(flag_values)}")
            return 0
        if len(rest) > len(positional):
            raise flags.Error(
                f"unexpected {rest[len(positional)]!r}: every option starts with --, see --help"
            )
        if len(rest) < len(positional):
            raise flags.Error(f"{' '.join(positional[len(rest) :])} missing, see --help")
        return command(*rest)
    except flags.UnrecognizedFlagError as error:
        hint = nearest(error.flagname, list(flag_values)) or "; see --help"
        print(f"{name}: unknown option --{error.flagname}{hint}", file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except (flags.Error, ValueError, OSError) as error:
        # One line, whatever the library underneath wrote.
        print(f"{name}: {' '.join(str(error).split())}", file=sys.stderr)
        return USAGE_ERROR


def print_lines(lines: Sequence[str]) -> None:
    """Prints notes to the user where the progress bars are, not into a command's result."""
    for line in lines:
        print(f"note: {line}", file=sys.stderr)


def given_flags(flag_values: flags.FlagValues) -> dict[str, object]:
    """The flags that stand on the command line, by name."""
    return {name: flag_values[name].value for name in flag_values if flag_values[name].present}


def _help_text(flag_values: flags.FlagValues) -> str:
    lines = []
    for name in dict.fromkeys(flag_values[name].name for name in flag_values):
        lines.append(f"  --{name}: {flag_values[name].help}")
    return "\n".join(lines)
