"""The checks of this side: settings, network, ledger, flag, and the application's own URLs."""

from __future__ import annotations

import json
import os
import ssl
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Mapping
from urllib.parse import urlsplit

import httpx

from twilio_fax_compat._core.doctor.checks import FAILED, OK, UNKNOWN, WARNING, Check, place_of
from twilio_fax_compat._core.doctor.recorded_webhook import read_webhook
from twilio_fax_compat._core.masking import mask
from twilio_fax_compat._core.messages import Failure
from twilio_fax_compat._core.translation.media_links import read_documents
from twilio_fax_compat._telnyx.logs import no_logs
from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.http import _connections
from twilio_fax_compat.ledger import LedgerUnavailable, MemoryLedger
from twilio_fax_compat.ledger._opening import ENVIRONMENT as LEDGER
from twilio_fax_compat.ledger._opening import chosen_ledger
from twilio_fax_compat.migration.flags import ENVIRONMENT as FLAG
from twilio_fax_compat.migration.rollout import Rollout
from twilio_fax_compat.settings import DEFAULT_BASE_URL, ENVIRONMENT, TelnyxSettings

PUBLIC_URL = "TWILIO_FAX_COMPAT_PUBLIC_URL"
MEDIA_HOST = "TWILIO_FAX_COMPAT_MEDIA_HOST"

_NETWORK_FILES = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p", "fuse.sshfs"})
_TIMEOUT = 10.0


def checked_settings(environ: Mapping[str, str], webhook: str | None = None) -> list[Check]:
    """Check the variables, without Telnyx. *webhook* is the path of a recorded webhook."""
    checks = []
    why = "the client and the middleware need it"
    for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        if not environ.get(name):
            text = "keep Twilio's value: callbacks are signed with it"
            checks.append(Check("settings", FAILED, f"{name} is not set", why, f"set it; {text}"))
    try:
        settings = TelnyxSettings().completed(environ)
    except TwilioException as error:
        step = "set the variables that the text names"
        checks.append(Check("settings", FAILED, str(error), why, step))
        if webhook is not None:
            checks.append(_checked_webhook(webhook, environ.get("TELNYX_PUBLIC_KEY", "")))
        return checks
    found = [name for name in ENVIRONMENT.values() if environ.get(name)]
    key = environ["TELNYX_API_KEY"]
    if not key.startswith("KEY"):
        checks.append(
            Check(
                "settings",
                WARNING,
                "TELNYX_API_KEY does not begin with KEY",
                "V2 keys do",
                "copy a V2 key from the portal, API Keys",
            )
        )
    checks.append(Check("settings", OK, f"from the environment: {', '.join(found)}", why))
    checks.append(_checked_public_key(settings.public_key))
    if webhook is not None:
        checks.append(_checked_webhook(webhook, settings.public_key or ""))
    return checks


def _checked_public_key(text: str | None) -> Check:
    name, why = "public key", "it verifies Telnyx's webhooks"
    step = "copy it from the portal, Keys & Credentials, Public Key"
    if not text:
        return Check(name, WARNING, "TELNYX_PUBLIC_KEY is not set", why, f"{step}, for callbacks")
    try:
        from twilio_fax_compat.webhooks.verification import read_public_key

        for one in text.split(","):
            read_public_key(one)
    except ImportError as error:
        return Check(name, UNKNOWN, str(error), why)
    except TwilioException as error:
        return Check(name, FAILED, str(error), why, step)
    return Check(name, OK, "32 bytes; a webhook shows whether it is this account's", why)


