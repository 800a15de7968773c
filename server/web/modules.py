"""The modules of the page in one file, so that a browser gets them all by one request.

The modules are put one after the other in the order in which a browser would run them, without
their imports of each other; no other line changes. So their top-level names have to be different:
`join` refuses what it cannot join. Each module is still served at its own address; an import map
in the page leads there to this file.
"""

import hashlib
import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass

_ROOT = "/static/"

_IMPORT = re.compile(r"import \{([^}]*)\} from '([^']+)';")
_OTHER_IMPORT = re.compile(r"import\b(?!\()")
_EXPORT_LIST = re.compile(r"export \{([^}]*)\};")
"""Names that are exported where they are declared, too."""

_DECLARATION = re.compile(r"(?:export )?(?:async )?(?:const|let|class|function\*?) (\w+)")
_UNJOINABLE = re.compile(r"export (?!const|let|class|function|async)|(?:const|let) \W|var ")
"""Among them declarations of several names, of which `join` would see one or none."""


@dataclass(frozen=True)
class Joined:
    """Modules in one file."""

    members: tuple[str, ...]
    """What was joined, in order: paths below `/static/`."""

    names: frozenset[str]
    """What they declare at the top level."""

    path: str
    """Of the file, below `/static/`; it has a digest of the text, so that it may be cached."""

    text: str
    source_map: str
    """Leads a debugger from the lines of the file to those of the modules; served at `path`.map."""

    @property
    def import_map(self) -> str:
        """JSON: from the addresses of the modules to that of the file."""
        imports = {_ROOT + member: _ROOT + self.path for member in self.members}
        return json.dumps({"imports": imports}, separators=(",", ":"))


def join(sources: Mapping[str, str], main: str) -> Joined:
    """What `main` imports, and what that imports, but not `main` itself. `sources`: the texts of
    the modules by their paths below `/static/`. Raises ValueError for what cannot be joined."""
    names: dict[str, str] = {}
    lines: list[str] = []
    sections = []
    members = [member for member in _in_order(sources, main) if member != main]
    for member in members:
        lines.append(f"// {_ROOT}{member}")
        own = _without_imports(member, sources[member], names)
        # "Column 0 of the next line is column 0 of the next line", once for each.
        mappings = ";".join(["AAAA", *["AACA"] * (len(own) - 1)])
        source = {"version": 3, "sources": [_ROOT + member], "names": [], "mappings": mappings}
        sections.append({"offset": {"line": len(lines), "column": 0}, "map": source})
        lines += own
    text = "\n".join(lines) + "\n"
    path = f"joined-{hashlib.sha256(text.encode()).hexdigest()[:16]}.js"
    text += f"//# sourceMappingURL={_ROOT}{path}.map\n"
    source_map = json.dumps({"version": 3, "sections": sections}, separators=(",", ":"))
    return Joined(tuple(members), frozenset(names), path, text, source_map)


def _in_order(sources: Mapping[str, str], main: str) -> list[str]:
    """`main` and what it imports, each module after its own imports."""
    seen: set[str] = set()
    order: list[str] = []

    def add(name: str) -> None:
        if name in seen:
            return
        seen.add(name)
        for number, line in enumerate(sources[name].splitlines(), 1):
            if match := _IMPORT.fullmatch(line):
                path = posixpath.join(_ROOT, posixpath.dirname(name), match[2])
                add(posixpath.normpath(path).removeprefix(_ROOT))
            elif _OTHER_IMPORT.match(line):
                raise ValueError(f"{name}:{number} is no import that can be joined: {line}")
        order.append(name)

    add(main)
    return order


def _without_imports(member: str, source: str, names: dict[str, str]) -> list[str]:
    """The lines of a module, as many as before. Adds to `names` what it declares."""
    lines = []
    for number, line in enumerate(source.splitlines(), 1):
        match = _IMPORT.fullmatch(line) or _EXPORT_LIST.fullmatch(line)
        if match and " as " not in match[1]:
            lines.append("")
            continue
        if _UNJOINABLE.match(line) or _OTHER_IMPORT.match(line):
            raise ValueError(f"{member}:{number} cannot be joined with other modules: {line}")
        if declared := _DECLARATION.match(line):
            name = declared[1]
            if name in names:
                raise ValueError(f"{member} and {names[name]} both declare {name}: rename one")
            names[name] = member
        lines.append(line)
    return lines
