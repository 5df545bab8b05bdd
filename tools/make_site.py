"""Builds the documentation as a site in build/site: open build/site/index.html, no server and no network is needed.

The pages are those of docs/, README.md of which is the first. References are made from what they are about: of the
library from its docstrings, of the HTTP API from its OpenAPI document, of JSON from its schemas. A link that leads
nowhere, and anything else that Sphinx warns of, is an error.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from senseid.command_shapes import RESULTS, schema_of_command
from senseid.version import __version__
from senseid_service.openapi import document

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build" / "site"

SECTIONS: dict[str, tuple[str, ...]] = {
    "Tasks": (
        "first-comparison", "threshold", "calibration", "own-models", "python", "quality", "liveness", "batch",
        "encryption",
    ),
    "Running it": (
        "service", "clients", "operations", "deploy", "upgrade", "licensing", "air-gapped", "hardware", "privacy",
    ),
    "Reference": ("cli", "reference/library", "reference/http", "reference/schemas", "benchmarks", "CHANGELOG"),
    "Formats": ("formats/*",),
    "Model cards": ("models/*",),
    "Decisions": ("adr/*",),
}  # fmt: skip
"""The pages, in the order of the navigation."""

LIBRARY = {
    "senseid": ("Senseid", "PhotoOptions"),
    "senseid_engine.results": ("Comparison", "OmniComparison", "FoundFaces", "Rect"),
    "senseid_engine.quality.results": ("QualityReport", "FaceQuality"),
    "senseid_engine.liveness.results": ("LivenessResult", "PhotoLiveness", "VideoVerification"),
    "senseid.outcomes": ("ExitStatus", "Outcome", "outcome_of"),
    "senseid_client": ("Client",),
    "senseid_client.results": (
        "Comparison", "OmniComparison", "Quality", "FaceQuality", "Liveness",
    ),
    "senseid_client.errors": ("ClientError", "AnswerError", "ServiceError", "BusyError", "UnreachableError"),
}  # fmt: skip
"""The names of the library that the reference shows, by module."""

_OUTSIDE = re.compile(r"\]\((\.\./[^)#]+)")
_TICKS = re.compile(r"(?<![`:])`([^`\n]+)`(?!`)")
_SETTINGS: dict[str, Any] = {
    "project": "senseid",
    "copyright": "The senseid developers; Apache-2.0",
    "version": __version__,
    "release": __version__,
    "html_title": f"senseid {__version__}",
    "root_doc": "index",
    "extensions": ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"],
    "html_theme": "furo",
    "html_show_sphinx": False,
    "html_copy_source": False,
    "myst_heading_anchors": 3,
    "autoclass_content": "both",
    "autodoc_member_order": "bysource",
    "autodoc_typehints": "signature",
    "default_role": "code",
    "highlight_language": "none",
}


def build(out: Path, work: Path) -> int:
    """Write the site.

    Args:
        out: its folder, which is emptied.
        work: a folder for the sources that it is made from, which is emptied.

    Returns:
        How many warnings there were; each was printed.
    """
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace

    for folder in (out, work):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    for module in ("senseid.api", *LIBRARY, "senseid_client.client"):
        _import_what_hints_name(module)
    source = work / "docs"
    _write_sources(source)
    with docutils_namespace():
        app = Sphinx(
            source, None, out, work / "doctrees", "html", confoverrides=_SETTINGS, status=None, warning=sys.stderr
        )
        app.connect("autodoc-process-docstring", _as_restructured_text)
        app.build()
    return int(app._warncount)  # noqa: SLF001  Sphinx tells it nowhere else


def _write_sources(source: Path) -> None:
    shutil.copytree(ROOT / "docs", source)
    (source / "README.md").rename(source / "index.md")
    for page in sorted(source.rglob("*.md")):
        _bring_in(page, source)
    (source / "reference").mkdir()
    schemas = source / "schemas"
    schemas.mkdir()
    found = document(__version__)
    for name, schema in {**{name: schema_of_command(name) for name in RESULTS}, "openapi": found}.items():
        (schemas / f"{name.replace(' ', '-')}.json").write_text(json.dumps(schema, indent=2) + "\n", encoding="utf-8")
    (source / "reference" / "library.md").write_text(_library(), encoding="utf-8")
    (source / "reference" / "http.md").write_text(_http(found), encoding="utf-8")
    (source / "reference" / "schemas.md").write_text(_schemas(), encoding="utf-8")
    with (source / "index.md").open("a", encoding="utf-8") as file:
        for title, pages in SECTIONS.items():
            many = "\n:glob:" if any("*" in page for page in pages) else ""
            listed = "\n".join(pages)
            file.write(f"\n```{{toctree}}\n:hidden:\n:caption: {title}{many}\n\n{listed}\n```\n")


def _bring_in(page: Path, source: Path) -> None:
    """Copy what a page links to beside docs/: a page becomes one of the site, any other file can be read from there."""
    text = page.read_text("utf-8")
    for link in sorted(set(_OUTSIDE.findall(text))):
        target = (page.parent / link).resolve()
        original = ROOT / target.relative_to(source.parent)
        if target.is_relative_to(source) or not original.is_file():
            continue
        if target.suffix == ".md":
            target = source / target.name
            text = text.replace(f"]({link}", f"]({target.name}")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(original, target)
    page.write_text(text, encoding="utf-8")


def _import_what_hints_name(module: str) -> None:
    """Give a module what only a type checker imports, so that the types of its functions lead to their classes."""
    found = importlib.import_module(module)
    for node in ast.parse(inspect.getsource(found)).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            exec(compile(ast.Module(node.body, []), module, "exec"), vars(found))  # noqa: S102  it is our own source


def _library() -> str:
    parts = [
        "# The library",
        """\
