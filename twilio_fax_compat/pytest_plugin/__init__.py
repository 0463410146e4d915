"""
The pytest plugin: ``pytest --fax-backend=emulator`` runs a suite written for Twilio on Telnyx.

It is registered by entry point and does nothing until a backend is chosen, by ``--fax-backend``, by
the environment variable ``TWILIO_FAX_COMPAT_BACKEND`` or by the ini option ``fax_backend``.
"""

from __future__ import annotations

from typing import Any

import pytest

from twilio_fax_compat.pytest_plugin.fixtures import telnyx_fax, twilio_fax_callbacks
from twilio_fax_compat.pytest_plugin.options import RUN, add_options, chosen_backend

__all__ = ["telnyx_fax", "twilio_fax_callbacks"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, which pytest shows in a group of their own."""
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: Any) -> None:
    """Start the chosen backend before any module of the suite is imported."""
    backend = chosen_backend(early_config)
    if backend is None or early_config.pluginmanager.has_plugin(RUN):
        return
    try:
        from twilio_fax_compat.pytest_plugin.run import Run

        run = Run.of(backend, early_config)
        # Runs after everything else, and also when the start fails.
        early_config.add_cleanup(run.stop)
        run.start()
    except ImportError as missing:
        raise pytest.UsageError(
            "--fax-backend={} needs the extra: pip install 'twilio-fax-compat[pytest]' ({})".format(
                backend, missing
            )
        ) from missing
    early_config.pluginmanager.register(run, RUN)
    if run.choice.deep:
        from twilio_fax_compat.pytest_plugin.deep import DeepRuns

        early_config.pluginmanager.register(DeepRuns(run), RUN + "_deep")
