"""`python -m anime_gan.evaluate.imagenet`: the FID on the features of a network trained on ImageNet."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from anime_gan.common.alpha import on_background
from anime_gan.common.command_line import Flags, run_command
from anime_gan.common.files import write_text
from anime_gan.common.markdown import markdown_table
from anime_gan.common.quiet import import_tensorflow
from anime_gan.evaluate.exported_model import measuring_flags, model_and_folder
from anime_gan.metrics.distances import frechet_distance

WHITE = (255, 255, 255)
SUMMARY = """Measures the Fréchet distance (FID) between faces and training images on features of
EfficientNet-Lite0, a network trained on the photographs of ImageNet. The original FID uses Inception-v3, so
compare these values only with each other. Writes fid.json. Needs: pip install 'anime_gan[fid]'"""

NUM_IMAGES = 10_000
MIN_IMAGES, MAX_IMAGES = 100, 100_000


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flags = measuring_flags(None, "folder for fid.json (default: the export)")
    flags.integer(
        "num_images",
        NUM_IMAGES,
        f"number of faces, and of training images they are compared with ({MIN_IMAGES} to {MAX_IMAGES:,}; "
        f"default {NUM_IMAGES:,})",
        MIN_IMAGES,
        MAX_IMAGES,
    )
    flags.integer("seed", 0, "random seed of the faces (0 to 2,147,483,647; default 0)", 0, 2**31 - 1)
    return run_command("anime_gan.evaluate.imagenet", SUMMARY, flags, lambda: _measure(flags), argv)


def _measure(flags: Flags) -> int:
    model, out = model_and_folder(flags)
    import_tensorflow()
    from anime_gan.evaluate import efficientnet
    from anime_gan.evaluate.bench import Bench, Options

    weights = efficientnet.load_weights()
    dataset = model.training_data(flags.data)
    options = Options(flags.num_images, flags.seed)
    with tqdm(total=0, unit="image", mininterval=0.5 if sys.stderr.isatty() else 30.0) as progress:
        bench = Bench(model, dataset, None, options, progress)
        counts = [min(options.num_images, len(part)) for part in (bench.split.train, bench.split.test)]
        # Faces are drawn, and all images are seen by the network.
        bench.announce(2 * options.num_images + sum(counts))
        samples = bench.samples()
        bench.stage(efficientnet.NAME)
        compute = efficientnet.make_features(weights)

        def compute_on_white(images: np.ndarray) -> np.ndarray:
            # The network knows opaque photographs only.
            return compute(on_background(images, WHITE))

        faces, reference, test = (
            bench.in_batches(efficientnet.BATCH, compute_on_white, sample.images) for sample in samples
        )
    numbers = {
        "network": efficientnet.NAME,
        "seed": options.seed,
        "model": {"weights_sha256": model.record["weights_sha256"]},
        "data": {"name": dataset.name, "checksum": dataset.checksum},
        **distances(faces, reference, test),
    }
    write_text(out / "fid.json", json.dumps(numbers, indent=1) + "\n")
    print(f"{report(numbers)}\n\nresults: {out / 'fid.json'}")
    return 0


def distances(faces: np.ndarray, reference: np.ndarray, test: np.ndarray) -> dict[str, Any]:
    """Fréchet distances of faces and of held-out images to training images.

    The distance depends on the number of images, so the faces are measured twice: all of them, and as many as
    there are held-out images.

    Args:
        faces: float [n, d], features of the model's faces.
        reference: float [m, d], of training images.
        test: float [k, d], of held-out images.
    """
    count = min(len(faces), len(test))
    return {
        "reference_images": len(reference),
        "all": {"images": len(faces), "model": frechet_distance(reference, faces)},
        "equal_numbers": {
            "images": count,
            "model": frechet_distance(reference, faces[:count]),
            "real": frechet_distance(reference, test[:count]),
        },
    }


def report(numbers: dict[str, Any]) -> str:
    """Returns the results as a Markdown table with a sentence on how they were measured."""
    every, equal = numbers["all"], numbers["equal_numbers"]
    rows = [(f"{every['images']} faces", f"{every['model']:.4g}")]
    if every["images"] != equal["images"]:
        rows.append((f"{equal['images']} faces", f"{equal['model']:.4g}"))
    rows.append((f"{equal['images']} held-out images", f"{equal['real']:.4g}"))
    table = markdown_table(("images", f"FID ({numbers['network']})"), rows)
    return (
        f"{table}\n\nCompared with {numbers['reference_images']} training images of "
        f"{numbers['data']['name']}; seed {numbers['seed']}."
    )


if __name__ == "__main__":
    sys.exit(main())
