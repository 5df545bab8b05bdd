"""Errors of rebuilding a model.

RecipeError
├── FetchError     the package manager's client could not deliver a pinned package
├── PinError       a package or a file inside it is not the one that was pinned
└── ConvertError   no recipe makes the model, or its weights are no plain state dict
"""

from __future__ import annotations


class RecipeError(Exception):
    """Base of every error of the recipes. Its text is one clear line."""


class FetchError(RecipeError):
    """The package could not be fetched, for example because there is no network."""


class PinError(RecipeError):
    """A SHA-256 differs from the manifest's. The bytes were not used."""


class ConvertError(RecipeError):
    """No recipe makes the model, or its weights are not a plain state dict."""
