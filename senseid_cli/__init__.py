"""The `senseid` command.

Here belongs what only a person at a terminal needs: arguments and options (`commands`), text, pictures and pages
(`output`), runs over many files (`batch`, `crypt`), and the check of an installation (`doctor`). A command parses,
calls and prints. What the service needs too is in `senseid`; what a photo means is in `senseid_engine`. Nothing
imports this package.
"""
