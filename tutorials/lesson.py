"""What all lessons share: how a picture is kept and shown."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING

from minigrad.errors import CheckpointError
from minigrad.serialize import whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDER = Path("runs", "lessons")

# Two colours that the colour-blind and a grey print can tell apart: one is dark, one is light.
BLUE, ORANGE = "#0072B2", "#E69F00"


class Picture:
    """A figure as PNG: what a notebook or a web page shows when a cell ends in it."""

    def __init__(self, png: bytes, path: Path):
        self.png = png
        self.path = path

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.png).decode()
        return f'<img src="data:image/png;base64,{data}" alt="{self.path.stem}">'


def show(figure: Figure, name: str) -> Picture:
    """Keep a figure as runs/lessons/NAME.png, say so, and give it back for a notebook to show.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    name : str
        Begins with the lesson's own, as in ``"10_spatial_transformer_kink"``; the picture in which
        the lesson ends has the lesson's name alone.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    path = FOLDER / f"{name}.png"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(
            f"cannot make the folder {path.parent.absolute()} for the lesson's pictures: {error.strerror}. "
            "Run the lesson from a folder where you may write."
        ) from error
    with whole_file(path) as file:
        file.write(buffer.getvalue())
    print(f"picture: {path}")
    return Picture(buffer.getvalue(), path)
