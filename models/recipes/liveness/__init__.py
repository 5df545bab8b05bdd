"""How the presentation-attack detector is trained: prepare, simulate, train, export. Not installed."""
