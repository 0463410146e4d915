"""Who may import whom, stated once and read from the whole tree."""

import ast
import sys
from pathlib import Path

import pytest

import twilio_fax_compat

ROOT = Path(twilio_fax_compat.__file__).parent
PACKAGE = ROOT.name

VALUES = {"_core.attempts", "_core.effects", "_core.facts", "_core.masking", "_core.messages"}

# room: (what it may import of this package beside itself, why)
RULES = {
    "": (
        {"_core.lazy", "_install", "_version", "settings", "warnings"},
        "the root offers a few names, and `import twilio_fax_compat` stays light",
    ),
    "__main__": ({"_version"}, "each command is imported when it is called"),
    "_version": (set(), "a build reads the version without importing anything"),
    "_progress": (set(), "commands show it"),
    "_preload": (set(), "it imports by name what its callers say"),
    "_install": (set(), "`install` imports what it puts under Twilio's names when it is called"),
    "metrics": (set(), "anybody may tell it what happened"),
    "metrics.prometheus": (
        {"ledger", "metrics"},
        "it shows what is measured, and the inbox of the ledger",
    ),
    "health": (
        {"_core.messages", "_telnyx", "base.exceptions", "ledger", "settings"},
        "it asks the ledger and Telnyx, and needs no client",
    ),
    "warnings": (set(), "a warning category needs nothing"),
    "settings": (
        {"_core.fax_api.retries", "_core.translation.create_form", "base.exceptions"},
        "settings are checked with the core's tables",
    ),
    "request_validator": ({"_core.webhooks.signatures"}, "it mirrors Twilio and only signs"),
    "_core": (set(), "the root of the core says what it is, and imports nothing"),
    "_core.lazy": (set(), "every package may use it"),
    "_core.masking": (set(), "every part of the core may use it"),
    "_core.attempts": (set(), "a value"),
    "_core.facts": (set(), "a value"),
    "_core.messages": ({"_core.attempts"}, "values"),
    "_core.effects": (
        {"_core.attempts", "_core.facts", "_core.messages"},
        "effects carry values",
    ),
    "_core.translation": (VALUES, "tables know values, and no conversation"),
    "_core.fax_api": (
        VALUES | {"_core.translation"},
        "flows use the tables; callbacks and the migration are other capabilities",
    ),
    "_core.webhooks": (
        VALUES | {"_core.translation"},
        "callbacks use the tables; fax API calls and the migration are other capabilities",
    ),
    "_core.webhooks.catch_up": (
        VALUES
        | {
            "_core.fax_api.reading",
            "_core.fax_api.retries",
            "_core.translation",
            "_core.webhooks",
        },
        "it asks Telnyx for events with the retries and errors of every other question",
    ),
    "_core.migration": (
        VALUES | {"_core.translation", "_core.fax_api", "_core.webhooks"},
        "two providers stand on the fax API; recordings are another capability",
    ),
    "_core.cassettes": (
        VALUES | {"_core.translation", "_core.fax_api", "_core.webhooks"},
        "recordings are converted by the flows; the migration is another capability",
    ),
    "base": (set(), "it mirrors Twilio's package, and stands alone"),
    "twiml": (set(), "it mirrors Twilio's package, and stands alone"),
    "http": (
        {"_core.masking", "_preload", "base"},
        "it mirrors Twilio's package, and shows no numbers",
    ),
    "ledger": (
        {"_core.attempts", "_core.effects", "_core.facts", "base.exceptions", "metrics"},
        "a ledger keeps facts and remembered sends, and knows nobody who uses it",
    ),
    "_telnyx": (
        {
            "_core",
            "_preload",
            "_version",
            "base.exceptions",
            "http",
            "ledger",
            "metrics",
            "settings",
            "warnings",
        },
        "the way out to Telnyx knows nothing of clients, webhooks or the migration",
    ),
    "_core.scan": ({"_core.translation"}, "the verdicts on parameters are those of the tables"),
    "scan": (
        {"_core.scan", "_progress", "_version"},
        "it reads programs, and runs nothing of this package",
    ),
    "_core.doctor": (
        {"_core.masking"},
        "findings follow from Telnyx's answers; translation is another capability",
    ),
    "doctor": (
        {
            "_core",
            "_telnyx",
            "base.exceptions",
            "http",
            "ledger",
            "migration",
            "rest",
            "settings",
            "webhooks.verification",
        },
        "it looks at everything, and nothing needs it",
    ),
    "fax": (
        {"_core", "_telnyx", "base.exceptions", "ledger", "settings"},
        "a command reads the ledger and Telnyx, and needs no client",
    ),
    "fax.purge": (
        {"_core", "ledger", "webhooks.storage"},
        "stored documents are the middleware's",
    ),
    "inbox": (
        {"_core", "base.exceptions", "ledger"},
        "a command reads the ledger, and needs no middleware",
    ),
    "migration": (
        {"_core", "_telnyx", "base.exceptions", "ledger", "settings"},
        "it stands above Telnyx and below the client",
    ),
    "webhooks": (
        {
            "_core",
            "_telnyx",
            "base.exceptions",
            "ledger",
            "metrics",
            "request_validator",
            "settings",
        },
        "the middleware needs neither the client nor the migration",
    ),
    "server": (
        {
            "_core",
            "_telnyx",
            "_version",
            "base.exceptions",
            "http",
            "ledger",
            "migration",
            "settings",
            "webhooks",
        },
        "the server is a shell over the flows, and needs no client",
    ),
    "server.command": (
        {"_core", "base.exceptions", "server", "testing"},
        "the command starts the emulator beside the server on request",
    ),
    "rest": (
        {
            "_core",
            "_install",
            "_preload",
            "_telnyx",
            "base",
            "http",
            "ledger",
            "migration",
            "settings",
        },
        "the client needs neither the middleware nor the emulator",
    ),
    "rest.fax": (
        {"base", "migration._provider_of"},
        "the resources mirror Twilio's, and do not know how a request is answered",
    ),
    "testing": (set(), "the emulator is a second opinion: it never reads our mappings"),
    "webhooks.command": (
        {"_core", "_progress", "base.exceptions", "ledger", "settings", "webhooks"},
        "a command shows its progress",
    ),
    "cassettes": (
        {"_core", "_progress", "http", "rest", "settings"},
        "converting files needs neither the emulator nor pytest",
    ),
    "demo": ({"_core.masking", "rest", "testing", "webhooks"}, "it shows the public names"),
    "demo.legacy_app": (set(), "it is a program written for Twilio"),
    "demo.legacy_program": (set(), "it is a program written for Twilio"),
    "_suite": (
        {"_core.fax_api.retries", "_install", "rest", "testing"},
        "it serves suites with pytest and without: no backend, no report",
    ),
    "_suite.connections": (
        {""},
        "child processes load it by its path, and import `install` only if twilio is imported",
    ),
    "_suite.child_path": (set(), "Python imports it when a child process starts"),
    "unittest": (
        {"_suite", "http", "rest", "settings"},
        "it runs suites where pytest is not installed",
    ),
    "pytest_plugin": (
        {
            "_core",
            "_install",
            "_suite",
            "_telnyx",
            "_version",
            "base",
            "cassettes",
            "http",
            "ledger",
            "rest",
            "settings",
            "testing",
            "webhooks",
        },
        "the plugin stands on everything but the migration",
    ),
    "pytest_plugin.report": (
        {"_core"},
        "what is reported does not depend on what answered",
    ),
    "pytest_plugin.doubles": (
        {"_core", "base", "http", "pytest_plugin.report", "rest"},
        "test doubles are looked at below the backends",
    ),
    "pytest_plugin.backends": (
        {
            "_core",
            "_suite",
            "_telnyx",
            "cassettes",
            "http",
            "ledger",
            "pytest_plugin.doubles",
            "pytest_plugin.report",
            "settings",
            "testing",
        },
        "a backend does not know the run that uses it",
    ),
}

