"""Find retries of the caller's HTTP client that could send a fax twice."""

from __future__ import annotations

from typing import Any

from twilio_fax_compat.base.exceptions import TwilioException

_SURELY_REFUSED = (413, 429)
"""Statuses after which a client may repeat a POST: Telnyx has not accepted the fax."""


_NOT_CONNECTED = frozenset({"ConnectTimeoutError", "NameResolutionError", "NewConnectionError"})
"""Errors of urllib3 after which a try has not sent anything."""


def check_retries(http_client: Any, url: str) -> None:
    """
    Raise TwilioException if the session of *http_client* would repeat a POST to *url* by itself.

    A session of requests has an adapter whose ``max_retries`` is a ``Retry`` of urllib3
    (https://urllib3.readthedocs.io/en/stable/reference/urllib3.util.html#urllib3.util.Retry).
    """
    sessions = (http_client, getattr(http_client, "session", None))
    # https://github.com/inyutin/aiohttp_retry repeats every method after a lost answer.
    repeats = any(type(session).__name__ == "RetryClient" for session in sessions)
    if repeats or any(_repeats_post(session, url) for session in sessions):
        raise TwilioException(
            f"http_client ({type(http_client).__name__}) repeats a POST after a lost answer or a 5xx, so "
            "a fax could go out twice. Nothing was sent. Leave POST out of the allowed_methods of the "
            "Retry in its session: create looks for a lost fax and sends it again by itself"
        )


def _repeats_post(session: Any, url: str) -> bool:
    try:
        return _is_for_post(session.get_adapter(url).max_retries)
    except Exception:  # noqa: BLE001 - it is not a session, or its adapter is of another kind
        return False


def _is_for_post(retry: Any) -> bool:
    methods = getattr(retry, "allowed_methods", None)
    if methods is None:
        # The name before urllib3 1.26.
        methods = getattr(retry, "method_whitelist", None)
    # urllib3 repeats every method if the set is empty.
    if (methods and "POST" not in methods) or _is_off(retry.total):
        return False
    if not _is_off(retry.read):
        return True
    return not _is_off(retry.status) and any(
        retry.is_retry("POST", status, True)
        for status in range(400, 600)
        if status not in _SURELY_REFUSED
    )


def _is_off(count: Any) -> bool:
    return count is not None and not count


def has_sent_before(retries: Any) -> bool:
    """Return whether the history of urllib3's *retries* has a try that may have arrived."""
    try:
        return any(
            item.status is not None or type(item.error).__name__ not in _NOT_CONNECTED
            for item in retries.history
        )
    except Exception:  # noqa: BLE001 - it is not a Retry, or of another version
        return False
