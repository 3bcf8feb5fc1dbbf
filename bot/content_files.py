"""The files of a content folder: their YAML, where in them each thing stands, and what is wrong with them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from bot.content_shapes import Shape

Line = int | tuple[int | str, ...]  # of a file: its number, or the keys of what stands there
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is several times as fast
_Shape = TypeVar("_Shape", bound=Shape)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    file: str
    line: int
    message: str
    advice: str
    note: bool = False  # worth knowing, no reason to refuse

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.message}: {self.advice}"


@dataclass
class Reading:
    """One pass over a content folder: what was read, what was wrong, and where each thing stands."""

    folder: Path
    notes: bool = True  # whether to report what is merely worth knowing
    problems: list[Problem] = field(default_factory=list)
    sources: dict[Path, tuple[int, str]] = field(default_factory=dict)  # the line where a file's YAML begins, and the YAML
    bodies: dict[Path, int] = field(default_factory=dict)  # the line where the text of a page begins
    _nodes: tuple[Path, yaml.Node | None] | None = None  # of the file last asked about: those of all would take more room than the content

    def report(self, file: Path, line: Line, message: str, advice: str, *, note: bool = False) -> None:
        if self.notes or not note:
            place = line if isinstance(line, int) else self.line(file, *line)
            self.problems.append(Problem(self.name(file), place, message, advice, note))

    def line(self, file: Path, *keys: int | str) -> int:
        """Where `keys` stand in the YAML of `file`, or the innermost of them that is there; 0 when nothing of the file could be read."""
        first, text = self.sources.get(file, (0, ""))
        if self._nodes is None or self._nodes[0] != file:
            self._nodes = file, yaml.compose(text, Loader=_Loader)
        return first + _line_of(self._nodes[1], keys)

    def parse(self, file: Path, text: str, first_line: int) -> tuple[yaml.Node | None, Any]:
        """The nodes and the value of `text`, which begins at `first_line` of `file`. Raises MarkedYAMLError."""
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            self._nodes, self.sources[file] = (file, node), (first_line, text)
            return node, loader.construct_document(node) if node else {}
        finally:
            loader.dispose()

    def name(self, file: Path) -> str:
        return str(file.relative_to(self.folder.parent))


def shaped(reading: Reading, file: Path, text: str, first_line: int, shape: type[_Shape]) -> _Shape | None:
    """`text`, YAML that begins at `first_line` of `file`, in its shape; None and a report of each mistake otherwise."""
    try:
        node, value = reading.parse(file, text, first_line)
        odd = list(_odd_keys(node))
        for line, message, advice in odd:
            reading.report(file, first_line + line, message, advice)
        if odd:
            return None
        return shape.model_validate(value or {})
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line if error.problem_mark else 0
        reading.report(file, first_line + line, f"is not YAML ({error.problem})", "mind indents, colons and quotes")
    except ValidationError as invalid:
        for mistake in invalid.errors(include_url=False, include_input=False):
            place = ".".join(map(str, mistake["loc"]))
            unknown = mistake["type"] == "extra_forbidden"
            message = f"unknown key {place!r}" if unknown else f"{place!r}: {mistake['msg'].removeprefix('Value error, ')}"
            advice = f"use one of {', '.join(sorted(shape.model_fields))}" if unknown and len(mistake["loc"]) == 1 else "correct it"
            reading.report(file, first_line + _line_of(node, mistake["loc"]), message, advice)
    return None


def _line_of(node: yaml.Node | None, place: tuple[int | str, ...]) -> int:
    """The line, from 0, of the innermost part of `place` that is there."""
    line = node.start_mark.line if node else 0
    for step in place:
        if isinstance(node, yaml.MappingNode):
            inner = next(((key, value) for key, value in node.value if key.value == str(step)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            inner = (node.value[step], node.value[step])
        else:
            inner = None
        if inner is None:
            break
        line, node = inner[0].start_mark.line, inner[1]
    return line


def _odd_keys(node: yaml.Node | None) -> Iterator[tuple[int, str, str]]:
    """Keys that YAML would take without a word for something else: line, message, advice."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.tag != "tag:yaml.org,2002:str":
                yield key.start_mark.line, f"the key {key.value} is not read as a word", "put it in quotes"
            elif key.value in seen:
                yield key.start_mark.line, f"the key {key.value!r} stands twice", "keep one"
            seen.add(str(key.value))
            yield from _odd_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _odd_keys(value)
