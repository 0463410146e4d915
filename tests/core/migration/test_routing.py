"""One fax, two providers: who is asked for it, and who sends it."""

from datetime import datetime, timezone

import pytest
from attrs import define, evolve, field
from hypothesis import given
from hypothesis import strategies as st

from twilio_fax_compat._core.attempts import Attempt
from twilio_fax_compat._core.effects import (
    BeginSend,
    Elapsed,
    EndSend,
    KeepSend,
    LeaveSend,
    NewToken,
    Recall,
)
from twilio_fax_compat._core.facts import SEND_KEYS, Facts, merged
from twilio_fax_compat._core.fax_api.retries import RetryPolicy
from twilio_fax_compat._core.messages import TwilioRequest, TwilioResponse
from twilio_fax_compat._core.migration.decisions import LEGACY, TELNYX, Decision
from twilio_fax_compat._core.migration.effects import (
    Ask,
    Count,
    Decide,
    DryRun,
    Note,
    Providers,
    Record,
)
from twilio_fax_compat._core.migration.routing import route
from twilio_fax_compat._core.translation.errors import not_found, problem
from twilio_fax_compat._core.translation.send_keys import send_key

NOW = datetime(2026, 7, 1, 12, tzinfo=timezone.utc)
FORM = {"To": "+15005550009", "From": "+15005550006", "MediaUrl": "https://www.example.com/1.pdf"}
LEGACY_SID = "FX" + "0" * 32
UUID_SID = "FX0a0a0a0a0a0a4a0a8a0a0a0a0a0a0a0a"
SIDS = {LEGACY: LEGACY_SID, TELNYX: UUID_SID}

ACCEPTED, REFUSED, UNSURE, RAISED, UNREACHED = (
    "accepted",
    "refused",
    "unsure",
    "raised",
    "unreached",
)


class NoAnswerError(Exception):
    pass


def outcome(provider, kind):
    """Return or raise what becomes of a send."""
    if kind == RAISED:
        raise NoAnswerError
    if kind == ACCEPTED:
        return TwilioResponse(201, {"sid": SIDS[provider], "status": "queued"})
    if kind == REFUSED:
        return problem(400, 21211, "to")
    if provider == LEGACY:
        return problem(500, 20500, "failed")
    if kind == UNREACHED:
        return problem(503, 20503, "unreached", {"errors": [], "sent": False})
    return problem(503, 20503, "lost", {"may_have_been_sent": True})


