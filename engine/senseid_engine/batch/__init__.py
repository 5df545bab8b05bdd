"""Many photos at once: templates side by side, and all pairs of them in blocks."""
