"""The facade of the quality check: a photo in, the quality of its faces out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from senseid_engine.device import Device
from senseid_engine.quality.balanced import balanced
from senseid_engine.quality.chip import cut
from senseid_engine.quality.eyes import EyesOpen, eye_distance
from senseid_engine.quality.features import distance_to_centre, five_features, integrity, size, visible_share
from senseid_engine.quality.occlusion import OcclusionEstimator
from senseid_engine.quality.overall import OverallQuality, overall_measures
from senseid_engine.quality.pose import PoseEstimator
from senseid_engine.quality.results import FaceQuality, QualityReport
from senseid_engine.quality.sharpness import chip_sharpness, sharpness
from senseid_licensing.capability import Capability
from senseid_licensing.product import Product

if TYPE_CHECKING:
    from senseid_engine.faces import Face
    from senseid_engine.finder import FaceFinder
    from senseid_engine.image import Image
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.registry import Registry


@dataclass(frozen=True, slots=True)
class QualityChecker:
    """Everything that measures the quality of faces. Loaded once; may be shared between threads.

    Attributes:
        finder: finds the faces.
        poser: measures how a head is turned.
        occlusion: tells what is covered.
        eyes: tells how far the eyes are open.
        overall: makes one number of all measures.
        licences: asked before each use.
    """

    finder: FaceFinder
    poser: PoseEstimator
    occlusion: OcclusionEstimator
    eyes: EyesOpen
    overall: OverallQuality
    licences: VerifiedLicences

    @classmethod
    def open(
        cls,
        registry: Registry,
        licences: VerifiedLicences,
        finder: FaceFinder,
        *,
        threads: int,
        device: Device = Device.CPU,
    ) -> QualityChecker:
        """Load the models and data that quality needs beside those that find faces.

        Args:
            registry: which models there are.
            licences: the verified licences of this run; they are asked before any model file is opened.
            finder: finds the faces; may be shared with an engine.
            threads: threads that each model may use, at least 1.
            device: where the networks run.

        Raises:
            LicensingError: no verified licence for a model's product.
            ModelsError: a file is missing or is not the one of the manifest.
            ModelError: a model or data file cannot be used.
            DeviceError: the processor cannot be used, or gives other values than the CPU.
        """
        licences.require(Product.KESTREL)
        return cls(
            finder=finder,
            poser=PoseEstimator.parse(registry.asset("face-model").read()),
            occlusion=OcclusionEstimator.open(registry, licences, threads=threads, device=device),
            eyes=EyesOpen.parse(registry.asset("eyes-open").read()),
            overall=OverallQuality.parse(registry.asset("overall-quality").read()),
            licences=licences,
        )

    def check(self, image: Image, *, auto_rotate: bool = False) -> QualityReport:
        """Measure every face of a photo.

        Args:
            image: a decoded photo.
            auto_rotate: turn a sideways or upside-down photo by looking for its faces.

        Raises:
            LicensingError: the licence does not allow it.
            NoFaceError: the photo has no face.
        """
        self.licences.require(Product.KESTREL, Capability.QUALITY)
        photo = self.finder.find(image, auto_rotate=auto_rotate)
        return QualityReport(
            found=photo.found,
            faces=tuple(self.measure(photo.image, face) for face in photo.faces),
            image=photo.image,
            landmarks=tuple(face.landmarks for face in photo.faces),
        )

    def measure(self, image: Image, face: Face) -> FaceQuality:
        """Measure one face.

        Args:
            image: the upright photo.
            face: a face of that photo.
        """
        # What the network tells of a photo and of its mirror image differs: the mean is the same for both.
        face = replace(face, landmarks=balanced(face.landmarks, self.poser.counterparts))
        width, height, landmarks = image.width, image.height, face.landmarks
        features = five_features(landmarks, width, height)
        chip = cut(image.pixels, landmarks, features)
        pose = self.poser.pose(landmarks)
        seen = self.occlusion.estimate(image.pixels, face)
        visible = visible_share(landmarks, seen)
        distance = eye_distance(landmarks)
        measures = overall_measures(face, pose, chip)
        return FaceQuality(
            rect=face.rect,
            pose=pose,
            occlusion=seen,
            visible=visible,
            distance_to_centre=distance_to_centre(features, width, height),
            size=size(features, width, height),
            brightness=measures["brightness"],
            sharpness=sharpness(chip, image.pixels, features, distance),
            mouth_open=measures["mouth_open"],
            eyes_open=self.eyes.of(image.pixels, landmarks),
            integrity=integrity(features),
            eye_distance=distance,
            overall=self.overall.of(measures, visible=visible, sharpness=chip_sharpness(chip), eye_distance=distance),
        )
