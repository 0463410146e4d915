"""Fax documents of applications are read strictly, safely and without surprise."""

from time import perf_counter
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from twilio_fax_compat._core.webhooks import twiml_reader as twiml
from twilio_fax_compat._core.webhooks.twiml_reader import Receive, Reject, TwimlProblem, read_twiml
from twilio_fax_compat.twiml.fax_response import FaxResponse

URL = "https://app.example/stage/fax/incoming?tenant=7"
XML = "application/xml"


def read(text, content_type=XML, url=URL):
    return read_twiml(text.encode() if isinstance(text, str) else text, content_type, url)


def response(inside):
    return read(f"<Response>{inside}</Response>")


def code_of(reading):
    """Return the code of a problem; for anything else, None."""
    return reading.code if isinstance(reading, TwimlProblem) else None


def test_a_bare_receive_has_twilios_defaults():
    """Without attributes a fax is taken as a stored PDF of letter pages, and nobody is told."""
    assert response("<Receive />") == Receive(
        action=None,
        method="POST",
        media_type="application/pdf",
        page_size="letter",
        store_media=True,
        notes=(),
    )


def test_each_attribute_is_read():
    """What the application says of the fax is what is read."""
    assert response(
        '<Receive action="/done" method="GET" mediaType="image/tiff" pageSize="a4" '
        'storeMedia="false"/>'
    ) == Receive("https://app.example/done", "GET", "image/tiff", "a4", False)


def test_a_rejection_is_read():
    """A fax may be rejected."""
    assert response("<Reject/>") == Reject()


@pytest.mark.parametrize(
    "document",
    [
        '<?xml version="1.0" encoding="UTF-8"?><Response><Receive/></Response>',
        "\ufeff<?xml version='1.0'?>\n<!-- hello -->\n<Response>\n  <Receive/>\n</Response>\n",
        "<Response>text &amp; more<Receive>text<![CDATA[<Reject/>]]></Receive></Response>",
        "<?php ?><Response><?php ?><!-- <Reject/> --><Receive/></Response>",
        b'<?xml version="1.0" encoding="iso-8859-1"?><Response>\xe9<Receive/></Response>',
        b'<?xml version="1.0" encoding="Windows-1252"?><Response>\x80<Receive/></Response>',
        b'<?xml version="1.0" encoding="us-ascii"?><Response><Receive></Receive></Response>',
    ],
)
def test_what_xml_allows_is_no_matter(document):
    """Declarations, comments, text and the usual encodings change nothing."""
    assert read(document) == Receive()


@pytest.mark.parametrize(
    ("action", "url"),
    [
        ("https://other.example:8443/a?b=c", "https://other.example:8443/a?b=c"),
        ("HTTP://other.example/", "http://other.example/"),
        ("/done", "https://app.example/done"),
        ("done?x=1&amp;y=2", "https://app.example/stage/fax/done?x=1&y=2"),
        ("../done", "https://app.example/stage/done"),
        ("?x=1", "https://app.example/stage/fax/incoming?x=1"),
        ("//other.example/a", "https://other.example/a"),
        ("", URL),
        (" /done#part ", "https://app.example/done"),
        ("/do ne?name=John Smith", "https://app.example/do%20ne?name=john%20smith"),
        ("/dön?q=Ж|{}&amp;x=%20%2f", "https://app.example/d%c3%b6n?q=%d0%96%7c%7b%7d&x=%20%2f"),
        ("https://me:ü@bücher.example:81/", "https://me:%c3%bc@xn--bcher-kva.example:81/"),
        ("http://[::1]:81/ü?a[]=1", "http://[::1]:81/%c3%bc?a[]=1"),
    ],
)
def test_an_action_is_seen_from_its_document(action, url):
    """A relative address is resolved as a browser does it; a fragment is not asked for."""
    assert response(f'<Receive action="{action}"/>').action.lower() == url


@pytest.mark.parametrize(
    "action",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "mailto:a@b.example",
        "http:///path",
        "http://[",
        "http://h:x/",
        "http://h:99999/",
        "http://ü..ü/",
        "/a&#10;b",
        "/a&#13;&#10;X-Header: 1",
    ],
)
def test_an_action_is_a_web_address(action):
    """Anything but an http or https URL is a problem of Twilio's code for bad URLs."""
    assert code_of(response(f'<Receive action="{action}"/>')) == 11100


