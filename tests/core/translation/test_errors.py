"""Errors of Telnyx, as Twilio's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.flows import answer, lost
from tests.core.strategies import JSONS
from twilio_fax_compat._core.translation.errors import (
    PARAMETERS,
    from_failure,
    from_telnyx,
    refuses_state,
    telnyx_errors,
)

ERRORS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "code": st.sampled_from(["10016", "10004", "404", 7, None]),
            "title": JSONS,
            "detail": JSONS,
            "source": st.fixed_dictionaries(
                {},
                optional={
                    "pointer": st.sampled_from(["/to", "/data/attributes/from", "", 7]),
                    "parameter": JSONS,
                },
            )
            | JSONS,
        },
    )
    | JSONS,
    max_size=3,
)


@given(st.integers(300, 599), st.one_of(ERRORS.map(lambda errors: {"errors": errors}), JSONS))
def test_any_error_is_twilios(status, body):
    """Every status and body becomes an error response with a status, a code and a message."""
    response = from_telnyx(answer(status, body), "/Faxes")

    assert 400 <= response.status <= 599
    assert response.payload["status"] == response.status
    assert isinstance(response.payload["code"], int)
    assert response.payload["message"]
    assert response.payload["details"]["telnyx_status"] == status


@pytest.mark.parametrize("parameter", sorted(PARAMETERS))
@pytest.mark.parametrize("pointer", ["/{}", "/data/attributes/{}", "{}"])
def test_the_parameter_at_fault_is_named(parameter, pointer):
    """Telnyx's pointer leads to Twilio's code for that parameter."""
    code, name = PARAMETERS[parameter]
    body = {
        "errors": [
            {"code": "10015", "title": "Bad", "source": {"pointer": pointer.format(parameter)}}
        ]
    }
    response = from_telnyx(answer(422, body), "/Faxes")

    assert (response.status, response.payload["code"]) == (400, code)
    assert name in response.payload["message"]


def test_what_telnyx_says_is_repeated():
    """Title, detail and code are in the message, so that support can be asked."""
    body = {"errors": [{"code": "90080", "title": "Not now", "detail": "It is sent"}]}

    assert (
        from_telnyx(answer(422, body), "/x")
        .payload["message"]
        .endswith("Not now: It is sent (Telnyx 90080)")
    )
    assert refuses_state(answer(422, body))
    assert telnyx_errors(answer(422, b"<")) == []


def test_a_failure_is_a_gateways():
    """Nothing was answered: 504 after a time-out, 503 otherwise."""
    assert from_failure(lost()).status == 504
    assert from_failure(lost(timed_out=False)).status == 503
