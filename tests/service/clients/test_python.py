"""The Python client against every endpoint of the real service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from senseid_client import Client, ServiceError
from tests.service.conftest import KEY

if TYPE_CHECKING:
    from tests.service.clients.conftest import Media
    from tests.service.conftest import Service

pytestmark = pytest.mark.slow


@pytest.fixture
def client(site: Service) -> Client:
    return Client(site.url, KEY)


def test_every_endpoint(client: Client, media: Media) -> None:
    client.health()
    assert client.compare(media.one, media.same, auto_rotate=True).verification_score > 0.7
    assert client.compare(media.one, media.other).verification_score < 0.7
    found = client.omni(media.one, media.same)
    assert found.scores[0][0] > 0.7
    assert len(found.first_image_face_rects) == len(found.scores)
    (face,) = client.quality(media.large).faces
    assert face.occlusion.total > 0.5
    assert abs(face.pose.yaw) < 30
    still = client.liveness(media.still, return_image=True)
    assert (still.passed, still.liveness_status, still.image) == (False, "hack", None)
    assert client.verify(media.still, media.one).verification_score is None
    assert client.verify_liveness_data(media.liveness_data, media.same).verification_score > 0.7


def test_refusals(client: Client, media: Media) -> None:
    with pytest.raises(ServiceError) as raised:
        client.quality(b"no photo")
    assert (raised.value.code, raised.value.http_status) == (2005, 400)
    with pytest.raises(ServiceError) as raised:
        client.verify_liveness_data(media.one, media.one)
    assert raised.value.code == 2007
