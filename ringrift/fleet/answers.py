"""The answers of hosts, checked once, on arrival: typed and within bounds, or refused in a line that quotes them.

A host may be broken, half installed or hostile. Whatever it says is either one of the values below or a `JobTrouble`,
so that a garbled answer is the trouble of that host alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from ringrift.fleet.shell import JobTrouble

FIRST_SECOND_AFTER: Final = 2**33
"""Later than any moment that a clock of this century can mean, in seconds since 1970."""
LONGEST_QUOTE: Final = 80

Whole = Annotated[int, Field(ge=0, lt=2**62)]
"""A count, or a size in bytes."""
Moment = Annotated[int, Field(ge=0, lt=FIRST_SECOND_AFTER)]
"""Seconds since 1970."""
Checksum = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Word = Annotated[str, Field(pattern=r"^\S{1,200}$")]
Stored = Literal["none"] | Checksum
Removal = Literal["removed", "kept", "differs", "gone"]

Value = TypeVar("Value")


def _or_none(value: object, check: ValidatorFunctionWrapHandler) -> Any:
    try:
        return check(value)
    except ValidationError:
        return None


OrNone: Final = WrapValidator(_or_none)
"""Makes None of what cannot be, where to know it is of use and not needed."""


class Fact(BaseModel):
    """A model of an answer: nothing infinite, and what is not asked for is not looked at."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


FactT = TypeVar("FactT", bound=Fact)


class HostFacts(Fact):
    """The answer of `facts.sh`; None is what the host does not know or has garbled."""

    clock: Annotated[float, Field(ge=0, lt=FIRST_SECOND_AFTER)] | None = None
    """Seconds since 1970."""
    disk: Whole | None = None
    """Kilobytes that are free."""
    memory: tuple[Whole, Whole] | None = None
    """Kilobytes in all, and available."""
    cores: Annotated[int, Field(ge=1, le=1 << 20)] | None = None
    load: Annotated[float, Field(ge=0, le=1e9)] | None = None
    python: Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,3}){1,2}$")] | None = None
    bash: str | None = None
    flock: str | None = None
    rsync: str | None = None
    ringrift: Word | None = None
    release: Word | None = None
    gpu: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=256)] = []


Percent = Annotated[float, Field(ge=0, le=100)]


def _part_of_whole(pair: tuple[int, int]) -> tuple[int, int]:
    if pair[1] > pair[0]:
        raise ValueError("a part is larger than the whole")
    return pair


WholeAndPart = Annotated[tuple[Whole, Whole], AfterValidator(_part_of_whole)]


class GpuUsage(NamedTuple):
    """A line of `nvidia-smi`; None is what the GPU does not know, such as one that is shared."""

    busy: Annotated[Percent | None, OrNone]
    """Percent of the time in which it computed."""
    used: Annotated[Whole | None, OrNone]
    """Megabytes of memory, as the next."""
    total: Annotated[Whole | None, OrNone]


class HostUsage(Fact):
    """The answer of `usage.sh`; None is what the host does not know or has garbled."""

    cpu: Percent | None = None
    """Percent of all processors."""
    cores: Annotated[int, Field(ge=1, le=1 << 20)] | None = None
    load: Annotated[float, Field(ge=0, le=1e9)] | None = None
    memory: WholeAndPart | None = None
    """Kilobytes in all, and available."""
    disk: WholeAndPart | None = None
    """Kilobytes in all, and free, where its games and models lie."""
    gpu: Annotated[list[GpuUsage], Field(max_length=256)] = []


class ListedFile(NamedTuple):
    """A line of `games.sh list`."""

    size: Whole
    changed: Moment
    path: str


class Measure(NamedTuple):
    """A file up to some length, and what follows: a line of `games.sh measure`."""

    checksum: Annotated[Literal[""] | Checksum, BeforeValidator(lambda word: "" if word == "gone" else word)]
    """SHA-256; empty if the file is not there any more."""
    lines: Whole
    """Whole ones after that length."""


class HostFileLine(NamedTuple):
    """A line of `host_files.sh list`."""

    kind: Literal["run", "model"]
    size: Whole
    age: int
    """Seconds; below 0 where a clock was wrong."""
    state: Literal["ended", "open"]
    path: str


