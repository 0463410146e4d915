"""A recording that a suite loads on ``replay`` runs no code, and reports that cannot be written are found early."""

import pytest

from tests.cassettes.corpus import FORMS
from tests.cassettes.hostile import HOSTILE

RUNS_CODE = HOSTILE["os.system"][0]


@pytest.fixture(name="marker")
def _marker(suite):
    return suite.pytester.path / "marker"


def test_a_cassette_of_the_suite(suite, marker):
    """Its test fails with the file and the line; the others run."""
    path = suite.pytester.path / "bad.yaml"
    path.write_text(RUNS_CODE.replace("MARKER", str(marker)))
    suite.test(
        """
import app, vcr

def test_bad():
    with vcr.use_cassette("bad.yaml"):
        app.send()

def test_good():
    assert True
"""
    )

    result = suite.run(backend="replay")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*bad.yaml cannot be used: line 2: the tag !!python/object/apply:*"]
    )
    assert not marker.exists()


def test_a_cassette_of_pytest_recording(suite, marker):
    """It has a persister of its own."""
    pytest.importorskip("pytest_recording")
    folder = suite.pytester.path / "cassettes" / "test_suite"
    folder.mkdir(parents=True)
    (folder / "test_bad.yaml").write_text(RUNS_CODE.replace("MARKER", str(marker)))
    suite.test("import app, pytest\n\n@pytest.mark.vcr\ndef test_bad():\n    app.send()\n")

    result = suite.run(backend="replay")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*cannot be used: line 2: the tag !!python/object/apply:*"])
    assert not marker.exists()


def test_a_recording_of_ours(suite, marker):
    """Made by ``record``, or put in its place."""
    folder = suite.pytester.path / "fax_cassettes" / "test_suite"
    folder.mkdir(parents=True)
    (folder / "test_it.yaml").write_text(RUNS_CODE.replace("MARKER", str(marker)))
    (folder / "test_other.yaml").write_text("interactions:\n- {request: {}, response: {}}\n")
    suite.test(
        "import app\n\ndef test_it():\n    app.send()\n\ndef test_other():\n    app.send()\n"
    )

    result = suite.run(backend="replay")

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "*test_it.yaml cannot be used: line 2: the tag !!python/object/apply:*",
            "*test_other.yaml cannot be used: it was not made by --fax-backend=record*",
        ]
    )
    assert not marker.exists()


def test_cassettes_of_all_releases(suite):
    """The suite's own cassettes are replayed, whichever vcrpy wrote them."""
    forms = {form.name: form for form in FORMS}
    names = ["text of Python 2", "posted from a file", "istr of multidict 4", "deflate, Python 2"]
    for number, name in enumerate(names):
        suite.pytester.path.joinpath(f"{number}.yaml").write_text(forms[name].text)
    suite.test(
        """
import app, pytest, vcr

@pytest.mark.parametrize("number", range(4))
def test_it(number):
    with vcr.use_cassette(f"{number}.yaml", record_mode="none", match_on=["method", "path"]):
        fax = app.send("+442071838750")
        assert app.wait(fax.sid) == "busy"
"""
    )

    result = suite.run(backend="replay")

    result.assert_outcomes(passed=4)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("file/report.json", "*file is not a folder"),
        ("folder.html", "it is a folder"),
        ("report.txt", "must end in .json or .html"),
    ],
)
def test_a_report_that_cannot_be_written(suite, name, words):
    """One line before the run, and pytest's status for wrong arguments."""
    suite.pytester.path.joinpath("file").write_text("")
    suite.pytester.path.joinpath("folder.html").mkdir()
    suite.test("def test_it():\n    raise SystemError('it ran')\n")

    result = suite.run(f"--fax-report={name}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --fax-report=*{words}*"])
    assert "it ran" not in result.stdout.str()
