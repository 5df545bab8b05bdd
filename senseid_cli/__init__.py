"""The `senseid` command: the only package that prints, exits, or knows a transport."""
