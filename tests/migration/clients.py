"""Clients of the legacy provider's API: Twilio's own, and one that somebody wrote."""

from datetime import datetime
from types import SimpleNamespace

import httpx
import pytest

from tests.base.libraries import INSTALLED, needs_751
from tests.fakes.twilio import client_of_fake

KINDS = [pytest.param("twilio", marks=needs_751), "wrapper"]


def legacy_client(kind, fake):
    return client_of_fake(fake) if kind == "twilio" else Wrapper(fake)


class RefusedError(Exception):
    """What the wrapper raises for an error of the API."""

    def __init__(self, status, code, msg):
        super().__init__(msg)
        self.status, self.code, self.msg = status, code, msg


class Wrapper:
    """A client of one's own, with no more of Twilio's methods than its program needs."""

    def __init__(self, fake):
        self._fake = fake
        self.fax = SimpleNamespace(faxes=_Faxes(self))

    def ask(self, method, path, **options):
        auth = (self._fake.account_sid, self._fake.auth_token)
        answer = httpx.request(method, self._fake.url + "/v1" + path, auth=auth, **options)
        if answer.status_code >= 400:
            told = answer.json()
            raise RefusedError(answer.status_code, told["code"], told["message"])
        return answer.json() if answer.content else None


class _Faxes:
    def __init__(self, client):
        self._client = client

    def __call__(self, sid):
        return _Context(self._client, sid)

    def create(self, to, media_url, from_=None, quality=None, status_callback=None):
        form = {
            "To": to,
            "MediaUrl": media_url,
            "From": from_,
            "Quality": quality,
            "StatusCallback": status_callback,
        }
        form = {name: value for name, value in form.items() if value is not None}
        return _instance(self._client.ask("POST", "/Faxes", data=form))

    def list(self, from_=None, to=None, limit=None, **dates):
        names = {
            "date_created_on_or_before": "DateCreatedOnOrBefore",
            "date_created_after": "DateCreatedAfter",
        }
        query = {names[name]: value for name, value in dates.items()}
        query.update({name: value for name, value in (("From", from_), ("To", to)) if value})
        found, path = [], "/Faxes"
        query["PageSize"] = 1000
        page = self._client.ask("GET", path, params=query)
        found += page["faxes"]
        return [_instance(fax) for fax in found[:limit]]


class _Context:
    def __init__(self, client, sid):
        self._client, self._path = client, "/Faxes/" + sid

    def fetch(self):
        return _instance(self._client.ask("GET", self._path))

    def update(self, status=None):
        return _instance(self._client.ask("POST", self._path, data={"Status": status}))

    def delete(self):
        return self._client.ask("DELETE", self._path) is None


def _instance(payload):
    told = dict(payload)
    told["from_"] = told.pop("from")
    for name in ("date_created", "date_updated"):
        told[name] = datetime.strptime(told[name], "%Y-%m-%dT%H:%M:%S%z")
    return SimpleNamespace(**told)


__all__ = ["INSTALLED", "KINDS", "RefusedError", "Wrapper", "legacy_client"]
