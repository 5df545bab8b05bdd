"""Recipes that make each committed ONNX file from a pinned package. Never installed, never imported at run time."""
