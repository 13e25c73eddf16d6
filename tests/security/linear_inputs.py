"""The worst inputs for a parser, and every place of the API that takes input, by its documents."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote

import msgspec

from tests.api.client import UNKNOWN_ID

Json = dict[str, Any]
Make = Callable[[int], str]
"""A text of about so many bytes as JSON in UTF-8."""

MAX_TEXT = 2**20 - 2048
"""Bytes that fill a body, beside its other members."""
MAX_URL_TEXT = 2_500
"""Bytes that fill a URL of 8 KiB when they are quoted."""
MAX_HEADER = 60 * 1024


def repeated(unit: str) -> Make:
    """Texts of the unit, as long as the size once they are JSON."""
    width = len(json.dumps(unit, ensure_ascii=False).encode()) - 2
    return lambda size: (unit * (size // width + 1))[: size * len(unit) // width]


FAMILIES: dict[str, Make] = {
    "letters": repeated("a"),
    "marks": repeated("\u0301\u0323"),
    "marks of a letter": repeated("e" + "\u0301\u0323" * 15),
    "zero width": repeated("\u200b"),
    "fillers": repeated("\u3164"),
    "long in NFKC": repeated("\ufdfa"),
    "jamo": repeated("\u1112\u1161\u11ab"),
    "backticks": repeated("`"),
    "backticks apart": lambda size: " ".join("`" * n for n in range(1, int((2 * size) ** 0.5))),
    "brackets": repeated("["),
    "pairs of brackets": repeated("[]("),
    "image brackets": repeated("![a]("),
    "angles": repeated("<a "),
    "quote marks": repeated("> "),
    "stars": repeated("*a_"),
    "spaces": repeated(" "),
    "lines": repeated("\n"),
    "list items": repeated("- \n"),
    "double quotes": repeated('"'),
    "backslashes": repeated("\\"),
    "decoder's words": repeated("unknown field `"),
    "decoder's path": repeated("x - at `$"),
    "percent signs": repeated("%"),
    "commas": repeated("a,"),
    "weighted types": repeated("a/b;q=0.1, "),
    "pairs": repeated("a=b;"),
    "dots": repeated("a."),
    "at signs": repeated("@a"),
    "URLs": repeated("http://["),
    "digits": repeated("9"),
}

ONE_LETTER = ("letters", "marks", "fillers", "jamo", "brackets", "double quotes", "percent signs")
"""Families whose first letters are each quoted or read in another way."""

BODIES: dict[str, Callable[[int], bytes]] = {
    "arrays in arrays": lambda size: b"[" * size,
    "objects in objects": lambda size: b'{"a":' * (size // 5),
    "items": lambda size: b"[" + b"0," * (size // 2) + b"0]",
    "a long key": lambda size: json.dumps(
        {"unknown field `" * (size // 15) + "x - at `$": 1}
    ).encode(),
    "many keys": lambda size: json.dumps({f"{n:08}": 1 for n in range(size // 16)}).encode(),
    "digits": lambda size: b"9" * size,
    "an open text": lambda size: b'"' + b"a" * size,
    "escapes": lambda size: b'"' + b"\\u0301" * (size // 6) + b'"',
    "spaces": lambda size: b" " * size,
    "no UTF-8": lambda size: b"\xff" * size,
}

HEADERS: tuple[str, ...] = (
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Authorization",
    "Content-Type",
)
HEADERS += ("Cookie", "Host", "Origin", "Range", "User-Agent", "X-Forwarded-For", "X-Request-ID")


@dataclass
class Call:
    """A request: `path` with its query, and a JSON body unless `content` is given."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""


@dataclass(frozen=True)
class Place:
    """A place of a request that takes any text, and the sizes that fill it."""

    name: str
    sizes: tuple[int, ...]
    call: Callable[[str], Call]
    families: tuple[str, ...] = ()
    """All of them if empty."""


