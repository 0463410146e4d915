"""The validator of Twilio's requests: that of 7.5.1, and what 9.13 added."""

import importlib
from urllib.parse import urlparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.base.libraries import both, module, needs_751
from tests.core.webhooks.test_signatures import (
    BODY,
    BODY_HASH,
    FIELDS,
    PATH,
    REPEATED,
    SIGNED,
    TOKEN,
)
from twilio_fax_compat import request_validator
from twilio_fax_compat.request_validator import RequestValidator, get_signature_algorithm

URL = "https://mycompany.com" + PATH
PARAMS = dict(FIELDS)
SHA256 = "033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s="

PLAIN = [vector for vector in SIGNED if vector[1] is not REPEATED]


def validator(library, token=TOKEN):
    return module(library, "request_validator").RequestValidator(token)


class Lists(dict):
    """What Django and Flask give: the last value as item, all through ``getlist``."""

    def __getitem__(self, name):
        return super().__getitem__(name)[-1]

    def getlist(self, name):
        return self.get(name)


class Alls(Lists):
    """What aiohttp and webob give."""

    getlist = property()

    def getall(self, name):
        return self.get(name)


def lists_of(fields, cls=Lists):
    names = dict.fromkeys(name for name, _ in fields)
    return cls({name: [v for n, v in fields if n == name] for name in names})


@both
@pytest.mark.parametrize(("url", "fields", "signature"), PLAIN)
def test_a_signature_is_computed(library, url, fields, signature):
    """Each published vector comes out of a form as dict."""
    assert signature == validator(library).compute_signature(url, dict(fields))


@both
@pytest.mark.parametrize(("url", "fields", "signature"), PLAIN)
def test_a_right_signature_is_valid(library, url, fields, signature):
    """Each published vector is valid, and not with another token, URL, form or signature."""
    validate = validator(library).validate
    form = dict(fields)

    assert validate(url, form, signature) is True
    assert validator(library, "54321").validate(url, form, signature) is False
    assert validate(url + "&baz=3", form, signature) is False
    assert validate(url, {**form, "Digits": "4321"}, signature) is False
    assert validate(url, form, signature[::-1]) is False
    assert validate(url, form, "") is False


@both
@pytest.mark.parametrize(
    ("scheme", "port"), [("https", 443), ("http", 80), ("https", 8443), ("http", 1234)]
)
def test_a_port_may_be_there_or_not(library, scheme, port):
    """What was signed with a port is valid without, where it is the scheme's, and vice versa."""
    with_port, without = (f"{scheme}://mycompany.com{p}{PATH}" for p in (f":{port}", ""))
    ours = validator(library)

    assert ours.validate(with_port, PARAMS, ours.compute_signature(without, PARAMS))
    assert ours.validate(with_port, PARAMS, ours.compute_signature(with_port, PARAMS))
    assert ours.validate(without, PARAMS, ours.compute_signature(with_port, PARAMS)) is (
        port in (80, 443)
    )


@both
def test_a_body_is_bound_by_its_hash(library):
    """A body as text is held against the hash in the URL."""
    ours = validator(library)
    url, _, signature = SIGNED[4]
    body = BODY.decode()

    assert ours.compute_hash(body) == BODY_HASH
    assert ours.validate(url, body, signature) is True
    assert ours.validate(url, body + " ", signature) is False
    assert ours.validate(url, body, signature.lower()) is False
    assert ours.validate(url, None, signature) is True
    assert ours.validate(url, "", signature) is False


