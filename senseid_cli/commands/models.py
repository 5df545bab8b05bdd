"""`senseid models`: what is in the registry, is it intact. What changes it is in modules of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from senseid_cli.commands import models_calibrate, models_import
from senseid_engine.errors import printable

if TYPE_CHECKING:
    from senseid.command_shapes import CheckedModel, ListedModel
    from senseid_models.entries import Asset, ModelEntry, Source

app = typer.Typer(
    help="""List, verify, calibrate and import models.

Examples:
    senseid models list
    senseid models calibrate people --out curve.toml
""",
    no_args_is_help=True,
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON: one object per model.")]


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """List the models and data files. Reads the manifest only, so it needs no licence.

    Examples:
        senseid models list
        senseid models list --json
    """
    from senseid import installation
    from senseid_cli.output import terminal

    registry = installation.registry()
    rows = [_model(entry) for entry in registry.entries] + [_asset(asset) for asset in registry.assets]
    terminal.put_list(rows, as_json=as_json)


@app.command("verify")
def verify(as_json: Json = False) -> None:
    """Read every file and compare its SHA-256 with the manifest. Exit status: 0 all are right, 5 one is not.

    It opens model files, so it needs a licence for each product that has some.

    Examples:
        senseid models verify
        senseid models verify --json
    """
    from senseid import installation
    from senseid_cli.output import terminal
    from senseid_licensing.product import Product

    registry = installation.registry()
    licences = installation.verify_licences()
    for product in dict.fromkeys(entry.product for entry in registry.entries):
        terminal.note_grace(licences.require(Product(product)))
    files = [(entry.id, entry) for entry in registry.entries] + [(asset.name, asset) for asset in registry.assets]
    checked = [_checked(name, file) for name, file in files]
    if as_json:
        terminal.put_list(checked, as_json=True)
    else:
        rows = [(row["status"], row["id"], row.get("message", row["sha256"])) for row in checked]
        terminal.put_rows([printable(value) for value in row] for row in rows)
        for row in checked:
            if "remedy" in row:
                typer.echo(f"hint: {row['remedy']}", err=True)
    if any(row["status"] == "wrong" for row in checked):
        from senseid.outcomes import ExitStatus

        raise typer.Exit(ExitStatus.MODEL)


def _checked(name: str, file: ModelEntry | Asset) -> CheckedModel:
    from senseid import installation
    from senseid.stids import stid_of
    from senseid_models.entries import ModelEntry
    from senseid_models.errors import ModelsError

    row: CheckedModel = {"id": name, "status": "ok", "sha256": file.sha256}
    try:
        if isinstance(file, ModelEntry):
            file.check_usable(installation.today())
        file.read()
    except ModelsError as error:
        stid = stid_of(error)
        row |= {
            "status": "wrong",
            "error": stid.text,
            "value": stid.value,
            "message": error.message,
            "remedy": error.remedy,
        }
    return row


def _model(entry: ModelEntry) -> ListedModel:
    return {
        "id": entry.id,
        "kind": entry.kind,
        "product": entry.product,
        "bytes": entry.size,
        "licence": entry.licence,
        "source": _source(entry.source),
    }


def _source(source: Source) -> str:
    from senseid_models.entries import OperatorSource, TrainedSource

    if isinstance(source, OperatorSource):
        return source.origin
    if isinstance(source, TrainedSource):
        return f"trained here on {', '.join(data.name for data in source.data)}"
    return f"{source.registry} {source.package} {source.version}"


def _asset(asset: Asset) -> ListedModel:
    return {
        "id": asset.name,
        "kind": "data",
        "product": None,
        "bytes": asset.size,
        "licence": None,
        "source": asset.about,
    }


app.command("calibrate")(models_calibrate.calibrate)
app.command("import")(models_import.import_)
app.command("remove")(models_import.remove)