@pytest.mark.parametrize("url", ["", "about:blank", "ftp://h/", "http://[", "http://h:x/"])
def test_an_odd_address_of_the_document_is_no_crash(url):
    """Where the document's own address leads nowhere, so does a relative action."""
    assert code_of(read('<Response><Receive action="/a"/></Response>', url=url)) == 11100
    assert read("<Response><Receive/></Response>", url=url) == Receive()


@pytest.mark.parametrize(
    ("attribute", "reading"),
    [
        ('method="get"', Receive(method="GET")),
        ('method=" Post "', Receive(method="POST")),
        ('mediaType="Image/TIFF"', Receive(media_type="image/tiff")),
        ('storeMedia="False"', Receive(store_media=False)),
        ('storeMedia="TRUE"', Receive(store_media=True)),
        ('pageSize="A4"', Receive(page_size="a4")),
        ('pageSize="legal"', Receive(page_size="legal")),
    ],
)
def test_the_case_of_a_value_is_no_matter(attribute, reading):
    """Values are read in upper and lower case alike."""
    assert response(f"<Receive {attribute}/>") == reading


@pytest.mark.parametrize("value", ["", "PUT", "secret"])
@pytest.mark.parametrize("attribute", ["method", "mediaType", "storeMedia"])
def test_an_unknown_value_is_a_problem(attribute, value):
    """It is told which attribute is wrong and what it may be, and not what it was."""
    reading = response(f'<Receive {attribute}="{value}"/>')

    assert code_of(reading) == 12200
    assert attribute in reading.text
    assert "secret" not in reading.text


def test_an_unknown_page_size_loses_no_fax():
    """The page size only says how pages are read, so a wrong one is noted and left out."""
    reading = response('<Receive pageSize="a5"/>')

    assert reading.page_size == "letter"
    assert [note.partition(" ")[0] for note in reading.notes] == ["pageSize"]


@pytest.mark.parametrize(
    ("inside", "notes"),
    [
        ("<Say>hi</Say><Receive/>", 1),
        ("<receive/><Receive/>", 1),
        ("<Receive/><Reject/>", 1),
        ("<Receive/><Hangup/><Say/>", 2),
        ('<Receive mediatype="image/tiff" timeout="5"/>', 2),
        ("<Receive><Say/></Receive>", 1),
        ("<Say><Receive method='x'/></Say><Receive/>", 2),
        ("<Say/><Say/><Receive/>", 1),
    ],
)
def test_what_has_no_effect_is_noted(inside, notes):
    """Unknown and surplus verbs and attributes change nothing, but are told once."""
    reading = response(inside)

    assert reading == Receive(notes=reading.notes)
    assert len(reading.notes) == notes


def test_a_rejection_has_notes_too():
    """A rejection and the root element are held to their attributes as well."""
    reading = read('<Response version="1"><Reject reason="busy"/></Response>')

    assert reading == Reject(
        (
            "the attribute version of <Response> was ignored",
            "the attribute reason of <Reject> was ignored",
        )
    )


def test_notes_are_few_and_short():
    """A document cannot fill a log with its names."""
    names = "".join(f"<{'x' * 200}{number}/>" for number in range(100))
    many = "".join(f"<V{number}/>" for number in range(100))

    assert [len(note) < 100 for note in response(names + "<Receive/>").notes] == [True]
    assert len(response(many + "<Receive/>").notes) == twiml.NOTE_LIMIT


def test_the_first_verb_counts():
    """What comes after it does not even have to be right."""
    assert isinstance(response('<Reject/><Receive method="x"/>'), Reject)
    assert isinstance(response("<Receive/><Reject/>"), Receive)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("<Response/>", 34106),
        ("<Response></Response>", 34106),
        ("<Response><Say>hello</Say></Response>", 34106),
        ("<Response><receive/></Response>", 34106),
        ("<Response><Gather><Receive/></Gather></Response>", 34106),
        ("<Response xmlns:t='u'><t:Receive/></Response>", 34106),
        ("<Receive/>", 12102),
        ("<response><Receive/></response>", 12102),
        ("<html><body/></html>", 12102),
        ("", 12100),
        ("   ", 12100),
        ("OK", 12100),
        ('{"a": 1}', 12100),
        ("<Response>", 12100),
        ("<Response><Receive></Response>", 12100),
        ("<Response><Receive/></Response><Response/>", 12100),
        ("<Response><Receive a=1/></Response>", 12100),
        ("<Response><Receive method='GET' method='GET'/></Response>", 12100),
        ("<Response><Receive action='/a?b=c&d=e'/></Response>", 12100),
        ("<Response>&nbsp;<Receive/></Response>", 12100),
        (" <?xml version='1.0'?><Response><Receive/></Response>", 12100),
        (b"<Response>\xe9<Receive/></Response>", 12100),
        (b"<Response><Receive/>\0</Response>", 12100),
        ("<Response><Receive/></Response>".encode("utf-16"), 12100),
        ("<?xml version='1.0' encoding='utf-16'?><Response><Receive/></Response>", 12100),
        ("<?xml version='1.0' encoding='utf-7'?><Response><Receive/></Response>", 12100),
        ("<?xml version='1.0' encoding='idna'?><Response><Receive/></Response>", 12100),
        ("<?xml version='1.0' encoding='no-such'?><Response><Receive/></Response>", 12100),
        ("<!DOCTYPE html><html></html>", 12100),
        ("<!DOCTYPE Response SYSTEM 'http://h/x.dtd'><Response><Receive/></Response>", 12100),
    ],
)
def test_a_problem_has_twilios_code(document, code):
    """No verb, no response and no XML are told apart."""
    assert code_of(read(document)) == code


