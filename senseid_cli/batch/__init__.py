"""Runs over many rows: manifests, media read once, results in order, and runs that can be resumed.

What is done with one row is a `Job`, with one photo or video a `Work`; where it is done, an `Executor`. The
arithmetic of many pairs is in `senseid_engine.batch`. Nothing here knows an option or prints a table.
"""
