"""config.json: what a bundle says of itself.

`Config` is the one table of what can stand there: it reads files, and `schema` publishes it for editors.
"""

from __future__ import annotations

import json
import keyword
import math
import re
from collections.abc import Iterable
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any
from typing import Literal

import msgspec
from msgspec import Meta

from scrapdb.errors import BundleError
from scrapdb.errors import ExpressionError
from scrapdb.errors import UsageError
from scrapdb.errors import suggestion
from scrapdb.query.parser import parse
from scrapdb.reporting.bundles import asks
from scrapdb.reporting.bundles.schedule import Schedule
from scrapdb.reporting.bundles.schedule import kept
from scrapdb.reporting.bundles.target import Target
from scrapdb.reporting.bundles.target import place
from scrapdb.running.rows import tables
from scrapdb.running.rows import units
from scrapdb.running.rows import values
from scrapdb.running.rows.secrets import looks_secret
from scrapdb.text import composed
from scrapdb.text import has_surrogates
from scrapdb.text import valid_text

if TYPE_CHECKING:
    from jsonschema import ValidationError

Kind = Literal["text", "number", "integer", "boolean", "date", "choice"]
FILE = "config.json"
ADDRESS = "https://raw.githubusercontent.com/scrapdb/scrapdb/main/docs/report.schema.json"
GIVEN = ("language", "token")  # placeholders that whoever makes a report fills, $LANGUAGE and $TOKEN
_SCHEMA = "https://json-schema.org/draft/2020-12/schema"
_MOST_SHOWN = 60  # characters of a value in a sentence
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:_[A-Za-z]{4})?(?:_(?:[A-Z]{2}|[0-9]{3}))?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")  # of a schedule: what an address can hold as it is
_ENDS = 2  # of a range
_WORDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "an integer",
    "number": "a number",
    "object": "an object",
    "string": "a text in quotes",
}

_Time = float | str
_Size = float | str


class Parameter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A parameter that whoever asks for a report can give."""

    type: Annotated[Kind, Meta(description="What it takes.")] = "text"
    label: Annotated[str | None, Meta(description="What people read, in the language of the source.")] = None
    default: Annotated[Any, Meta(description="Its value if none is given; a date as 2026-01-31.")] = None
    required: Annotated[
        bool | None, Meta(description="Whether it has to be given; by default if it has no default.")
    ] = None
    choices: Annotated[tuple[str | int | float, ...], Meta(description="What a choice is among.")] = ()
    range: Annotated[
        tuple[str | int | float | None, str | int | float | None] | None,
        Meta(description="The least and the greatest of a number, an integer or a date; null where there is no end."),
    ] = None

    @property
    def is_required(self) -> bool:
        """Whether a report cannot be made without it."""
        return self.default is None if self.required is None else self.required

    @property
    def takes(self) -> values.Type:
        """The type of its values."""
        return values.Type("literal", choices=self.choices) if self.type == "choice" else _TYPES[self.type]


_TYPES = {
    "text": values.STR,
    "number": values.NUMBER,
    "integer": values.INT,
    "boolean": values.BOOL,
    "date": values.DATE,
}
_ORDERED = frozenset({"number", "integer", "date"})
# Of which type defaults are in JSON, as the published schema says it.
_IN_JSON: dict[str, dict[str, Any]] = {
    "text": {"type": ["string", "null"]},
    "number": {"type": ["number", "null"]},
    "integer": {"type": ["integer", "null"]},
    "boolean": {"type": ["boolean", "null"]},
    "date": {"type": ["string", "null"], "format": "date"},
}


class Bounds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a report may use, as `scrapdb run` has it: seconds or bytes, or a text such as 5m and 2GB."""

    timeout: Annotated[_Time, Meta(description="Time of the whole run.")] = "120s"
    cell_timeout: Annotated[_Time | None, Meta(description="Time of a cell.")] = None
    memory: Annotated[_Size | None, Meta(description="Size of all its processes together.")] = "2GB"
    cpu: Annotated[_Time | None, Meta(description="Time of a processor, for all its processes together.")] = None
    disk: Annotated[_Size | None, Meta(description="Size of all that it writes.")] = "1GB"
    output: Annotated[_Size, Meta(description="Size of output.json, and of each file that the page shows.")] = "16MB"
    page: Annotated[_Size, Meta(description="Size of the page.")] = "64MB"


