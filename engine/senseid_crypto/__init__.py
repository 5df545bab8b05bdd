"""Encryption of media: the wire format of the service, and a container for files at rest.

Stands alone: it imports nothing else of senseid, and the cryptographic library only inside the functions that use it,
so that plain media cost no import. No key is read from anywhere and nothing is printed here. Formats:
docs/formats/container.md; why they are as they are: docs/adr/0006-encryption.md.
"""
