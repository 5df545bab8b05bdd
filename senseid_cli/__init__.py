"""The `senseid` command: the only package that prints, exits, or knows a transport."""

__version__ = "0.1.0"
"""The version of this installation, the one that licences are checked against."""
