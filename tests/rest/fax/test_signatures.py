"""Every class has the place, the members and the signatures of Twilio 7.5.1's."""

import inspect

import pytest

from tests.base.libraries import OURS, THEIRS, both, fax_domain, module, needs_751

REQUEST = "params=None, data=None, headers=None, auth=None, timeout=None, allow_redirects=False"
FILTER = "from_=unset, to=unset, date_created_on_or_before=unset, date_created_after=unset"
VERSION = "(self, version)"
SELF = "(self)"

CLASSES = {
    "base.domain.Domain": {
        "__init__": "(self, twilio)",
        "absolute_url": "(self, uri)",
        "request": f"(self, method, uri, {REQUEST})",
    },
    "base.version.Version": {
        "__init__": "(self, domain)",
        "absolute_url": "(self, uri)",
        "relative_uri": "(self, uri)",
        "request": f"(self, method, uri, {REQUEST})",
        "exception": "classmethod (cls, method, uri, response, message)",
        "fetch": f"(self, method, uri, {REQUEST})",
        "update": f"(self, method, uri, {REQUEST})",
        "delete": f"(self, method, uri, {REQUEST})",
        "create": f"(self, method, uri, {REQUEST})",
        "page": f"(self, method, uri, {REQUEST})",
        "read_limits": "(self, limit=None, page_size=None)",
        "stream": "(self, page, limit=None, page_limit=None)",
    },
    "base.page.Page": {
        "__init__": "(self, version, response)",
        "__iter__": SELF,
        "__next__": SELF,
        "__repr__": SELF,
        "META_KEYS": [
            "end",
            "first_page_uri",
            "last_page_uri",
            "next_page_uri",
            "num_pages",
            "page",
            "page_size",
            "previous_page_uri",
            "start",
            "total",
            "uri",
        ],
        "next": SELF,
        "process_response": "classmethod (cls, response)",
        "load_page": "(self, payload)",
        "get_instance": "(self, payload)",
        "previous_page_url": "property",
        "next_page_url": "property",
        "next_page": SELF,
        "previous_page": SELF,
    },
    "base.instance_context.InstanceContext": {"__init__": VERSION},
    "base.instance_resource.InstanceResource": {"__init__": VERSION},
    "base.list_resource.ListResource": {"__init__": VERSION},
    "http.HttpClient": {"request": f"(self, method, url, {REQUEST})"},
    "http.response.Response": {
        "__init__": "(self, status_code, text, headers=None)",
        "__repr__": SELF,
        "text": "property",
    },
    "rest.fax.Fax": {
        "__init__": "(self, twilio)",
        "__repr__": SELF,
        "v1": "property",
        "faxes": "property",
    },
    "rest.fax.v1.V1": {"__init__": "(self, domain)", "__repr__": SELF, "faxes": "property"},
    "rest.fax.v1.fax.FaxList": {
        "__init__": VERSION,
        "__call__": "(self, sid)",
        "__repr__": SELF,
        "stream": f"(self, {FILTER}, limit=None, page_size=None)",
        "list": f"(self, {FILTER}, limit=None, page_size=None)",
        "page": f"(self, {FILTER}, page_token=unset, page_number=unset, page_size=unset)",
        "get_page": "(self, target_url)",
        "create": "(self, to, media_url, quality=unset, status_callback=unset, from_=unset, "
        "sip_auth_username=unset, sip_auth_password=unset, store_media=unset, ttl=unset)",
        "get": "(self, sid)",
    },
    "rest.fax.v1.fax.FaxPage": {
        "__init__": "(self, version, response, solution)",
        "__repr__": SELF,
        "get_instance": "(self, payload)",
    },
    "rest.fax.v1.fax.FaxContext": {
        "__init__": "(self, version, sid)",
        "__repr__": SELF,
        "fetch": SELF,
        "update": "(self, status=unset)",
        "delete": SELF,
        "media": "property",
    },
    "rest.fax.v1.fax.FaxInstance": {
        "__init__": "(self, version, payload, sid=None)",
        "__repr__": SELF,
        "Direction": {"INBOUND": "inbound", "OUTBOUND": "outbound"},
        "Quality": {"STANDARD": "standard", "FINE": "fine", "SUPERFINE": "superfine"},
        "Status": {
            "QUEUED": "queued",
            "PROCESSING": "processing",
            "SENDING": "sending",
            "DELIVERED": "delivered",
            "RECEIVING": "receiving",
            "RECEIVED": "received",
            "NO_ANSWER": "no-answer",
            "BUSY": "busy",
            "FAILED": "failed",
            "CANCELED": "canceled",
        },
        "UpdateStatus": {"CANCELED": "canceled"},
        "_proxy": "property",
        "sid": "property",
        "account_sid": "property",
        "from_": "property",
        "to": "property",
        "quality": "property",
        "media_sid": "property",
        "media_url": "property",
        "num_pages": "property",
        "duration": "property",
        "status": "property",
        "direction": "property",
        "api_version": "property",
        "price": "property",
        "price_unit": "property",
        "date_created": "property",
        "date_updated": "property",
        "links": "property",
        "url": "property",
        "fetch": SELF,
        "update": "(self, status=unset)",
        "delete": SELF,
        "media": "property",
    },
    "rest.fax.v1.fax.fax_media.FaxMediaList": {
        "__init__": "(self, version, fax_sid)",
        "__call__": "(self, sid)",
        "__repr__": SELF,
        "stream": "(self, limit=None, page_size=None)",
        "list": "(self, limit=None, page_size=None)",
        "page": "(self, page_token=unset, page_number=unset, page_size=unset)",
        "get_page": "(self, target_url)",
        "get": "(self, sid)",
    },
    "rest.fax.v1.fax.fax_media.FaxMediaPage": {
        "__init__": "(self, version, response, solution)",
        "__repr__": SELF,
        "get_instance": "(self, payload)",
    },
    "rest.fax.v1.fax.fax_media.FaxMediaContext": {
        "__init__": "(self, version, fax_sid, sid)",
        "__repr__": SELF,
        "fetch": SELF,
        "delete": SELF,
    },
    "rest.fax.v1.fax.fax_media.FaxMediaInstance": {
        "__init__": "(self, version, payload, fax_sid, sid=None)",
        "__repr__": SELF,
        "_proxy": "property",
        "sid": "property",
        "account_sid": "property",
        "fax_sid": "property",
        "content_type": "property",
        "date_created": "property",
        "date_updated": "property",
        "url": "property",
        "fetch": SELF,
        "delete": SELF,
    },
}