def _checked_webhook(path: str, public_key: str) -> Check:
    """Check whether *public_key* verifies the webhook that is recorded in a file, however old it is."""
    name, why = "recorded webhook", "it shows whether the public key is this account's"
    step = "save the headers and the raw body of a webhook (MIGRATION.md, Before you start)"
    try:
        webhook = read_webhook(Path(path).read_bytes())
    except OSError as error:
        return Check(name, FAILED, f"{path}: {error.strerror or error}", why, step)
    if isinstance(webhook, str):
        return Check(name, FAILED, f"{path}: {webhook}", why, step)
    try:
        from twilio_fax_compat.webhooks.verification import (
            TIMESTAMP,
            read_public_key,
            why_not_verified,
        )

        keys = [read_public_key(one) for one in public_key.split(",") if one.strip()]
    except ImportError as error:
        return Check(name, UNKNOWN, str(error), why)
    except TwilioException as error:
        return Check(name, FAILED, str(error), why, "correct TELNYX_PUBLIC_KEY")
    wrong = [
        why_not_verified(webhook.headers, body, keys, 0.0, tolerance=float("inf"))
        for body in webhook.bodies
    ]
    if None not in wrong:
        text = "copy the public key from the portal, Keys & Credentials, or save the body byte for byte"
        return Check(name, FAILED, f"{path}: {wrong[0]}", why, text)
    try:
        signed = datetime.fromtimestamp(int(webhook.headers[TIMESTAMP]), timezone.utc)
    except (OverflowError, ValueError):  # nobody but Telnyx can sign such a time
        return Check(name, OK, "TELNYX_PUBLIC_KEY verifies it", why)
    saw = f"TELNYX_PUBLIC_KEY verifies the webhook of {signed:%Y-%m-%d %H:%M} UTC"
    return Check(name, OK, saw, why)


def checked_network(settings: TelnyxSettings, failure: Failure | None) -> Check:
    """Say how Telnyx was reached, or why not. *failure* is that of the first question."""
    name, why = "network", "faxes go out over HTTPS"
    base = settings.base_url or DEFAULT_BASE_URL
    origin = _connections.origin_of(base)
    try:
        proxy = _connections.proxy_for(origin)
    except TwilioException as error:
        return Check(name, FAILED, str(error), why, "correct the variable that the text names")
    way = "directly" if proxy is None else f"through the proxy of {proxy.where}"
    saw = f"{urlsplit(base).netloc}, {way}, certificates from {_certificates()}"
    if failure is None:
        return Check(name, OK, saw, why)
    return Check(
        name,
        FAILED,
        f"{saw}: {mask(failure.summary)}",
        why,
        "check DNS, the firewall, HTTPS_PROXY, and REQUESTS_CA_BUNDLE if a proxy has its own certificates",
    )


def _certificates() -> str:
    for variable in _connections.CA_VARIABLES:
        if os.environ.get(variable):
            return f"{variable} ({os.environ[variable]})"
    try:
        import certifi
    except ImportError:
        return ssl.get_default_verify_paths().openssl_cafile
    return f"certifi {version('certifi')} ({certifi.where()})"


def checked_ledger(url: str | None, environ: Mapping[str, str]) -> Check:
    """Check the ledger that *url* or the environment names."""
    name = "ledger"
    why = "page counts, failure reasons and sends without a known end are kept there"
    try:
        ledger = chosen_ledger(url, environ)
        ledger.check()
    except (TwilioException, LedgerUnavailable, ImportError) as error:
        return Check(name, FAILED, str(error), why, f"correct --ledger or {LEDGER}")
    if isinstance(ledger, MemoryLedger):
        return Check(
            name,
            WARNING,
            "in the memory of each process",
            why + "; other processes do not see it",
            f"set {LEDGER}=sqlite:////var/lib/myapp/fax.db",
        )
    path = getattr(ledger, "path", None)
    if isinstance(path, str):
        kind = _file_system(path)
        if kind in _NETWORK_FILES:
            return Check(
                name,
                FAILED,
                f"{path} is on a network file system ({kind})",
                "SQLite's locks do not work there: events could be lost",
                "use a local disk, or a PostgreSQL database",
            )
        return Check(name, OK, f"{path} can be read and written", why)
    return Check(name, OK, "the database can be read and written", why)


def _file_system(path: str) -> str | None:
    """Return the type of the file system that *path* is on, where the system tells it."""
    try:
        mounts = Path("/proc/self/mounts").read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
    whole = os.path.realpath(path)
    best, kind = "", None
    for line in mounts:
        fields = line.split()
        if len(fields) < 3:
            continue
        place = fields[1].replace("\\040", " ")
        is_above = whole == place or whole.startswith(place.rstrip("/") + "/")
        if is_above and len(place) >= len(best):
            best, kind = place, fields[2]
    return kind


