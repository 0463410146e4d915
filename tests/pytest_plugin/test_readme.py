"""The README's section about test suites is true."""

import re
import shlex

from tests.pytest_plugin.conftest import ROOT

SECTION = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = SECTION.partition("## Run your tests on Telnyx\n")[2].partition("\n## ")[0]
COMMANDS = [
    shlex.split(line, comments=True)[1:]
    for block in re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("pytest ")
]

HELPERS = """
import pytest
import app as project

@pytest.fixture
def app():
    def served(environ, start_response):
        start_response("204 No Content", [])
        return []
    return served

@pytest.fixture
def send_invoice():
    return lambda to: project.send(to, status_callback="https://app.example.com/status")
"""


def test_the_example_of_the_fixtures(suite):
    """It passes in a project that has the two fixtures of its own."""
    (example,) = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
    suite.pytester.makeconftest(HELPERS)
    suite.test(example)

    suite.run().assert_outcomes(passed=1)


def test_the_commands(suite, monkeypatch):
    """Each is taken as it is printed; what is live is stopped by its missing key alone."""
    suite.test("def test_it(): pass")
    assert len(COMMANDS) == 5
    for command in COMMANDS:
        result = suite.run(*command, backend=None)
        if "--fax-backend=live" in command:
            result.stderr.fnmatch_lines(["*it also needs TELNYX_API_KEY, TELNYX_CONNECTION_ID"])
        else:
            result.assert_outcomes(passed=1)
    assert (suite.pytester.path / "report.html").exists()