# part: (what it may import from outside beside the standard library, why)
OUTSIDE = {
    "_core": ({"attrs"}, "the core is plain functions on values"),
    "_install": (set(), "replacing names needs no package"),
    "metrics": (set(), "a hook needs no package"),
    "scan": ({"attrs", "libcst", "rich"}, "reading Python needs a parser, and colours a terminal"),
    "metrics.prometheus": ({"attrs", "prometheus_client"}, "it is what the extra is for"),
    "base": ({"twilio"}, "it shares its exceptions with an installed twilio"),
    "ledger": ({"attrs", "psycopg"}, "a ledger needs a database driver at most"),
    "rest": (set(), "the mirror of Twilio's classes leaves HTTP to others"),
    "_suite.connections": (set(), "child processes load it by its path"),
    "_suite.child_path": (set(), "Python imports it when a child process starts"),
    "twiml": ({"twilio", "typing_extensions"}, "it shares its exception with an installed twilio"),
}

# The core reads no clock, network, environment or randomness.
SIDE_EFFECTS = {
    "asyncio",
    "logging",
    "os",
    "random",
    "secrets",
    "socket",
    "subprocess",
    "threading",
    "time",
    "uuid",
    "warnings",
}

STDLIB = getattr(sys, "stdlib_module_names", None)  # since Python 3.10


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_of(path): path for path in sorted(ROOT.rglob("*.py"))}


