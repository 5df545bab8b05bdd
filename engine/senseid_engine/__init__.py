"""Photos in, faces and calibrated scores out. Knows no terminal and no transport."""
