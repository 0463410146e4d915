"""A flag in any system that OpenFeature (https://openfeature.dev) has a provider for."""

from __future__ import annotations

from typing import Any, ClassVar, Mapping

from attrs import define, field

from twilio_fax_compat._core.masking import mask
from twilio_fax_compat._core.migration.decisions import Subject
from twilio_fax_compat.migration.flags import Flag, FlagUnavailable

try:
    from openfeature import api
    from openfeature.evaluation_context import EvaluationContext
    from openfeature.exception import ErrorCode
except ImportError as error:
    raise ImportError(
        "a flag of OpenFeature needs its SDK: pip install 'twilio-fax-compat[openfeature]'"
    ) from error

FLAG_KEY = "twilio-fax-compat-rollout"

# The flag types to ask for, each with the client's method and the default value.
_STRING = "string", "get_string_details", ""
_BOOLEAN = "boolean", "get_boolean_details", False
_OBJECT: Any = "object", "get_object_details", {}
# By the type of the last answer: the order in which to ask.
_KINDS: Mapping[str, Any] = {
    "string": (_STRING, _BOOLEAN, _OBJECT),
    "boolean": (_BOOLEAN, _STRING, _OBJECT),
    "object": (_OBJECT, _STRING, _BOOLEAN),
}


@define
class OpenFeatureFlag(Flag):
    """
    The OpenFeature flag *flag_key*: a string, a boolean or an object that `read_plan` takes.

    *client* is an OpenFeature client, by default the client of *domain*, or the global one. The
    evaluation context has ``destination_prefix`` (at most five characters of an E.164 number),
    ``sender`` and ``account``. Its targeting key is the hash of the roll-out's key, so that a share
    which the provider chooses is as sticky as a percentage here.

    *inline* says that the provider answers from memory, as those do that evaluate flags in the process. The
    sending thread then asks it itself, which saves the change of threads. The roll-out's deadline cannot
    stop such an evaluation. Leave it False for a provider that waits for a network or a lock.
    """

    per_send: ClassVar[bool] = True

    flag_key: str = FLAG_KEY
    client: Any = field(default=None, repr=False)
    domain: str | None = None
    inline: bool = field(default=False, kw_only=True)  # type: ignore[misc]
    _kind: str = field(default="string", init=False, repr=False)

    def __call__(self, subject: Subject) -> object:
        """Return the flag's value. Raises FlagUnavailable if the evaluation fails."""
        client = self.client or api.get_client(domain=self.domain)
        context = EvaluationContext(
            targeting_key=subject.key_hash(),
            attributes={
                "destination_prefix": subject.destination_prefix,
                "sender": subject.sender,
                "account": subject.account,
            },
        )
        details: Any = None
        for kind, method, default in _KINDS[self._kind]:
            details = getattr(client, method)(self.flag_key, default, context)
            if details.error_code is None and details.value == "":
                raise FlagUnavailable("it has no value ({})".format(details.reason))
            if details.error_code is None:
                self._kind = kind
                return details.value
            if details.error_code != ErrorCode.TYPE_MISMATCH:
                break
        raise FlagUnavailable(
            "{}: {}".format(
                getattr(details.error_code, "value", details.error_code),
                mask(details.error_message or "no message"),
            )
        )

    def __str__(self) -> str:
        where = " of the domain {}".format(self.domain) if self.domain else ""
        return "the OpenFeature flag {}{}".format(self.flag_key, where)
