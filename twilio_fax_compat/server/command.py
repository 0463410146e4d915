"""``twilio-fax-compat serve``: Twilio's fax REST API for programs in any language."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Mapping

from twilio_fax_compat.base.exceptions import TwilioException

if TYPE_CHECKING:
    from twilio_fax_compat.testing import TelnyxEmulator

DEMO_ACCOUNT = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "token"}
"""The account of a server with ``--emulator``, if the environment has none."""

_EXAMPLE = """\
example, without an account:
  twilio-fax-compat serve --emulator
  curl -u AC00000000000000000000000000000000:token http://127.0.0.1:8080/v1/Faxes \\
    --data-urlencode To=+15005550009 --data-urlencode From=+15005550006 \\
    -d MediaUrl=https://www.example.com/fax.pdf

The account comes from TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TELNYX_API_KEY, TELNYX_CONNECTION_ID and
TELNYX_PUBLIC_KEY, or several from --config FILE.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to *parser*."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLE
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="the address to listen on (default 127.0.0.1)")
    add("--port", type=int, default=8080, help="the port, 0 for any free one (default 8080)")
    add("--public-url", help="the server's URL on the Internet, as https://fax.example.com")
    add(
        "--incoming-url",
        action="append",
        default=[],
        metavar="[NUMBER=]URL",
        help="the URL that answers for faxes to NUMBER, or to every number; may be repeated",
    )
    add("--config", metavar="FILE", help="a TOML file with the settings and the accounts")
    add("--ledger", metavar="URL", help="as sqlite:////var/lib/fax.db (default: in memory)")
    add("--legacy-url", metavar="URL", help="the former provider, as https://fax.twilio.com")
    add(
        "--rollout",
        metavar="STAGE",
        help="which faxes Telnyx sends: off, shadow, ramp:PERCENT, on or complete, or file:PATH",
    )
    add("--emulator", action="store_true", help="send to a local Telnyx, which this starts too")
    add(
        "--outcome",
        action="append",
        default=[],
        metavar="NUMBER=REASON",
        help="how the emulator ends faxes to a number, as +15005550001=user_busy; may be repeated",
    )
    add("--log-format", choices=("text", "json"), default="text", help="default text")
    add("--log-level", choices=("debug", "info", "warning", "error"), default="info")
    add("--trust-proxy", action="append", metavar="ADDRESS", help="read its X-Forwarded- headers")
    add("--ssl-certfile", metavar="FILE", help="a TLS certificate with its chain")
    add("--ssl-keyfile", metavar="FILE", help="the key of the certificate")
    add("--ssl-keyfile-password", metavar="TEXT", help="the password of the key")


def run(arguments: argparse.Namespace) -> int:
    """
    Print the address when the server is ready, serve until SIGINT or SIGTERM, and return the status.

    The status is 1 after a wrong setting or if the address cannot be used. Raises ImportError without
    the server's extra.
    """
    try:
        with ExitStack() as stack:
            return _serve(arguments, stack)
    except TwilioException as error:
        print(error, file=sys.stderr)
        return 1


def _serve(arguments: argparse.Namespace, stack: ExitStack) -> int:
    from twilio_fax_compat.server import create_app

    environ: dict[str, str] = dict(os.environ)
    emulator = None
    if arguments.emulator:
        emulator = _emulator(arguments, stack)
        environ = {**DEMO_ACCOUNT, **environ, **emulator.environ}
    elif arguments.outcome:
        raise TwilioException("--outcome needs --emulator")
    from twilio_fax_compat.server.environment import CONFIG_FILE, INCOMING_URL, config_of
    from twilio_fax_compat.server.logs import set_up_logging
    from twilio_fax_compat.server.running import Options, listen, serve

    if arguments.config:
        environ[CONFIG_FILE] = arguments.config
    if arguments.incoming_url:
        environ[INCOMING_URL] = " ".join(arguments.incoming_url)
    changes: dict[str, Any] = {
        name: getattr(arguments, name) for name in ("public_url", "ledger", "legacy_url", "rollout")
    }
    if arguments.trust_proxy:
        changes["trusted_proxies"] = arguments.trust_proxy
    set_up_logging(as_json=arguments.log_format == "json", level=arguments.log_level)
    app = create_app(config_of(environ, **changes))
    if bool(arguments.ssl_certfile) != bool(arguments.ssl_keyfile):
        raise TwilioException("TLS needs both --ssl-certfile and --ssl-keyfile")
    options = Options(arguments.ssl_certfile, arguments.ssl_keyfile, arguments.ssl_keyfile_password)
    listener = listen(arguments.host, arguments.port)
    if emulator is not None:
        port = listener.getsockname()[1]
        emulator.webhook_url = f"http://127.0.0.1:{port}/telnyx"
    example = _example(environ) if arguments.emulator else ""
    return serve(app, listener, options, example)


def _emulator(arguments: argparse.Namespace, stack: ExitStack) -> TelnyxEmulator:
    """Start the emulator, which stops with *stack*."""
    from twilio_fax_compat.testing import TelnyxEmulator

    outcomes = {}
    for text in arguments.outcome:
        number, equals, reason = text.partition("=")
        if not (number and equals and reason):
            raise TwilioException("--outcome: write NUMBER=REASON, as +15005550001=user_busy")
        outcomes[number] = reason
    try:
        emulator = TelnyxEmulator(speed=1.0, outcomes=outcomes, journal_limit=1000)
    except ValueError as error:
        raise TwilioException(f"--outcome: {error}") from None
    return stack.enter_context(emulator)


def _example(environ: Mapping[str, str]) -> str:
    if any(environ[name] != value for name, value in DEMO_ACCOUNT.items()):
        return ""
    user = ":".join(DEMO_ACCOUNT.values())
    return (
        f"curl -u {user} {{url}}/v1/Faxes --data-urlencode To=+15005550009 "
        "--data-urlencode From=+15005550006 -d MediaUrl=https://www.example.com/fax.pdf"
    )