@define
class World:
    """Two providers, a flag, and a ledger that leaves its sends where a call broke off."""

    stage: str = "on"
    outcomes: dict = field(factory=dict)
    providers: Providers = field(factory=Providers)
    facts: dict = field(factory=dict)
    sends: dict = field(factory=dict)
    recorded: list = field(factory=list)
    tokens: int = 0
    asked: list = field(factory=list)
    counted: list = field(factory=list)
    dry_run: int = 0
    stops_at_ask: bool = False

    def run(self, request):
        talk = route(request, self.providers)
        try:
            effect = talk.send(None)
            while True:
                if self.stops_at_ask and isinstance(effect, Ask):
                    talk.close()
                    return None
                try:
                    result = self.carry_out(effect)
                except NoAnswerError as error:
                    effect = talk.throw(error)
                else:
                    effect = talk.send(result)
        except StopIteration as end:
            return end.value

    def carry_out(self, effect):
        if isinstance(effect, Ask):
            self.asked.append(effect.provider)
            answer = self.outcomes[effect.provider]
            if effect.provider == TELNYX and effect.request.attempt is not None:
                self._as_telnyx_does(effect.request.attempt, answer)
            return outcome(effect.provider, answer) if isinstance(answer, str) else answer
        if isinstance(effect, Decide):
            provider = LEGACY if self.stage in ("off", "shadow") else TELNYX
            return Decision(self.stage, provider, "stage", "0" * 16)
        if isinstance(effect, Recall):
            return {key: self.facts[key] for key in effect.fax_ids if key in self.facts}
        if isinstance(effect, Note):
            self.facts[effect.key] = merged(self.facts.get(effect.key), effect.facts)
        elif isinstance(effect, Count):
            self.counted.append(effect.name)
        elif isinstance(effect, DryRun):
            self.dry_run += 1
        elif isinstance(effect, Record):
            self.recorded.append((effect.decision.provider, effect.decision.reason))
        elif isinstance(effect, NewToken):
            self.tokens += 1
            return f"token{self.tokens}"
        elif isinstance(effect, Elapsed):
            return 0.0
        elif isinstance(effect, BeginSend):
            return self._begin(effect)
        elif isinstance(effect, EndSend):
            del self.sends[effect.attempt.key]
        else:
            assert isinstance(effect, (KeepSend, LeaveSend))
            self.sends[effect.attempt.key] = effect.attempt.entry("", 0), effect.attempt.token
        return None

    def _begin(self, effect):
        attempt = Attempt(effect.key, effect.token, effect.provider)
        if effect.key in self.sends:
            entry, token = self.sends[effect.key]
            attempt = Attempt.of_entry(effect.key, token, entry)
        self.sends[effect.key] = attempt.entry("", 0), attempt.token
        return attempt

    @staticmethod
    def _as_telnyx_does(attempt, kind):
        if kind in (UNSURE, RAISED):
            attempt.may_be_out = True
        elif not attempt.is_retry or kind == ACCEPTED:
            attempt.may_be_out = False

    def send(self, **fields):
        return self.run(TwilioRequest("POST", "/Faxes", {**FORM, **fields}))

    def about(self, sid, method="GET", path=""):
        return self.run(TwilioRequest(method, f"/Faxes/{sid}{path}"))


KINDS = st.sampled_from([ACCEPTED, REFUSED, UNSURE, RAISED, UNREACHED])
ATTEMPTS = st.lists(
    st.tuples(st.sampled_from(["off", "shadow", "ramp", "on", "complete"]), KINDS, KINDS),
    min_size=1,
    max_size=6,
)


@given(ATTEMPTS, st.booleans(), st.booleans())
def test_what_may_have_been_sent_is_never_sent_by_the_other(attempts, falls_back, has_telnyx):
    """Whatever the flag says, and the providers answer, from one retry to the next."""
    providers = Providers(falls_back=falls_back)
    world = World(providers=providers)
    may_have_it = None
    for stage, telnyx, legacy in attempts:
        world.stage, world.outcomes = stage, {TELNYX: telnyx, LEGACY: legacy}
        # Settings can go; then nothing but the legacy provider is there.
        is_there = has_telnyx or stage in ("ramp", "on", "complete")
        world.providers = evolve(providers, has_telnyx=is_there)
        world.asked.clear()
        try:
            answer = world.send()
        except NoAnswerError:
            answer = None
        if may_have_it is not None:
            assert set(world.asked) <= {may_have_it}
            if not world.asked:
                assert (answer.status, answer.payload["code"]) == (409, 20409)
                assert answer.payload["details"]["may_have_been_sent"]
        if stage == "complete":
            assert LEGACY not in world.asked
        if not world.asked:
            continue
        last = world.asked[-1]
        kind = {TELNYX: telnyx, LEGACY: legacy}[last]
        # Of a 5xx Twilio's API says no more than that it failed.
        open_ends = {UNSURE, RAISED} if last == TELNYX else {UNSURE, RAISED, UNREACHED}
        if kind == ACCEPTED:
            may_have_it = None
        elif kind in open_ends:
            may_have_it = last


@pytest.mark.parametrize(("remember", "asked"), [(True, [TELNYX]), (False, [LEGACY])])
def test_a_retry_stays_unless_that_is_switched_off(remember, asked):
    world = World(outcomes={TELNYX: UNSURE, LEGACY: ACCEPTED})
    world.providers = Providers(retry=RetryPolicy(remember=remember))
    world.send()
    world.stage = "off"
    world.asked.clear()
    world.send()
    assert world.asked == asked
    assert world.recorded == [(TELNYX, "stage"), (asked[0], "retry" if remember else "stage")]


