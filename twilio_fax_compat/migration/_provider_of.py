"""The provider of each fax, kept outside the instances so that they look like Twilio's."""

from __future__ import annotations

from weakref import WeakKeyDictionary

_providers: WeakKeyDictionary[object, str] = WeakKeyDictionary()


def note_provider(fax: object, provider: str) -> None:
    """Record that *fax* came from *provider*."""
    _providers[fax] = provider


def provider_of(fax: object) -> str | None:
    """
    Return the provider of a ``FaxInstance``: ``"legacy"`` or ``"telnyx"``.

    Returns None if its client has no roll-out.
    """
    try:
        return _providers.get(fax)
    except TypeError:  # an object without weak references was never recorded
        return None
