"""The last request of Twilio's HTTP client."""

from __future__ import annotations

from typing import Any, Mapping


class Request:
    """
    An HTTP request: *method*, *url*, *auth*, *params*, *data* and *headers*.

    Two are equal if each attribute is equal, or is `ANY` in one of them. The repr shows no query, no
    data and no headers, because they contain numbers and credentials.
    """

    ANY = "*"

    def __init__(
        self,
        method: str = ANY,
        url: str = ANY,
        auth: Any = ANY,
        params: Any = ANY,
        data: Any = ANY,
        headers: Any = ANY,
        **_kwargs: Any,
    ) -> None:
        self.method = method.upper()
        self.url = url
        self.auth = auth
        self.params = params
        self.data = data
        self.headers = headers

    @classmethod
    def attribute_equal(cls, lhs: Any, rhs: Any) -> bool:
        """Return whether two attributes are equal, or one of them is `ANY`."""
        if cls.ANY in (lhs, rhs):
            return True
        return bool((lhs or None) == (rhs or None))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Request):
            return False
        return all(
            self.attribute_equal(getattr(self, name), getattr(other, name))
            for name in ("method", "url", "auth", "params", "data", "headers")
        )

    __hash__ = None  # type: ignore[assignment]  # as in Twilio's class

    def __str__(self) -> str:
        return f"{self.method} {str(self.url).partition('?')[0]}"

    def __repr__(self) -> str:
        return str(self)


def without_credentials(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return *headers* with the value of ``Authorization`` left out."""
    return {
        name: "***" if name.lower() == "authorization" else value
        for name, value in (headers or {}).items()
    }
