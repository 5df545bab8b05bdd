"""The models: all present, and those that the manifest describes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from senseid_cli.doctor.finding import Finding, note, ok, problem
from senseid_licensing.product import Product
from senseid_models.errors import ModelsError

if TYPE_CHECKING:
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.entries import Asset, ModelEntry
    from senseid_models.registry import Registry


def check_models(registry: Registry, licences: VerifiedLicences) -> tuple[list[Finding], frozenset[str]]:
    """Check the SHA-256 of every file that a verified licence opens; the others are not opened.

    Returns:
        The findings, and the products with an unusable model; an unusable data file affects all products.
    """
    found: list[Finding] = []
    closed: Counter[str] = Counter()
    broken: set[str] = set()
    right = 0
    for file, product in _files(registry):
        if product is not None and Product(product) not in licences.licences:
            closed[product] += 1
            continue
        try:
            file.read()
        except ModelsError as error:
            found.append(problem("models", error.message, error.remedy))
            broken |= set(Product) if product is None else {product}
        else:
            right += 1
    found += [
        note("models", f"{count} {'model' if count == 1 else 'models'} not looked at: only {product} opens them")
        for product, count in closed.items()
    ]
    return [ok("models", f"{right} files are those of the manifest"), *found], frozenset(broken)


def _files(registry: Registry) -> list[tuple[ModelEntry | Asset, str | None]]:
    models: list[tuple[ModelEntry | Asset, str | None]] = [(entry, entry.product) for entry in registry.entries]
    return [*models, *((asset, None) for asset in registry.assets)]