def resolved(schema: Json, document: Json) -> Json:
    """A schema without its references, and of several the one that is not null."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return resolved(document["components"]["schemas"][name], document)
    for kind in ("anyOf", "oneOf", "allOf"):
        for each in schema.get(kind, ()):
            if each.get("type") != "null":
                return resolved(each, document)
    return schema


def example(schema: Json, document: Json) -> Any:
    """A value of the schema."""
    schema = resolved(schema, document)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            members = schema.get("properties", {})
            required = schema.get("required", [])
            return {name: example(members[name], document) for name in required}
        case "array":
            return ["Python"]
        case "integer" | "number":
            return 1
        case "boolean":
            return True
        case _:
            return UNKNOWN_ID if schema.get("format") == "uuid" else "a fine text"


def text_sizes(schema: Json, largest: int) -> tuple[int, ...]:
    """The largest size that is sent, and the largest that is valid."""
    valid = schema.get("maxLength")
    return (largest,) if valid is None or valid >= largest else (largest, valid)


def operations(document: Json) -> list[tuple[str, str]]:
    """The paths and methods of a document."""
    return [
        (path, method)
        for path, methods in document["paths"].items()
        for method in methods
        if method in ("get", "post", "put", "patch", "delete")
    ]


def places(document: Json, path: str, method: str, ids: dict[str, str]) -> Iterator[Place]:
    """Every member and parameter of an operation. `ids` are of things that exist, by the names of
    path parameters.
    """
    operation, method = document["paths"][path][method], method.upper()
    known = {name: ids.get(name, UNKNOWN_ID) for name in _path_names(path)}
    url = path.format(**known)
    content = operation.get("requestBody", {}).get("content", {})
    body = _json_body(content, document)

    def call(*, headers: dict[str, str] | None = None, at: str = url, sent: Any = body) -> Call:
        content = b"" if sent is None else msgspec.json.encode(sent)
        return Call(method, at, headers or {}, content)

    def in_path(name: str, text: str) -> Call:
        return call(at=path.format(**known | {name: quote(text, safe="")}))

    def in_query(name: str, text: str) -> Call:
        return call(at=f"{url}?{name}={quote(text, safe='')}")

    def many_in_query(name: str, text: str) -> Call:
        pair = f"{name}={quote(text[:1])}&"
        return call(at=f"{url}?{pair * (3 * len(text.encode()) // len(pair))}")

    def in_header(name: str, text: str) -> Call:
        return call(headers={name: text})

    def in_body(name: str, text: str) -> Call:
        return call(sent={**body, name: text})

    def in_list(name: str, text: str) -> Call:
        return call(sent={**body, name: [text]})

    def as_list(name: str, text: str) -> Call:
        return call(sent={**body, name: list(text[: len(text) // 8])})

    def whole_body(name: str, text: str) -> Call:
        return Call(method, url, {}, BODIES[name](len(text)))

    for parameter in operation.get("parameters", ()):
        name, where = parameter["name"], parameter["in"]
        title = f"{method} {path} {where} {name}"
        if where == "path":
            yield Place(title, (MAX_URL_TEXT,), partial(in_path, name))
        elif where == "query":
            sizes = text_sizes(parameter.get("schema", {}), MAX_URL_TEXT)
            yield Place(title, sizes, partial(in_query, name))
            yield Place(
                f"{title}, many", (MAX_URL_TEXT,), partial(many_in_query, name), ONE_LETTER
            )
        else:
            yield Place(title, (MAX_HEADER,), partial(in_header, name))
    if body is None:
        return
    for name in BODIES:
        title = f"{method} {path} body of {name}"
        yield Place(title, (MAX_TEXT,), partial(whole_body, name), ("letters",))
    schema = resolved(content["application/json"]["schema"], document)
    for name, reference in schema.get("properties", {}).items():
        member = resolved(reference, document)
        title = f"{method} {path} /{name}"
        if member.get("type") == "array":
            yield Place(f"{title}, items", (MAX_TEXT,), partial(as_list, name))
            yield Place(f"{title}, an item", (MAX_TEXT,), partial(in_list, name))
        else:
            yield Place(title, text_sizes(member, MAX_TEXT), partial(in_body, name))


def _path_names(path: str) -> list[str]:
    return [step[1:-1] for step in path.split("/") if step.startswith("{")]


def _json_body(content: Json, document: Json) -> Any:
    if "application/json" not in content:
        return None
    return example(content["application/json"]["schema"], document)


def frames(document: Json, size: int) -> Iterator[tuple[str, Callable[[int], str]]]:
    """Every member of every frame of a client, by makers of frames of some size."""
    for operation in document["operations"].values():
        if operation["action"] != "receive":
            continue
        for reference in operation["messages"]:
            name = reference["$ref"].rpartition("/")[2]
            schema = resolved(document["components"]["messages"][name]["payload"], document)
            frame = example(schema, document)
            yield from _frames_of(name, frame, list(schema["properties"]), size)
    for title, make in BODIES.items():
        yield title, partial(_decoded, make)


def _frames_of(
    name: str, frame: Json, members: list[str], size: int
) -> Iterator[tuple[str, Callable[[int], str]]]:
    for member in members:
        for family, make in FAMILIES.items():
            title = f"{name} {member} of {size} {family}"
            yield title, partial(_frame, frame, member, make)


def _frame(frame: Json, member: str, make: Make, size: int) -> str:
    return json.dumps({**frame, member: make(size)}, ensure_ascii=False)


def _decoded(make: Callable[[int], bytes], size: int) -> str:
    return make(size).decode(errors="replace")


PNG = b"\x89PNG\r\n\x1a\n"
PNG_HEADER = PNG + b"\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89"
PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
GIF = b"GIF89a\1\0\1\0\0\0\0"
JPEG_SCAN = b"\xff\xd8\xff\xda\0\2"


def _webp(size: int) -> bytes:
    return b"RIFF" + (size + 4).to_bytes(4, "little") + b"WEBP"


IMAGE_FILES: dict[str, Callable[[int], bytes]] = {
    "JPEG fill bytes in a scan": lambda size: JPEG_SCAN + b"\xff" * size + b"\0",
    "JPEG fill bytes before a marker": lambda size: b"\xff\xd8" + b"\xff" * size + b"\xd9",
    "JPEG restart markers": lambda size: JPEG_SCAN + b"\xff\xd0" * (size // 2),
    "JPEG scans": lambda size: b"\xff\xd8" + b"\xff\xda\0\2\0" * (size // 5) + b"\xff\xd9",
    "JPEG empty segments": lambda size: b"\xff\xd8" + b"\xff\xe1\0\2" * (size // 4) + b"\xff\xd9",
    "PNG empty chunks": lambda size: PNG_HEADER + b"\0\0\0\0tEXt\0\0\0\0" * (size // 12) + PNG_END,
    "PNG one chunk": lambda size: (
        PNG_HEADER + size.to_bytes(4, "big") + b"tEXt" + b"a" * size + PNG_END
    ),
    "PNG nothing": lambda size: PNG + b"\0" * size,
    "GIF empty extensions": lambda size: GIF + b"!\xfe\0" * (size // 3) + b";",
    "GIF short blocks": lambda size: GIF + b"!\xfe" + b"\1a" * (size // 2) + b"\0;",
    "GIF frames": lambda size: GIF + b",\0\0\0\0\1\0\1\0\0\2\0" * (size // 12) + b";",
    "WebP empty chunks": lambda size: _webp(size) + b"JUNK\0\0\0\0" * (size // 8),
    "WebP nothing": lambda size: _webp(size) + b"\0" * size,
}
"""Makers of crafted files of about so many bytes."""


PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"'
MEMBER = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'

MULTIPART_BODIES: dict[str, Callable[[int], bytes]] = {
    "almost boundaries": lambda size: (
        PART + b"\r\n\r\n" + b"\r\n--" * (size // 4) + b"\r\n--b--\r\n"
    ),
    "lines": lambda size: PART + b"\r\n\r\n" + b"\r\n" * (size // 2) + b"\r\n--b--\r\n",
    "a preamble": lambda size: (
        b"\r\n--" * (size // 4) + b"\r\n" + PART + b"\r\n\r\na\r\n--b--\r\n"
    ),
    "a long header": lambda size: PART + b"; a" * (size // 3) + b"\r\n\r\na\r\n--b--\r\n",
    "quotes in a header": lambda size: (
        PART + b'; a="\\' + b'\\"' * (size // 2) + b"\r\n\r\na\r\n--b--\r\n"
    ),
    "headers": lambda size: PART + b"\r\n" + b"A: b\r\n" * (size // 6) + b"\r\na\r\n--b--\r\n",
    "members": lambda size: MEMBER * (size // 50) + b"--b--\r\n",
    "no end": lambda size: PART + b"\r\n\r\n" + b"a" * size,
}
"""Makers of bodies of about so many bytes whose boundary is `b`, beside a whole file."""
