"""
Recordings in the forms that vcrpy 1 to 9 wrote.

Each form is a small change of one conversation: a fax is created and fetched. The tags are those that
PyYAML writes for the objects that vcrpy kept: Python 2's text and numbers, bodies that are files and
iterators, and what the stubs of aiohttp, tornado and httpx recorded.
"""

import codecs
import copy
import gzip
import json
import zlib
from base64 import b64encode
from http import HTTPStatus
from importlib.util import find_spec
from io import BytesIO, StringIO

import attr
import yaml

from tests.cassettes.recordings import ACCOUNT, API, interaction

SID = "FX" + "0123456789abcdef" * 2
NUMBER, OTHER = "+14155550123", "+442071838750"
FAX = {
    "sid": SID,
    "account_sid": ACCOUNT,
    "api_version": "v1",
    "direction": "outbound",
    "status": "busy",
    "from": NUMBER,
    "to": OTHER,
    "quality": "fine",
    "media_sid": None,
    "media_url": None,
    "num_pages": None,
    "duration": None,
    "price": None,
    "price_unit": None,
    "date_created": "2021-03-04T05:06:07Z",
    "date_updated": "2021-03-04T05:07:07Z",
    "links": {"media": f"{API}/Faxes/{SID}/Media"},
    "url": f"{API}/Faxes/{SID}",
}
FORM = "To=%2B442071838750&MediaUrl=https%3A%2F%2Fexample.com%2Fa.pdf&From=%2B14155550123"


def conversation():
    """Return the interactions that most forms change, as plain values."""
    created = {**FAX, "status": "queued"}
    both = [
        interaction("POST", f"{API}/Faxes", FORM, 201, created),
        interaction("GET", FAX["url"], "", 200, FAX),
    ]
    return {"version": 1, "interactions": copy.deepcopy(both)}


@attr.frozen(eq=False)
class Tagged:
    """A value that is written with a tag of its own."""

    tag: str
    value: object


class Dumper(yaml.Dumper):
    """Writes `Tagged` values, and Python 2's text if *is_python_2*."""

    is_python_2 = False
    has_aliases = False

    def ignore_aliases(self, data):
        return not self.has_aliases or super().ignore_aliases(data)


def _tagged(dumper, data):
    node = dumper.represent_data(data.value)
    node.tag = "tag:yaml.org,2002:" + data.tag
    return node


def _text(dumper, text):
    # PyYAML wrote the unicode of Python 2 so, and its bytes without a tag if they were ASCII.
    tag = "python/unicode" if dumper.is_python_2 and text.isascii() else "str"
    return dumper.represent_scalar("tag:yaml.org,2002:" + tag, text)


Dumper.add_representer(Tagged, _tagged)
Dumper.add_representer(str, _text)


class Python2Dumper(Dumper):
    is_python_2 = True


class AliasDumper(Dumper):
    has_aliases = True


def block(data):
    return yaml.dump(data, Dumper=Dumper)


def flow(data):
    """PyYAML before 5.1 wrote the innermost collections in one line."""
    return yaml.dump(data, Dumper=Dumper, default_flow_style=None)


def python_2(data):
    return yaml.dump(data, Dumper=Python2Dumper, default_flow_style=None)


def aliases(data):
    shared = {"Accept": ["application/json"]}
    for one in data["interactions"]:
        one["request"]["headers"] = one["response"]["headers"] = shared
    return yaml.dump(data, Dumper=AliasDumper)


def as_json(data):
    return json.dumps(data, indent=4)


def each(part, change):
    """Return a change of each request or response."""

    def changed(data):
        for one in data["interactions"]:
            change(one[part])
        return data

    return changed


def body(change):
    """Return a change of the body of each response, as bytes."""

    def changed(response):
        response["body"]["string"] = change(response["body"]["string"].encode())

    return each("response", changed)


def packed(name, pack):
    def changed(response):
        response["headers"]["Content-Encoding"] = [name]
        response["body"]["string"] = pack(response["body"]["string"].encode())

    return each("response", changed)


def posted(make):
    """Return a change of the body of each request that has one."""

    def changed(request):
        if request["body"]:
            request["body"] = make(request["body"])

    return each("request", changed)


def raw_deflate(data):
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def brotli(data):
    return __import__("brotli").compress(data)


def zstd(data):
    return __import__("zstandard").ZstdCompressor().compress(data)


def base64(data):
    return b64encode(data).decode()


def _set(**fields):
    def changed(message):
        message.update({name: make(message) for name, make in fields.items()})

    return changed


def _httpx_4(response):
    """Make of a response what the stub of httpx kept before vcrpy 6."""
    response["status_code"] = response.pop("status")["code"]
    response["http_version"] = "HTTP/1.1"
    response["content"] = response.pop("body")["string"]


def _istr(home, how):
    def changed(request):
        request["headers"] = {
            Tagged(f"python/object/{how}:multidict.{home}.istr", [name]): value
            for name, value in request["headers"].items()
        }

    return each("request", changed)


def _yarl(home):
    def changed(data):
        for one in data["interactions"]:
            scheme, _, rest = one["request"]["uri"].partition("://")
            host, _, path = rest.partition("/")
            parts = Tagged(
                "python/object/new:urllib.parse.SplitResult", [scheme, host, "/" + path, "", ""]
            )
            state = {"state": Tagged("python/tuple", [parts])}
            one["response"]["url"] = Tagged(f"python/object/new:{home}.URL", state)
        return data

    return changed


def _pairs(make):
    def changed(message):
        message["headers"] = [make((name, value)) for name, value in message["headers"].items()]

    return changed


