"""Recordings that would run code or exhaust the machine, or that cannot be parsed."""

REQUEST = "interactions:\n- request: {method: GET, uri: https://fax.twilio.com/v1/Faxes, body: "
ANSWER = ", headers: {}}\n  response: {status: {code: 200}, headers: {}, body: {string: ''}}\n"
OWN_TAG = "%TAG !x! tag:yaml.org,2002:python/\n"
BOMB = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 300))


def _in_body(value):
    return REQUEST + value + ANSWER


HOSTILE = {
    "os.system": (
        _in_body("!!python/object/apply:os.system ['touch MARKER']"),
        "line 2: the tag",
    ),
    "arguments": (
        _in_body("!!python/object/apply:os.system {args: ['touch MARKER']}"),
        "line 2: the tag",
    ),
    "subprocess": (
        _in_body("!!python/object/apply:subprocess.check_call [[touch, 'MARKER']]"),
        "line 2: the tag",
    ),
    "new": (
        _in_body("!!python/object/new:subprocess.Popen [[touch, 'MARKER']]"),
        "line 2: the tag",
    ),
    "eval": (
        _in_body("!!python/object/apply:builtins.eval [\"open('MARKER', 'w')\"]"),
        "line 2: the tag",
    ),
    "eval of Python 2": (
        _in_body("!!python/object/apply:__builtin__.eval [\"open('MARKER', 'w')\"]"),
        "line 2: the tag",
    ),
    "list items": (
        _in_body(
            "!!python/object/new:type {args: [z, !!python/tuple [], "
            "{extend: !!python/name:exec }], listitems: \"open('MARKER', 'w')\"}"
        ),
        "line 2: the tag",
    ),
    "inside a file": (
        _in_body(
            "!!python/object/new:_io.BytesIO {state: !!python/tuple "
            "[!!python/object/apply:os.system ['touch MARKER']]}"
        ),
        "line 2: the tag",
    ),
    "inside an iterator": (
        _in_body(
            "!!python/object/apply:builtins.iter {args: "
            "[!!python/object/apply:os.system ['touch MARKER']]}"
        ),
        "line 2: the tag",
    ),
    "another function of builtins": (
        _in_body("!!python/object/apply:builtins.open ['MARKER', w]"),
        "line 2: the tag",
    ),
    "as a key": (
        "interactions:\n- ? !!python/object/apply:os.system ['touch MARKER']\n  : a\n",
        "line 2: the tag",
    ),
    "as the document": (
        "!!python/object/apply:os.system ['touch MARKER'] # interactions",
        "line 1: the tag",
    ),
    "under a tag of our own": (
        OWN_TAG + "--- {interactions: [\n!x!object/apply:os.system ['touch MARKER']]}\n",
        "line 3: the tag",
    ),
    "in full": (
        "interactions:\n- !<tag:yaml.org,2002:python/object/apply:os.system> ['touch MARKER']\n",
        "line 2: the tag",
    ),
    "a module": ("interactions:\n- !!python/module:antigravity\n", "line 2: the tag"),
    "a name": ("interactions:\n- !!python/name:os.system\n", "line 2: the tag"),
    "a class": ("interactions:\n- !!python/object:tests.helpers.Nothing {}\n", "line 2: the tag"),
    "a tag of an application": ("interactions:\n- !secret x\n", "line 2: the tag"),
    "a set": ("interactions:\n- !!set {a}\n", "line 2: the tag"),
    "vcrpy before 1.0": (
        "- request: !!python/object:vcr.request.Request {method: GET}\n  response: {}\n",
        "vcr.migration",
    ),
    "an alias bomb": ("a0: &a0 [x, x]\n" + BOMB + "interactions: *a8\n", "aliases expand"),
    "an alias bomb of text": (
        "interactions:\n- &a '" + "x" * 9000 + "'\n" + "- *a\n" * 200,
        "aliases expand",
    ),
    "a chain of aliases": (CHAIN + "interactions: *a299\n", "aliases expand"),
    "a circle": ("interactions: &a [*a]\n", "line 1: an alias refers"),
    "a circle of mappings": ("interactions: &a {b: *a}\n", "line 1: an alias refers"),
    "too deep": ("interactions: " + "[" * 5000 + "]" * 5000, "nest"),
    "too deep in lines": (
        "interactions:\n" + "".join("  " * n + "- a:\n" for n in range(150)),
        "nested deeper",
    ),
    "a number of many digits": ("interactions:\n- !!int " + "9" * 20000 + "x", "line 2: a value"),
    "an unknown file": (
        _in_body("!!python/object/new:_io.BytesIO [[1]]"),
        "line 2: the content of a file",
    ),
    "an empty tag": (_in_body("!!python/object/apply:http.HTTPStatus []"), "line 2: a value"),
    "a list as a key": ("interactions:\n- {[a]: b}\n", "line 2: found unhashable key"),
    "two documents": ("interactions: []\n---\ninteractions: []\n", "line 2: but found another"),
    "control characters": ("interactions:\n- a\x01b\n", "line 2: "),
    "not closed": ("interactions: [\n", "line 2: "),
}
"""Recordings that must be refused, with words of the error. ``MARKER`` stands for a file they would create."""

HOSTILE_JSON = {
    "not closed": ('{"interactions": [', "line 1: it is not JSON"),
    "on line 2": ('{"interactions":\n nothing}', "line 2: it is not JSON"),
    "too deep": ('{"interactions": ' + "[" * 100000, "nested deeper"),
    "objects too deep": ('{"interactions": ' + '{"a": ' * 100000, "nested deeper"),
    "a list of vcrpy before 1.0": ('[{"request": {}, "response": {}}]', "vcr.migration"),
}