def within(module, part):
    return module == part or (bool(part) and module.startswith(part + "."))


def room_of(module, rules):
    """Return the longest name in *rules* that *module* is or lies in, or None."""
    return max((name for name in rules if within(module, name)), key=len, default=None)


def imports(module):
    """Yield what *module* imports, wherever in the file: the names are dotted and whole."""
    for node in ast.walk(ast.parse(FILES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute, so that they can be searched"
            for alias in node.names:
                yield f"{node.module}.{alias.name}"


def own_imports(module):
    """Yield the modules of this package that *module* imports."""
    for name in imports(module):
        top, _, rest = name.partition(".")
        if top == PACKAGE:
            yield rest if rest in FILES else rest.rpartition(".")[0]


@pytest.mark.parametrize("module", FILES)
def test_imports_follow_the_rules(module):
    """Each room imports only what its rule allows, and the rule says why."""
    room = room_of(module, RULES)
    assert room is not None, f"{module} lies in no room: give it a rule in RULES"
    allowed, why = RULES[room]
    for target in own_imports(module):
        inside = room_of(target, RULES) == room or (room and within(target, room))
        fits = inside or any(within(target, name) for name in allowed)
        assert fits, f"{module} imports {target}, but {room or 'the root'} may not: {why}"


@pytest.mark.skipif(STDLIB is None, reason="Python lists its own modules since 3.10")
@pytest.mark.parametrize("module", FILES)
def test_other_packages_are_imported_where_they_belong(module):
    """The core needs attrs alone; other parts have a list of their own."""
    part = room_of(module, OUTSIDE)
    if part is None:
        return
    allowed, why = OUTSIDE[part]
    for name in imports(module):
        top = name.partition(".")[0]
        fits = top == PACKAGE or top in STDLIB or top in allowed
        assert fits, f"{module} imports {top}, but {part} may not: {why}"


@pytest.mark.parametrize("module", [name for name in FILES if within(name, "_core")])
def test_the_core_has_no_side_effects(module):
    """The core reads no clock, network, environment or randomness."""
    found = SIDE_EFFECTS & {name.partition(".")[0] for name in imports(module)}
    assert not found, f"{module} imports {found}: the core is given values, and asks for effects"


def test_every_rule_has_a_room():
    """A rule for what is gone is a rule that nobody reads."""
    assert [name for name in RULES if name and name not in FILES] == []


def test_the_core_is_found():
    """The tests above look into folders, too."""
    assert sum(within(name, "_core") for name in FILES) > 30


def test_nothing_imports_in_a_circle():
    """Imports form no circle, those for type checkers included."""
    edges = {module: set(own_imports(module)) - {module} for module in FILES}
    left = set(edges)
    while True:
        leaves = {module for module in left if not edges[module] & left}
        if not leaves:
            break
        left -= leaves
    assert not left, f"a circle among {sorted(left)}: move what both need into a module of its own"
