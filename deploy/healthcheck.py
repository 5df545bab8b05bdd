"""The image's health check: asks the service in this container, whatever its role, port and scheme."""

from __future__ import annotations

import os
import ssl
import sys
import urllib.error
import urllib.request


def url(environment: dict[str, str]) -> str:
    """Where the service of these settings answers its health check."""
    role = environment.get("SENSEID_ROLE", "all").lower()
    port = environment.get("SENSEID_PORT") or ("50050" if role == "worker" else "3000")
    scheme = "https" if environment.get("SENSEID_TLS_CERT") else "http"
    return f"{scheme}://127.0.0.1:{port}/readyz"


def trouble(address: str) -> str:
    """Return what is wrong with the service there; empty if it is healthy."""
    context = ssl.create_default_context()
    # The certificate names the service as its clients call it, not this loopback address.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(address, timeout=4):
            return ""
    except urllib.error.HTTPError as error:
        with error:
            return f"HTTP {error.code}: {error.read(1000).decode(errors='replace')}"
    except OSError as error:
        return str(error)


if __name__ == "__main__":
    sys.exit(trouble(url(dict(os.environ))) or 0)
