"""
Move fax traffic step by step: a flag chooses the provider of each send.

`Rollout` reads the flag; the flag classes say where it lives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twilio_fax_compat._core.lazy import lazy_names

if TYPE_CHECKING:
    from twilio_fax_compat._core.migration.decisions import Decision, Subject
    from twilio_fax_compat._core.migration.plans import Plan, read_plan
    from twilio_fax_compat.migration._provider_of import provider_of
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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Constant": "twilio_fax_compat.migration.flags",
        "Decision": "twilio_fax_compat._core.migration.decisions",
        "EnvironmentFlag": "twilio_fax_compat.migration.flags",
        "FileFlag": "twilio_fax_compat.migration.flags",
        "OpenFeatureFlag": "twilio_fax_compat.migration.openfeature",
        "Plan": "twilio_fax_compat._core.migration.plans",
        "Rollout": "twilio_fax_compat.migration.rollout",
        "Subject": "twilio_fax_compat._core.migration.decisions",
        "provider_of": "twilio_fax_compat.migration._provider_of",
        "read_plan": "twilio_fax_compat._core.migration.plans",
    },
)
