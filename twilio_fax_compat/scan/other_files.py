"""Finds the uses in files that are not Python: other languages, requirements and environment files."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Mapping, Sequence

from twilio_fax_compat._core.scan.uses import Use

LANGUAGES: Mapping[str, Sequence[str]] = {
    ".php": (r"->fax->(v1->)?faxes\b", r"Twilio\\Rest\\Fax\\", r"fax\.twilio\.com"),
    ".js": (r"\.fax\.(v1\.)?faxes\b", r"fax\.twilio\.com"),
    ".mjs": (r"\.fax\.(v1\.)?faxes\b", r"fax\.twilio\.com"),
    ".cjs": (r"\.fax\.(v1\.)?faxes\b", r"fax\.twilio\.com"),
    ".ts": (r"\.fax\.(v1\.)?faxes\b", r"fax\.twilio\.com"),
    ".tsx": (r"\.fax\.(v1\.)?faxes\b", r"fax\.twilio\.com"),
    ".java": (r"com\.twilio\.rest\.fax\b", r"\bFax\.(creator|fetcher|reader|deleter|updater)\("),
    ".kt": (r"com\.twilio\.rest\.fax\b", r"\bFax\.(creator|fetcher|reader|deleter|updater)\("),
    ".cs": (r"Twilio\.Rest\.Fax\b", r"\bFaxResource\.(Create|Fetch|Read|Update|Delete)"),
    ".rb": (r"\.fax\.(v1\.)?faxes\b", r"fax\.twilio\.com"),
    ".sh": (r"fax\.twilio\.com",),
    ".bash": (r"fax\.twilio\.com",),
    ".go": (r"fax\.twilio\.com",),
}
"""Patterns of fax calls by the ending of a file."""

_REQUIREMENTS = re.compile(r"requirements[\w.-]*\.(txt|in)|setup\.(cfg|py)|pyproject\.toml|Pipfile")
_TWILIO = re.compile(r"""^\s*["']?twilio\s*([=<>~!;\["',]|$)""")
_ENVIRONMENT = re.compile(r"\.env(\..+)?|.+\.env")
_CREDENTIAL = re.compile(r"^\s*(export\s+)?TWILIO_(ACCOUNT_SID|AUTH_TOKEN)\s*=")


def is_relevant(path: PurePath) -> bool:
    """Return whether a file that is not Python may have uses, by its name."""
    return (
        path.suffix.lower() in LANGUAGES
        or _REQUIREMENTS.fullmatch(path.name) is not None
        or _ENVIRONMENT.fullmatch(path.name) is not None
    )


def read_other(path: PurePath, text: str) -> list[Use]:
    """Return the uses in a file that is not Python."""
    uses = []
    patterns = [re.compile(pattern) for pattern in LANGUAGES.get(path.suffix.lower(), ())]
    is_requirements = _REQUIREMENTS.fullmatch(path.name) is not None
    is_environment = _ENVIRONMENT.fullmatch(path.name) is not None
    for number, line in enumerate(text.splitlines(), 1):
        for pattern in patterns:
            match = pattern.search(line)
            if match:
                detail = match.group(0).strip("(")
                uses.append(Use(number, match.start() + 1, "other_language", detail))
                break
        if is_requirements and _TWILIO.match(line):
            uses.append(Use(number, 1, "requirement"))
        if is_environment and _CREDENTIAL.match(line):
            # The line is not shown: it has a secret.
            uses.append(Use(number, 1, "environment"))
            is_environment = False
    return uses
