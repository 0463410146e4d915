"""The command ``twilio-fax-compat``."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from typing import Mapping, Sequence

from twilio_fax_compat._version import __version__

COMMANDS: Mapping[str, tuple[str, str]] = {
    "callbacks": ("twilio_fax_compat.webhooks.command", "deliver events that were missed"),
    "cassettes": ("twilio_fax_compat.cassettes.command", "convert recordings of Twilio's API"),
    "demo": ("twilio_fax_compat.demo", "run a legacy Twilio program on a local Telnyx"),
    "doctor": (
        "twilio_fax_compat.doctor.command",
        "check settings, network and the Telnyx account",
    ),
    "emulator": ("twilio_fax_compat.testing.command", "serve a local Telnyx until Ctrl-C"),
    "fax": (
        "twilio_fax_compat.fax.command",
        "show one fax, forget a remembered send that did not go out, or purge a fax",
    ),
    "inbox": (
        "twilio_fax_compat.inbox.command",
        "list, retry or drop the events that wait for the application",
    ),
    "migration": (
        "twilio_fax_compat.migration.command",
        "show the progress of a gradual migration",
    ),
    "scan": (
        "twilio_fax_compat.scan.command",
        "say what a program uses of Twilio's fax API, and rewrite it",
    ),
    "serve": ("twilio_fax_compat.server.command", "serve Twilio's fax REST API, for any language"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line *argv*, by default the process's, and return the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(
        prog="twilio-fax-compat",
        description="Twilio's fax client on Telnyx.",
        epilog="Example: twilio-fax-compat demo. Each command explains itself: "
        "twilio-fax-compat COMMAND --help",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    chosen = next((word for word in argv if not word.startswith("-")), None)
    for name, (module, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary.capitalize() + ".")
        if name == chosen:
            try:
                import_module(module).add_arguments(command)
            except ImportError as missing:
                print(missing, file=sys.stderr)
                return 1
    arguments = parser.parse_args(argv)
    if arguments.command is None:
        parser.print_help()
        return 0
    try:
        status: int = import_module(COMMANDS[arguments.command][0]).run(arguments)
        sys.stdout.flush()
    except ImportError as missing:
        print(missing, file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever reads the output has seen enough, as `head` has. Python would fail again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
