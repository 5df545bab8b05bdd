"""The hardware fingerprint: what identifies a machine, hashed; the same for root and for a normal user."""
