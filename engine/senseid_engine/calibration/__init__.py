"""From a labelled set to a score curve, one step per file.

`labelled` names the photos, `encode` turns them into templates, `pairs` compares them and gathers the similarities,
`fit` makes the curve, `rates`, `holdout` and `verification` measure it, `run` ties them together, and `provenance` is
what the curve's file records about it all.
"""
