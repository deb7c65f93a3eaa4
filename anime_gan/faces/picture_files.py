"""Writes and reads picture files, still and animated, that contain their generation settings."""

from __future__ import annotations

import io
import itertools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin

from anime_gan.common.alpha import has_alpha
from anime_gan.common.files import written_whole
from anime_gan.datasets.reading.pictures import (
    FORMATS,
    PictureError,
    is_transparent,
    read_picture,
)
from anime_gan.datasets.reading.png_text import text_chunks
from anime_gan.faces.gif_colors import CLEAR, reduced
from anime_gan.faces.output_paths import shortened_name
from anime_gan.faces.request import FaceRequest, PictureOrigin, origin_from_text

# File types of animations. A folder of frames and a PNG that shows all frames are handled separately.
ANIMATIONS = (".webp", ".gif", ".mp4")
# Videos store one color per 2x2 pixels. This would be visible in small faces, so they are enlarged first.
VIDEO_SIDE = 256
VIDEO_EXTRA = '.mp4 needs the package "av": pip install "anime_gan[video]". Or use .webp or .gif'
# The limit of the format, with some room for other programs.
MAX_JPEG_EXIF = 60_000
# Bytes of a part of a file name.
LONGEST_PART = 80
# Generation settings are short; anything longer comes from another program.
MAX_TEXT = 2**20
# Pillow would read a PNG with more chunks of text for minutes.
MAX_TEXT_CHUNKS = 1_000


def save_png(path: Path, image: np.ndarray, text: Mapping[str, str]) -> None:
    """Writes a PNG with text chunks, either completely or not at all.

    Args:
        path: The file.
        image: uint8 [h, w, 3 or 4], RGB or RGBA with straight alpha.
        text: The generation settings.
    """
    with written_whole(path) as partial:
        partial.write_bytes(png_bytes(image, text))


def png_bytes(image: np.ndarray, text: Mapping[str, str]) -> bytes:
    """Returns a PNG with text chunks; the arguments are those of `save_png`."""
    info = PngImagePlugin.PngInfo()
    for key, value in text.items():
        info.add_itxt(key, value)
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG", pnginfo=info)
    return stream.getvalue()


def save_picture(path: Path, image: np.ndarray, text: Mapping[str, str]) -> None:
    """Writes a picture of a type in `PICTURES`, either completely or not at all. Only JPEG is lossy.

    Args:
        path: The file.
        image: uint8 [h, w, 3 or 4], RGB or RGBA with straight alpha; RGB for a JPEG.
        text: The generation settings. JPEG and WebP store them as JSON in the EXIF data.

    Raises:
        PictureError: The settings are too long for a JPEG.
    """
    ending = path.suffix.lower()
    if ending == ".png":
        save_png(path, image, text)
        return
    exif = _exif(text)
    with written_whole(path) as partial:
        if ending == ".webp":
            Image.fromarray(image).save(partial, "WEBP", lossless=True, exact=True, exif=exif)
        else:
            # 4:4:4, because faces of 64 pixels have fine colors.
            Image.fromarray(image).save(partial, "JPEG", quality=95, subsampling=0, exif=exif)


def check_jpeg(path: Path, text: Mapping[str, str]) -> None:
    """Checks that the generation settings fit into a JPEG, before anything is drawn.

    Raises:
        PictureError: They do not.
    """
    if path.suffix.lower() in (".jpg", ".jpeg") and len(_exif(text).tobytes()) > MAX_JPEG_EXIF:
        raise PictureError("the settings of so many seeds do not fit into a JPEG; use .png", "out", path)


def _exif(text: Mapping[str, str]) -> Image.Exif:
    exif = Image.Exif()
    # EXIF stores ASCII.
    exif[ExifTags.Base.ImageDescription] = json.dumps(dict(text), ensure_ascii=True)
    return exif


