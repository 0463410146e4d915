"""The flag in OpenFeature: its SDK, its in-memory provider, and one that reads a file."""

import json
import subprocess
import sys
from threading import Event, current_thread

import pytest

from tests.helpers import ACCOUNT, FROM, TO
from tests.migration.helpers import FORM, in_threads, stage_of, warnings_in
from twilio_fax_compat.migration import Plan, Rollout, Subject

api = pytest.importorskip("openfeature.api", reason="openfeature-sdk is not installed")

from openfeature.evaluation_context import EvaluationContext  # noqa: E402
from openfeature.exception import ErrorCode  # noqa: E402
from openfeature.flag_evaluation import FlagResolutionDetails, Reason  # noqa: E402
from openfeature.provider import AbstractProvider, Metadata  # noqa: E402
from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider  # noqa: E402

from twilio_fax_compat.migration import OpenFeatureFlag  # noqa: E402

KEY = "twilio-fax-compat-rollout"
OTHER = "+15005550008"


@pytest.fixture(autouse=True)
def _no_providers():
    yield
    api.shutdown()
    api.clear_providers()


def in_memory(value, **options):
    """Serve one value, or what a context evaluator says."""
    flag = InMemoryFlag("only", {"only": value}, **options)
    api.set_provider(InMemoryProvider({KEY: flag}))


@pytest.mark.parametrize(
    ("value", "plan"),
    [
        ("shadow", Plan("shadow")),
        ("12.5%", Plan("ramp", 12.5)),
        ('{"percent": 5, "key": "from"}', Plan("ramp", 5, key="from")),
        (True, Plan("on")),
        (False, Plan("off")),
        ({"percent": 25, "allow": {"to": ["+1415*"]}}, Plan("ramp", 25, {"to": ["+1415*"]})),
    ],
)
def test_a_flag_of_any_type_is_read(value, plan):
    """Strings, booleans and objects are values of the flag."""
    in_memory(value)
    rollout = Rollout(OpenFeatureFlag())
    assert [rollout.plan(), rollout.plan()] == [plan, plan]


def test_a_flag_may_change_its_type():
    """What was a string may become an object or a boolean."""
    rollout = Rollout(OpenFeatureFlag())
    for value, stage in [
        ("shadow", "shadow"),
        ({"percent": 1}, "ramp"),
        (True, "on"),
        ("off", "off"),
    ]:
        in_memory(value)
        assert stage_of(rollout) == stage


def test_what_is_told_to_the_provider():
    """Prefix, sender and account are in the context, and the hash is the targeting key."""
    seen = []

    def evaluate(flag, context):
        seen.append(context)
        return FlagResolutionDetails("on", reason=Reason.TARGETING_MATCH)

    in_memory("off", context_evaluator=evaluate)
    assert stage_of(Rollout(OpenFeatureFlag())) == "on"
    stage_of(Rollout(OpenFeatureFlag(), key="from"))
    by_destination, by_sender = seen
    subject = Subject.of(FORM, ACCOUNT)
    assert by_destination == EvaluationContext(
        targeting_key=subject.key_hash("to"),
        attributes={"destination_prefix": TO[:5], "sender": FROM, "account": ACCOUNT},
    )
    assert by_sender.targeting_key == subject.key_hash("from")
    assert TO[1:] not in repr(seen)


def test_a_share_that_the_provider_chooses_is_sticky():
    """Fractional targeting by the key is the same for the same destination, at any percentage."""

    def evaluate(flag, context):
        share = int(context.targeting_key[:4], 16) / 0x10000
        return FlagResolutionDetails("on" if share < 0.5 else "off", reason=Reason.SPLIT)

    in_memory("off", context_evaluator=evaluate)
    rollout = Rollout(OpenFeatureFlag())
    numbers = [f"+1415555{number:04}" for number in range(200)]
    stages = [stage_of(rollout, number) for number in numbers]
    assert set(stages) == {"on", "off"}
    api.clear_providers()
    assert [stage_of(rollout, number) for number in numbers] == stages


def test_clients_and_domains_may_be_chosen():
    """Each domain has a provider of its own."""
    in_memory("off")
    api.set_provider(InMemoryProvider({"fax": InMemoryFlag("a", {"a": "on"})}), "faxes")
    assert stage_of(Rollout(OpenFeatureFlag("fax", domain="faxes"))) == "on"
    assert stage_of(Rollout(OpenFeatureFlag("fax", client=api.get_client("faxes")))) == "on"
    assert stage_of(Rollout(OpenFeatureFlag())) == "off"
    assert Rollout(OpenFeatureFlag("fax", domain="faxes")).source_name == (
        "the OpenFeature flag fax of the domain faxes"
    )


