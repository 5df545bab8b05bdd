"""The checks of `senseid doctor`: one question per module, each answered with findings. No check writes anything."""
