"""Converted recordings tell the shim what the originals told Twilio's own client, or say what not."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import vcr
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.cassettes.recordings import ACCOUNT, Twilio
from tests.cassettes.scripts import MATCH_ON, listed, our_client, play, steps, write
from twilio_fax_compat._core.fax_api.routes import FlowSettings
from twilio_fax_compat.cassettes.convert import convert_cassette
from twilio_fax_compat.cassettes.files import read

twilio = pytest.importorskip("twilio", reason="needs twilio 7.5.1, the last with all of fax")
if twilio.__version__ != "7.5.1":
    pytest.skip("needs twilio 7.5.1, the last with all of fax", allow_module_level=True)
from twilio.rest import Client as TwilioClient  # noqa: E402

LOST_WITH = {"message": {"msg"}, "media_sid": {"media_sid", "sid", "url", "uri"}}


def is_out_of_order(step):
    """Tell whether a step is a list of several pages that is not sorted as Twilio's are, newest first."""
    if step.name != "list" or len(step.answers) < 2:
        return False
    dates = [fax["date_created"] for _, page in step.answers for fax in page["faxes"]]
    return dates != sorted(dates, reverse=True)


@example(script=[listed("2021-01-20", "2017-04-16", "2019-07-03", "2018-10-11")], serializer="yaml")
@given(script=st.lists(steps(), max_size=5), serializer=st.sampled_from(["yaml", "json"]))
@settings(max_examples=60)
def test_replayed_as_recorded(script, serializer):
    """Attribute by attribute, but for what the conversion lists."""
    with TemporaryDirectory() as folder:
        ends, seen, said = [], [], []
        for step in script:
            transport = Twilio(step.answers)
            seen.append(play(TwilioClient(ACCOUNT, "token", http_client=transport), step))
            said += transport.said
            ends.append(len(said))
        old, new = Path(folder, f"old.{serializer}"), Path(folder, f"new.{serializer}")
        write(old, said, serializer)
        converted = convert_cassette(read(old), FlowSettings(account_sid=None, connection_id="1"))
        new.write_text(converted.cassette.text())

        with vcr.use_cassette(
            str(new), serializer=serializer, record_mode="none", match_on=MATCH_ON
        ) as cassette:
            begin = 0
            client = our_client()
            for step, end, original in zip(script, ends, seen):
                outcomes = converted.outcomes[begin:end]
                begin = end
                reasons = [reason for one in outcomes for reason in one.reasons]
                if not (
                    is_out_of_order(step) and any("order of its dates" in one for one in reasons)
                ):
                    assert bool(reasons) == cannot_be_had(step), reasons
                if reasons and step.name == "list":
                    # Some of its pages may be there, in the way of what comes next.
                    break
                if reasons:
                    continue
                losses = {loss.partition(":")[0] for one in outcomes for loss in one.losses}
                lost = set().union(*[LOST_WITH.get(loss, {loss}) for loss in losses])
                assert without(play(client, step), lost) == without(original, lost)
            cannot = [step for step in script if cannot_be_had(step) or is_out_of_order(step)]
            assert cassette.all_played or cannot


def cannot_be_had(step):
    """Tell whether Telnyx has nothing like a step."""
    status, payload = step.answers[0]
    if step.name == "create":
        return status >= 500
    if step.name == "unmedia":
        return True
    if step.name == "medias":
        return status == 200 and len(payload["media"]) > 1
    faxes = [fax for _, page in step.answers if page for fax in page.get("faxes", [page])]
    gone = any(
        fax["status"] == "canceled" and fax["direction"] == "inbound"
        for fax in faxes
        if "sid" in fax and "direction" in fax
    )
    return gone and step.name != "cancel"


def without(seen, lost):
    if isinstance(seen, list):
        return [without(one, lost) for one in seen]
    if not isinstance(seen, dict):
        return seen
    return {name: value for name, value in seen.items() if name not in lost}
