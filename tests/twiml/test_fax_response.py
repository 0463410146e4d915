"""Fax documents come out as Twilio's library writes them."""

import importlib.util
import subprocess
import sys
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.base.libraries import OURS, THEIRS, both, module, needs_751, needs_twilio
from twilio_fax_compat import twiml
from twilio_fax_compat.twiml import TwiML, TwiMLException
from twilio_fax_compat.twiml.fax_response import FaxResponse, Receive

HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
EVERYTHING = {
    "action": "/fax/received?a=1&b=2",
    "method": "POST",
    "media_type": "image/tiff",
    "page_size": "a4",
    "store_media": False,
}


def response(library):
    return module(library, "twiml.fax_response").FaxResponse()


def load_own():
    """Return our module as it is where no twilio is installed."""
    spec = importlib.util.spec_from_file_location("own_twiml", twiml.__file__)
    own = importlib.util.module_from_spec(spec)
    with patch.dict(sys.modules, {"twilio": None, "twilio.twiml": None}):
        spec.loader.exec_module(own)
    return own


@both
def test_a_fax_is_received(library):
    """Attributes are in camel case and sorted, booleans in lower case, with a declaration."""
    document = response(library)
    document.receive(**EVERYTHING)
    verb = (
        '<Receive action="/fax/received?a=1&amp;b=2" mediaType="image/tiff" method="POST" '
        'pageSize="a4" storeMedia="false" />'
    )

    assert str(document) == document.to_xml() == f"{HEAD}<Response>{verb}</Response>"
    assert document.to_xml(xml_declaration=False) == f"<Response>{verb}</Response>"
    assert str(document.verbs[0]) == HEAD + verb


@both
def test_what_is_not_given_is_left_out(library):
    """Nothing is the default of each attribute, and text that is empty stays."""
    document = response(library)
    document.receive()
    document.receive(action="", store_media=True, media_type=None)

    assert document.to_xml(False) == (
        '<Response><Receive /><Receive action="" storeMedia="true" /></Response>'
    )


@both
def test_arguments_are_in_twilios_order(library):
    """A verb's arguments may be given without their names, further ones with theirs."""
    document = response(library)
    verb = document.receive("/a", "GET", "application/pdf", "legal", True, from_="x", other_one=1)

    assert type(verb).__name__ == "Receive"
    assert str(verb) == (
        f'{HEAD}<Receive action="/a" from="x" mediaType="application/pdf" method="GET" '
        'otherOne="1" pageSize="legal" storeMedia="true" />'
    )


@both
def test_a_fax_is_rejected_by_a_child(library):
    """A verb that has no method of its own is a child of any name."""
    document = response(library)
    document.add_child("Reject")
    document.add_child("Note", "a < b", xml_lang="en", for_="x").add_child("Deep", {"a": 1})

    assert document.to_xml(False) == (
        '<Response><Reject /><Note for="x" xml:lang="en">a &lt; b<Deep>{"a": 1}</Deep></Note>'
        "</Response>"
    )


@both
def test_documents_are_nested(library):
    """Adding by one method returns the whole, by the other the part."""
    document, part = response(library), response(library)

    assert document.append(part) is document
    assert part.nest("text") == "text"
    assert part.receive().append("inside") is part.verbs[1]
    part.append("after").append("last")

    assert document.to_xml(False) == (
        "<Response><Response>text<Receive>inside</Receive>last</Response></Response>"
    )


@both
@pytest.mark.parametrize("verb", [None, 5, b"text", ["text"]])
def test_only_documents_and_text_are_nested(library, verb):
    """Anything else raises Twilio's exception, and nothing is added."""
    document = response(library)

    for add in (document.nest, document.append):
        with pytest.raises(module(library, "twiml").TwiMLException, match="Only nesting"):
            add(verb)
    assert document.to_xml(False) == "<Response />"


@both
def test_a_document_is_a_context(library):
    """A with block gives the document itself and hides no error."""
    with response(library) as document, document.receive() as verb:
        verb.append("text")

    assert document.to_xml(False) == "<Response><Receive>text</Receive></Response>"
    with pytest.raises(KeyError), document:
        raise KeyError


@both
def test_other_letters_are_written_in_ascii(library):
    """A document can be sent in whatever encoding."""
    document = response(library)
    document.receive(action="/é☎").append("ü")

    assert document.to_xml(False) == (
        '<Response><Receive action="/&#233;&#9742;">&#252;</Receive></Response>'
    )


@both
@pytest.mark.parametrize(
    ("name", "attribute"),
    [("", ""), ("action", "action"), ("mediaType", "mediaType"), ("a_b_c", "aBC"), ("a__b", "aB")],
)
def test_names_become_camel_case(library, name, attribute):
    """Only a name with an underscore changes."""
    assert module(library, "twiml").lower_camel(name) == attribute