FUNCTIONS = {
    "base.deserialize": {
        "ISO8601_DATE_FORMAT": "%Y-%m-%d",
        "ISO8601_DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%SZ",
        "iso8601_date": "(s)",
        "iso8601_datetime": "(s)",
        "rfc2822_datetime": "(s)",
        "decimal": "(d)",
        "integer": "(i)",
    },
    "base.serialize": {
        "iso8601_date": "(d)",
        "iso8601_datetime": "(d)",
        "prefixed_collapsible_map": "(m, prefix)",
        "object": "(obj)",
        "map": "(lst, serialize_func)",
    },
    "base.values": {"of": "(d)"},
}

BASES = {
    "rest.fax.Fax": "base.domain.Domain",
    "rest.fax.v1.V1": "base.version.Version",
    "rest.fax.v1.fax.FaxList": "base.list_resource.ListResource",
    "rest.fax.v1.fax.FaxPage": "base.page.Page",
    "rest.fax.v1.fax.FaxContext": "base.instance_context.InstanceContext",
    "rest.fax.v1.fax.FaxInstance": "base.instance_resource.InstanceResource",
    "rest.fax.v1.fax.fax_media.FaxMediaList": "base.list_resource.ListResource",
    "rest.fax.v1.fax.fax_media.FaxMediaPage": "base.page.Page",
    "rest.fax.v1.fax.fax_media.FaxMediaContext": "base.instance_context.InstanceContext",
    "rest.fax.v1.fax.fax_media.FaxMediaInstance": "base.instance_resource.InstanceResource",
}

SPECIAL = {"__init__", "__call__", "__repr__", "__iter__", "__next__", "_proxy"}

every_class = pytest.mark.parametrize("path", CLASSES)


def class_at(library, path):
    home, _, name = path.rpartition(".")
    return getattr(module(library, home), name)