def check_animation(path: Path) -> None:
    """Checks that an animation can be written, before any frame is drawn.

    Raises:
        PictureError: The file type is not in `ANIMATIONS`, or the package that writes it is not installed.
    """
    if path.suffix.lower() not in ANIMATIONS:
        reason = (
            "an animation is a .webp, .gif, or .mp4 file, a .png with all frames side by side, or a folder "
            "with a PNG for each frame"
        )
        raise PictureError(reason, "out", path)
    if path.suffix.lower() == ".mp4":
        try:
            import av  # noqa: F401
        except ImportError as error:
            raise PictureError(VIDEO_EXTRA, "out", path) from error


def save_animation(path: Path, frames: np.ndarray, frames_per_second: int, text: Mapping[str, str]) -> None:
    """Writes a looping animation, either completely or not at all. Only WebP is lossless.

    WebP keeps alpha. GIF keeps one bit of it, which says whether alpha is at least half. MP4 has no alpha, so
    `frames` must be opaque.

    Args:
        path: Ends in one of `ANIMATIONS`.
        frames: uint8 [n, h, w, 3 or 4], RGB or RGBA with straight alpha.
        frames_per_second: Playback speed; GIF rounds each frame to hundredths of a second.
        text: The generation settings. They are stored as JSON in the EXIF data of WebP, and in a comment of
            GIF and MP4.

    Raises:
        PictureError: As in `check_animation`.
    """
    check_animation(path)
    if has_alpha(frames) and frames[..., 3].min() == 255:
        frames = frames[..., :3]
    # GIF and MP4 store ASCII unchanged.
    note = json.dumps(dict(text), ensure_ascii=True)
    with written_whole(path) as partial:
        if path.suffix.lower() == ".webp":
            images = [Image.fromarray(frame) for frame in frames]
            _save_looping(
                partial, "WEBP", images, 1000 / frames_per_second, 1, lossless=True, exif=_exif(text)
            )
        elif path.suffix.lower() == ".gif":
            _save_gif(partial, frames, 1000 / frames_per_second, note)
        else:
            _save_mp4(partial, frames, frames_per_second, note)


def _save_gif(path: Path, frames: np.ndarray, milliseconds: float, note: str) -> None:
    # A frame replaces the one before it if it may be transparent, and else lies over it.
    options = {"transparency": CLEAR, "disposal": 2 if has_alpha(frames) else 1, "optimize": False}
    images = list(reduced(frames))
    _save_looping(path, "GIF", images, milliseconds, 10, comment=note.encode("ascii"), **options)


def _save_looping(
    path: Path, kind: str, images: list[Image.Image], milliseconds: float, unit: int, **options: Any
) -> None:
    """Saves an animation with frame durations that are multiples of a unit; rounding errors do not add up."""
    ends = [round((index + 1) * milliseconds / unit) for index in range(len(images))]
    durations = [unit * (end - start) for start, end in zip([0, *ends], ends, strict=False)]
    first, *others = images
    first.save(path, kind, save_all=True, append_images=others, duration=durations, loop=0, **options)


