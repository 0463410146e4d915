"""Which provider told of a fax, kept beside the instances so that those look as Twilio's do."""

from __future__ import annotations

from weakref import WeakKeyDictionary

_providers: WeakKeyDictionary[object, str] = WeakKeyDictionary()


def note_provider(fax: object, provider: str) -> None:
    """Keep who told of *fax*."""
    _providers[fax] = provider


def provider_of(fax: object) -> str | None:
    """
    Return who told of a ``FaxInstance``: ``"legacy"`` or ``"telnyx"``.

    None for one that came from a client without a roll-out.
    """
    try:
        return _providers.get(fax)
    except TypeError:  # nothing that could have been kept
        return None
