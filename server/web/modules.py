"""Joins the modules of the page into one file, which a browser gets by one request.

The modules are concatenated in the order in which a browser would run them, without their imports
of each other; no other line changes. So their top-level names must differ: `join` refuses what it
cannot join. Each module is still served at its own address; an import map in the page maps these
addresses to the file.
"""

import hashlib
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

_ROOT = "/static/"

_IMPORT = re.compile(r"import \{([^}]*)\} from '([^']+)';")
_OTHER_IMPORT = re.compile(r"import\b(?!\()")
_EXPORT_LIST = re.compile(r"export \{([^}]*)\};")
"""An export of names declared elsewhere."""

_DECLARATION = re.compile(r"(?:export )?(?:async )?(const|let|class|function\*?) ([\w$]+)")
_CHECKED = re.compile(r"(?:import\b(?!\()|export|const|let|var|class|(?:async )?function)\b")
"""A line that begins so must be a list of imports or exports, or declare one name."""

_IMPORT_META = re.compile(r"\bimport\s*\.\s*meta\b")
"""It would be the address of the joined file."""

_TOKEN = re.compile(
    r"""(?P<skipped> //[^\n]* | /\*.*?\*/
          | '(?:\\.|[^'\\\n])*' | "(?:\\.|[^"\\\n])*" | `(?:\\.|[^`\\])*`
          | (?:(?<=[=>(,:?!&|\[]) | (?<=[=>(,:?!&|\[][ ])) # else it is a division
            /(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+/ )
      | (?P<opens>[(\[{]) | (?P<closes>[)\]}]) | (?P<comma>,) | (?P<end>;[ ]*(?://[^\n]*)?$)
      | (?P<more>;)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
"""Finds the end of a statement. Comments, strings and regular expressions are skipped."""


@dataclass(frozen=True)
class JoinedModules:
    """Modules joined into one file."""

    members: tuple[str, ...]
    """The joined modules, in order: paths below `/static/`."""

    names: frozenset[str]
    """Their top-level names."""

    path: str
    """The path of the file below `/static/`; it contains a digest, so that it can be cached."""

    text: str
    source_map: str
    """Maps lines of the file to those of the modules for debuggers; served at `path`.map."""

    @property
    def import_map(self) -> str:
        """JSON that maps the addresses of the modules to that of the file."""
        imports = {_ROOT + member: _ROOT + self.path for member in self.members}
        return msgspec.json.encode({"imports": imports}).decode()


def join(sources: Mapping[str, str], main: str) -> JoinedModules:
    """Join what `main` imports, directly or not, without `main` itself. `sources`: the texts of the
    modules by their paths below `/static/`. Raises ValueError for what cannot be joined."""
    names: dict[str, str] = {}
    lines: list[str] = []
    sections = []
    members = [member for member in _in_order(sources, main) if member != main]
    for member in members:
        lines.append(f"// {_ROOT}{member}")
        own = _without_imports(member, sources[member], names)
        # "Column 0 of the next line is column 0 of the next line", once a line.
        mappings = ";".join(["AAAA", *["AACA"] * (len(own) - 1)])
        source = {"version": 3, "sources": [_ROOT + member], "names": [], "mappings": mappings}
        sections.append({"offset": {"line": len(lines), "column": 0}, "map": source})
        lines += own
    text = "\n".join(lines) + "\n"
    path = f"joined-{hashlib.sha256(text.encode()).hexdigest()[:16]}.js"
    text += f"//# sourceMappingURL={_ROOT}{path}.map\n"
    source_map = msgspec.json.encode({"version": 3, "sections": sections}).decode()
    return JoinedModules(tuple(members), frozenset(names), path, text, source_map)


def _in_order(sources: Mapping[str, str], main: str) -> list[str]:
    """Return `main` and what it imports, each module after its own imports."""
    seen: set[str] = set()
    order: list[str] = []

    def add(name: str) -> None:
        if name in seen:
            return
        seen.add(name)
        for number, line in enumerate(sources[name].splitlines(), 1):
            if match := _IMPORT.fullmatch(line):
                path = posixpath.join(_ROOT, posixpath.dirname(name), match[2])
                path = posixpath.normpath(path)
                imported = path.removeprefix(_ROOT)
                if imported not in sources:
                    what = f"{path}, which is not among the modules of the page"
                    raise ValueError(f"{name}:{number} imports {what}: {line}")
                add(imported)
            elif _OTHER_IMPORT.match(line):
                raise ValueError(f"{name}:{number} is no import that can be joined: {line}")
        order.append(name)

    if main not in sources:
        raise ValueError(f"{main} is not among the modules of the page")
    add(main)
    return order


def _without_imports(member: str, source: str, names: dict[str, str]) -> list[str]:
    """Return the lines of a module, blank for imports. Adds its declarations to `names`."""

    def refuse(number: int, line: str, reason: str) -> ValueError:
        place = f"{member}:{number}"
        return ValueError(f"{place} cannot be joined with other modules, as {reason}: {line}")

    lines = source.splitlines()
    if found := _IMPORT_META.search(source):
        number = source.count("\n", 0, found.start()) + 1
        reason = "import.meta would be that of the joined file"
        raise refuse(number, lines[number - 1], reason)
    start = 0
    for number, whole in enumerate(source.splitlines(keepends=True), 1):
        if _CHECKED.match(whole):
            line = lines[number - 1]
            match = _IMPORT.fullmatch(line) or _EXPORT_LIST.fullmatch(line)
            declared = _DECLARATION.match(line)
            if match and " as " not in match[1]:
                lines[number - 1] = ""
            elif declared is None:
                raise refuse(number, line, "it is no list of names, nor does it declare one name")
            elif declared[1] in {"const", "let"} and not _is_alone(source, start):
                raise refuse(number, line, "the statement has to declare one name and end its line")
            elif (name := declared[2]) in names:
                raise ValueError(f"{member} and {names[name]} both declare {name}: rename one")
            else:
                names[name] = member
        start += len(whole)
    return lines


def _is_alone(source: str, start: int) -> bool:
    """Return True if the statement at `start` has no comma outside of brackets, and its semicolon
    ends the line."""
    depth = 0
    for token in _TOKEN.finditer(source, start):
        match token.lastgroup:
            case "opens":
                depth += 1
            case "closes":
                depth -= 1
            case "comma" | "more" if depth == 0:
                return False
            case "end" if depth == 0:
                return True
            case _:
                pass
    return False