@pytest.mark.parametrize("first", ["off", "on"])
def test_a_process_that_dies_leaves_its_pin(first):
    """A ledger that outlives the process knows of a send whose end nobody saw."""
    world = World(stage=first, outcomes={TELNYX: ACCEPTED, LEGACY: ACCEPTED})
    world.stops_at_ask = True
    assert world.send() is None
    world.stops_at_ask = False
    world.stage = "on" if first == "off" else "off"
    world.send()
    world.send()
    assert world.asked == ([LEGACY, TELNYX] if first == "off" else [TELNYX, LEGACY])


@pytest.mark.parametrize("kind", [ACCEPTED, REFUSED])
def test_a_send_with_an_end_is_free_again(kind):
    world = World(outcomes={TELNYX: kind, LEGACY: ACCEPTED})
    world.send()
    world.stage = "off"
    world.send()
    assert world.asked == [TELNYX, LEGACY]


def test_a_refusal_frees_no_earlier_send():
    """What may have been sent before is not made sure by a later refusal."""
    world = World(outcomes={TELNYX: UNSURE, LEGACY: ACCEPTED})
    world.send()
    world.outcomes[TELNYX] = REFUSED
    world.send()
    world.stage = "off"
    world.send()
    assert world.asked == [TELNYX] * 3


@pytest.mark.parametrize("kind", [REFUSED, UNREACHED])
def test_falling_back(kind):
    world = World(outcomes={TELNYX: kind, LEGACY: ACCEPTED}, providers=Providers(falls_back=True))
    answer = world.send()
    assert answer.payload.provider == LEGACY
    assert world.counted == ["create/telnyx/fallback", "create/legacy/accepted"]
    assert world.recorded == [(TELNYX, "stage"), (LEGACY, "fallback")]


@pytest.mark.parametrize(
    ("stage", "kind"), [("on", UNSURE), ("complete", REFUSED), ("complete", UNREACHED)]
)
def test_not_falling_back(stage, kind):
    world = World(stage, {TELNYX: kind}, Providers(falls_back=True))
    assert world.send().status >= 400
    assert world.asked == [TELNYX]


def test_the_shadow_rehearses_what_was_answered():
    world = World("shadow", {LEGACY: REFUSED})
    world.send()
    assert (world.asked, world.dry_run) == ([LEGACY], 1)


@given(st.permutations(sorted(FORM)), st.sampled_from(["a", "b"]))
def test_a_send_has_one_key(names, salt):
    """The order of arguments, None, and the order of Twilio's first releases make no other."""
    form = {name: FORM[name] for name in names}
    key = send_key(form, salt)
    assert key.startswith(SEND_KEYS)
    assert FORM["To"] not in key
    assert key == send_key({**form, "Quality": None}, salt)
    old = {"To": FORM["From"], "MediaUrl": FORM["To"], "Quality": FORM["MediaUrl"]}
    assert key == send_key(old, salt)
    assert key != send_key(form, salt + "x")
    assert key != send_key({**form, "To": "+15005550008"}, salt)


@pytest.mark.parametrize(
    "signature",
    [
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={0}&X-Amz-Expires=60&X-Amz-Signature={0}",
        "AWSAccessKeyId=AKIA&Signature={0}&Expires={0}",
        "Expires={0}&Signature={0}&Key-Pair-Id=K1",
        "X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Date={0}&X-Goog-Signature={0}",
        "sv=2024-11-04&st={0}&se={0}&sr=b&sp=r&sig={0}",
    ],
)
def test_an_address_that_is_signed_anew_is_the_same(signature):
    def key(text):
        return send_key({**FORM, "MediaUrl": f"https://x.example/1.pdf?{text}"}, "")

    first, second = signature.format("1"), signature.format("2")
    assert key(f"page=1&{first}") == key(f"page=1&{second}")
    assert key(f"page=1&{first}") != key(f"page=2&{first}")


