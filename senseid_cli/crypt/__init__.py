"""What `encrypt`, `decrypt` and `key rotate` share: which files, how one is done, and the run over all of them."""