def _save_mp4(path: Path, frames: np.ndarray, frames_per_second: int, note: str) -> None:
    import av
    from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc

    factor = -(-VIDEO_SIDE // frames.shape[1])
    # H.264 in 4:2:0, which every player supports, needs even sides.
    width, height = (factor * side + factor * side % 2 for side in (frames.shape[2], frames.shape[1]))
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        container.metadata["comment"] = note
        stream = container.add_stream("libx264", rate=frames_per_second, options={"crf": "14"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        # Stated explicitly, because players guess differently for small pictures.
        stream.codec_context.colorspace = Colorspace.ITU709
        stream.codec_context.color_primaries = ColorPrimaries.BT709
        stream.codec_context.color_trc = ColorTrc.BT709
        for frame in frames:
            large = Image.fromarray(frame).resize((width, height), Image.Resampling.BICUBIC)
            picture = av.VideoFrame.from_ndarray(np.asarray(large), format="rgb24").reformat(
                format="yuv420p", dst_colorspace=Colorspace.ITU709
            )
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def read_text(path: Path) -> dict[str, str]:
    """Reads the text fields of a PNG, JPEG, WebP, GIF, or MP4 file, or of a JSON file with settings.

    Returns:
        Name -> text; empty if there are no text fields.

    Raises:
        PictureError: The file cannot be read.
    """
    ending = path.suffix.lower()
    try:
        if ending == ".json":
            with path.open(encoding="utf-8") as stream:
                return _parsed(stream.read(MAX_TEXT + 1))
        if ending == ".mp4":
            return _parsed(_video_comment(path))
        if _has_too_much_text(path):
            raise ValueError(f"it has more than {MAX_TEXT_CHUNKS:,} text fields")
        with Image.open(path, formats=FORMATS) as image:
            if image.format == "GIF":
                comment = image.info.get("comment", b"")
                return _parsed(comment.decode("utf-8", "replace"))
            if image.format in ("WEBP", "JPEG", "MPO"):
                return _parsed(str(image.getexif().get(ExifTags.Base.ImageDescription, "")))
            return {str(key): str(value) for key, value in getattr(image, "text", {}).items()}
    except Exception as error:  # Pillow raises almost anything on a damaged file.
        reason = getattr(error, "strerror", None) or error
        raise PictureError(f"cannot be read: {reason}", "picture", path) from error


def _has_too_much_text(path: Path) -> bool:
    """Whether a file is a PNG with more than `MAX_TEXT_CHUNKS` chunks of text."""
    with path.open("rb") as stream:
        return next(itertools.islice(text_chunks(stream), MAX_TEXT_CHUNKS, None), None) is not None


def _video_comment(path: Path) -> str:
    try:
        import av
    except ImportError as error:
        raise PictureError(VIDEO_EXTRA) from error
    try:
        with av.open(str(path)) as container:
            return container.metadata.get("comment", "")
    except av.FFmpegError as error:
        raise PictureError(str(error)) from error


def _parsed(note: str) -> dict[str, str]:
    """Returns the settings in a JSON text; empty for anything else."""
    try:
        text = json.loads(note) if len(note) <= MAX_TEXT else None
    except (ValueError, RecursionError):
        return {}
    if not isinstance(text, dict):
        return {}
    return {key: value for key, value in text.items() if isinstance(value, str)}


def read_own_picture(path: Path, resolution: int, channels: int = 3) -> np.ndarray:
    """Reads the center square of any picture, upright and in sRGB.

    Args:
        path: A file in any format that training reads.
        resolution: Height and width of the result in pixels.
        channels: 3 for RGB, with transparency on white; 4 for RGBA with straight alpha.

    Returns:
        uint8 [resolution, resolution, channels].

    Raises:
        PictureError: The file is missing or is not a usable picture.
    """
    try:
        data = path.read_bytes()
        if channels == 4 and is_transparent(data):
            return read_picture(data, resolution, transparent=True)
        picture = read_picture(data, resolution)
        return np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)]) if channels == 4 else picture
    except OSError as error:
        raise PictureError(f"cannot be read: {error.strerror or error}", "picture", path) from error
    except PictureError as error:
        raise PictureError(error.reason, "picture", path) from error


def read_origin(path: Path) -> PictureOrigin:
    """Reads how a picture was made.

    Args:
        path: A file from `save_picture` or `save_animation`, or a JSON file with the same settings.

    Raises:
        PictureError: The file cannot be read or contains no settings.
    """
    text = read_text(path)
    try:
        return origin_from_text(text)
    except (KeyError, ValueError, OverflowError) as error:
        reason = (
            "contains no generation settings: it was not made by generate.py, or another program re-saved "
            "it and dropped the metadata"
        )
        raise PictureError(reason, "picture", path) from error


def file_stem(request: FaceRequest) -> str:
    """Returns a file name without extension that describes a request."""
    parts = [name_part(request.attributes)] if request.latent is None else ["face"]
    if request.interpolation is not None:
        parts.append(name_part(request.interpolation.text) or "animation")
        if request.interpolation.frame is not None:
            parts.append(f"frame{request.interpolation.frame}")
    elif request.latent is None:
        parts.append(f"seed{request.seeds[0]}")
    parts.append(name_part(request.changes))
    return "_".join(part for part in parts if part)


def name_part(request: str) -> str:
    """Turns text into part of a file name."""
    name = re.sub(r"[^\w]+", "-", request.replace(", ", "_").replace("; ", "_")).strip("-")
    return shortened_name(name, LONGEST_PART)
