"""Twilio's exceptions: the installed package's own, or ours where there is none."""

import importlib.util
import io
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.base.libraries import needs_751, needs_twilio
from twilio_fax_compat.base import exceptions, values
from twilio_fax_compat.base.exceptions import TwilioException, TwilioRestException

ROOT = Path(exceptions.__file__).parents[2]
DETAILS = {"errors": [{"code": "10016", "title": "Phone number must be in +E.164 format"}]}


def load_own():
    """Return our module as it is where no twilio is installed."""
    spec = importlib.util.spec_from_file_location(exceptions.__name__, exceptions.__file__)
    module = importlib.util.module_from_spec(spec)
    with patch.dict(sys.modules, {"twilio": None}):
        spec.loader.exec_module(module)
    return module


OWN = load_own()
each_kind = pytest.mark.parametrize(
    "cls", [TwilioRestException, OWN.TwilioRestException], ids=["in use", "own"]
)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run(code, *path):
    """Run a program in a process of its own and return what it prints."""
    program = f"import sys; sys.path[:0] = {[str(part) for part in (*path, ROOT)]!r}\n"
    shown = subprocess.run(
        [sys.executable, "-I", "-c", program + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    return shown.stdout


@each_kind
def test_an_exception_has_these_defaults(cls):
    """Status and URI are enough."""
    assert vars(cls(404, "/Faxes")) == {
        "status": 404,
        "uri": "/Faxes",
        "msg": "",
        "code": None,
        "method": "GET",
        "details": None,
    }


@each_kind
def test_an_exception_holds_what_it_is_given(cls):
    """Arguments are taken in Twilio's order or by name."""
    expected = {
        "status": 400,
        "uri": "/Faxes",
        "msg": "no",
        "code": 21211,
        "method": "POST",
        "details": DETAILS,
    }

    assert vars(cls(400, "/Faxes", "no", 21211, "POST", DETAILS)) == expected
    assert vars(cls(**expected)) == expected


@each_kind
def test_an_exception_is_a_twilio_exception(cls):
    """A program that catches TwilioException catches each error."""
    base = OWN.TwilioException if cls is OWN.TwilioRestException else TwilioException

    assert cls.__mro__[1:3] == (base, Exception)
    assert (base.__name__, cls.__name__) == ("TwilioException", "TwilioRestException")
    assert str(base("a", 1)) == "('a', 1)"


@each_kind
@pytest.mark.parametrize("stderr", [None, object(), io.StringIO()])
def test_an_exception_is_told_in_a_line(cls, stderr, monkeypatch):
    """Where errors do not go to a terminal, one line has the status and the message."""
    monkeypatch.setattr(sys, "stderr", stderr)

    assert str(cls(404, "/Faxes", "gone", 20404)) == "HTTP 404 error: gone"
    assert str(cls(500, "/Faxes")) == "HTTP 500 error: "
    assert str(cls(500, "/Faxes", None)) == "HTTP 500 error: None"


@each_kind
@pytest.mark.parametrize("code", [None, 0, 20404])
def test_an_exception_is_coloured_on_a_terminal(cls, code, monkeypatch):
    """On a terminal the request, the message and a link for its code are told in colours."""
    monkeypatch.setattr(sys, "stderr", Terminal())
    text = (
        "\n\x1b[31m\x1b[49mHTTP Error\x1b[0m \x1b[37m\x1b[49mYour request was:\x1b[0m"
        "\n\n\x1b[36m\x1b[49mPOST /Faxes\x1b[0m"
        "\n\n\x1b[37m\x1b[49mTwilio returned the following information:\x1b[0m"
        "\n\n\x1b[34m\x1b[49mgone\x1b[0m\n"
    )
    if code:
        text += (
            "\n\x1b[37m\x1b[49mMore information may be available here:\x1b[0m"
            "\n\n\x1b[34m\x1b[49mhttps://www.twilio.com/docs/errors/20404\x1b[0m\n\n"
        )

    assert str(cls(404, "/Faxes", "gone", code, "POST")) == text


@needs_751
@given(
    args=st.tuples(
        st.integers(), st.text(), st.text() | st.none() | st.integers(), st.none() | st.integers()
    ),
    terminal=st.booleans(),
)
def test_any_exception_is_told_as_twilio_tells_it(args, terminal):
    """Our own exception's text is Twilio's, on a terminal and elsewhere."""
    from twilio.base.exceptions import TwilioRestException as Theirs

    with patch.object(sys, "stderr", Terminal() if terminal else io.StringIO()):
        assert str(Theirs(*args)) == str(OWN.TwilioRestException(*args))
    assert repr(Theirs(*args)) == repr(OWN.TwilioRestException(*args))


@pytest.mark.parametrize("details", [None, DETAILS])
def test_an_exception_survives_a_pickle(details):
    """An error of a worker process arrives whole, its details too."""
    error = TwilioRestException(400, "/Faxes", "no", 21211, "POST", details=details)
    error.note = "added by the program"
    twin = pickle.loads(pickle.dumps(error))

    assert type(twin) is TwilioRestException
    assert vars(twin) == vars(error)
    assert (twin.args, str(twin)) == (error.args, str(error))


def test_our_own_exception_survives_a_pickle():
    """So does one of our own, where no twilio is installed."""
    assert (
        run(
            f"""
        import pickle, sys
        sys.modules["twilio"] = None
        from twilio_fax_compat.base.exceptions import TwilioException, TwilioRestException
        error = TwilioRestException(400, "/Faxes", "no", 21211, "POST", details={DETAILS!r})
        twin = pickle.loads(pickle.dumps(error))
        print(type(twin) is TwilioRestException, vars(twin) == vars(error), twin.args == error.args)
        print(TwilioException.__module__, TwilioRestException.__module__)
        """
        ).split()
        == ["True"] * 3 + ["twilio_fax_compat.base.exceptions"] * 2
    )


def test_a_representation_leaves_details_out():
    """Details may quote a number, and a representation goes to logs."""
    from tests.base.libraries import OURS, answer, fax_domain

    body = {"code": 21211, "message": "no", "details": {"to": "+15005550009"}}
    with pytest.raises(TwilioRestException) as caught:
        fax_domain(OURS, answer(400, body)).faxes("FXa").fetch()

    assert caught.value.details == {"to": "+15005550009"}
    assert "5550009" not in repr(caught.value)


@pytest.mark.parametrize("module", [exceptions, values], ids=["exceptions", "values"])
def test_the_public_names_are_there(module):
    """What a module says is public can be imported from it."""
    assert sorted(module.__all__) == module.__all__
    assert set(module.__all__) <= set(vars(module))


@needs_twilio
def test_the_installed_packages_exceptions_are_ours():
    """A program that catches Twilio's own exception catches what we raise."""
    import twilio.base.exceptions as theirs

    assert TwilioRestException is theirs.TwilioRestException
    assert TwilioException is theirs.TwilioException


def test_an_older_twilio_is_used_too(tmp_path):
    """A release whose exception takes no details has them as an attribute all the same."""
    base = tmp_path / "twilio" / "base"
    base.mkdir(parents=True)
    base.joinpath("__init__.py").touch()
    base.parent.joinpath("__init__.py").touch()
    base.joinpath("values.py").write_text("unset = object()")
    base.joinpath("exceptions.py").write_text(
        textwrap.dedent(
            """
            class TwilioException(Exception):
                pass

            class TwilioRestException(TwilioException):
                def __init__(self, status, uri, msg="", code=None, method="GET"):
                    self.status, self.code = status, code
            """
        )
    )

    assert run(
        """
        from types import SimpleNamespace
        from twilio.base.exceptions import TwilioRestException
        from twilio_fax_compat.rest.fax import Fax

        class Client:
            def request(*_, **__):
                text = '{"code": 7, "message": "no", "details": [1]}'
                return SimpleNamespace(status_code=404, text=text)

        try:
            Fax(Client()).faxes("FXa").fetch()
        except TwilioRestException as error:
            print(error.status, error.code, error.details)
        """,
        tmp_path,
    ).split() == ["404", "7", "[1]"]


def test_a_program_of_that_name_is_no_obstacle(tmp_path):
    """A module of the program that is called ``twilio`` by chance leaves us with our own."""
    tmp_path.joinpath("twilio.py").write_text("Client = None")

    assert run(
        """
        import twilio
        from twilio_fax_compat.base import exceptions, values
        print(twilio.Client, exceptions.TwilioRestException.__module__, values.of({"a": values.unset}))
        """,
        tmp_path,
    ).split() == ["None", "twilio_fax_compat.base.exceptions", "{}"]


@pytest.mark.parametrize("first", ["", "import twilio_fax_compat.base.exceptions, "])
def test_an_installed_alias_is_not_imported_in_a_circle(first):
    """With our modules under Twilio's names, and no twilio, both names are the same module."""
    first = first and first + "twilio_fax_compat.base.values"

    assert run(
        f"""
        import sys
        sys.modules["twilio"] = None
        {first}
        import twilio_fax_compat
        twilio_fax_compat.install()
        import twilio.base.exceptions, twilio.base.values
        import twilio_fax_compat.base.exceptions as ours, twilio_fax_compat.base.values as values
        print(twilio.base.exceptions is ours, twilio.base.values is values)
        print(ours.TwilioRestException.__module__, values.of({{"a": values.unset, "b": 1}}))
        """
    ).splitlines() == ["True True", "twilio_fax_compat.base.exceptions {'b': 1}"]


def test_importing_the_fax_classes_loads_little():
    """No HTTP library, no core and nothing of twilio but its smallest modules is loaded."""
    loaded = run(
        "import twilio_fax_compat.rest.fax; print(*sorted(sys.modules), sep='\\n')"
    ).splitlines()
    heavy = {"attr", "attrs", "decimal", "email", "httpx", "pytz", "requests", "socket"}

    assert "twilio_fax_compat.rest.fax.v1.fax" in loaded
    assert heavy & {name.partition(".")[0] for name in loaded} == set()
    core = {name for name in loaded if name.startswith("twilio_fax_compat._core")}
    assert core == {"twilio_fax_compat._core", "twilio_fax_compat._core.lazy"}
    assert {name for name in loaded if name.partition(".")[0] == "twilio"} <= {
        "twilio",
        "twilio.base",
        "twilio.base.exceptions",
        "twilio.base.values",
    }
