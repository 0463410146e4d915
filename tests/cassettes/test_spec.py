"""Converted recordings hold requests and answers that Telnyx's published OpenAPI file allows."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import openapi
from tests.cassettes.recordings import ACCOUNT, Twilio
from tests.cassettes.scripts import play, steps, write
from twilio_fax_compat._core.fax_api.routes import FlowSettings
from twilio_fax_compat.cassettes.convert import convert_cassette
from twilio_fax_compat.cassettes.files import read

pytestmark = pytest.mark.skipif(not openapi.is_available(), reason=openapi.WHERE)


@given(script=st.lists(steps(), max_size=4))
@settings(max_examples=60, deadline=None)
def test_telnyx_could_have_said_so(script):
    """Each request, and each answer but its error's codes."""
    twilio = pytest.importorskip("twilio.rest", reason="needs twilio")
    if not hasattr(twilio.Client, "fax"):
        pytest.skip("needs twilio 7.5.1, the last with all of fax")
    said = []
    for step in script:
        transport = Twilio(step.answers)
        play(twilio.Client(ACCOUNT, "token", http_client=transport), step)
        said += transport.said
    with TemporaryDirectory() as folder:
        path = Path(folder, "old.yaml")
        write(path, said)
        converted = convert_cassette(read(path), FlowSettings(account_sid=None, connection_id="1"))
    for one in converted.cassette.interactions:
        request, response = one["request"], one["response"]
        url = urlsplit(request["uri"])
        body = None if request["body"] is None else json.loads(request["body"])
        openapi.check_request(request["method"], url.path, parse_qsl(url.query), body)
        openapi.check_answer(
            request["method"], url.path, response["status"]["code"], response["body"]["string"]
        )
