"""What `encrypt`, `decrypt` and `key rotate` share: which files, how one is converted, and the run over all of them.

Formats, keys and ciphers are in `senseid_crypto`.
"""
