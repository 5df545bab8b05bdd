"""Errors that stop a batch before or while it runs. A bad row is a record, not an error.

::

    BatchError (of senseid.errors)
    |- ManifestError    the manifest cannot be read, or does not say what is needed
    |- ResumeError      there is an interrupted run, or none, or one of something else
    |- ClusterError     the machines that should do the work cannot be used
    `- ResultsError     a file is not what a run has written
"""

from __future__ import annotations

from senseid.errors import BatchError


class ManifestError(BatchError):
    """The manifest or the folder of photos cannot be used."""


class ResumeError(BatchError):
    """The output of an interrupted run does not fit what is asked for."""


class ClusterError(BatchError):
    """The scheduler or its workers cannot be used."""


class ResultsError(BatchError):
    """A file of results cannot be read, or holds something else."""
