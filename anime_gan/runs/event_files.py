"""Removes entries from TensorBoard's event files that a resumed run writes again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from anime_gan.common.backend import tf
from anime_gan.common.files import remove, written_whole


def keep_events(folder: Path, kept: Callable[[str, int], bool]) -> None:
    """Rewrites the event files of a folder without the entries that are not kept.

    A crash may have torn the last entry of a file; the entries before it stay.

    Args:
        folder: The folder of the event files.
        kept: Tag and step of an entry -> whether it stays.
    """
    for file in sorted(folder.glob("events.out.tfevents.*")):
        events, whole = _read(file)
        staying = [event for event in events if not event.summary.value or _stays(event, kept)]
        if whole and len(staying) == len(events):
            continue
        if not any(event.summary.value for event in staying):
            remove(file)
            continue
        with written_whole(file) as partial, tf.io.TFRecordWriter(str(partial)) as writer:
            for event in staying:
                writer.write(event.SerializeToString())


def _stays(event: tf.compat.v1.Event, kept: Callable[[str, int], bool]) -> bool:
    return all(kept(value.tag, event.step) for value in event.summary.value)


def _read(file: Path) -> tuple[list[tf.compat.v1.Event], bool]:
    """Returns the entries of a file up to the first damaged one, and whether there is no damaged one."""
    events = []
    try:
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            events.append(tf.compat.v1.Event.FromString(record))
    except Exception:  # TensorFlow and protobuf raise almost anything on a damaged file.
        return events, False
    return events, True
