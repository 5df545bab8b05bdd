"""The checks of `senseid doctor`: one subject per module; each returns findings. No check writes anything."""