@both
def test_a_language_is_formatted(library):
    """A language is written as Twilio wants it, or is none."""
    both_ = module(library, "twiml")

    assert [both_.format_language(text) for text in ("EN_us", "de-de", "", None)] == [
        "en-US",
        "de-DE",
        "",
        None,
    ]
    with pytest.raises(both_.TwiMLException, match="language"):
        both_.format_language("english")


def test_text_and_comments_are_added():
    """Both methods beyond Twilio's return the element, as appending does."""
    document = FaxResponse()

    assert document.add_text("a").comment("why < how").add_text("b").receive().comment("x")
    assert document.to_xml(False) == (
        "<Response>a<!--why < how-->b<Receive><!--x--></Receive></Response>"
    )


@pytest.mark.parametrize("content", ["a--b", "a-", "--><Reject/>"])
def test_a_comment_does_not_end_early(content):
    """A comment that would end a document's comment is refused."""
    with pytest.raises(TwiMLException, match="comment"):
        FaxResponse().comment(content)


def test_the_own_classes_serve_without_twilio():
    """Where no twilio is installed the exception is ours, under Twilio's name."""
    own = load_own()
    element = own.GenericNode("Receive", None, action="/a")

    assert str(element) == f'{HEAD}<Receive action="/a" />'
    assert own.TwiMLException.__name__ == "TwiMLException"
    assert own.TwiMLException.__module__ == "own_twiml"
    with pytest.raises(own.TwiMLException):
        element.nest(None)


def test_our_alias_is_not_taken_for_twilio():
    """After the switch was turned, on a machine without twilio, our classes are our own."""
    code = (
        "import sys; from types import ModuleType\n"
        "alias = ModuleType('twilio'); alias.__path__ = []; alias.__twilio_fax_compat__ = True\n"
        "sys.modules['twilio'] = alias\n"
        "from twilio_fax_compat.twiml import TwiMLException as error; print(error.__module__)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "twilio_fax_compat.twiml"


@needs_twilio
def test_elements_of_both_libraries_mix():
    """A program may nest ours in Twilio's and Twilio's in ours, and catch one exception."""
    theirs = module(THEIRS, "twiml")
    fax = module(THEIRS, "twiml.fax_response")
    verb = '<Receive action="/a" />'

    assert TwiMLException is theirs.TwiMLException
    assert isinstance(FaxResponse(), theirs.TwiML)
    assert f"<Response>{verb}</Response>" == fax.FaxResponse().append(Receive(action="/a")).to_xml(
        False
    )
    assert f"<Response>{verb}</Response>" == FaxResponse().append(fax.Receive(action="/a")).to_xml(
        False
    )


@needs_twilio
def test_each_name_of_twilios_is_there():
    """Our modules and classes lack none of the names of the installed ones."""
    for name in ("twiml", "twiml.fax_response"):
        ours, theirs = module(OURS, name), module(THEIRS, name)
        defined = {
            key
            for key, value in vars(theirs).items()
            if getattr(value, "__module__", None) == theirs.__name__
        }
        assert defined <= set(vars(ours))
    for key in ("TwiML", "GenericNode"):
        assert set(vars(getattr(module(THEIRS, "twiml"), key))) <= set(dir(getattr(twiml, key)))
    assert twiml.TwiML.MAP == module(THEIRS, "twiml").TwiML.MAP


NAMES = st.sampled_from(["action", "media_type", "from_", "xml_lang", "a_b", "other", "_", "x1_y2"])
VALUES = st.text(max_size=5) | st.booleans() | st.integers() | st.none() | st.floats()
STEPS = st.lists(
    st.tuples(st.just("receive"), st.dictionaries(NAMES, VALUES, max_size=4))
    | st.tuples(
        st.just("child"),
        st.text(max_size=4) | st.none() | st.dictionaries(st.text(max_size=2), st.integers()),
    )
    | st.tuples(st.just("text"), st.text(max_size=4))
    | st.tuples(st.just("nest"), st.none()),
    max_size=6,
)


def built(library, steps):
    """Return the text of a document that is built step by step, or the exception."""
    document = place = response(library)
    try:
        for step, value in steps:
            if step == "receive":
                document.receive(**value)
            elif step == "child":
                place.add_child("Child", value)
            elif step == "text":
                place.append(value)
            else:
                place = place.nest(response(library))
        return str(document), document.to_xml(False)
    except Exception as error:
        return type(error).__name__


@needs_751
@given(STEPS)
def test_any_document_is_twilios(steps):
    """Whatever is called, the text or the exception is that of 7.5.1."""
    assert built(OURS, steps) == built(THEIRS, steps)


def test_a_subclass_names_its_element():
    """An element's name is that of its class, if the class does not say otherwise."""
    assert str(type("Reject", (TwiML,), {})()) == HEAD + "<Reject />"
