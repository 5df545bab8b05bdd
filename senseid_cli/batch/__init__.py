"""Many rows in one run: manifests, media read once, results in order, and runs that can be resumed."""