_TIMES = frozenset({"timeout", "cell_timeout", "cpu"})
_Text = Annotated[str, Meta(min_length=1)]
_Asked = Annotated[str, Meta(min_length=1, max_length=300)]


class Config(msgspec.Struct, frozen=True, kw_only=True, rename={"schema": "$schema"}, forbid_unknown_fields=True):
    """What config.json says."""

    schema: Annotated[str | None, Meta(description="Address of this schema, for editors.")] = None
    title: Annotated[_Text, Meta(description="Title of the report, in the language of the source.")]
    description: Annotated[
        _Text | None, Meta(description="What is in it, in a sentence, for who chooses among reports.")
    ] = None
    version: Annotated[str, Meta(description="Version of the bundle.")] = "1"
    parameters: Annotated[
        dict[str, Parameter], Meta(description="What whoever asks for a report can give, by name.")
    ] = {}
    languages: Annotated[
        tuple[_Text, ...], Meta(min_length=1, description="Languages that it has, that of the source first: en, pt_BR.")
    ] = ("en",)
    kernel: Annotated[_Text | None, Meta(description="Name of the kernel; by default the notebook's.")] = None
    limits: Annotated[Bounds, Meta(description="What a report may use.")] = Bounds()
    network: Annotated[bool, Meta(description="Whether it needs the network, which whoever runs it has to grant.")] = (
        False
    )
    outputs: Annotated[tuple[Literal["html", "pdf"], ...], Meta(min_length=1, description="What is made of it.")] = (
        "html",
    )
    asks: Annotated[
        tuple[_Asked, ...] | dict[str, tuple[_Asked, ...]],
        Meta(
            description="Sentences by which it is asked for: voltage of (site) from (from_day) to (to_day)."
            " A list is in the language of the source; an object has a list for each language."
        ),
    ] = ()
    author: Annotated[
        _Text | None, Meta(description="Where the trace of a report goes that failed: mail:anna@example.com.")
    ] = None
    deliver: Annotated[
        tuple[Target, ...],
        Meta(description="Where its reports go, as far as whoever answers for the service allows it."),
    ] = ()
    deliver_if: Annotated[
        _Text | None,
        Meta(description="What its scraps have to meet for that: n_rows > 0 and result != previous.result."),
    ] = None

    schedules: Annotated[
        dict[str, Schedule], Meta(description="When reports ask for themselves, and which, by name.")
    ] = {}

    @property
    def sentences(self) -> dict[str, tuple[str, ...]]:
        """Those by which it is asked for, by language."""
        return self.asks if isinstance(self.asks, dict) else {self.languages[0]: self.asks}


def read(content: bytes) -> Config:
    """Read what a config.json says.

    Raises:
        BundleError: it is wrong; the sentence names the place, and how much more is wrong.
    """
    config, wrong = examined(content)
    if wrong or config is None:
        more = f" {len(wrong) - 1} more is wrong, which `scrapdb report check` lists." if wrong[1:] else ""
        raise BundleError(f"{wrong[0]}{more}")
    return config


