"""What `senseid drift` reads and prints; what it compares is `senseid.drift`."""
