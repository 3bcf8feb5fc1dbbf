"""The files of a content folder: their YAML, where in them each thing stands, and what is wrong with them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.content_problems import Problem
from bot.content_shapes import Shape

Line = int | tuple[int | str, ...]  # of a file: its number, or the keys of what stands there
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is several times as fast
_Shape = TypeVar("_Shape", bound=Shape)
_BRIEF = 40  # characters of what was written, in a report about it
_WHOLE = "{given} is no whole number", "write figures such as 3, without quotes"
_NUMBER = "{given} is no number", "write figures such as 24 or 1.5, without quotes"
_LIST = "{given} is no list", "write [one, another], or each on a line of its own that begins with a dash"
_KEYS = "{given} stands where keys belong", "write lines such as key: value below it, indented by two spaces"
_YES_OR_NO = "{given} is neither yes nor no", "write true or false"
# By pydantic's name for the mistake: what happened, and what to do.
_SAID: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), _WHOLE),
    **dict.fromkeys(("float_parsing", "float_type"), _NUMBER),
    **dict.fromkeys(("list_type", "tuple_type"), _LIST),
    **dict.fromkeys(("dict_type", "model_type"), _KEYS),
    **dict.fromkeys(("bool_parsing", "bool_type"), _YES_OR_NO),
    "string_type": ("{given} is no text", "write words; put them in quotes if they look like a number, a date, true or false"),
    "string_too_long": ("has {length} characters, {max_length} fit", "shorten it"),
    "literal_error": ("{given} is not known here", "write {expected}"),
}


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
        for mistake in invalid.errors(include_url=False):
            reading.report(file, first_line + _line_of(node, mistake["loc"]), *_explained(mistake, shape))
    return None


def _explained(mistake: ErrorDetails, shape: type[Shape]) -> tuple[str, str]:
    """What happened and what to do about it, for authors, who know nothing of integers and tuples."""
    kind, keys, given = mistake["type"], mistake["loc"], mistake["input"]
    place = repr(".".join(map(str, keys))) if keys else "the file"
    if kind == "extra_forbidden":
        return f"unknown key {place}", f"use one of {', '.join(sorted(shape.model_fields))}" if len(keys) == 1 else "correct it"
    if kind == "missing":
        below = f" under {'.'.join(map(str, keys[:-1]))!r}" if keys[1:] else ""
        return f"{place} is missing", f"add a line {keys[-1]}: …{below}"
    if kind not in _SAID:
        return f"{place}: {mistake['msg'].removeprefix('Value error, ')}", "correct it"
    if given is None:
        return f"{place} is empty", _SAID[kind][1].format(**mistake.get("ctx", {}))
    shown = str(given).lower() if isinstance(given, bool) else str(given)  # YAML's own true and false
    brief = shown if len(shown) <= _BRIEF else shown[:_BRIEF] + "…"
    message, advice = (part.format(given=brief, length=len(shown), **mistake.get("ctx", {})) for part in _SAID[kind])
    return f"{place}: {message}", advice


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