def checked_middleware(url: str | None) -> Check:
    """Send *url* an event with a wrong signature, which the middleware must refuse."""
    name, why = "middleware", "it must refuse events that Telnyx did not sign, and be reachable"
    if not url:
        return Check(name, UNKNOWN, "no webhook URL is known", why, "pass --webhook-url")
    event = {
        "data": {
            "id": "00000000-0000-4000-8000-000000000000",
            "event_type": "fax.delivered",
            "payload": {"fax_id": "00000000-0000-4000-8000-000000000000"},
        }
    }
    headers = {
        "User-Agent": "telnyx-webhooks",
        "Content-Type": "application/json",
        "telnyx-timestamp": "1",
        "telnyx-signature-ed25519": "A" * 86 + "==",
    }
    try:
        with no_logs(), httpx.Client(timeout=_TIMEOUT, verify=_context(url)) as client:
            status = client.post(url, content=json.dumps(event), headers=headers).status_code
    except Exception as error:  # noqa: BLE001 - whatever it is, the URL cannot be reached
        return Check(
            name,
            FAILED,
            f"{place_of(url)} cannot be reached from here: {type(error).__name__}",
            why,
            "check the URL, DNS and the firewall; Telnyx must reach it from the Internet",
        )
    saw = f"{place_of(url)} answered a forged event with HTTP {status}"
    if status == 401:
        return Check(name, OK, saw, why)
    if 200 <= status < 300:
        text = "wrap the application in the middleware (MIGRATION.md, Callbacks)"
        return Check(name, FAILED, saw, why, text)
    if status in (403, 404, 405):
        text = "wrap the application in the middleware, and check the path of the URL"
        return Check(name, FAILED, saw, why, text)
    return Check(name, WARNING, saw, why, "look into the log of the application")


def checked_media_links(environ: Mapping[str, str]) -> Check | None:
    """Open a link to the document of a fax that does not exist, if links are configured."""
    name, why = "media links", "media_url of each fax is such a link"
    host, token = environ.get(MEDIA_HOST), environ.get("TWILIO_AUTH_TOKEN")
    if not host or not token:
        return None
    documents = read_documents(host, token, environ.get("TWILIO_ACCOUNT_SID"))
    if documents is None:
        return Check(
            name, FAILED, f"{MEDIA_HOST} is not a URL", why, "write https://app.example.com"
        )
    fax = "00000000-0000-4000-8000-000000000000"
    link = documents.links.link(documents.origin, fax, datetime.now(timezone.utc))
    try:
        with no_logs(), httpx.Client(timeout=_TIMEOUT, verify=_context(link)) as client:
            status = client.get(link).status_code
    except Exception as error:  # noqa: BLE001 - whatever it is, the link does not open
        text = f"check {MEDIA_HOST}, DNS and the firewall"
        return Check(name, FAILED, f"{place_of(host)}: {type(error).__name__}", why, text)
    if status in (404, 502):
        # The link was accepted, and Telnyx was asked for a fax that nobody has.
        return Check(name, OK, f"{place_of(host)} accepts the links", why)
    if status == 403:
        text = "use the same TWILIO_AUTH_TOKEN and TWILIO_ACCOUNT_SID in both"
        return Check(name, FAILED, f"{place_of(host)} refuses the links", why, text)
    saw = f"{place_of(host)} answered HTTP {status}"
    return Check(name, FAILED, saw, why, "pass media=True to the middleware, and check the host")


def checked_migration(environ: Mapping[str, str]) -> list[Check]:
    """Check the flag and the legacy client, if a gradual move is configured."""
    if not environ.get(FLAG):
        return []
    why = "it decides which provider sends each fax"
    try:
        rollout = Rollout.of(None)
        stage, trouble = rollout.plan().stage, rollout.trouble
    except TwilioException as error:
        return [Check("flag", FAILED, str(error), why, f"correct {FLAG}")]
    checks = [
        Check("flag", FAILED, f"{rollout.source_name}: {trouble}", why, f"correct {FLAG}")
        if trouble
        else Check("flag", OK, f"the stage is {stage}", why)
    ]
    if stage != "complete":
        checks.append(_checked_legacy())
    return checks


def _checked_legacy() -> Check:
    name, why = "legacy client", "it sends the faxes that have not moved yet"
    try:
        installed = version("twilio")
    except PackageNotFoundError:
        text = "pip install twilio==7.5.1, or pass legacy= to the client"
        return Check(name, WARNING, "twilio is not installed", why, text)
    if tuple(int(part) for part in installed.split(".")[:2] if part.isdigit()) > (7, 5):
        text = "pip install twilio==7.5.1, or pass legacy= to the client"
        return Check(name, FAILED, f"twilio {installed} has no fax API", why, text)
    return Check(name, OK, f"twilio {installed}", why)


def _context(url: str) -> Any:
    return _connections.tls_context(is_tls=True) if url.startswith("https:") else True
