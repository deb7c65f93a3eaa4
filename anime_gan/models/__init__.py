"""The network architectures, by name.

Importing this package does not import TensorFlow. An entry only names the module with its two classes, and
the module is imported when its first network is made.

To add an architecture, write a module next to `published.py` with two classes:

- `Generator`, derived from `common.AttributeGenerator`. The base class checks the labels, concatenates them
  with the latent vector, and applies the final tanh. The subclass sets `resolution`, creates its layers in
  the constructor, usually after `add_label_embedding`, and defines `build_layers` and `synthesize`. If it has
  batch normalization, `normalized_convolutions` must list the pairs that `python -m anime_gan.pack` can fold.
  If the labels do not pass through the embedding, `label_layer` must return the layer that takes them,
  because `--init_from` adapts this layer to new labels.
- `Discriminator`, derived from `common.AttributeDiscriminator`. The base class adds the logit, the
  projection, and the attribute head. The subclass sets `resolution`, creates its convolutions in the
  constructor, calls `add_heads` at the end, and defines `build_layers` and `extract_features`.

Both classes take `num_labels` and the other arguments of their base class, and return their own arguments
from `get_config`. Finally, add an entry to `_ARCHITECTURES`. A module outside the package needs no entry; see
docs/extending.md.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from anime_gan.common.errors import InputError
from anime_gan.common.suggestions import nearest
from anime_gan.common.user_code import is_reference, load_object

if TYPE_CHECKING:
    from anime_gan.models.common import AttributeDiscriminator, AttributeGenerator


@dataclasses.dataclass(frozen=True)
class Architecture:
    """A generator and a discriminator that belong together.

    Attributes:
        name: The name by which users select it.
        description: One line for `--help`.
        module: Full name of the module that defines `Generator` and `Discriminator`.
        resolutions: Supported heights and widths of the images, in pixels; the first is the default.
        batch_statistics_in_discriminator: Whether a logit of the discriminator depends on the other images of
            its batch. If so, the gradient of a logit with respect to its own image is not defined, and
            gradient penalties must not be used.
        discriminator_options: Arguments of `Discriminator` that this entry sets.
        grows: Whether the networks can grow from networks of half the resolution. If so, they have the
            argument `base_resolution`.
    """

    name: str
    description: str
    module: str
    resolutions: tuple[int, ...]
    batch_statistics_in_discriminator: bool
    discriminator_options: Mapping[str, Any] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    grows: bool = False

    def make_generator(
        self,
        num_labels: int = 0,
        channels: int = 3,
        latent_dim: int = 100,
        seed: int = 0,
        dtype: str | None = None,
        synchronized: bool = False,
        resolution: int | None = None,
        base_resolution: int = 0,
        options: Mapping[str, Any] | None = None,
    ) -> AttributeGenerator:
        """Builds a generator and creates all its variables.

        Call it in the scope of the distribution strategy, before a checkpoint is restored.

        Args:
            num_labels: Number of attributes that control the image; 0 for an unconditional model.
            channels: 3 for RGB images, 4 for RGBA with premultiplied alpha.
            latent_dim: Size of the latent vector.
            seed: Seed of the initial weights.
            dtype: Keras dtype policy, `"float32"` or `"mixed_bfloat16"`; `None` for the Keras default.
            synchronized: Whether batch normalization averages over all replicas.
            resolution: One of `resolutions`; `None` for the first one.
            base_resolution: Resolution of the first image output; 0 for a single output.
            options: Further arguments of `Generator`, such as its width or depth.

        Returns:
            A built model, `(latents, labels) -> images`.
        """
        generator: AttributeGenerator = self._import().Generator(
            num_labels=num_labels,
            channels=channels,
            latent_dim=latent_dim,
            seed=seed,
            dtype=dtype,
            synchronized=synchronized,
            **self._size(resolution, base_resolution),
            **(options or {}),
        )
        generator.build()
        return generator

    def make_discriminator(
        self,
        num_labels: int = 0,
        channels: int = 3,
        seed: int = 0,
        dtype: str | None = None,
        synchronized: bool = False,
        attribute_head: bool = True,
        projection: bool = True,
        resolution: int | None = None,
        base_resolution: int = 0,
    ) -> AttributeDiscriminator:
        """Builds a discriminator and creates all its variables.

        Args:
            num_labels: Number of attributes; 0 for an unconditional model.
            channels: 3 for RGB images, 4 for RGBA with premultiplied alpha.
            seed: Seed of the initial weights.
            dtype: Keras dtype policy, `"float32"` or `"mixed_bfloat16"`; `None` for the Keras default.
            synchronized: Whether batch normalization, if any, averages over all replicas.
            attribute_head: Whether to predict the attributes (auxiliary classifier).
            projection: Whether the real/fake logit is conditioned on the labels.
            resolution: One of `resolutions`; `None` for the first one.
            base_resolution: Resolution of the last image input; 0 for a single input.

        Returns:
            A built model, `(images, labels) -> {"logits", "attributes"}`.
        """
        discriminator: AttributeDiscriminator = self._import().Discriminator(
            num_labels=num_labels,
            channels=channels,
            seed=seed,
            dtype=dtype,
            synchronized=synchronized,
            attribute_head=attribute_head,
            projection=projection,
            **self._size(resolution, base_resolution),
            **self.discriminator_options,
        )
        discriminator.build()
        return discriminator

    def _size(self, resolution: int | None, base_resolution: int) -> dict[str, int]:
        """Returns the size arguments, which only some architectures have."""
        if resolution not in (None, *self.resolutions):
            sizes = " or ".join(map(str, sorted(self.resolutions)))
            raise ValueError(f"{self.name} supports {sizes} pixels, not {resolution}")
        size = {"resolution": resolution or self.resolutions[0]} if len(self.resolutions) > 1 else {}
        return {**size, "base_resolution": base_resolution} if self.grows and base_resolution else size

    def _import(self) -> Any:
        return importlib.import_module(self.module)


_ARCHITECTURES = (
    Architecture(
        "compact",
        "latent vector and labels modulate every convolution; best quality per minute of CPU time",
        module=f"{__name__}.compact",
        resolutions=(64, 32, 128, 256, 512),
        batch_statistics_in_discriminator=False,
        grows=True,
    ),
    Architecture(
        "published",
        "the networks of the published example, but the discriminator has padding and no normalization",
        module=f"{__name__}.published",
        resolutions=(64,),
        batch_statistics_in_discriminator=False,
        discriminator_options=MappingProxyType({"padding": "same", "normalized": False}),
    ),
    Architecture(
        "published-exact",
        "the unchanged networks of the published example; the discriminator has batch normalization",
        module=f"{__name__}.published",
        resolutions=(64,),
        batch_statistics_in_discriminator=True,
        discriminator_options=MappingProxyType({"padding": "valid", "normalized": True}),
    ),
    Architecture(
        "srresnet",
        "the networks of Jin et al. 2017 with residual blocks and sub-pixel convolutions; needs a GPU",
        module=f"{__name__}.srresnet",
        resolutions=(128,),
        batch_statistics_in_discriminator=False,
    ),
)

# Name -> one-line description.
ARCHITECTURES: Mapping[str, str] = MappingProxyType({a.name: a.description for a in _ARCHITECTURES})
# Name of a removed architecture -> the last version that has it.
REMOVED_ARCHITECTURES: Mapping[str, str] = MappingProxyType({"compact-batch": "0.1.0", "light": "0.1.0"})


def get_architecture(name: str, option: str = "architecture") -> Architecture:
    """Returns the architecture with this name, or imports the one that `module:NAME` refers to.

    Args:
        name: The name or the reference.
        option: Name of the option, for errors.

    Raises:
        InputError: The architecture does not exist in this version. The message lists the existing ones, or
            names the last version that has it.
    """
    if is_reference(name):
        return load_object(name, Architecture, option)
    for architecture in _ARCHITECTURES:
        if architecture.name == name:
            return architecture
    if name in REMOVED_ARCHITECTURES:
        raise InputError(
            f"the architecture {name!r} was removed; the last version that has it is "
            f"{REMOVED_ARCHITECTURES[name]}"
        )
    names = ", ".join(ARCHITECTURES)
    raise InputError(f"unknown architecture {name!r}; must be one of {names}{nearest(name, ARCHITECTURES)}")
