"""The TwiML that answers an incoming fax: https://www.twilio.com/docs/fax/twiml/receive."""

from __future__ import annotations

from typing import Any

from twilio_fax_compat.twiml import TwiML

__all__ = ["FaxResponse", "Receive"]


class FaxResponse(TwiML):
    """The ``<Response>`` of a fax application."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = "Response"

    def receive(
        self,
        action: str | None = None,
        method: str | None = None,
        media_type: str | None = None,
        page_size: str | None = None,
        store_media: bool | None = None,
        **kwargs: Any,
    ) -> Receive:
        """
        Add a ``<Receive>`` and return it.

        *action* is the URL to request with *method* when the fax was received or has failed.
        *media_type* is ``application/pdf`` or ``image/tiff``. *page_size* is ``letter``, ``legal``
        or ``a4``. If *store_media* is false, that request contains the document.
        """
        return self.nest(
            Receive(
                action=action,
                method=method,
                media_type=media_type,
                page_size=page_size,
                store_media=store_media,
                **kwargs,
            )
        )


class Receive(TwiML):
    """The ``<Receive>`` verb."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = "Receive"
