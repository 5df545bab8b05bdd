"""The registry of ONNX models: what each one is, where it came from, and its verified bytes.

The files and their manifest lie here; how they are made is in `models/recipes`, which is not installed. Nothing here
runs a model.
"""
