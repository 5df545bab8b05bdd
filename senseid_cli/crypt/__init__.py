"""Shared by `encrypt`, `decrypt` and `key rotate`: the choice of files, their conversion, and the run over all of them.

Formats, keys and ciphers are in `senseid_crypto`.
"""
