"""Encryption of media: the wire format of the service, and a container for files at rest."""
