"""Stands between the tests and Twilio, as the one in twilio-python's own tests."""

from twilio.http import HttpClient
from twilio.http.response import Response


class Holodeck(HttpClient):
    def __init__(self):
        self.requests = []
        self._responses = []

    def mock(self, *responses):
        self._responses.extend(responses)

    def request(
        self,
        method,
        url,
        params=None,
        data=None,
        headers=None,
        auth=None,
        timeout=None,
        allow_redirects=False,
    ):
        sent = {
            name: value
            for name, value in (("params", params), ("data", data))
            if value is not None and value != {}
        }
        self.requests.append((method.upper(), url, sent, auth))
        if not self._responses:
            raise AssertionError("nothing was mocked for {} {}".format(method, url))
        return self._responses.pop(0)

    def assert_has_request(self, method, url, **sent):
        for one in self.requests:
            if one[:3] == (method, url, sent):
                return
        raise AssertionError("no {} {} {} in {}".format(method, url, sent, self.requests))


__all__ = ["Holodeck", "Response"]
