"""Picture files, still and moving, that say how they were made."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin

from anime_gan.common.files import written_whole
from anime_gan.datasets.reading.pictures import PictureError, read_picture
from anime_gan.faces.request import FaceRequest, PictureOrigin, origin_from_text

# What a walk can be written as, besides a folder of its frames and a PNG with all of them.
ANIMATIONS = (".webp", ".gif", ".mp4")
# Videos keep one colour for each square of 2x2 pixels, which small faces show: they are enlarged first.
VIDEO_SIDE = 256
VIDEO_EXTRA = '.mp4 needs the package "av": pip install "anime_gan[video]", or write .webp or .gif'
# Settings are short: what is longer is none of ours.
MAX_TEXT = 2**20


def save_png(path: Path, image: np.ndarray, text: Mapping[str, str]) -> None:
    """Writes a PNG with text chunks, whole or not at all.

    Args:
        path: The file.
        image: uint8 [h, w, 3].
        text: What it says of itself.
    """
    info = PngImagePlugin.PngInfo()
    for key, value in text.items():
        info.add_itxt(key, value)
    with written_whole(path) as partial:
        Image.fromarray(image).save(partial, "PNG", pnginfo=info)


def check_animation(path: Path) -> None:
    """Makes sure that an animation can be written, before any frame is drawn.

    Raises:
        ValueError: The ending is none of `ANIMATIONS`, or what writes it is not installed.
    """
    if path.suffix.lower() not in ANIMATIONS:
        raise ValueError(
            f"--out={path}: an animation is a .webp, .gif or .mp4, a .png (all frames side by side), or a "
            "folder (a PNG for each)"
        )
    if path.suffix.lower() == ".mp4":
        try:
            import av  # noqa: F401
        except ImportError as error:
            raise ValueError(f"--out={path}: {VIDEO_EXTRA}") from error


def save_animation(path: Path, frames: np.ndarray, frames_per_second: int, text: Mapping[str, str]) -> None:
    """Writes an animation without end, whole or not at all. WebP keeps every pixel, the others come close.

    Args:
        path: Ends in one of `ANIMATIONS`.
        frames: uint8 [n, h, w, 3].
        frames_per_second: GIF counts in hundredths of a second, and takes the nearest.
        text: What it says of itself: EXIF in WebP, a comment in GIF and MP4, as JSON.

    Raises:
        ValueError: As in `check_animation`.
    """
    check_animation(path)
    # ASCII: nothing in any of the formats can get it wrong.
    note = json.dumps(dict(text), ensure_ascii=True)
    with written_whole(path) as partial:
        if path.suffix.lower() == ".webp":
            _save_webp(partial, frames, 1000 / frames_per_second, note)
        elif path.suffix.lower() == ".gif":
            _save_gif(partial, frames, 1000 / frames_per_second, note)
        else:
            _save_mp4(partial, frames, frames_per_second, note)


def _save_webp(path: Path, frames: np.ndarray, milliseconds: float, note: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = note
    first, *others = (Image.fromarray(frame) for frame in frames)
    first.save(
        path,
        "WEBP",
        save_all=True,
        append_images=others,
        duration=_durations(len(frames), milliseconds, 1),
        loop=0,
        lossless=True,
        exif=exif,
    )


def _save_gif(path: Path, frames: np.ndarray, milliseconds: float, note: str) -> None:
    # Each frame has colours of its own: with one palette for all, hair that changes its colour shows bands.
    # No dithering, whose dots would crawl from frame to frame.
    first, *others = (
        Image.fromarray(frame).quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
        for frame in frames
    )
    first.save(
        path,
        "GIF",
        save_all=True,
        append_images=others,
        duration=_durations(len(frames), milliseconds, 10),
        loop=0,
        comment=note.encode("ascii"),
        optimize=False,
    )


def _durations(count: int, milliseconds: float, unit: int) -> list[int]:
    """How long to show each frame, in multiples of a unit; what is rounded off is made up for later."""
    ends = [round((index + 1) * milliseconds / unit) for index in range(count)]
    return [unit * (end - start) for start, end in zip([0, *ends], ends, strict=False)]


def _save_mp4(path: Path, frames: np.ndarray, frames_per_second: int, note: str) -> None:
    import av
    from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc

    factor = -(-VIDEO_SIDE // frames.shape[1])
    # H.264 in 4:2:0, which every player knows, wants even sides.
    width, height = (factor * side + factor * side % 2 for side in (frames.shape[2], frames.shape[1]))
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        container.metadata["comment"] = note
        stream = container.add_stream("libx264", rate=frames_per_second, options={"crf": "14"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        # Said outright, since players guess differently for small pictures.
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
    """What a file says of itself: PNG, WebP, GIF, MP4, or the settings themselves as JSON.

    Returns:
        Empty if it says nothing that could be settings.

    Raises:
        ValueError: It cannot be read.
    """
    ending = path.suffix.lower()
    try:
        if ending == ".json":
            with path.open(encoding="utf-8") as stream:
                return _parsed(stream.read(MAX_TEXT + 1))
        if ending == ".mp4":
            return _parsed(_video_comment(path))
        with Image.open(path) as image:
            if image.format == "GIF":
                comment = image.info.get("comment", b"")
                return _parsed(comment.decode("utf-8", "replace"))
            if image.format == "WEBP":
                return _parsed(str(image.getexif().get(ExifTags.Base.ImageDescription, "")))
            return {str(key): str(value) for key, value in getattr(image, "text", {}).items()}
    except Exception as error:  # On broken files Pillow raises almost anything.
        raise ValueError(f"cannot be read as a picture: {error}") from error


def _video_comment(path: Path) -> str:
    try:
        import av
    except ImportError as error:
        raise ValueError(VIDEO_EXTRA) from error
    try:
        with av.open(str(path)) as container:
            return container.metadata.get("comment", "")
    except av.FFmpegError as error:
        raise ValueError(str(error)) from error


def _parsed(note: str) -> dict[str, str]:
    """The settings in a JSON text; anything else has none."""
    try:
        text = json.loads(note) if len(note) <= MAX_TEXT else None
    except (ValueError, RecursionError):
        return {}
    if not isinstance(text, dict):
        return {}
    return {key: value for key, value in text.items() if isinstance(value, str)}


def read_own_picture(path: Path, resolution: int, flag: str = "--project") -> np.ndarray:
    """A picture of the user's: its middle square, upright, in sRGB.

    Args:
        path: Any format that training reads.
        resolution: Pixels along a side.
        flag: Where the file was named, for messages.

    Returns:
        uint8 [resolution, resolution, 3].

    Raises:
        ValueError: There is no such file, or no usable picture in it.
    """
    try:
        return read_picture(path.read_bytes(), resolution)
    except OSError as error:
        raise ValueError(f"{flag}={path}: {error.strerror or error}") from error
    except PictureError as error:
        raise ValueError(f"{flag}={path}: {error}") from error


def read_origin(path: Path, flag: str = "--like") -> PictureOrigin:
    """Reads from a file what it was made from.

    Args:
        path: As `save_png` or `save_animation` wrote it, or a JSON file with the same settings.
        flag: Where the file was named, for messages.

    Raises:
        ValueError: It is no picture of ours.
    """
    try:
        text = read_text(path)
    except ValueError as error:
        raise ValueError(f"{flag}={path}: {error}") from error
    try:
        return origin_from_text(text)
    except (KeyError, ValueError, OverflowError) as error:
        raise ValueError(
            f"{flag}={path}: holds no settings of generate.py (made elsewhere, or saved anew)"
        ) from error


def file_stem(request: FaceRequest) -> str:
    """A file's name without its ending: says what is on it."""
    parts = [name_part(request.attributes)] if request.latent is None else ["face"]
    if request.walk is not None:
        parts.append(name_part(request.walk.text) or "walk")
        if request.walk.frame is not None:
            parts.append(f"frame{request.walk.frame}")
    elif request.latent is None:
        parts.append(f"seed{request.seeds[0]}")
    parts.append(name_part(request.changes))
    return "_".join(part for part in parts if part)


def name_part(request: str) -> str:
    """What is asked for, as a part of a file's name."""
    return re.sub(r"[^\w]+", "-", request.replace(", ", "_").replace("; ", "_")).strip("-")[:80]
