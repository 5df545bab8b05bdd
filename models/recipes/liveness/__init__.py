"""How the presentation-attack detector is trained; not installed.

The student network: `crops`, `distil`, `export`. The regressions: `frames`, `prepare`, `train`.
"""
