"""Reads the settings of a server from a TOML file (https://toml.io/en/v1.0.0); errors name the line."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, Mapping

from attrs import define, evolve, field

from twilio_fax_compat.base.exceptions import TwilioException
from twilio_fax_compat.server.accounts import POLICY, Account, telnyx_settings
from twilio_fax_compat.server.config import ServerConfig
from twilio_fax_compat.settings import TelnyxSettings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_SERVER: Mapping[str, type | tuple[type, ...]] = {
    "public_url": str,
    "ledger": str,
    "legacy_url": str,
    "rollout": (str, dict, bool),
    "trusted_proxies": list,
    "private_callbacks": bool,
    "max_body": int,
    "read_timeout": (int, float),
    "accounts": list,
}
_ACCOUNT: Mapping[str, type | tuple[type, ...]] = {
    "sid": str,
    "auth_token": str,
    "api_keys": dict,
    "telnyx_api_key": str,
    "telnyx_connection_id": str,
    "telnyx_public_key": str,
    "telnyx_base_url": str,
    "unsupported": dict,
    "retry": dict,
    "incoming_urls": dict,
    "incoming_method": str,
    "callback_hosts": list,
}
_REQUIRED = ("sid", "auth_token")
_TELNYX = "telnyx_"
_KINDS = {str: "a text", dict: "a table", list: "an array", bool: "true or false", int: "a number"}

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?")
_KEY = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*[.=]""")


def read_config(
    path: str, environ: Mapping[str, str], changes: Mapping[str, Any] | None = None
) -> ServerConfig:
    """
    Return the settings in the file at *path*; *changes* replace single ones.

    A Telnyx setting that an account leaves out comes from *environ*. Raises TwilioException, whose text
    begins with the file and the line, for a file that cannot be read or has a mistake.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise TwilioException(f"{path} cannot be read: {reason}") from None
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = str(error).replace(
            "at end of document", f"at line {len(text.splitlines())}, its end"
        )
        raise TwilioException(f"{path}: {said}") from None
    return _Reader(path, _lines(text)).config(values, environ, changes or {})


@define
class _Reader:
    path: str
    lines: Mapping[tuple[object, ...], int] = field(repr=False)

    def config(
        self, values: Mapping[str, Any], environ: Mapping[str, str], changes: Mapping[str, Any]
    ) -> ServerConfig:
        self._check_names(values, _SERVER, ())
        accounts = [
            self._account(number, item, environ)
            for number, item in enumerate(values.get("accounts", []))
        ]
        if not accounts:
            raise self._error((), "add at least one account, as [[accounts]]")
        rest = {name: value for name, value in values.items() if name != "accounts"}
        try:
            return ServerConfig(**{**rest, **changes, "accounts": accounts})
        except TwilioException as error:
            raise self._of_field((), error) from None

    def _account(self, number: int, item: Any, environ: Mapping[str, str]) -> Account:
        place: tuple[object, ...] = ("accounts", number)
        if not isinstance(item, dict):
            raise self._error(("accounts",), "write each account as a table, [[accounts]]")
        self._check_names(item, _ACCOUNT, place)
        given = {name for name, value in item.items() if value not in ("", {})}
        for name in _REQUIRED:
            if name not in given:
                raise self._error(place, f"{name} is missing in this account")
        own = {name: item[name] for name in item if not name.startswith(_TELNYX)}
        unsupported, retry = own.pop("unsupported", {}), own.pop("retry", {})
        try:
            policy = evolve(POLICY, **retry)
        except (TypeError, ValueError) as error:
            raise self._error((*place, "retry"), f"retry: {error.args[0]}") from None
        try:
            settings = TelnyxSettings(
                unsupported=unsupported,
                retry=policy,
                **{
                    name[len(_TELNYX) :]: value
                    for name, value in item.items()
                    if name.startswith(_TELNYX)
                },
            )
            return Account(telnyx=telnyx_settings(settings, environ), **own)
        except TwilioException as error:
            raise self._of_field(place, error) from None

    def _check_names(
        self,
        values: Mapping[str, Any],
        known: Mapping[str, type | tuple[type, ...]],
        place: tuple[object, ...],
    ) -> None:
        for name, value in values.items():
            if name not in known:
                raise self._error(
                    (*place, name), f"{name} is not a setting here: use {', '.join(known)}"
                )
            kinds = known[name]
            is_flag = isinstance(value, bool) and kinds is not bool and name != "rollout"
            if not isinstance(value, kinds) or is_flag:
                kind = kinds[0] if isinstance(kinds, tuple) else kinds
                raise self._error((*place, name), f"{name} must be {_KINDS[kind]}")

    def _of_field(self, place: tuple[object, ...], error: TwilioException) -> TwilioException:
        """Return *error*, whose text begins with the name of a field, with the line of that field."""
        text = str(error)
        name = re.split(r"[ :=]", text, maxsplit=1)[0]
        for candidate in ((*place, name), (*place, _TELNYX + name)):
            if candidate in self.lines:
                return self._error(candidate, text)
        return self._error(place, text)

    def _error(self, place: tuple[object, ...], text: str) -> TwilioException:
        while place and place not in self.lines:
            place = place[:-1]
        line = self.lines.get(place)
        where = f"{self.path}, line {line}" if line else self.path
        return TwilioException(f"{where}: {text}")


def _lines(text: str) -> dict[tuple[object, ...], int]:
    """Return the line of each table and of each of its keys, by their path in the file."""
    lines: dict[tuple[object, ...], int] = {}
    table: tuple[object, ...] = ()
    arrays: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.fullmatch(line)
        if header is not None:
            names: list[object] = [part.strip().strip("\"'") for part in header[2].split(".")]
            top = str(names[0])
            if header[1] == "[[" and len(names) == 1:
                arrays[top] = arrays.get(top, -1) + 1
            if top in arrays:
                names.insert(1, arrays[top])
            table = tuple(names)
            lines.setdefault(table, number)
            continue
        key = _KEY.match(line)
        if key is not None:
            lines.setdefault((*table, key[1] or key[2] or key[3]), number)
    return lines
