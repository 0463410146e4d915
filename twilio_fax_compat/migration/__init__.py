"""
Moving fax traffic step by step: which provider sends is what a flag says, at every call anew.

`Rollout` asks the flag; the others here are where it lives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twilio_fax_compat._core.rollout import Decision, Plan, Subject, read_plan
    from twilio_fax_compat._providers import provider_of
    from twilio_fax_compat.migration.flags import Constant, EnvironmentFlag, FileFlag
    from twilio_fax_compat.migration.openfeature import OpenFeatureFlag
    from twilio_fax_compat.migration.rollout import Rollout

__all__ = [
    "Constant",
    "Decision",
    "EnvironmentFlag",
    "FileFlag",
    "OpenFeatureFlag",
    "Plan",
    "Rollout",
    "Subject",
    "provider_of",
    "read_plan",
]

_HOMES = {
    "Constant": "migration.flags",
    "Decision": "_core.rollout",
    "EnvironmentFlag": "migration.flags",
    "FileFlag": "migration.flags",
    "OpenFeatureFlag": "migration.openfeature",
    "Plan": "_core.rollout",
    "Rollout": "migration.rollout",
    "Subject": "_core.rollout",
    "provider_of": "_providers",
    "read_plan": "_core.rollout",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        msg = "module {!r} has no attribute {!r}".format(__name__, name)
        raise AttributeError(msg)
    from importlib import import_module

    return getattr(import_module("{}.{}".format(__name__.partition(".")[0], _HOMES[name])), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