def signature(function, unset):
    """Return a signature as text, without annotations, ``unset`` standing for the sentinel."""
    parts = []
    for parameter in inspect.signature(function).parameters.values():
        assert parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        if parameter.default is parameter.empty:
            parts.append(parameter.name)
        else:
            default = "unset" if parameter.default is unset else repr(parameter.default)
            parts.append(f"{parameter.name}={default}")
    return "({})".format(", ".join(parts))


def shape(member, unset):
    """Return what a program can tell of a member without using it."""
    if isinstance(member, property):
        return "property" if member.fset is member.fdel is None else "writable property"
    if isinstance(member, classmethod):
        return "classmethod " + signature(member.__func__, unset)
    if inspect.isclass(member):
        return {name: value for name, value in vars(member).items() if not name.startswith("_")}
    if isinstance(member, set):
        return sorted(member)
    return member if isinstance(member, str) else signature(member, unset)


def members(library, path):
    unset = module(library, "base.values").unset
    return {
        name: shape(member, unset)
        for name, member in vars(class_at(library, path)).items()
        if (name in SPECIAL or not name.startswith("_")) and not name.endswith("_async")
    }


@both
@every_class
def test_a_class_has_exactly_these_members(library, path):
    """No member is missing, changed or added: a program's mocks and subclasses depend on each."""
    assert CLASSES[path] == members(library, path)


@both
@every_class
def test_a_class_is_where_it_says(library, path):
    """A class names the module it is imported from, which pickles and tracebacks show."""
    cls = class_at(library, path)

    assert f"{library}.{path}" == f"{cls.__module__}.{cls.__qualname__}"


@both
@pytest.mark.parametrize("path", BASES)
def test_a_class_has_one_base(library, path):
    """Each class of fax is one of the kinds in base, and of what is written apart: nothing else."""
    bases = class_at(library, path).__bases__
    bases = tuple(base for base in bases if not base.__module__.endswith(("._async", "._lazy")))
    assert bases == (class_at(library, BASES[path]),)


@both
@pytest.mark.parametrize("home", FUNCTIONS)
def test_functions_have_these_signatures(library, home):
    """The helpers of base are called by name and by position as at Twilio."""
    unset = module(library, "base.values").unset
    found = vars(module(library, home))

    assert FUNCTIONS[home] == {name: shape(found[name], unset) for name in FUNCTIONS[home]}


@needs_751
@pytest.mark.parametrize("home", FUNCTIONS)
def test_no_function_is_left_out(home):
    """The table above has every function that Twilio's module defines."""
    theirs = module(THEIRS, home)
    defined = {
        name
        for name, value in vars(theirs).items()
        if inspect.isfunction(value) and value.__module__ == theirs.__name__
    }

    assert defined == {name for name in FUNCTIONS[home] if name.islower()}


@needs_751
@pytest.mark.parametrize("home", sorted({path.rpartition(".")[0] for path in CLASSES}))
def test_no_class_is_left_out(home):
    """The table above has every class that Twilio's module defines."""
    theirs = module(THEIRS, home)
    defined = {
        name
        for name, value in vars(theirs).items()
        if inspect.isclass(value) and value.__module__ == theirs.__name__
    }

    assert {f"{home}.{name}" for name in defined} == {
        path for path in CLASSES if path.rpartition(".")[0] == home
    }


@pytest.mark.parametrize("path", CLASSES)
def test_every_argument_has_a_type(path):
    """A type checker knows each argument and result of ours."""
    for name, member in vars(class_at(OURS, path)).items():
        if isinstance(member, property):
            member = member.fget
        function = getattr(member, "__func__", member)
        if not inspect.isfunction(function):
            continue
        found = inspect.signature(function)
        untyped = [p.name for p in list(found.parameters.values())[1:] if p.annotation is p.empty]

        assert untyped == [], name
        assert found.return_annotation is not found.empty, name


@both
def test_a_domain_hands_out_the_same_objects(library):
    """A list and a context's media are made once, so a program may patch them."""
    fax = fax_domain(library)
    context = fax.faxes("FX1")

    assert fax.v1 is fax.v1
    assert fax.faxes is fax.faxes is fax.v1.faxes
    assert context.media is context.media
    assert fax.faxes("FX1") is not context
