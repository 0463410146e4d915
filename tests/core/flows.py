"""A driver without a network: answers each effect from a script and keeps what was asked."""

import json
from datetime import datetime, timezone

from twilio_fax_compat._core.attempts import Attempt
from twilio_fax_compat._core.effects import (
    BeginSend,
    Elapsed,
    EndSend,
    KeepSend,
    LeaveSend,
    NewToken,
    Now,
    Pause,
    Recall,
    Remember,
    Warn,
)
from twilio_fax_compat._core.messages import Failure, TelnyxRequest, TelnyxResponse

NOW = datetime(2026, 7, 1, 12, 0, 0, tzinfo=timezone.utc)
TOKEN = "0123456789abcdef0123456789abcdef"


def answer(status, body=None, **headers):
    """Return a Telnyx answer with *body* as JSON, or as it is when it is bytes."""
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return TelnyxResponse(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, raw
    )


def lost(summary="ReadTimeout", *, timed_out=True):
    """Return the failure of a request that may have arrived."""
    return Failure(sent=True, summary=summary, timed_out=timed_out)


def refused():
    """Return the failure of a request that never left."""
    return Failure(sent=False, summary="ConnectError: [Errno 111] Connection refused")


class Run:
    """One flow, run to its end against *answers*, a list or a function of the request."""

    def __init__(self, flow, answers=(), facts=None, attempt=None, takes=0.0):
        self.elapsed = 0.0
        self.sends = []
        self.attempt = attempt
        self._takes = takes
        self.requests = []
        self.pauses = []
        self.warnings = []
        self.remembered = {}
        self.facts = dict(facts or {})
        self._answers = answers if callable(answers) else self._scripted(list(answers))
        result = None
        try:
            while True:
                result = self._carry_out(flow.send(result))
        except StopIteration as end:
            self.response = end.value

    @staticmethod
    def _scripted(answers):
        def next_answer(_request):
            assert answers, "more requests than the script answers"
            return answers.pop(0)

        return next_answer

    def _carry_out(self, effect):
        if isinstance(effect, TelnyxRequest):
            self.requests.append(effect)
            self.elapsed += self._takes
            return self._answers(effect)
        if isinstance(effect, Pause):
            assert effect.seconds >= 0
            assert effect.jitter >= 0
            self.pauses.append(effect.seconds)
            self.elapsed += effect.seconds
        elif isinstance(effect, Warn):
            self.warnings.append(effect)
        elif isinstance(effect, NewToken):
            return TOKEN
        elif isinstance(effect, Now):
            return NOW
        elif isinstance(effect, Elapsed):
            return self.elapsed
        elif isinstance(effect, BeginSend):
            self.sends.append(effect)
            return self.attempt or Attempt(effect.key, effect.token, effect.provider)
        elif isinstance(effect, (KeepSend, LeaveSend, EndSend)):
            self.sends.append(effect)
        elif isinstance(effect, Remember):
            self.remembered[effect.fax_id] = effect.facts
        elif isinstance(effect, Recall):
            return {fax: self.facts[fax] for fax in effect.fax_ids if fax in self.facts}
        else:
            raise AssertionError(effect)
        return None

    @property
    def said(self):
        """The method and path of every request."""
        return ["{} {}".format(request.method, request.path) for request in self.requests]
