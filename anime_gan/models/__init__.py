"""The network architectures, by name.

Importing this package does not import TensorFlow: an entry names the module its two classes live
in, and the module is imported when the first network is made. To add an architecture, write a
module next to `published.py` with a class `Generator` and a class `Discriminator` that take the
same arguments, and add one entry to `_ARCHITECTURES`.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anime_gan.common.backend import keras


@dataclasses.dataclass(frozen=True)
class Architecture:
    """A generator and a discriminator that belong together.

    Attributes:
        name: The name users select it by.
        description: One line for `--help` and for the model list.
        module: Module inside `anime_gan.models` that defines `Generator` and `Discriminator`.
        resolutions: Heights and widths of images that it can draw, in pixels; the first is the default.
        batch_statistics_in_discriminator: Whether a discriminator logit depends on the other images
            of its batch. If so, there is no gradient of one logit by its own image alone, and
            gradient penalties, which are defined per sample, must not be used.
        generator_options: Arguments of `Generator` that this entry fixes.
        discriminator_options: Arguments of `Discriminator` that this entry fixes.
    """

    name: str
    description: str
    module: str
    resolutions: tuple[int, ...]
    batch_statistics_in_discriminator: bool
    generator_options: Mapping[str, Any] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    discriminator_options: Mapping[str, Any] = dataclasses.field(default_factory=lambda: MappingProxyType({}))

    def make_generator(
        self,
        num_labels: int = 0,
        latent_dim: int = 100,
        seed: int = 0,
        dtype: str | None = None,
        synchronized: bool = False,
        resolution: int | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> keras.Model:
        """Makes a generator whose variables all exist already.

        Call it inside the distribution strategy's scope, and before a checkpoint is restored.

        Args:
            num_labels: Number of attributes that control the image; 0 for an unconditional model.
            latent_dim: Length of a latent.
            seed: Seed of the initial weights.
            dtype: Keras dtype policy, `"float32"` or `"mixed_bfloat16"`; `None` for the default.
            synchronized: Whether batch normalization averages over all replicas.
            resolution: One of `resolutions`; `None` for the first.
            options: Further arguments of `Generator`, for one of another width or depth.

        Returns:
            A built `keras.Model`, `(latents, labels) -> images`.
        """
        generator = self._import().Generator(
            num_labels=num_labels,
            latent_dim=latent_dim,
            seed=seed,
            dtype=dtype,
            synchronized=synchronized,
            **self._size(resolution),
            **{**self.generator_options, **(options or {})},
        )
        generator.build()
        return generator

    def make_discriminator(
        self,
        num_labels: int = 0,
        seed: int = 0,
        dtype: str | None = None,
        synchronized: bool = False,
        attribute_head: bool = True,
        projection: bool = True,
        resolution: int | None = None,
    ) -> keras.Model:
        """Makes a discriminator whose variables all exist already.

        Args:
            num_labels: Number of attributes; 0 for an unconditional model.
            seed: Seed of the initial weights.
            dtype: Keras dtype policy, `"float32"` or `"mixed_bfloat16"`; `None` for the default.
            synchronized: Whether batch normalization, if there is any, averages over all replicas.
            attribute_head: Whether to predict the attributes (auxiliary classifier).
            projection: Whether the real/fake logit is conditioned on the labels.
            resolution: One of `resolutions`; `None` for the first.

        Returns:
            A built `keras.Model`, `(images, labels) -> {"logits", "attributes"}`.
        """
        discriminator = self._import().Discriminator(
            num_labels=num_labels,
            seed=seed,
            dtype=dtype,
            synchronized=synchronized,
            attribute_head=attribute_head,
            projection=projection,
            **self._size(resolution),
            **self.discriminator_options,
        )
        discriminator.build()
        return discriminator

    def _size(self, resolution: int | None) -> dict[str, int]:
        """The argument of networks that come in several sizes."""
        if resolution not in (None, *self.resolutions):
            raise ValueError(f"{self.name} draws {self.resolutions} pixels, not {resolution}")
        return {"resolution": resolution or self.resolutions[0]} if len(self.resolutions) > 1 else {}

    def _import(self) -> Any:
        return importlib.import_module(f"{__name__}.{self.module}")


_ARCHITECTURES = (
    Architecture(
        "compact",
        "latent vector and labels modulate every convolution; the best quality per CPU minute",
        module="compact",
        resolutions=(64, 128),
        batch_statistics_in_discriminator=False,
    ),
    Architecture(
        "compact-batch",
        "like compact, with conditional batch normalization instead of modulation",
        module="compact",
        resolutions=(64, 128),
        batch_statistics_in_discriminator=False,
        generator_options=MappingProxyType({"conditioning": "batch"}),
    ),
    Architecture(
        "light",
        "nearest-neighbor upsampling and one 3x3 convolution per level, with conditional batch normalization",
        module="compact",
        resolutions=(64,),
        batch_statistics_in_discriminator=False,
        generator_options=MappingProxyType(
            {
                "conditioning": "batch",
                "upsampling": "nearest",
                "filters": (256, 192, 128, 64, 32),
                "extra_convolutions": (0, 0, 0, 0),
            }
        ),
    ),
    Architecture(
        "published",
        "the published networks, with a padded discriminator without normalization",
        module="published",
        resolutions=(64,),
        batch_statistics_in_discriminator=False,
        discriminator_options=MappingProxyType({"padding": "same", "normalization": "none"}),
    ),
    Architecture(
        "published-exact",
        "the published networks, unchanged: unpadded discriminator with batch normalization",
        module="published",
        resolutions=(64,),
        batch_statistics_in_discriminator=True,
        discriminator_options=MappingProxyType({"padding": "valid", "normalization": "batch"}),
    ),
    Architecture(
        "srresnet",
        "the networks of Jin et al. 2017: residual blocks and sub-pixel convolutions; for a GPU",
        module="srresnet",
        resolutions=(128,),
        batch_statistics_in_discriminator=False,
    ),
)

# Name -> one-line description.
ARCHITECTURES: Mapping[str, str] = MappingProxyType({a.name: a.description for a in _ARCHITECTURES})


def get_architecture(name: str) -> Architecture:
    """Returns the architecture called `name`.

    Raises:
        ValueError: If there is none of that name; the message lists those there are.
    """
    for architecture in _ARCHITECTURES:
        if architecture.name == name:
            return architecture
    raise ValueError(f"Unknown architecture {name!r}. Use one of: {', '.join(ARCHITECTURES)}.")