def examined(content: bytes) -> tuple[Config | None, list[str]]:
    """Return what a config.json says, as far as it can be read, and in sentences what is wrong with it."""
    try:
        said = json.loads(content.decode("utf-8-sig"), object_pairs_hook=tables.unique, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        return None, [f"{FILE}:{error.lineno} is no JSON: {error.msg.lower()} at column {error.colno}."]
    except (ValueError, RecursionError) as error:
        return None, [f"{FILE} is no JSON: {' '.join(str(error).split()).rstrip('.')}."]
    if wrong := [f"{FILE}: {sentence}" for sentence in _against_schema(said)]:
        return None, wrong
    config = msgspec.convert(said, Config)
    return config, [f"{FILE}: {sentence}" for sentence in _against_itself(config)]


def schema() -> dict[str, Any]:
    """Return the JSON schema of config.json."""
    made = {"$schema": _SCHEMA, "title": "config.json of a bundle of scrapdb report", **msgspec.json.schema(Config)}
    made["$defs"]["Parameter"]["allOf"] = [
        {
            "if": {"properties": {"type": {"const": kind}}, "required": [] if kind == "text" else ["type"]},
            "then": {"properties": {"default": default}},
        }
        for kind, default in _IN_JSON.items()
    ]
    return made


def is_language(name: str) -> bool:
    """Return whether there is a language of that name, of which it is known how dates and numbers are written."""
    from babel import Locale  # heavy, and only reports need it
    from babel import UnknownLocaleError

    try:
        return bool(_LANGUAGE.fullmatch(name) and Locale.parse(name))
    except (UnknownLocaleError, ValueError):
        return False


def refusal(parameter: Parameter, value: Any) -> str:
    """Return why a value of the right type is none of a parameter's, empty if it is one."""
    if isinstance(value, float) and not math.isfinite(value):
        return "it takes a finite number"
    if isinstance(value, str) and has_surrogates(value):
        return "it takes text that UTF-8 can hold"
    least, greatest = parameter.range or (None, None)
    if parameter.type in _ORDERED and (
        (least is not None and value < values.read(least, parameter.takes))
        or (greatest is not None and value > values.read(greatest, parameter.takes))
    ):
        return f"it takes {wanted(parameter)}"
    return ""


def wanted(parameter: Parameter) -> str:
    """Say what a parameter takes: `an integer from 1 to 10`."""
    least, greatest = parameter.range or (None, None)
    ends = "" if least is None else f" from {least} on"
    if greatest is not None:
        ends = f" up to {greatest}" if least is None else f" from {least} to {greatest}"
    return f"{values.wanted(parameter.takes)}{ends}"


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def _against_schema(said: Any) -> list[str]:
    """Say what is wrong by the schema, in the order of where it stands."""
    from jsonschema import Draft202012Validator  # takes longer to load than all of this
    from jsonschema import FormatChecker

    checker = Draft202012Validator(schema(), format_checker=FormatChecker())
    # What is misspelled comes before what is missing.
    errors = sorted(checker.iter_errors(said), key=lambda error: ([*map(str, error.absolute_path)], error.validator))
    return list(dict.fromkeys(sentence for error in errors for sentence in _sentences(error)))


def _sentences(error: ValidationError) -> Iterator[str]:
    place, asked, got = _place(error.absolute_path), error.validator_value, error.instance
    match error.validator:
        case "anyOf" if further := [each for each in error.context if each.validator != "type" or each.relative_path]:
            yield from _sentences(further[0])
        case "additionalProperties" | "required":
            yield from _wrong_names(error)
        case "enum":
            yield f"{place} cannot be {_said(got)}; {suggestion(str(got), map(str, asked))}"
        case "format":
            yield f"{place} cannot be {_said(got)}: it has to be a date that there is, as 2026-01-31."
        case "minItems" | "maxItems" | "items" if asked in (_ENDS, False):
            yield f"{place} has to have two values, the least and the greatest; null where there is no end."
        case "maxLength":
            yield f"{place} is longer than {asked} characters. Say it in fewer words."
        case "minItems" | "minLength":
            yield f"{place} is empty. Write something, or leave it out."
        case _:
            yield f"{place} cannot be {_said(got)}: it has to be {_as_asked(error)}."


def _wrong_names(error: ValidationError) -> Iterator[str]:
    if error.validator == "required":
        for name in (name for name in error.validator_value if name not in error.instance):
            yield f"{_place([*error.absolute_path, name])} is missing. Add it."
    else:
        known = list(error.schema["properties"])
        for name in (name for name in error.instance if name not in known):
            yield f"{_place([*error.absolute_path, name])} is not known; {suggestion(name, known)}"


def _as_asked(error: ValidationError) -> str:
    """Say what the schema wants where something of another type stands."""
    types = [each["type"] for each in error.validator_value] if error.validator == "anyOf" else error.validator_value
    words = [_WORDS[each] for each in ([types] if isinstance(types, str) else types) if each != "null"]
    return " or ".join(dict.fromkeys(words))


def _place(path: Iterable[str | int]) -> str:
    """Write where something stands: `parameters.site.choices[0]`."""
    written = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return valid_text(written.removeprefix(".")) or "the whole"


def _said(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def _against_itself(config: Config) -> Iterator[str]:
    """Say what contradicts itself."""
    for name, parameter in config.parameters.items():
        for sentence in chain(_wrong_name(name), _wrong_parameter(parameter)):
            yield f"parameters.{valid_text(name)}{sentence}"
    for name, amount in msgspec.structs.asdict(config.limits).items():
        yield from _wrong_limit(name, amount)
    for index, language in enumerate(config.languages):
        yield from _wrong_language(index, language, config.languages)
    yield from _wrong_asks(config)
    yield from _wrong_delivery(config)
    yield from _wrong_schedules(config)


def _wrong_asks(config: Config) -> Iterator[str]:
    known = [*config.parameters, GIVEN[0]]
    for language in config.sentences:
        if language not in config.languages:
            yield f"asks.{valid_text(language)} is none of its languages; {suggestion(language, config.languages)}"
    for where, pattern in places_of_asks(config):
        for name in (name for name in asks.named(pattern) if name not in known):
            yield f"{where} asks for ({name}), which is no parameter; {suggestion(name, known)}"


def places_of_asks(config: Config) -> Iterator[tuple[str, str]]:
    """Yield the sentences by which it is asked for, with the place of each: `asks.ca[0]`."""
    for language, patterns in config.sentences.items():
        within = f".{valid_text(language)}" if isinstance(config.asks, dict) else ""
        yield from ((f"asks{within}[{index}]", pattern) for index, pattern in enumerate(patterns))


def _wrong_schedules(config: Config) -> Iterator[str]:
    for name, schedule in config.schedules.items():
        if not _NAME.fullmatch(name):
            yield f"schedules: {_said(name)} can be no name: take letters, digits, `_`, `-` and `.`."
        try:
            kept(schedule)
        except ValueError:  # lone surrogates, a hundred levels of lists
            yield f"schedules.{valid_text(name)} holds what cannot be written down as JSON in UTF-8."


def _wrong_delivery(config: Config) -> Iterator[str]:
    named = {f"deliver[{index}].to": target.to for index, target in enumerate(config.deliver)}
    for where, to in {"author": config.author, **named}.items():
        try:
            _ = place(to) if to is not None else None
        except UsageError as error:
            yield f"{where}: {error}"
    try:
        _ = parse(config.deliver_if) if config.deliver_if is not None else None
    except ExpressionError as error:
        yield f"deliver_if cannot be read: {error.message.rstrip('.')}."


def _wrong_name(name: str) -> Iterator[str]:
    if not name.isidentifier() or keyword.iskeyword(name) or name != composed(name):
        yield ": the name cannot be one of Python. Write letters, digits and underscores."
    elif name.lower() in GIVEN:
        yield f": whoever makes the report gives ${name.upper()} himself. Take another name."
    elif looks_secret(name):
        yield " looks like a secret, which a report would show. Take $TOKEN, or another name if it is none."


def _wrong_parameter(parameter: Parameter) -> Iterator[str]:
    if (parameter.type == "choice") != bool(parameter.choices):
        needs = "choice has no choices; list them" if parameter.type == "choice" else f"{parameter.type} has choices"
        yield f" of type {needs}; a choice has them." if parameter.choices else f" of type {needs}."
        return
    if len({str(choice) for choice in parameter.choices}) < len(parameter.choices):
        yield ".choices names one twice. Take it out."
    wrong_range = _wrong_range(parameter)
    if wrong_range:
        yield wrong_range
    elif parameter.default is not None:
        yield from _wrong_default(parameter)


def _wrong_range(parameter: Parameter) -> str:
    if parameter.range is None:
        return ""
    if parameter.type not in _ORDERED:
        return f".range: a {parameter.type} has none. Take it out."
    try:
        ends = [values.read(end, parameter.takes) for end in parameter.range if end is not None]
    except values.RefusedError:
        needed = values.wanted(parameter.takes)
        return f".range cannot be {_said(parameter.range)}: each end has to be {needed} or null."
    return f".range {_said(parameter.range)} has its greatest first. Turn it round." if ends != sorted(ends) else ""


def _wrong_default(parameter: Parameter) -> Iterator[str]:
    try:
        why = refusal(parameter, values.read(parameter.default, parameter.takes))
    except values.RefusedError:
        why = f"it takes {wanted(parameter)}"
    if why:
        yield f".default cannot be {_said(parameter.default)}: {why}."


def _wrong_limit(name: str, amount: Any) -> Iterator[str]:
    try:
        if amount is not None:
            (units.duration if name in _TIMES else units.size)(amount)
    except UsageError as error:
        yield f"limits.{name}: {error}"


def _wrong_language(index: int, language: str, languages: tuple[str, ...]) -> Iterator[str]:
    if not is_language(language):
        yield f"languages[{index}] cannot be {_said(language)}: write a language that there is, as en, ca or pt_BR."
    elif language in languages[:index]:
        yield f"languages[{index}] is {language} again. Take it out."
