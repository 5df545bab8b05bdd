"""What the page says of photos and videos."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.service.clients.page.browser import Page, browser_needed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.clients.conftest import Media

pytestmark = [browser_needed, pytest.mark.slow]


def test_compare(page: Page, media: Media) -> None:
    page.choose("compare", media.one, media.same)
    text = page.go("compare")
    assert page.verdict("compare") == ("yes", "Match")
    body = page.answer("compare")
    assert body["verification_score"] > 0.9
    assert "Fewer than 1 in 1,000,000 strangers reach this score." in text
    label = page.find("#compare .scale").get_attribute("aria-label") or ""
    assert re.match(r"Score 0\.9\d{3} on a scale from 0 to 1\. The threshold is 0\.70: the score is above it\.", label)
    rects = [body["details"][name]["face_rects"][0] for name in ("first_image", "second_image")]
    assert page.boxes("#compare .face.taken.yes") == rects
    # Another threshold, the same answer: words, colours and boxes follow.
    page.set_threshold("compare", 1)
    page.wait(lambda: page.verdict("compare") == ("no", "No match"))
    page.wait(lambda: page.boxes("#compare .face.taken.no") == rects)
    assert "1.00, reached by 1 in 1,000,000 strangers" in page.find("#compare output").text
    page.choose("compare", media.one, media.other)
    page.go("compare")
    assert page.verdict("compare") == ("no", "No match")


def test_the_score_stands_where_it_belongs(page: Page, media: Media) -> None:
    page.choose("compare", media.one, media.other)
    page.go("compare")
    share = (
        "const sides = (part) => document.querySelector(`#compare ${part}`).getBoundingClientRect();"
        "const [a, b] = [sides('.bar'), sides(arguments[0])];"
        "return (b.left + b.width / 2 - a.left) / a.width"
    )
    score = page.answer("compare")["verification_score"]
    assert page.run(share, ".marker") == pytest.approx(score, abs=0.01)
    assert page.run(share, ".line") == pytest.approx(0.7, abs=0.01)


def test_of_several_faces_it_says_which_was_taken(page: Page, two_people: Path, media: Media) -> None:
    page.choose("compare", two_people, media.one)
    text = page.go("compare")
    first, second = page.answer("compare")["details"]["first_image"]["face_rects"]
    drawn = "#compare figure:first-child .face"
    assert page.boxes(f"{drawn}.taken") == [first]
    assert page.boxes(f"{drawn}.other") == [second]
    assert page.texts(f"{drawn}.taken text") == ["taken"]
    assert "First photo: 2 faces, the largest was taken" in text


def test_several_photos_of_the_first_person(page: Page, media: Media, faceless: Path) -> None:
    page.open("compare")
    for _ in range(2):
        page.find("#compare .more").click()
    names = [found.get_attribute("aria-label") for found in page.all("#compare .picker")]
    assert names == ["First photo", "Photo 2 of the first person", "Photo 3 of the first person", "Second photo"]
    # One that stays empty counts for nothing.
    page.choose("compare", media.one, media.same)
    page.all("#compare input[type=file]")[3].send_keys(str(media.large))
    text = page.go("compare")
    assert page.verdict("compare") == ("yes", "Match")
    assert "One score for 2 photos of the first person." in text
    details = page.answer("compare")["details"]
    rects = [details["first_image"], *details["further_images"], details["second_image"]]
    assert page.boxes("#compare .face.taken.yes") == [photo["face_rects"][0] for photo in rects]
    assert len(rects) == 3
    # A refusal names the one that is to blame.
    page.all("#compare input[type=file]")[2].send_keys(str(faceless))
    page.go("compare")
    assert page.verdict("compare") == ("refused", "Photo 3 of the first person: no face found")
    # Without it the numbers close up.
    page.find("[aria-label='Remove: Photo 2 of the first person']").click()
    names = [found.get_attribute("aria-label") for found in page.all("#compare .picker")]
    assert names == ["First photo", "Photo 2 of the first person", "Second photo"]
    for _ in range(8):
        page.find("#compare .more").click()
    assert not page.find("#compare .more").is_displayed()


def test_many_faces(page: Page, two_people: Path, media: Media) -> None:
    page.choose("omni", two_people, media.other)
    page.go("omni")
    assert page.verdict("omni") == ("yes", "1 match")
    body = page.answer("omni")
    assert page.texts("#omni th") == ["B1", "A1", "A2"]
    cells = page.texts("#omni td.number")
    matches = [row[0] >= 0.7 for row in body["scores"]]
    assert [cell.endswith("✓") for cell in cells] == matches
    assert page.texts("#omni figure:first-child .face text") == ["A1", "A2"]
    assert page.boxes("#omni figure:first-child .face") == body["face_rects"]["first_image_face_rects"]
    assert page.boxes("#omni figure:first-child .face.yes") == [
        rect for rect, match in zip(body["face_rects"]["first_image_face_rects"], matches, strict=True) if match
    ]


def test_quality(page: Page, media: Media, sample_photos: dict[str, Path]) -> None:
    page.choose("quality", sample_photos["obama2.jpg"])
    text = page.go("quality")
    enrol, verify = page.answer("quality")["details"]["policies"]
    assert [failure["measure"] for failure in enrol["failures"]] == ["mouth_open"]
    assert page.verdict("quality") == ("no", "Fails")
    assert page.texts("#quality .reasons strong") == ["Close the mouth"]
    assert "Nothing is covered." in text
    assert len(page.all("#quality .scroll tbody tr")) == 17
    assert page.texts("#quality tr.bad th") == ["mouth closed"]
    assert len(page.all("#quality .region.free")) == 4
    # The same photo for another purpose.
    assert verify["pass"] is True
    page.find("#quality [value=verify]").click()
    page.wait(lambda: page.verdict("quality") == ("yes", "Passes"))
    # Of a smaller face each region and landmark twice: on the photo, and on the face enlarged.
    page.choose("quality", media.large)
    page.go("quality")
    assert len(page.all("#quality .region.free")) == 8
    assert len(page.all("#quality .landmark")) > 160


def test_what_is_covered_is_drawn(page: Page, masked: Path) -> None:
    page.choose("quality", masked)
    page.go("quality")
    (face,) = page.answer("quality")["details"]["faces"]
    covered = [region["name"] for region in face["regions"] if region["covered"]]
    assert "mouth" in covered
    assert len(page.all("#quality figure:first-child .region.covered")) == len(covered)
    assert "Covered: " in page.find("#quality figcaption").text
    assert page.verdict("quality") == ("no", "Fails")


def test_liveness_of_a_file_and_a_photo(page: Page, media: Media) -> None:
    page.choose("liveness", media.still)
    text = page.go("liveness")
    assert page.verdict("liveness") == ("no", "Not live")
    details = page.answer("liveness")["details"]
    assert len(page.all("#liveness .dot")) == len(details["frames"])
    assert len(page.all("#liveness .frames img")) == len(details["selected"])
    assert len(page.all("#liveness .evidence tbody tr")) == len(details["evidence"])
    assert "Most of all: " in text
    assert "which speaks for an attack" in text
    assert page.all("#liveness .dot.yes") == []
    page.choose("liveness", media.still, media.one)
    page.go("liveness")
    assert page.answer("liveness")["passed"] is False
    assert page.texts("#liveness .verdict") == ["Not live", "Not compared"]


def test_liveness_of_a_living_person(page: Page, test_data: Path) -> None:
    # How many the detector lets pass is another test's affair: the first that does shows the page.
    videos = (test_data / "liveness-videos" / "live").iterdir()
    for video in sorted(videos, key=lambda path: path.stat().st_size):
        page.choose("liveness", video)
        page.go("liveness")
        if page.verdict("liveness") == ("yes", "Live"):
            break
    assert page.verdict("liveness") == ("yes", "Live")
    loaded = "return [...document.querySelectorAll('#liveness .frames img')].map((i) => i.naturalWidth > 0)"
    page.wait(lambda: all(page.run(loaded)))
    captions = page.texts("#liveness figcaption")
    assert re.fullmatch(r"best portrait, \d+\.\d\d s", captions[0])
    assert all(re.fullmatch(r"\d+\.\d\d s", caption) for caption in captions[1:])
    page.keep_picture("living")


# Ways in.


def test_liveness_with_the_camera(page: Page) -> None:
    page.open("liveness")
    page.find("#liveness .use-camera").click()
    take = page.find("#camera-take")
    page.wait(take.is_enabled)
    page.keep_picture("camera")
    take.click()
    page.wait(lambda: not page.find("#camera").get_attribute("open"))
    assert page.run("return document.querySelector('#camera video').srcObject") is None
    page.go("liveness")
    body = page.answer("liveness")
    assert body["code"] == 1000, body
    assert body["liveness_status"] in {"ok", "hack"}
    # A frame leads to its place in the video.
    page.find("#liveness .frame").click()
    at = page.run("return document.querySelector('#liveness video').currentTime")
    assert at == pytest.approx(body["details"]["selected"][0]["timestamp"], abs=0.05)


def test_a_photo_from_the_camera(page: Page) -> None:
    page.open("quality")
    page.find("#quality .use-camera").click()
    take = page.find("#camera-take")
    page.wait(take.is_enabled)
    take.click()
    page.wait(lambda: not page.find("#camera").get_attribute("open"))
    page.go("quality")
    assert page.answer("quality")["code"] == 1000


def test_samples_are_one_click_away(page: Page) -> None:
    assert len(page.all("#compare .picker:first-child .samples button")) == 4
    page.find("#compare .try").click()
    page.result("compare")
    # Of names that differ in a number only it takes that they show one person.
    assert page.verdict("compare") == ("yes", "Match")
    page.find("[aria-label='Second photo: sample biden.jpg']").click()
    assert page.all("#compare .banner") == []
    page.go("compare")
    assert page.verdict("compare") == ("no", "No match")
    page.open("liveness")
    page.find("[aria-label='Video: sample still.mp4']").click()
    page.go("liveness")
    assert page.verdict("liveness") == ("no", "Not live")
