"""What the tests of the service have, for those that deploy it."""

from tests.service.conftest import small_photos

__all__ = ["small_photos"]
