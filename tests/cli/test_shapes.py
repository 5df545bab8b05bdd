"""The shapes of `--json`: none is forgotten, and those of batches have the columns of their jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import pytest
import typer
from jsonschema import Draft202012Validator
from typer.main import get_command

from senseid import command_shapes as shapes
from senseid_cli.app import app
from senseid_cli.batch.jobs import JOBS, BatchSettings
from senseid_engine.photo_options import PhotoOptions

if TYPE_CHECKING:
    from collections.abc import Iterator


def commands(command: Any, context: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The words of every command that has --json."""
    if any("--json" in parameter.opts for parameter in command.params):
        yield " ".join(path)
    for name in command.list_commands(context) if hasattr(command, "list_commands") else ():
        child = command.resolve_command(context, [name])[1]
        yield from commands(child, typer.Context(child, parent=context, info_name=name), (*path, name))


def test_every_command_that_prints_json_has_its_shape() -> None:
    root = get_command(app)
    assert set(commands(root, typer.Context(root))) == set(shapes.RESULTS)


@pytest.mark.parametrize("command", shapes.RESULTS)
def test_the_schema_is_valid(command: str) -> None:
    schema = shapes.schema_of_command(command)
    Draft202012Validator.check_schema(schema)
    for answer in schema["anyOf"]:
        assert {"code", "request_id" if command != "batch" else "code"} <= set(answer["properties"])


@pytest.mark.parametrize("task", JOBS)
def test_a_row_has_the_columns_of_its_job(task: str) -> None:
    settings = BatchSettings(0.7, PhotoOptions())
    columns = JOBS[task](settings, None).columns  # type: ignore[arg-type]  a scorer is not called
    fields = [set(get_type_hints(get_args(row)[0])) - {"row", "code"} for row in shapes.RESULTS["batch"]]
    assert set(columns) in fields
