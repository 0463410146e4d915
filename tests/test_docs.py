"""What the documents say is true: their examples run, and their tables match the code."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import asdict

import twilio_fax_compat
from twilio_fax_compat import RetryPolicy
from twilio_fax_compat.__main__ import main
from twilio_fax_compat._core.translation.create_form import UNSUPPORTED
from twilio_fax_compat._core.translation.failure_reasons import FAILURE_REASONS
from twilio_fax_compat._core.translation.statuses import STATUSES, TELNYX_QUALITIES
from twilio_fax_compat.demo import PROGRAM
from twilio_fax_compat.demo.callbacks import APP
from twilio_fax_compat.testing import TelnyxEmulator

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MIGRATION = (ROOT / "MIGRATION.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
GUIDES_EXAMPLES = re.findall(r"```python\n(.*?)```", MIGRATION, re.DOTALL)


def shown_by(example):
    """Run an example as it is printed, in a process of its own, and return its output."""
    with TelnyxEmulator(speed=500) as telnyx:
        environ = {
            **os.environ,
            **telnyx.environ,
            "TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000001",
            "TWILIO_AUTH_TOKEN": "token",
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
        }
        shown = subprocess.run(
            [sys.executable, "-W", "error", "-c", example],
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert shown.returncode == 0, shown.stderr
    return shown.stdout


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_readme_examples_run(number):
    """Each Python example of the README runs."""
    shown = shown_by(EXAMPLES[number])
    if number == 0:
        assert shown == "delivered None\n"


@pytest.mark.parametrize("example", GUIDES_EXAMPLES)
def test_the_guides_examples_run(example):
    """Each Python example of the migration guide runs."""
    if "openfeature" in example:
        pytest.importorskip("openfeature", reason="openfeature-sdk is not installed")
    shown_by(example)


def test_the_readme_has_examples():
    """There is something to run."""
    assert len(EXAMPLES) >= 5
    assert len(GUIDES_EXAMPLES) >= 3


def test_the_demo_shows_both_sides(capsys):
    """The first command's output tells each step in both vocabularies, without a full number."""
    assert main(["demo"]) == 0
    shown = capsys.readouterr().out

    for words in (
        "+ from twilio_fax_compat.rest import",
        "is delivered",
        "is busy",
        "failed user_busy",
        "is canceled",
        "actions/cancel -> 422 error 90080",
        "TwilioRestException 400, code 20422",
        "outbound canceled",
        "+ app.wsgi_app = WSGIMiddleware(app.wsgi_app)",
        "comes in",
        "is received, 3 pages",
        "webhook fax.received -> 200",
        "is delivered, callback says",
    ):
        assert words in shown
    assert "5005550009" not in shown
    assert "Telnyx is simulated" in shown.splitlines()[0]
    assert "What next:" in shown
    assert max(map(len, shown.splitlines())) <= 100
    assert "TELNYX_API_KEY" not in os.environ or "EMULATOR" not in os.environ["TELNYX_API_KEY"]


@pytest.mark.parametrize(
    ("program", "its_import"),
    [(PROGRAM, "from twilio.rest import Client"), (APP, "from twilio.twiml.fax_response import")],
)
def test_the_legacy_programs_know_only_twilio(program, its_import):
    """The programs of the demo are such as were written for Twilio."""
    source = program.read_text(encoding="utf-8")

    assert its_import in source
    assert "telnyx" not in source.lower()
    assert "fax_compat" not in source


def test_a_live_demo_wants_everything_said(capsys, monkeypatch):
    """Faxes cost money: nothing is sent before every number and key is given."""
    monkeypatch.delenv("TELNYX_API_KEY", raising=False)
    assert main(["demo", "--live"]) == 2
    assert "--to, --from, --media-url, TELNYX_API_KEY" in capsys.readouterr().err


def test_a_live_demo_talks_to_telnyx(capsys, monkeypatch):
    """With all of it the same program runs against whatever the environment names."""
    with TelnyxEmulator(speed=500) as telnyx:
        for name, value in {**telnyx.environ, "FAX_POLL_SECONDS": "0.05"}.items():
            monkeypatch.setenv(name, value)
        options = [
            "--to",
            "+15005550009",
            "--from",
            "+15005550006",
            "--media-url",
            "https://x.example/a.pdf",
        ]
        assert main(["demo", "--live", *options]) == 0
        assert len(telnyx.faxes) == 2
    shown = capsys.readouterr().out

    assert "POST /v2/faxes -> 202" in shown
    assert "is delivered" in shown


def test_the_version_command(capsys):
    """The command tells its version and what it can do."""
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.strip() == twilio_fax_compat.__version__
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "emulator" in capsys.readouterr().out


def test_the_migration_guide_has_the_whole_mapping():
    """Every status, quality, parameter and limit is in the guide."""
    for status in STATUSES:
        if not status.startswith("sending."):
            assert f"`{status}`" in MIGRATION
    for reason, row in FAILURE_REASONS.items():
        if row.status != "failed":
            assert f"`{reason}`" in MIGRATION
    for quality, telnyx in TELNYX_QUALITIES.items():
        assert f"`{quality}` → `{telnyx}`" in MIGRATION
    for parameter in UNSUPPORTED:
        assert f"`{parameter}`" in MIGRATION
    for name, value in asdict(RetryPolicy()).items():
        text = (
            "({})".format(", ".join(f"{pause:g}" for pause in value))
            if name == "lookups"
            else value
        )
        text = f"{text:g}" if isinstance(text, float) else text
        assert f"| `{name}` | {text} |" in MIGRATION


@pytest.mark.parametrize("name", ["README.md", "MIGRATION.md", "CHANGELOG.md", "CONTRIBUTING.md"])
def test_links_lead_somewhere(name):
    """Links to files and headings of this project exist."""
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        assert (ROOT / path).exists(), target
        if not anchor:
            continue
        other = (ROOT / path).read_text(encoding="utf-8") if path else text
        headings = {
            re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.*)$", other, re.MULTILINE)
        }
        assert anchor in headings, target