class SweptJob(NamedTuple):
    """A line of `job.sh sweep`."""

    size: Whole
    name: str


class StoredFile(NamedTuple):
    """A line of `stage.sh sums`."""

    checksum: Stored
    """SHA-256; `none` for a file that is not there."""
    size: Whole


class ForgottenGames(Fact):
    """The answer of `ringrift evaluations forget --json`."""

    games: Whole
    bytes: Whole
    kept: Whole


FORGOTTEN: Final = TypeAdapter(ForgottenGames)
WHOLE: Final = TypeAdapter[int](Whole)
LISTED: Final = TypeAdapter(ListedFile)
MEASURES: Final = TypeAdapter(list[Measure])
REMOVALS: Final = TypeAdapter(list[tuple[Removal]])
STORED: Final = TypeAdapter(list[StoredFile])
DISK: Final = TypeAdapter[tuple[int, int]](WholeAndPart)
HOST_FILES: Final = TypeAdapter(list[HostFileLine])
SWEPT: Final = TypeAdapter(list[SweptJob])
SUMS: Final = TypeAdapter[tuple[str, str]](tuple[Stored, Stored])


def checked(kind: TypeAdapter[Value], content: object, host: str, question: str) -> Value:
    """A part of an answer as a value of a type; `JobTrouble` names the host and quotes the part."""
    try:
        return kind.validate_python(content)
    except ValidationError:
        raise garbled(host, question, content) from None


def garbled(host: str, question: str, answer: object) -> JobTrouble:
    """Return the error for an answer that is none."""
    quote = repr(answer)
    quote = quote if len(quote) <= LONGEST_QUOTE else f"{quote[:LONGEST_QUOTE]}…"
    return JobTrouble(f"{host}: asked for {question}, it answers {quote}: does its shell print something of its own?")


def checked_lines(
    kind: TypeAdapter[list[Value]], lines: Sequence[str], count: int, host: str, question: str
) -> list[Value]:
    """Lines of words, as many as were asked for, each as a tuple of a type; `JobTrouble` as of `checked`."""
    if len(lines) != count:
        raise garbled(host, f"{count} lines of {question}", "\n".join(lines))
    return checked(kind, [line.split() for line in lines], host, question)


def host_facts(answer: bytes) -> tuple[HostFacts, tuple[str, ...]]:
    """The answer of `facts.sh`, and a remark on each fact that the host has garbled, which counts as not known."""
    answers, values = _named_values(answer)
    if "clock" in values:
        values["clock"] = values["clock"].removesuffix(".%N").removesuffix(".N")  # not every `date` knows parts of one
    if "memory" in values:
        values["memory"] = values["memory"].split()
    return _known_facts(HostFacts, answers, values)


def host_usage(answer: bytes) -> tuple[HostUsage, tuple[str, ...]]:
    """The answer of `usage.sh`, and remarks as of `host_facts`."""
    answers, values = _named_values(answer)
    values |= {name: values[name].split() for name in ("memory", "disk") if name in values}
    values["gpu"] = [_three(line.split()) for line in values["gpu"]]
    return _known_facts(HostUsage, answers, values)


def _three(words: list[str]) -> list[str]:
    """A line of `nvidia-smi`, whose `[N/A]` and `[Not Supported]` are no numbers, in one word or more."""
    return words if len(words) == 3 else ["", "", ""]


def _named_values(answer: bytes) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the values of an answer by name, and the same with a list of its GPUs."""
    lines = [line.partition(" ") for line in answer.decode(errors="replace").splitlines()]
    answers = {name: value.strip() for name, _, value in lines if value.strip()}
    return answers, {**answers, "gpu": [value.strip() for name, _, value in lines if name == "gpu"]}


def _known_facts(kind: type[FactT], answers: dict[str, str], values: dict[str, Any]) -> tuple[FactT, tuple[str, ...]]:
    """The values that can be, and a remark on each other one."""
    try:
        return kind.model_validate(values), ()
    except ValidationError as error:
        wrong = dict.fromkeys(str(problem["loc"][0]) for problem in error.errors())
    known = {name: value for name, value in values.items() if name not in wrong}
    remarks = (f"it says {name} {answers[name][:LONGEST_QUOTE]!r}, which cannot be" for name in wrong)
    return kind.model_validate(known), tuple(remarks)
