"""The auth tokens of the Twilio accounts for which a middleware signs callbacks and links."""

from __future__ import annotations

import hmac
import os
import re
from hashlib import sha256
from typing import Callable, Mapping, Optional, Union

from attrs import define, field

from twilio_fax_compat._core.masking import mask_number
from twilio_fax_compat._core.translation.media_links import media_key
from twilio_fax_compat.base.exceptions import TwilioException

_SID = re.compile(r"AC[0-9a-fA-F]{32}", re.ASCII)
_E164 = re.compile(r"\+[1-9][0-9]{1,14}", re.ASCII)

AuthTokens = Union[str, Mapping[str, str], Callable[[str], Optional[str]]]
"""One auth token, or the tokens by account SID, or a function that returns the token of an account SID."""


@define(eq=False)
class Accounts:
    """
    Finds the auth token of an account in *tokens*.

    *account_sid* is the default account, for faxes that do not name one. *numbers* maps the numbers of
    other accounts to their SIDs.
    """

    account_sid: str
    tokens: AuthTokens = field(repr=False)
    numbers: Mapping[str, str] = field(factory=dict, repr=False)
    _no_key: bytes = field(factory=lambda: os.urandom(32), init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        for number in self.numbers:
            if not _E164.fullmatch(number):
                raise TwilioException(
                    f"number_accounts has {mask_number(number)}, which is not an E.164 number: "
                    "write it as +14155550100"
                )
        for name, sids in (
            ("account_sid", [self.account_sid]),
            ("number_accounts", self._owners()),
        ):
            for sid in sids:
                if not callable(self.tokens) and self.token_of(sid) is None:
                    raise TwilioException(
                        f"{name} names the account {sid}, for which auth_token has no token: "
                        "add it to auth_token"
                    )

    def token_of(self, account_sid: str) -> str | None:
        """Return the auth token of an account, or None if there is none. Raises what a function raises."""
        if isinstance(self.tokens, str):
            return self.tokens if account_sid == self.account_sid else None
        try:
            token = (
                self.tokens(account_sid) if callable(self.tokens) else self.tokens.get(account_sid)
            )
        except LookupError:
            return None
        if token is not None and not isinstance(token, str):
            raise TwilioException(
                "auth_token must give the token of an account as a string, or None"
            )
        return token or None

    @property
    def default_token(self) -> str | None:
        """Return the token of the default account, or None if a function is asked for it each time."""
        return None if callable(self.tokens) else self.token_of(self.account_sid)

    @property
    def application(self) -> str:
        """
        Return the name under which an inbox keeps this application's entries.

        Applications with another account or another auth token have another name.
        """
        token = self.default_token
        if token is None:
            return self.account_sid
        digest = hmac.new(token.encode(), b"twilio_fax_compat inbox", sha256).hexdigest()
        return f"{self.account_sid}/{digest[:12]}"

    def media_key(self, account_sid: str | None = None) -> bytes:
        """
        Return the key that signs an account's links to documents.

        An unknown account has the key of the default account. Without that, no link is valid, and
        neither is one for a text that cannot be an account SID. Raises what a function raises.
        """
        if account_sid and not self._may_be_account(account_sid):
            return self._no_key
        token = self.token_of(account_sid) if account_sid else None
        token = token or self.token_of(self.account_sid)
        return media_key(token) if token else self._no_key

    def _may_be_account(self, text: str) -> bool:
        """Return whether *text*, which anybody may have written, may be passed to a function."""
        return (
            text == self.account_sid
            or text in self.numbers.values()
            or (isinstance(self.tokens, dict) and text in self.tokens)
            or _SID.fullmatch(text) is not None
        )

    def _owners(self) -> list[str]:
        return sorted(set(self.numbers.values()))
