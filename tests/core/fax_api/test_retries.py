"""What an idempotent request comes to when its time is over."""

from tests.core.flows import Run, answer, lost
from twilio_fax_compat._core.fax_api.retries import RetryPolicy, repeated
from twilio_fax_compat._core.messages import Failure, TelnyxRequest, TelnyxResponse

POLICY = RetryPolicy(backoff=0.001, backoff_max=0.001, budget=10)


def outcome_of(*answers, takes):
    return Run(repeated(TelnyxRequest("GET", "/faxes/1"), POLICY), answers, takes=takes).response


def test_rate_limits_are_said_when_the_time_is_over():
    """A request that got nothing but 429 ends as one, not as a timeout of ours."""
    tried = outcome_of(*[answer(429)] * 4, takes=3.0)

    assert isinstance(tried.outcome, TelnyxResponse)
    assert tried.outcome.status == 429


def test_a_last_request_that_the_time_cuts_off():
    """So it does if the time ends while the last request waits."""
    tried = outcome_of(answer(429), answer(429), lost(), takes=4.0)

    assert isinstance(tried.outcome, TelnyxResponse)
    assert tried.outcome.status == 429


def test_a_request_without_any_answer_timed_out():
    """Without an answer the timeout is what is known."""
    tried = outcome_of(lost(), lost(), lost(), takes=4.0)

    assert isinstance(tried.outcome, Failure)
    assert tried.outcome.timed_out