def test_a_problem_tells_where():
    """A developer is told the line of what does not parse."""
    assert "at line 2, column 2" in read("<Response>\n<<Receive/></Response>").text


@pytest.mark.parametrize("levels", [1, 100])
def test_entities_are_not_expanded(levels):
    """A document that would grow without end is refused at once."""
    entities = "".join(
        f"<!ENTITY e{level + 1} '&e{level};&e{level};&e{level};'>" for level in range(levels)
    )
    document = (
        f"<!DOCTYPE Response [<!ENTITY e0 'xxx'>{entities}]>"
        f"<Response>&e{levels};<Receive/></Response>"
    )
    start = perf_counter()

    assert code_of(read(document)) == 12100
    assert perf_counter() - start < 1


def test_a_file_is_not_read(tmp_path):
    """An external entity is refused, and nothing of its file gets anywhere."""
    secret = tmp_path / "secret"
    secret.write_text("/secret")
    reading = read(
        f"<!DOCTYPE r [<!ENTITY e SYSTEM '{secret.as_uri()}'>]>"
        "<Response><Receive action='/a'>&e;</Receive></Response>"
    )

    assert code_of(reading) == 12100
    assert "secret" not in reading.text


@pytest.mark.parametrize("kind", ["<!DOCTYPE r>", "<!DOCTYPE r [<!ENTITY e 'x'>]>"])
def test_the_parser_refuses_a_document_type_itself(kind):
    """Without the look at the bytes beforehand, reading stops there as well."""
    with pytest.raises(twiml._InvalidTwiml, match="document type"):
        twiml._Reader().parse(f"{kind}<Response><Receive/></Response>".encode())


def test_deep_documents_are_refused():
    """The depth of a document is limited, generously."""
    deep = twiml.DEPTH_LIMIT - 1

    assert isinstance(response("<a>" * (deep - 1) + "</a>" * (deep - 1) + "<Receive/>"), Receive)
    assert code_of(response("<a>" * (deep + 1) + "</a>" * (deep + 1) + "<Receive/>")) == 12100
    assert code_of(response("<a>" * 9000 + "</a>" * 9000)) == 12100


def test_long_documents_are_refused():
    """A document has 64 kB at most."""
    document = b"<Response><Receive/></Response>"
    longest = document.ljust(64 * 1024)

    assert read(longest) == Receive()
    assert code_of(read(longest + b" ")) == 11750


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/xml",
        "application/xml",
        "Application/XML; charset=utf-8",
        "text/html; charset=UTF-8",
        "text/plain",
        "application/vnd.app+xml",
    ],
)
def test_xml_and_text_are_read(content_type):
    """Applications that serve their document as HTML or plain text are understood."""
    assert read("<Response><Receive/></Response>", content_type) == Receive()


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/pdf",
        "audio/mpeg",
        "multipart/form-data; x=text/xml",
        "application/xmlish",
        "image/svg+xml",
        "text/",
        " ",
        ";",
    ],
)
def test_other_types_are_not_read(content_type):
    """Twilio's code for a bad content type comes before a look at the document."""
    assert code_of(read("<Response><Receive/></Response>", content_type)) == 12300


def test_a_repr_has_no_action():
    """Where the fax is told of, which may hold a secret, is not in a log."""
    assert "done" not in repr(response('<Receive action="/done"/>'))


