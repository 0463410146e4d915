"""
Parses cassette files as data: no tag of a file can run code, whichever release of vcrpy is installed.

vcrpy before 8.2.1 reads YAML with PyYAML's full loader, which creates any Python object that a file names
(https://yaml.org/type/ and https://pyyaml.org/wiki/PyYAMLDocumentation). This loader knows YAML's plain
types and the tags that vcrpy 1 to 9 wrote, each bound to its exact name. Everything else is refused.
"""

from __future__ import annotations

import json
from io import BytesIO, StringIO
from typing import Any, Callable, ClassVar
from urllib.parse import urlunsplit

LARGEST = 64 * 1024 * 1024
"""The largest cassette that is read, in bytes (64 MiB)."""

DEEPEST = 100
"""How deep lists and mappings may be nested."""

_EXPANSION = 10
"""How often larger than the file the data may be once its aliases are followed."""


class NotACassette(ValueError):
    """A file is not a cassette. The text says why."""


class BrokenCassette(NotACassette):
    """A cassette cannot be parsed, or is not safe to use. The text has the line, if there is one."""


MIGRATE = (
    "convert it with python -m vcr.migration of vcrpy 8.2.1 or later, which runs no code in it"
)


def parse(text: str, serializer: str, for_vcrpy: bool = False) -> Any:
    """
    Return the data in the *text* of a cassette. *serializer* is ``yaml`` or ``json``.

    The data is made of dictionaries, lists, text, bytes, numbers, booleans and None. With
    *for_vcrpy*, request bodies that were files and iterators are files and iterators again, as
    vcrpy expects. Raises BrokenCassette, and ImportError if PyYAML is missing.
    """
    if len(text) > LARGEST:
        raise BrokenCassette(f"it is larger than {LARGEST // 1024 // 1024} MiB")
    return _json(text) if serializer == "json" else _yaml(text, for_vcrpy)


def _json(text: str) -> Any:
    _check_json_depth(text)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise BrokenCassette(f"line {error.lineno}: it is not JSON ({error.msg})") from None
    except (ValueError, RecursionError) as error:
        raise BrokenCassette(f"it is not JSON ({type(error).__name__})") from None


def _check_json_depth(text: str) -> None:
    """Raise BrokenCassette if brackets are nested too deep for the parser, quoted ones included."""
    depth = in_text = is_escaped = 0
    for char in text if text.count("[") + text.count("{") > DEEPEST else "":
        if is_escaped:
            is_escaped = 0
        elif in_text:
            is_escaped, in_text = char == "\\", char != '"'
        elif char == '"':
            in_text = 1
        elif char in "[{":
            depth += 1
            if depth > DEEPEST:
                raise BrokenCassette(f"it is nested deeper than {DEEPEST} levels")
        elif char in "]}":
            depth -= 1


def _yaml(text: str, for_vcrpy: bool) -> Any:
    yaml = _pyyaml()
    try:
        _check_yaml_depth(yaml, text)
        loader = _loader_class(yaml, for_vcrpy)(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _check_aliases(yaml, node, _EXPANSION * (len(text) + 1000))
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or "it is not YAML"
        position = getattr(error, "position", None)
        line = mark.line + 1 if mark else text.count("\n", 0, position) + 1 if position else 0
        raise BrokenCassette(f"line {line}: {problem}" if line else problem) from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, BrokenCassette):
            raise
        raise BrokenCassette(f"it is not YAML ({type(error).__name__})") from None


def _pyyaml() -> Any:
    try:
        import yaml
    except ImportError as missing:
        message = "cassettes need PyYAML: pip install 'twilio-fax-compat[pytest]'"
        raise ImportError(message) from missing
    return yaml


def dump(data: object, serializer: str) -> str:
    """Return *data* as the text of a cassette, as vcrpy writes it. Raises ImportError without PyYAML."""
    if serializer == "json":
        return json.dumps(data, indent=4) + "\n"
    yaml = _pyyaml()
    text: str = yaml.dump(data, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper))
    return text


