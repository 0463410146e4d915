"""What is installed is whole, light, and layered as it should be."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import twilio_fax_compat

ROOT = Path(twilio_fax_compat.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

# What each part may import of this package, the longest prefix counting.
ALLOWED = {
    "": {"settings", "switch", "warnings"},
    "__main__": {""},
    "_core": {"_core"},
    "_drive": {"_core", "_http", "base.exceptions", "ledger", "settings", "warnings"},
    "_http": {"", "_core", "_lanes", "http", "settings"},
    "_lanes": set(),
    "_ledgers": {"ledger"},
    "_legacy_provider": {"_core", "base.exceptions"},
    "_providers": set(),
    "_routes": {
        "_core",
        "_drive",
        "_legacy_provider",
        "base.exceptions",
        "ledger",
        "migration",
        "settings",
    },
    "base": {"base", "http"},
    "base.exceptions": set(),
    "base.values": set(),
    "cassettes": {"_core", "_http", "cassettes", "http", "rest", "settings"},
    "demo": {"_core", "demo", "rest", "testing", "webhooks"},
    "demo.legacy_app": set(),
    "demo.legacy_program": set(),
    "http": {"base", "http", "_lanes"},
    "ledger": {"_core", "ledger"},
    "migration": {"_core", "_ledgers", "_providers", "base.exceptions", "ledger", "migration"},
    "rest": {
        "_core",
        "_drive",
        "_ledgers",
        "_routes",
        "base",
        "http",
        "ledger",
        "rest",
        "settings",
        "switch",
    },
    "rest.fax": {"_providers", "base", "rest.fax"},
    "settings": {"_core", "base"},
    "switch": set(),
    "testing": {"testing"},
    "pytest_plugin": {
        "",
        "_core",
        "_drive",
        "_http",
        "base",
        "cassettes",
        "http",
        "ledger",
        "pytest_plugin",
        "rest",
        "settings",
        "switch",
        "testing",
        "webhooks",
    },
    "request_validator": {"_core"},
    "twiml": {"twiml"},
    "warnings": set(),
    "webhooks": {"_core", "_drive", "_http", "_ledgers", "base", "ledger", "settings", "webhooks"},
}
STDLIB = getattr(sys, "stdlib_module_names", None)  # since Python 3.10
OUTSIDE = {"_core": {"attrs"}, "base": {"twilio"}, "switch": set(), "rest": set()}


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def rule_for(module, rules):
    names = [name for name in rules if module == name or module.startswith(name + ".")]
    return rules[max(names, key=len)] if names else None


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                yield f"{node.module}.{alias.name}"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_point_inward(path):
    """Each part imports only what its layer may, and the core nothing but attrs."""
    module = module_of(path)
    allowed = rule_for(module, ALLOWED) if module else ALLOWED[""]
    assert allowed is not None, "a new part needs a rule"
    outside = rule_for(module, OUTSIDE)
    for name in imported(path):
        package, _, rest = name.partition(".")
        if package == "twilio_fax_compat":
            fits = any(
                rest == prefix or rest.startswith(prefix + ".") for prefix in allowed if prefix
            )
            assert fits or ("" in allowed and "." not in rest), f"{module} imports {name}"
        elif outside is not None and STDLIB and package not in STDLIB:
            assert package in outside, f"{module} imports {name}"


def test_the_core_has_no_side_effects():
    """The core reads no clock, socket, environment or randomness."""
    banned = {
        "os",
        "time",
        "socket",
        "random",
        "uuid",
        "secrets",
        "logging",
        "threading",
        "warnings",
    }
    for path in ROOT.joinpath("_core").glob("*.py"):
        assert not banned & {name.partition(".")[0] for name in imported(path)}, path.name


def test_files_are_short():
    """A file can be read in one sitting."""
    for path in FILES:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 450, path.name


def test_the_package_is_typed():
    """Type checkers of users see our hints."""
    assert ROOT.joinpath("py.typed").exists()


def test_the_emulator_names_its_extra():
    """Without the extra's packages the error says what to install."""
    code = (
        "import sys; sys.modules['starlette'] = None; sys.modules['uvicorn'] = None\n"
        "import twilio_fax_compat.testing\n"
        "try: twilio_fax_compat.testing.TelnyxEmulator\n"
        "except ImportError as error: print(error)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "pip install 'twilio-fax-compat[emulator]'" in shown.stdout


@pytest.mark.parametrize("command", ["demo", "emulator"])
def test_the_commands_name_their_extra(command):
    """So do the commands."""
    code = (
        "import sys; sys.modules['starlette'] = None; from twilio_fax_compat.__main__ import main; "
        f"sys.exit(main(['{command}']))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert shown.returncode == 1
    assert "pip install 'twilio-fax-compat[emulator]'" in shown.stderr
    assert "Traceback" not in shown.stderr
