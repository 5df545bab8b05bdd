"""The version of this installation, the one that licences are checked against."""

__version__ = "0.1.0"