def _check_yaml_depth(yaml: Any, text: str) -> None:
    """Raise BrokenCassette if *text* is nested too deep to be composed, which is recursive."""
    depth = 0
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                line = event.start_mark.line + 1
                raise BrokenCassette(f"line {line}: it is nested deeper than {DEEPEST} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _check_aliases(yaml: Any, root: Any, limit: int) -> None:
    """Raise BrokenCassette if aliases form a circle, or make the data larger or deeper than allowed."""
    measured: dict[int, tuple[int, int] | None] = {}

    def measure(node: Any) -> tuple[int, int]:
        if isinstance(node, yaml.ScalarNode):
            return len(node.value) + 1, 0
        line = node.start_mark.line + 1
        if id(node) not in measured:
            measured[id(node)] = None
            size, depth = 1, 0
            for item in node.value:
                for part in item if isinstance(item, tuple) else (item,):
                    part_size, part_depth = measure(part)
                    size, depth = size + part_size, max(depth, part_depth)
            measured[id(node)] = size, depth + 1
        result = measured[id(node)]
        if result is None:
            raise BrokenCassette(f"line {line}: an alias refers to a value that contains it")
        if result[0] > limit or result[1] > DEEPEST:
            raise BrokenCassette(f"line {line}: its aliases expand to more data than is allowed")
        return result

    measure(root)


def _loader_class(yaml: Any, for_vcrpy: bool) -> Any:
    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class CassetteLoader(base):  # type: ignore[misc]
        yaml_constructors: ClassVar[dict[Any, Any]] = {}
        yaml_multi_constructors: ClassVar[dict[Any, Any]] = {}

        def construct_object(self, node: Any, deep: bool = False) -> Any:
            try:
                # Every value is complete when it is returned, so no constructor sees a part of one.
                return super().construct_object(node, deep=True)
            except (ValueError, OverflowError) as error:
                problem = f"a value cannot be read ({type(error).__name__})"
                raise _error(yaml, node, problem) from None

    def add(tag: str, construct: Callable[[Any, Any], Any]) -> None:
        CassetteLoader.add_constructor("tag:yaml.org,2002:" + tag, construct)

    for name in ("null", "bool", "int", "float", "binary", "str", "seq", "map"):
        add(name, getattr(yaml.SafeLoader, f"construct_yaml_{name}"))
    # Recordings have no times of their own: what looks like one is text of a request.
    add("timestamp", yaml.SafeLoader.construct_yaml_str)
    for tag, construct in _vcrpy_tags(yaml, for_vcrpy).items():
        add(tag, construct)
    CassetteLoader.add_constructor(None, _refused(yaml))
    return CassetteLoader


def _refused(yaml: Any) -> Callable[[Any, Any], Any]:
    def refuse(_loader: Any, node: Any) -> Any:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        if tag == "!!python/object:vcr.request.Request":
            raise _error(yaml, node, "it was recorded by vcrpy before 1.0: " + MIGRATE)
        raise _error(yaml, node, f"the tag {tag} is not allowed in a cassette")

    return refuse


def _error(yaml: Any, node: Any, problem: str) -> Any:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _vcrpy_tags(yaml: Any, for_vcrpy: bool) -> dict[str, Callable[[Any, Any], Any]]:
    """Return the tags that vcrpy wrote, with a function that makes plain data of each."""
    safe = yaml.SafeLoader

    def text(loader: Any, node: Any) -> Any:
        return loader.construct_scalar(node)

    def sequence(loader: Any, node: Any) -> Any:
        items = loader.construct_sequence(node, deep=True)
        return tuple(items) if for_vcrpy else items

    def arguments(loader: Any, node: Any) -> list[Any]:
        """Return the arguments of ``object/new`` and ``object/apply``, in either notation."""
        if isinstance(node, yaml.SequenceNode):
            items: list[Any] = loader.construct_sequence(node, deep=True)
            return items
        if isinstance(node, yaml.MappingNode):
            mapping = loader.construct_mapping(node, deep=True)
            given = mapping.get("args", mapping.get("state"))
            if isinstance(given, (list, tuple)):
                return list(given)
        raise _error(yaml, node, "a value of vcrpy has an unknown form")

    def first(loader: Any, node: Any) -> Any:
        items = arguments(loader, node)
        if not items:
            raise _error(yaml, node, "a value of vcrpy is empty")
        return items[0]

    def file(loader: Any, node: Any) -> Any:
        content = first(loader, node)
        if isinstance(content, str) and not node.tag.endswith("StringIO"):
            content = content.encode()
        if not isinstance(content, (str, bytes)):
            raise _error(yaml, node, "the content of a file is not text")
        if not for_vcrpy:
            return content
        return StringIO(content) if isinstance(content, str) else BytesIO(content)

    def chunks(loader: Any, node: Any) -> Any:
        items = first(loader, node)
        if not isinstance(items, (list, tuple)):
            raise _error(yaml, node, "an iterator of vcrpy has an unknown form")
        if for_vcrpy:
            return iter(items)
        return b"".join(
            chunk.encode() if isinstance(chunk, str) else chunk
            for chunk in items
            if isinstance(chunk, (str, bytes))
        )

    def byte_array(loader: Any, node: Any) -> Any:
        return str(first(loader, node)).encode("latin-1")

    def url(loader: Any, node: Any) -> Any:
        parts = first(loader, node)
        if isinstance(parts, (list, tuple)) and len(parts) == 5:
            return urlunsplit([str(part) for part in parts])
        return str(parts)

    def pairs(loader: Any, node: Any) -> Any:
        items = arguments(loader, node)
        try:
            return dict(items[0]) if items else {}
        except (TypeError, ValueError):
            raise _error(yaml, node, "an OrderedDict has an unknown form") from None

    tags = {
        # Python 2 wrote text and long numbers with these.
        "python/str": text,
        "python/unicode": text,
        "python/long": safe.construct_yaml_int,
        # Headers of tornado and aiohttp are pairs, or have keys of a class of text.
        "python/tuple": sequence,
        "python/object/apply:collections.OrderedDict": pairs,
        # The stub of aiohttp in vcrpy 1.11 to 2.0 wrote the URL of a response as an object.
        "python/object/new:urllib.parse.SplitResult": arguments,
        "python/object/new:yarl.URL": url,
        "python/object/new:yarl._url.URL": url,
        "python/object/apply:http.HTTPStatus": first,
        # Request bodies that were files, iterators or byte arrays.
        "python/object/new:_io.BytesIO": file,
        "python/object/new:_io.StringIO": file,
        "python/object/apply:builtins.iter": chunks,
        "python/object/apply:builtins.bytearray": byte_array,
    }
    for home in ("_multidict", "_istr", "_multidict_py"):
        for how in ("new", "apply"):
            tags[f"python/object/{how}:multidict.{home}.istr"] = first
    return tags
