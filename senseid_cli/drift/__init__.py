"""Drift: do scores, qualities and refusals look as they did, or as the calibration says? docs/operations.md."""
