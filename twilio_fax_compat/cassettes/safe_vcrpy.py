"""
Makes vcrpy parse cassettes as data, for as long as it is asked to.

vcrpy before 8.2.1 runs code that the tags of a YAML cassette name. While `SafeLoading` is on, vcrpy's own
``yaml`` and ``json`` serializers use `loader.parse`. A serializer that a suite registers itself stays
as it is.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Callable

from attrs import define, field

from twilio_fax_compat.cassettes.loader import NotACassette, parse


@define
class SafeLoading:
    """Replaces vcrpy's functions between `start` and `stop`. Without vcrpy it does nothing."""

    _originals: list[tuple[Any, str, Any]] = field(factory=list, repr=False)

    def start(self) -> None:
        """Parse cassettes as data from now on."""
        if find_spec("vcr") is None:
            return
        from vcr.cassette import Cassette
        from vcr.serializers import jsonserializer, yamlserializer

        for module, name in ((yamlserializer, "yaml"), (jsonserializer, "json")):
            self._replace(module, "deserialize", _parser(name))
        load = getattr(Cassette, "_load", None)
        if load is not None:
            self._replace(Cassette, "_load", _naming_the_file(load))

    def stop(self) -> None:
        """Put vcrpy's own functions back."""
        while self._originals:
            owner, name, original = self._originals.pop()
            setattr(owner, name, original)

    def _replace(self, owner: Any, name: str, function: Callable[..., Any]) -> None:
        self._originals.append((owner, name, getattr(owner, name)))
        setattr(owner, name, function)


def _parser(serializer: str) -> Callable[[str], Any]:
    def deserialize(cassette_string: str) -> Any:
        return parse(cassette_string, serializer, for_vcrpy=True)

    return deserialize


def _naming_the_file(load: Callable[[Any], None]) -> Callable[[Any], None]:
    def _load(self: Any) -> None:
        try:
            load(self)
        except NotACassette as error:
            path = getattr(self, "_path", "a cassette")
            raise type(error)(f"{path} cannot be used: {error}") from None

    return _load
