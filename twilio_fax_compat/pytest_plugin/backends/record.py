"""``--fax-backend=record``: saves Telnyx's answers to each test as a vcrpy cassette without secrets."""

from __future__ import annotations

import hashlib
import json
import re
from collections import deque
from pathlib import Path
from typing import Any, Collection
from urllib.parse import unquote, urlsplit

from attrs import define, evolve, field

from twilio_fax_compat._core.cassettes.scrubbing import Scrubber
from twilio_fax_compat._core.messages import JSON, Outcome, Send, TelnyxRequest, TelnyxResponse
from twilio_fax_compat.cassettes.files import Cassette, NotACassette, interaction_of, read
from twilio_fax_compat.cassettes.output import write_below
from twilio_fax_compat.pytest_plugin.backends.live import LiveBackend
from twilio_fax_compat.pytest_plugin.report.records import payload_in
from twilio_fax_compat.settings import DEFAULT_BASE_URL

_MADE_UP = ("to", "from", "client_state")
"""Fields that scrubbing changes and programs compare: replay returns what the program sent."""

_OF_THE_RUN = ("client_state", "connection_id")


class RecordBackend(LiveBackend):
    """The real Telnyx, with the conditions of ``live``; each test's exchanges are saved in a file."""

    name = "record"

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self._place = place_of(config)
        self._scrubber = Scrubber()
        self._nodeid = ""
        self._interactions: list[JSON] = []

    def begin(self, nodeid: str) -> None:
        """Start the recording of a test."""
        super().begin(nodeid)
        self._nodeid, self._interactions = nodeid, []

    def send(self, request: TelnyxRequest, send: Send) -> Outcome:
        """Ask Telnyx and keep its answer."""
        outcome = super().send(request, send)
        if isinstance(outcome, TelnyxResponse):
            kept = TelnyxResponse(
                outcome.status, {"content-type": "application/json"}, outcome.body
            )
            self._interactions.append(interaction_of(request, kept, DEFAULT_BASE_URL))
        return outcome

    def reset(self, keep: Collection[str] = ()) -> None:
        """Write the recording of the test that ended, if it made a request."""
        if self._interactions:
            data = {"interactions": self._interactions, "version": 1}
            path = file_of(self._place, self._nodeid)
            cassette = Cassette(self._scrubber.scrub(data), "yaml")
            write_below(self._place, path, cassette.text().encode())
        self._interactions = []


@define
class Recording:
    """Telnyx's recorded answers to a test: for each request, in order."""

    _answers: dict[tuple[str, str], deque[TelnyxResponse]]
    _sent: dict[str, JSON] = field(factory=dict)

    @classmethod
    def of(cls, place: Path, nodeid: str) -> Recording | None:
        """Return the recording of a test, or None. Raises NotACassette for an unreadable file."""
        path = file_of(place, nodeid)
        if not path.exists():
            return None
        answers: dict[tuple[str, str], deque[TelnyxResponse]] = {}
        for interaction in read(path).interactions:
            try:
                request, response = interaction["request"], interaction["response"]
                key = request["method"], unquote(urlsplit(request["uri"]).path)
                headers = {name.lower(): value[0] for name, value in response["headers"].items()}
                body = str(response["body"]["string"]).encode()
                answer = TelnyxResponse(int(response["status"]["code"]), headers, body)
            except (AttributeError, LookupError, TypeError, ValueError):
                raise NotACassette("it was not made by --fax-backend=record") from None
            answers.setdefault(key, deque()).append(answer)
        return cls(answers)

    def answer(self, request: TelnyxRequest) -> TelnyxResponse | None:
        """Return the next answer to *request* with the values the program sent; None after the last."""
        path = urlsplit(DEFAULT_BASE_URL).path + request.path
        waiting = self._answers.get((request.method, path))
        if not waiting:
            return None
        answer = waiting.popleft()
        body = answer.json()
        if body is None:
            return answer
        data = body.get("data")
        faxes = data if isinstance(data, list) else [data]
        for fax in faxes:
            if not isinstance(fax, dict) or "id" not in fax:
                continue
            if request.method == "POST" and request.body:
                self._sent[fax["id"]] = request.body
            sent = self._sent.get(fax["id"], {})
            fax.update({name: sent[name] for name in _MADE_UP if name in sent and name in fax})
        return TelnyxResponse(answer.status, answer.headers, json.dumps(body).encode())


def as_recorded(request: TelnyxRequest, cassette: Any) -> TelnyxRequest:
    """
    Return *request* as a vcrpy *cassette* that compares bodies has it.

    Values that differ from run to run are taken from the recording of the same fax.
    """
    if request.body is None:
        return request
    url = DEFAULT_BASE_URL + request.path
    for recorded in cassette.requests:
        body = payload_in(recorded.body) if recorded.uri == url else None
        if isinstance(body, dict) and _lasting(body) == _lasting(request.body):
            recorded_values = {name: body[name] for name in _OF_THE_RUN if name in body}
            return evolve(request, body={**request.body, **recorded_values})
    return request


def _lasting(body: JSON) -> JSON:
    return {name: value for name, value in body.items() if name not in _OF_THE_RUN}


def place_of(config: Any) -> Path:
    """Return the folder of the recordings."""
    chosen = getattr(config.known_args_namespace, "fax_cassettes", None)
    chosen = chosen or config.getini("fax_cassettes") or "fax_cassettes"
    return Path(config.rootpath) / chosen


def file_of(place: Path, nodeid: str) -> Path:
    """Return the file of a test's recording, below *place*."""
    file, _, name = nodeid.partition("::")
    plain = re.sub(r"[^\w.-]+", "-", name)
    if plain != name:
        plain += "-" + hashlib.sha256(name.encode()).hexdigest()[:8]
    return place / re.sub(r"\.py$", "", file) / (plain + ".yaml")
