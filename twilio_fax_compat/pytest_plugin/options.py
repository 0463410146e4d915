"""The command line and ini options of the plugin, and the backend that they choose."""

from __future__ import annotations

import os
from typing import Any

import pytest

BACKENDS = ("emulator", "replay", "record", "live", "twilio")
ENVIRONMENT = "TWILIO_FAX_COMPAT_BACKEND"
RUN = "twilio_fax_compat_run"
"""The name under which the run's own plugin is registered."""


def add_options(parser: pytest.Parser) -> None:
    """Add the command line options and their ini options."""
    group = parser.getgroup("twilio_fax_compat", "Twilio fax suites on Telnyx")
    group.addoption(
        "--fax-backend",
        choices=BACKENDS,
        help="what answers the suite's Twilio fax calls; twilio changes nothing, for a control run",
    )
    group.addoption(
        "--fax-report",
        action="append",
        default=[],
        metavar="FILE",
        help="write the report of all tests to FILE, which ends in .json or .html; repeatable",
    )
    group.addoption(
        "--fax-compare",
        metavar="CONTROL.json",
        help="list the differences from the report of a control run (--fax-backend=twilio)",
    )
    group.addoption(
        "--fax-deep",
        action="store_true",
        default=False,
        help="run tests that use test doubles again, and forward their calls to the emulator",
    )
    group.addoption(
        "--fax-keep",
        choices=("test", "class", "module", "session"),
        help="how long the emulator keeps the faxes of a test; the default is test",
    )
    group.addoption(
        "--fax-cassettes",
        metavar="DIR",
        help="the folder of the recordings of Telnyx; the default is fax_cassettes",
    )
    group.addoption(
        "--fax-live-yes-really-send",
        action="store_true",
        default=False,
        help="let --fax-backend=live and record send real faxes, which cost money",
    )
    group.addoption(
        "--fax-live-to",
        action="append",
        default=[],
        metavar="NUMBER",
        help="a number that may receive live faxes; repeatable",
    )
    group.addoption(
        "--fax-live-budget",
        type=int,
        metavar="N",
        help="the number of faxes that a live run may send, all processes together",
    )
    parser.addini("fax_backend", "the default of --fax-backend")
    parser.addini("fax_keep", "the default of --fax-keep")
    parser.addini("fax_cassettes", "the default of --fax-cassettes")
    parser.addini("fax_live_to", "more numbers for --fax-live-to", type="linelist")
    parser.addini("fax_live_budget", "the default of --fax-live-budget")


def chosen_backend(config: Any) -> str | None:
    """
    Return the name of the backend that *config* chooses, or None if it chooses none.

    The command line comes first, then the environment variable, then the ini file. Raises
    UsageError for an unknown name.
    """
    option = getattr(config.known_args_namespace, "fax_backend", None)
    name: str = option or os.environ.get(ENVIRONMENT) or config.getini("fax_backend")
    if not name:
        return None
    if name not in BACKENDS:
        raise pytest.UsageError(
            "fax_backend: {!r} must be one of {}".format(name, ", ".join(BACKENDS))
        )
    return name