def test_an_address_without_a_signature_is_itself():
    keys = {
        send_key({**FORM, "MediaUrl": "https://x.example/1.pdf" + query}, "")
        for query in ("", "?", "?st=1", "?st=2", "?expires=1", "?expires=2")
    }
    assert len(keys) == 6


@pytest.mark.parametrize(
    ("sid", "order"), [(LEGACY_SID, [LEGACY, TELNYX]), (UUID_SID, [TELNYX, LEGACY])]
)
@pytest.mark.parametrize("unsure", [404, 401, 405, 429, 500, 503, RAISED])
def test_who_does_not_tell_stops_nobody(sid, order, unsure):
    """The other may have the fax, and is then the first to be asked."""
    first, second = order
    failing = (
        unsure
        if unsure == RAISED
        else not_found("/x")
        if unsure == 404
        else problem(unsure, 20000, "no")
    )
    world = World(
        outcomes={first: failing, second: TwilioResponse(200, {"sid": sid, "status": "sending"})}
    )
    assert world.about(sid).payload.provider == second
    assert world.about(sid).payload.provider == second
    assert world.asked == [first, second, second]


@pytest.mark.parametrize("status", [400, 409])
def test_a_refusal_is_an_answer(status):
    world = World(outcomes={LEGACY: problem(status, 20409, "it is delivered")})
    assert world.about(LEGACY_SID, "POST").status == status
    assert world.asked == [LEGACY]


@pytest.mark.parametrize("failing", [500, RAISED])
@pytest.mark.parametrize("second", [True, False])
def test_a_failure_tells_more_than_nothing_found(failing, second):
    """A 404 of one provider does not count while the other has not answered."""
    failure = failing if failing == RAISED else problem(500, 20500, "broken")
    names = [TELNYX, LEGACY] if second else [LEGACY, TELNYX]
    world = World(outcomes={names[0]: failure, names[1]: not_found("/x")})
    if failing == RAISED:
        with pytest.raises(NoAnswerError):
            world.about(LEGACY_SID)
    else:
        assert world.about(LEGACY_SID).status == 500
    assert world.asked == [LEGACY, TELNYX]


def test_what_the_ledger_knows_is_asked_alone():
    world = World(outcomes={LEGACY: not_found("/x"), TELNYX: not_found("/x")})
    world.facts["0a0a0a0a-0a0a-4a0a-8a0a-0a0a0a0a0a0a"] = Facts(provider=LEGACY)
    assert world.about(UUID_SID).status == 404
    assert world.asked == [LEGACY]


def test_media_of_a_legacy_fax_with_a_telnyx_like_sid():
    """Telnyx's refusal to delete media alone says nothing of who has the fax."""
    world = World(outcomes={TELNYX: problem(405, 20004, "both"), LEGACY: TwilioResponse(204)})
    assert world.about(UUID_SID, "DELETE", "/Media/ME" + UUID_SID[2:]).status == 204
    world.outcomes[LEGACY] = not_found("/x")
    assert world.about(UUID_SID, "DELETE", "/Media/ME" + UUID_SID[2:]).status == 405


@pytest.mark.parametrize(
    ("name", "value", "is_same"),
    [
        ("Quality", "fine", True),
        ("Quality", "FINE", True),
        ("Quality", "standard", False),
        ("StoreMedia", True, True),
        ("StoreMedia", "true", True),
        ("StoreMedia", "1", True),
        ("StoreMedia", False, False),
        ("Ttl", True, False),
    ],
)
def test_a_default_that_is_spelled_out_is_the_same_send(name, value, is_same):
    assert (send_key({**FORM, name: value}, "") == send_key(FORM, "")) is is_same
