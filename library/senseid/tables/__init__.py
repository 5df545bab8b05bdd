"""Tables as CSV, NDJSON or Parquet: manifests that are read, results that are written, and their journal meanwhile.

What the rows mean, and what is done with them, is not known here.
"""
