"""Hardware fingerprints and signed licences: read, verified, stored, issued.

A `VerifiedLicences` exists only if it was verified; everything that opens a model asks for one. Imports neither
numpy, OpenCV nor onnxruntime, and nothing else of ours: a vendor's machine needs no models.
"""