NAMES = st.sampled_from(
    ["Response", "Receive", "Reject", "Say", "action", "method", "mediaType", "storeMedia", "x:y"]
)
PARTS = st.sampled_from(
    [
        *("<", ">", "</", "/>", "=", '"', "'", " ", "&", ";", "&#0;", "&#x110000;", "&lt;"),
        *("<?xml version='1.0'?>", "encoding='", "<![CDATA[", "]]>", "<!--", "-->", "<!DOCTYPE"),
        *("\0", "\ufeff", "\ufffe", "http://[", "//", "POST", "false", "utf-8", "utf-16"),
    ]
)
TYPES = st.sampled_from([XML, "text/xml", None]) | st.text(max_size=8)


def check(reading):
    if isinstance(reading, TwimlProblem):
        assert reading.code in {11100, 11750, 12100, 12102, 12200, 12300, 34106}
        assert reading.text
        return
    assert len(reading.notes) <= twiml.NOTE_LIMIT
    if isinstance(reading, Receive):
        assert reading.method in {"GET", "POST"}
        assert reading.media_type in {"application/pdf", "image/tiff"}
        assert reading.page_size in {"letter", "legal", "a4"}
        assert reading.store_media in {True, False}
        if reading.action is not None:
            assert urlsplit(reading.action).scheme in {"http", "https"}
            assert reading.action.isascii()
            assert " " not in reading.action


@given(st.binary(max_size=200), TYPES, st.text(max_size=20) | st.just(URL))
@example(b"\xff\xfe<\0R\0", XML, URL)
@example(b"<\0R\0>\0", XML, URL)
def test_any_bytes_are_read(body, content_type, url):
    """Whatever comes, something is said about it and nothing is raised."""
    check(read_twiml(body, content_type, url))


@given(st.lists(NAMES | PARTS | st.text(max_size=3), max_size=25).map("".join), st.text(max_size=9))
def test_anything_like_a_document_is_read(text, url):
    """Neither do broken documents raise."""
    check(read_twiml(text.encode("utf-8", "replace"), XML, url))
    check(read_twiml(f"<Response>{text}</Response>".encode("utf-8", "replace"), XML, url))


@given(
    st.sampled_from(["", "<?xml version='1.0' encoding='{}'?>"]),
    st.text("abcdefghijklmnopqrstuvwxyz_-0123456789", min_size=1, max_size=9)
    | st.sampled_from(
        ["utf8", "rot13", "zlib", "punycode", "undefined", "unicode_escape", "cp037"]
    ),
)
def test_any_encoding_is_read(declaration, encoding):
    """Nor do the names of encodings, real or not."""
    check(read(declaration.format(encoding) + "<Response><Receive/></Response>"))


@given(
    st.sampled_from(["method", "mediaType", "storeMedia", "pageSize", "action", "other"]),
    st.text("QXZ0189", min_size=6, max_size=9),
    st.sampled_from(
        [
            '<Response><Receive {}="{}:"/></Response>',
            '<Response><Receive {}="{}:"></Response>',
            '<{1}><Receive {0}="1"/></{1}>',
            "<Response><{1} {0}='1'></{1}></Response>",
            "<Response>{0}{1}</Response>",
            "<?xml version='1.0' encoding='{1}'?><Response/>",
            "<!DOCTYPE {1}>",
            "<Response><{1}></{0}></Response>",
            "<Response>&{1};</Response>",
        ]
    ),
)
def test_a_problem_quotes_nothing(name, mark, document):
    """No text of a document is in what is said against it."""
    reading = read(document.format(name, mark))

    if isinstance(reading, TwimlProblem):
        assert mark not in reading.text


@given(
    st.one_of(st.none(), st.just("/done"), st.just("https://h.example/ä?a=1&b=<\"'>")),
    st.sampled_from([None, "GET", "POST"]),
    st.sampled_from([None, "application/pdf", "image/tiff"]),
    st.sampled_from([None, "letter", "legal", "a4"]),
    st.sampled_from([None, True, False]),
)
def test_what_the_library_writes_is_read(action, method, media_type, page_size, store_media):
    """A document of our own class says what it was made of."""
    document = FaxResponse()
    document.receive(action, method, media_type, page_size, store_media)
    reading = read(str(document))
    written = {
        "/done": "https://app.example/done",
        "https://h.example/ä?a=1&b=<\"'>": "https://h.example/%C3%A4?a=1&b=%3C%22'%3E",
    }

    assert reading == Receive(
        action=written.get(action),
        method=method or "POST",
        media_type=media_type or "application/pdf",
        page_size=page_size or "letter",
        store_media=store_media is not False,
    )
