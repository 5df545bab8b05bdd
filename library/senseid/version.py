"""The version of this installation, which licences are checked against."""

__version__ = "0.1.0"
