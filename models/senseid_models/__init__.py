"""The registry of ONNX models: their description, their origin and their verified bytes.

The files and their manifest lie here; how they are made is in `models/recipes`, which is not installed. Nothing here
runs a model.
"""