def test_an_error_in_the_details_is_a_broken_flag(caplog):
    """A missing or disabled flag, one of another type and a missing provider keep the last stage."""
    rollout = Rollout(OpenFeatureFlag(), safe_stage="shadow")
    assert stage_of(rollout) == "shadow"
    assert "it has no value" in warnings_in(caplog)[0]
    in_memory("on")
    assert stage_of(rollout) == "on"
    assert "works again" in warnings_in(caplog)[0]
    api.set_provider(InMemoryProvider({}))
    assert stage_of(rollout) == "on"
    in_memory(25)
    assert stage_of(rollout) == "on"
    (broken,) = warnings_in(caplog)
    assert "FLAG_NOT_FOUND" in broken
    assert stage_of(rollout, OTHER) == "on"
    assert "TYPE_MISMATCH" in _why_broken(caplog)


def _why_broken(caplog):
    stage_of(Rollout(OpenFeatureFlag()))
    return warnings_in(caplog)[0]


def test_a_providers_words_are_masked(caplog):
    """What a provider says about a number is not logged in full."""

    def evaluate(flag, context):
        return FlagResolutionDetails(
            "on", error_code=ErrorCode.GENERAL, error_message=f"no segment for {TO}"
        )

    in_memory("on", context_evaluator=evaluate)
    assert "GENERAL: no segment for ...0009" in _why_broken(caplog)


def test_a_hanging_provider_is_left_alone(caplog):
    """It is given the deadline once, and then the last stage counts at once."""
    gate, calls = Event(), []

    def evaluate(flag, context):
        calls.append(1)
        if len(calls) > 1:
            gate.wait(60)
        return FlagResolutionDetails("on")

    in_memory("off", context_evaluator=evaluate)
    rollout = Rollout(OpenFeatureFlag(), deadline=0.05)
    assert [stage_of(rollout) for _ in range(10)] == ["on"] * 10
    assert len(calls) == 2
    gate.set()
    assert "no answer" in warnings_in(caplog)[0]


def test_an_inline_provider_is_asked_by_the_sending_thread():
    """Only if the program says that the provider answers from memory."""
    threads = []

    def evaluate(flag, context):
        threads.append(current_thread())
        return FlagResolutionDetails("on")

    in_memory("off", context_evaluator=evaluate)
    assert stage_of(Rollout(OpenFeatureFlag())) == "on"
    assert stage_of(Rollout(OpenFeatureFlag(inline=True))) == "on"
    assert [thread is current_thread() for thread in threads] == [False, True]


def test_an_inline_provider_that_fails_is_a_broken_flag(caplog):
    rollout = Rollout(OpenFeatureFlag(inline=True), safe_stage="shadow")
    in_memory("on")
    assert stage_of(rollout) == "on"
    api.set_provider(InMemoryProvider({}))
    assert stage_of(rollout) == "on"
    assert "FLAG_NOT_FOUND" in warnings_in(caplog)[0]


class FileProvider(AbstractProvider):
    """A provider whose flags are in a JSON file, with segments by destination prefix."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def get_metadata(self):
        return Metadata("file")

    def _resolve(self, flag_key, default_value, context):
        flag = json.loads(self.path.read_text())[flag_key]
        for segment in flag.get("segments", []):
            if context.attributes.get("destination_prefix") == segment["destination_prefix"]:
                return FlagResolutionDetails(segment["value"], reason=Reason.TARGETING_MATCH)
        return FlagResolutionDetails(flag["value"], reason=Reason.STATIC)

    def resolve_boolean_details(self, flag_key, default_value, evaluation_context=None):
        return self._resolve(flag_key, default_value, evaluation_context)

    resolve_string_details = resolve_boolean_details
    resolve_integer_details = resolve_boolean_details
    resolve_float_details = resolve_boolean_details
    resolve_object_details = resolve_boolean_details


def test_a_provider_that_reads_a_file(tmp_path, caplog):
    """A change of the file takes effect at the next call, a broken one at none."""
    path = tmp_path / "flags.json"
    segments = [{"destination_prefix": "+1415", "value": "on"}]
    path.write_text(json.dumps({KEY: {"value": "off", "segments": segments}}))
    api.set_provider(FileProvider(path))
    rollout = Rollout(OpenFeatureFlag())
    californian = "+14155550100"
    assert (stage_of(rollout), stage_of(rollout, californian)) == ("off", "on")
    path.write_text(json.dumps({KEY: {"value": {"percent": 5}, "segments": segments}}))
    assert (stage_of(rollout), stage_of(rollout, californian)) == ("ramp", "on")
    path.write_text('{"')
    assert (stage_of(rollout), stage_of(rollout, californian)) == ("ramp", "on")
    in_threads(lambda: stage_of(rollout))
    (broken,) = warnings_in(caplog)
    assert "GENERAL" in broken
    path.write_text(json.dumps({KEY: {"value": "on"}}))
    assert stage_of(rollout) == "on"


def test_the_sdk_is_named():
    """Without it the error says what to install."""
    code = (
        "import sys; sys.modules['openfeature'] = None\n"
        "import twilio_fax_compat.migration as migration\n"
        "try: migration.OpenFeatureFlag\n"
        "except ImportError as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'twilio-fax-compat[openfeature]'" in said.stdout
