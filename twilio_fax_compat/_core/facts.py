"""Facts about a fax that Telnyx's fax resource does not have."""

from __future__ import annotations

from typing import Any, Iterator, Mapping

from attrs import evolve, field, frozen


@frozen
class Facts:
    """
    Facts about a fax that Telnyx's fax resource does not have. None means unknown.

    *status* is a final Telnyx status, *duration* is in seconds, and *action* is the action that an
    incoming fax's TwiML asked for. *provider* is ``legacy`` or ``telnyx``, if both are in use. The
    *status* of a legacy fax is Twilio's. *reported* is the final status for which the application's
    callback was delivered. *sends* are the sends of one form that have no known end, by token; an
    empty one deletes the stored one.
    """

    cancel_asked: bool = False
    status: str | None = None
    failure_reason: str | None = None
    page_count: int | None = None
    duration: int | None = None
    action: Mapping[str, str] | None = field(default=None, repr=False)
    provider: str | None = None
    reported: str | None = None
    sends: Mapping[str, Mapping[str, Any]] | None = field(default=None, repr=False)


NOTHING_KNOWN = Facts()


SEND_KEYS = "send:"
"""
The prefix of the keys of sends. Their `Facts` have only *sends*.

A ledger deletes such facts when no send is left in them.
"""


def entries_of(facts: Facts) -> Iterator[Mapping[str, Any]]:
    """Yield the entries of sends in *facts*, without those that only name the key of a token."""
    return (entry for entry in (facts.sends or {}).values() if "key" not in entry)


def merged(old: Facts | None, new: Facts) -> Facts:
    """Return the facts of both. *new* wins; what it leaves out is taken from *old*."""
    if old is None:
        return new if all((new.sends or {}).values()) else evolve(new, sends=_kept(new.sends))
    return Facts(
        cancel_asked=old.cancel_asked or new.cancel_asked,
        status=new.status or old.status,
        failure_reason=new.failure_reason or old.failure_reason,
        page_count=old.page_count if new.page_count is None else new.page_count,
        duration=old.duration if new.duration is None else new.duration,
        action=old.action if new.action is None else new.action,
        provider=new.provider or old.provider,
        reported=new.reported or old.reported,
        sends=_merged_sends(old.sends, new.sends),
    )


def _merged_sends(
    old: Mapping[str, Mapping[str, Any]] | None, new: Mapping[str, Mapping[str, Any]] | None
) -> Mapping[str, Mapping[str, Any]] | None:
    """Return the entries of both by token. An empty entry in *new* deletes the one in *old*."""
    return old if new is None else _kept({**(old or {}), **new})


def _kept(
    entries: Mapping[str, Mapping[str, Any]] | None,
) -> Mapping[str, Mapping[str, Any]] | None:
    return {token: entry for token, entry in (entries or {}).items() if entry} or None