@both
@pytest.mark.parametrize(
    ("error", "call"),
    [
        (AttributeError, lambda library: validator(library, None)),
        (AttributeError, lambda library: validator(library).compute_hash(BODY)),
        (AttributeError, lambda library: validator(library).validate(URL, "a=b", "x")),
        (AttributeError, lambda library: validator(library).validate(URL, FIELDS, "x")),
        (TypeError, lambda library: validator(library).validate(URL, {}, None)),
        (TypeError, lambda library: validator(library).validate(URL, {"a": ["b"]}, "x")),
        (TypeError, lambda library: validator(library).validate(URL, {"a": 1}, "x")),
        (TypeError, lambda library: validator(library).validate(URL, {"a": None}, "x")),
        (TypeError, lambda library: validator(library).validate(URL, {"a": b"1"}, "x")),
        (ValueError, lambda library: validator(library).validate("https://h:x/", {}, "x")),
        (TypeError, lambda library: module(library, "request_validator").compare("a", None)),
    ],
)
def test_a_wrong_type_raises(library, error, call):
    """What is no text raises the exception that it raises at Twilio."""
    with pytest.raises(error):
        call(library)


@both
@pytest.mark.parametrize(
    ("url", "without", "with_port"),
    [
        ("https://h/x", "https://h/x", "https://h:443/x"),
        ("http://h/x?y#z", "http://h/x?y#z", "http://h:80/x?y#z"),
        ("https://h:8443/x", "https://h/x", "https://h:8443/x"),
        ("https://me:pw@h:8443/x", "https://me/x", "https://me:pw@h:8443/x"),
        ("https://me:pw@h/x", "https://me:pw@h/x", "https://me:pw@h:443/x"),
        ("https://h:0/x", "https://h:0/x", "https://h:0:443/x"),
        ("/x", "/x", "//:80/x"),
    ],
)
def test_a_port_is_taken_and_given(library, url, without, with_port):
    """The two helpers do what Twilio's do, even with URLs that they spoil."""
    helpers = module(library, "request_validator")

    assert without == helpers.remove_port(urlparse(url))
    assert with_port == helpers.add_port(urlparse(url))


@both
@pytest.mark.parametrize("kind", [str, str.encode])
def test_texts_are_compared(library, kind):
    """Equal texts, and equal bytes, are equal; a text and bytes never are."""
    compare = module(library, "request_validator").compare

    assert compare(kind("abc"), kind("abc")) is True
    assert compare(kind("abc"), kind("abd")) is False
    assert compare(kind("abc"), kind("ab")) is False
    assert compare(kind("ä"), kind("ä")) is True
    assert compare("abc", b"abc") is False


def test_a_kind_of_text_is_compared_as_text():
    """A framework's own class of text is a text."""
    kind = type("SafeText", (str,), {})

    assert request_validator.compare(kind("abc"), "abc") is True


@pytest.mark.parametrize("cls", [Lists, Alls])
def test_repeated_values_are_signed(cls):
    """All values of a framework's form count, each distinct one once."""
    url, fields, signature = SIGNED[5]
    form = lists_of(fields, cls)

    assert form["Digits"] == "1234"
    assert RequestValidator(TOKEN).compute_signature(url, form) == signature
    assert RequestValidator(TOKEN).validate(url, form, signature) is True
    assert RequestValidator(TOKEN).get_values(form, "Digits") == ["5678", "1234", "1234"]
    assert RequestValidator(TOKEN).get_values({"a": "b"}, "a") == ["b"]


@pytest.mark.parametrize("algorithm", ["HMAC_SHA256", "hmac_sha256"])
def test_a_shared_key_may_sign_with_sha_256(algorithm):
    """The algorithm is a third argument, in either case."""
    ours = RequestValidator(TOKEN)
    signature = ours.compute_signature(URL, PARAMS, algorithm)

    assert signature == SHA256
    assert ours.validate(URL, PARAMS, signature, algorithm) is True
    assert ours.validate(URL, PARAMS, signature) is False


@pytest.mark.parametrize("algorithm", [None, "", "HMAC_SHA1", "hmac_sha1"])
def test_an_auth_token_signs_with_sha_1(algorithm):
    """The algorithm that is not named is SHA-1."""
    assert SIGNED[0][2] == RequestValidator(TOKEN).compute_signature(URL, PARAMS, algorithm)
    assert RequestValidator(TOKEN).validate(URL, PARAMS, SIGNED[0][2], algorithm=algorithm)