For whoever calls senseid from Python: the public classes, from their docstrings.
[python.md](../python.md) shows how they are used, [clients.md](../clients.md) the client of the service.""",
    ]
    for module, names in LIBRARY.items():
        parts.append(f"## {module}")
        parts += [
            f"```{{eval-rst}}\n.. auto{'function' if name[0].islower() else 'class'}:: {module}.{name}\n"
            + ("" if name[0].islower() else "   :members:\n")
            + "```"
            for name in names
        ]
    return "\n\n".join(parts) + "\n"


def _http(found: dict[str, Any]) -> str:
    parts = [
        "# The HTTP API",
        """\
For whoever calls the service: every path with its fields, its answers and examples, from the
[OpenAPI document](../schemas/openapi.json), which the service gives at `/openapi.json`.""",
    ]
    for tag in found["tags"]:
        parts += [f"## {tag['name']}", tag["description"]]
        for path, methods in found["paths"].items():
            for method, operation in methods.items():
                if tag["name"] in operation["tags"]:
                    parts += _operation(path, method, operation)
    return "\n\n".join(parts) + "\n"


def _operation(path: str, method: str, operation: dict[str, Any]) -> list[str]:
    parts = [f"### {method.upper()} {path}", f"{operation['summary']}."]
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]
        form = content["multipart/form-data"]["schema"]
        rows = [
            f"| `{name}` | {'yes' if name in form['required'] else 'no'} | {_kind(field)} | {field['description']} |"
            for name, field in form["properties"].items()
        ]
        parts += [
            f"Body: {' or '.join(content)}.",
            "\n".join(["| field | required | is | |", "| - | - | - | - |", *rows]),
        ]
    for status, answer in operation["responses"].items():
        told = answer["content"]["application/json"]
        examples = [told["example"]] if "example" in told else [each["value"] for each in told["examples"].values()]
        lines = "\n".join(json.dumps(example, indent=2 if status == "200" else None) for example in examples)
        if status in {"200", "400"}:
            parts += [f"{status}: {answer['description']}", f"```json\n{lines}\n```"]
    others = [
        f"| {status} | {answer['description']} |"
        for status, answer in operation["responses"].items()
        if status not in {"200", "400"}
    ]
    return [*parts, "\n".join(["| other answers | |", "| - | - |", *others])]


def _kind(field: dict[str, Any]) -> str:
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    return "a file" if field.get("format") == "binary" else "Base64"


def _schemas() -> str:
    rows = [f"| `senseid {name} --json` | [{name}](../schemas/{name.replace(' ', '-')}.json) |" for name in RESULTS]
    return (
        "# Schemas\n\n"
        "For whoever reads what `--json` prints: the JSON Schema of each command, as `senseid schema` prints it.\n"
        "[JSON answers](../formats/json.md) says what all have in common.\n\n"
        "| line of | schema |\n| - | - |\n" + "\n".join(rows) + "\n"
    )


def _as_restructured_text(*words: Any) -> None:
    """Code in docstrings has one backtick, as in Markdown."""
    lines: list[str] = words[-1]
    lines[:] = [_TICKS.sub(r"``\1``", line) for line in lines]


def main() -> int:
    """Build the site, and say where it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    out = parser.parse_args().out.resolve()
    warnings = build(out, out.with_name(f"{out.name}-source"))
    if warnings:
        print(f"{warnings} warnings: each is an error", file=sys.stderr)
        return 1
    print(out / "index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