def _ordered(message):
    pairs = [[name, value] for name, value in message["headers"].items()]
    message["headers"] = Tagged("python/object/apply:collections.OrderedDict", [pairs])


def _binary_headers(message):
    message["headers"] = {
        name.encode(): [item.encode() for item in value]
        for name, value in message["headers"].items()
    }


def _same(data):
    return data


PLAIN = {
    "as vcrpy writes it": _same,
    "with metadata of vcrpy 9": lambda data: {**data, "metadata": {"recorded_at": "2026-01-01"}},
    "with request ids of vcrpy 9": lambda data: {
        **data,
        "interactions": [{**one, "recorded_at": "now"} for one in data["interactions"]],
    },
    "without a version": lambda data: {"interactions": data["interactions"]},
    "headers as single values": each(
        "response", _set(headers=lambda _: {"Content-Type": "application/json"})
    ),
    "headers as pairs": each("response", _pairs(list)),
    "lower case headers": each(
        "response", _set(headers=lambda _: {"content-type": ["application/json"]})
    ),
    "no headers": each("response", _set(headers=lambda _: {})),
    "httpx before vcrpy 6": each("response", _httpx_4),
    "status without a message": each(
        "response",
        _set(status=lambda response: {"code": response["status"]["code"], "message": None}),
    ),
    "body in base64": each(
        "response",
        _set(body=lambda response: {"base64_string": base64(response["body"]["string"].encode())}),
    ),
    "posted in base64": posted(lambda form: {"base64_string": base64(form.encode())}),
    "posted as a string": posted(lambda form: {"string": form}),
    "decoded, with the old header": each(
        "response", _set(headers=lambda _: {"Content-Encoding": ["gzip"]})
    ),
    "decoded, with the header of br": each(
        "response", _set(headers=lambda _: {"content-encoding": "br"})
    ),
    "with an identity encoding": each(
        "response", _set(headers=lambda _: {"Content-Encoding": ["identity"]})
    ),
}
BINARY = {
    "bytes": body(bytes),
    "gzip": packed("gzip", gzip.compress),
    "gzip without a header": body(gzip.compress),
    "two gzip members": packed(
        "gzip", lambda text: gzip.compress(text[:9]) + gzip.compress(text[9:])
    ),
    "x-gzip": packed("x-gzip", gzip.compress),
    "deflate": packed("deflate", zlib.compress),
    "raw deflate": packed("deflate", raw_deflate),
    **({"br": packed("br", brotli)} if find_spec("brotli") else {}),
    **({"zstd": packed("zstd", zstd)} if find_spec("zstandard") else {}),
    "upper case encoding": packed("GZIP", gzip.compress),
    "two encodings": packed("deflate, gzip", lambda text: gzip.compress(zlib.compress(text))),
    "byte order mark": body(lambda text: codecs.BOM_UTF8 + text),
    "posted as bytes": posted(str.encode),
    "headers in bytes": each("request", _binary_headers),
}
TAGGED = {
    "posted from a file": posted(lambda form: BytesIO(form.encode())),
    "posted from a text file": posted(StringIO),
    "posted from an iterator": posted(
        lambda form: Tagged(
            "python/object/apply:builtins.iter",
            {"args": [[form[:9].encode(), form[9:].encode()]], "state": 0},
        )
    ),
    "posted from a byte array": posted(lambda form: bytearray(form.encode())),
    "istr of multidict 2": _istr("_istr", "new"),
    "istr of multidict 4": _istr("_multidict", "new"),
    "istr of multidict 6": _istr("_multidict", "apply"),
    "istr in Python": _istr("_multidict_py", "apply"),
    "URL of aiohttp": _yarl("yarl"),
    "URL of aiohttp 3.9": _yarl("yarl._url"),
    "pairs of tornado": each("response", _pairs(tuple)),
    "an ordered dictionary": each("response", _ordered),
    "a status of http": each(
        "response",
        _set(
            status=lambda response: {"code": HTTPStatus(response["status"]["code"]), "message": ""}
        ),
    ),
    "a long number": each(
        "response",
        _set(status=lambda response: {"code": Tagged("python/long", response["status"]["code"])}),
    ),
    "text of Python 2": each(
        "response",
        _set(note=lambda _: Tagged("python/str", "caf\xe9"), more=lambda _: "caf\xe9"),
    ),
}


@attr.frozen
class Form:
    """A recording that converts: its *name*, the *text* of its file, and the *suffix*."""

    name: str
    text: str
    suffix: str = ".yaml"

    def __str__(self):
        return self.name


def _forms():
    for name, change in PLAIN.items():
        yield Form(f"{name}, JSON", as_json(change(conversation())), ".json")
    for name, change in {**PLAIN, **BINARY, **TAGGED}.items():
        yield Form(name, block(change(conversation())))
    for name, change in {**PLAIN, **BINARY}.items():
        yield Form(f"{name}, Python 2", python_2(change(conversation())), ".yml")
    yield Form("in lines of flow", flow(conversation()))
    yield Form("with aliases", aliases(conversation()))
    yield Form("with comments", "# ours\n---\n" + block(conversation()) + "\n...\n")
    yield Form("with a byte order mark", "\ufeff" + block(conversation()))
    yield Form("with the line ends of Windows", block(conversation()).replace("\n", "\r\n"))
    yield Form(
        "with the line ends of Windows, JSON",
        as_json(conversation()).replace("\n", "\r\n"),
        ".json",
    )
    yield Form("JSON in YAML", json.dumps(conversation()))


FORMS = list(_forms())
