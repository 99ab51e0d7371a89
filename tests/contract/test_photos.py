"""Every photo verifier keeps the same contract."""

import pytest

from aftersales.testing.photos import JPEG, FakePhotos, PhotoVerifierContract, a_report
from infra.local.drawn import strawberries
from plugins import vision
from plugins.vision.verifier import Verifier


class TestFakePhotos(PhotoVerifierContract):
    """The fake, with a script."""

    @pytest.fixture
    def spoiled_photo(self) -> bytes:
        """Bytes that the script names."""
        return JPEG + b" of spoiled strawberries"

    @pytest.fixture
    def photos(self, spoiled_photo: bytes) -> FakePhotos:
        """The fake that knows them."""
        fake = FakePhotos()
        fake.says(spoiled_photo, a_report(0.4))
        return fake


class TestVision(PhotoVerifierContract):
    """The real verifier, on drawn pictures."""

    @pytest.fixture
    def spoiled_photo(self) -> bytes:
        """A drawing with two of five berries rotten."""
        return strawberries(spoiled=2, of=5, seed=1)

    @pytest.fixture
    def photos(self) -> Verifier:
        """The plugin as a stage file switches it on."""
        built = vision.build({})
        assert isinstance(built, Verifier)
        return built