def test_an_unknown_algorithm_is_not_valid(caplog):
    """It raises where a signature is made; where one is checked it is False, with a warning."""
    with pytest.raises(ValueError, match="MD5"):
        RequestValidator(TOKEN).compute_signature(URL, PARAMS, "MD5")

    assert not caplog.records
    assert RequestValidator(TOKEN).validate(URL, PARAMS, SIGNED[0][2], "MD5") is False
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.parametrize(
    ("header", "algorithm"),
    [
        (None, "HMAC_SHA1"),
        ("", "HMAC_SHA1"),
        ("key=abc", "HMAC_SHA1"),
        ("algorithm", "HMAC_SHA1"),
        ("algorithm= ", "HMAC_SHA1"),
        ("key=abc,algorithm=HMAC_SHA256", "HMAC_SHA256"),
        (" algorithm = HMAC_SHA256 , key=abc", "HMAC_SHA256"),
        ("algorithm=,algorithm=MD5", "MD5"),
    ],
)
def test_a_header_names_the_algorithm(header, algorithm):
    """The settings of a signature are read leniently; without a word on it, it is SHA-1."""
    assert algorithm == get_signature_algorithm(header)


def test_the_headers_have_twilios_names():
    """Both headers are there under their names."""
    assert request_validator.SIGNATURE_HEADER == "X-Twilio-Signature"
    assert request_validator.SIGNATURE_SETTINGS_HEADER == "X-Twilio-Webhooks-Signature-Settings"


def test_all_public_names_are_exported():
    """What has no underscore and is defined here, or is Twilio's, is public."""
    assert {"RequestValidator", "add_port", "compare", "remove_port"} < set(
        request_validator.__all__
    )
    assert all(hasattr(request_validator, name) for name in request_validator.__all__)


FORMS = st.dictionaries(st.text(max_size=6), st.text(max_size=6), max_size=5) | st.none()
URLS = st.builds(
    "{}://{}{}/{}".format,
    st.sampled_from(["http", "https", "HTTPS", "sip"]),
    st.sampled_from(["h", "mycompany.com", "me:pw@h", "[::1]", ""]),
    st.sampled_from(["", ":", ":0", ":80", ":443", ":8443", ":x"]),
    st.text("ab/?&=#%ä ", max_size=8) | st.just("?bodySHA256=" + BODY_HASH),
)


def outcome(function):
    try:
        return function()
    except Exception as error:
        return type(error)


def told(library, token, url, form):
    """Return what a library says of a URL and its spellings, each with two signatures."""

    def ask(name, *args):
        return outcome(lambda: getattr(library.RequestValidator(token), name)(*args))

    parsed = urlparse(url)
    seen = [
        ask("compute_signature", url, form),
        outcome(lambda: library.add_port(parsed)),
        outcome(lambda: library.remove_port(parsed)),
    ]
    for spelling in (part for part in (url, *seen[1:]) if isinstance(part, str)):
        bare = ask("compute_signature", spelling, {})
        seen += [bare, *(ask("validate", url, form, made) for made in (seen[0], bare))]
    return seen


@needs_751
@given(st.text(max_size=6), URLS, FORMS | st.just(BODY.decode()) | st.text(max_size=3))
def test_the_validator_does_what_twilios_does(token, url, form):
    """Signatures, checks and exceptions equal those of 7.5.1, whatever is asked."""
    theirs = importlib.import_module("twilio.request_validator")

    assert told(theirs, token, url, form) == told(request_validator, token, url, form)


@needs_751
@given(st.text(max_size=4), st.text(max_size=4))
def test_texts_are_compared_as_twilios_are(one, other):
    """Two texts are equal when 7.5.1 says so."""
    theirs = importlib.import_module("twilio.request_validator")

    assert theirs.compare(one, other) is request_validator.compare(one, other)
    assert request_validator.compare(one, one) is True
