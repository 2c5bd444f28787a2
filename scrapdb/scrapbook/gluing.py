"""`glue`: a value becomes an output of the cell that runs.

What is imported here is imported by every kernel that glues; it stays below the store, and loads neither pandas nor
nbformat.
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from typing import ParamSpec
from typing import TypeVar

from scrapdb.encoders import display as displays
from scrapdb.encoders import python_types
from scrapdb.encoders.json import NAME as JSON
from scrapdb.encoders.payload import scrap_to_payload
from scrapdb.encoders.registration import registry as encoder_registry
from scrapdb.encoders.scrap import Scrap
from scrapdb.encoders.text import NAME as TEXT
from scrapdb.errors import ScrapbookDataException
from scrapdb.notebooks.wire import scrapbook

DISPLAY = displays.NAME
P = ParamSpec("P")
T = TypeVar("T")


def is_kernel() -> bool:
    """Return whether this process is a Jupyter kernel, whose outputs end in a notebook."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def kernel_required(function: Callable[P, T]) -> Callable[P, T]:
    """Let a function warn where there is no kernel: what it shows gets into no notebook."""

    @functools.wraps(function)
    def warning(*args: P.args, **options: P.kwargs) -> T:
        if not is_kernel():
            warnings.warn(f"No kernel detected for '{function.__name__}'.", stacklevel=2)
        return function(*args, **options)

    return warning


@kernel_required
def glue(name: str, data: Any, encoder: str | None = None, display: Any = None) -> None:
    """Keep a value in the notebook, as an output of the cell that runs.

    Args:
        name: the name by which it is found again; the last scrap of a name counts.
        data: the value.
        encoder: `text`, `json`, `pandas`, or the name of a registered encoder; `display` keeps only what is shown. By
            default the first encoder that takes the value.
        display: whether to show the value too; a list or tuple names the MIME types to show, a dict holds arguments for
            IPython's `format_display_data`.

    Raises:
        NotImplementedError: no encoder takes the value, and it cannot show itself.
        ScrapbookMissingEncoder: no encoder has that name.
        ScrapbookDataException: the encoder cannot write the value, or nothing is shown of it.
    """
    chosen = _prepared(data, encoder, display)
    outputs = [] if chosen.encoder == DISPLAY else [_encoded(name, chosen)]
    if display or (display is None and not outputs):
        outputs.append(_shown(name, data, display))
    if not outputs:
        raise ScrapbookDataException(f"{name!r}, {type(data)}, can only be shown, which display={display!r} forbids.")
    for output in outputs:
        publish(*output)


def output(name: str, data: Any, encoder: str | None = None) -> dict[str, Any]:
    """Write a value as the output that `glue`, with the same arguments, leaves in the notebook.

    Raises:
        As `glue`; and ScrapbookDataException: the value would only be shown.
    """
    chosen = _prepared(data, encoder, display=None)
    if chosen.encoder == DISPLAY:
        raise ScrapbookDataException(f"{name!r} would only be shown; that takes a kernel, and `glue`.")
    bundle, metadata = _encoded(name, chosen)
    return {"output_type": "display_data", "data": bundle, "metadata": metadata}


def publish(bundle: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
    """Make a MIME bundle an output of the cell that runs."""
    from IPython.display import display

    display(bundle, metadata=metadata, raw=True)  # type: ignore[no-untyped-call]


def _prepared(data: Any, encoder: str | None, display: Any) -> python_types.Prepared:
    """Choose the encoder, and bring the value into a form that it takes.

    Encoders that users registered come before what scrapdb takes beyond scrapbook, so that no scrap changes its encoder
    by the move to scrapdb. An encoder that was named gets the value as it is: `text` means text.
    """
    if encoder is None:
        try:
            encoder = encoder_registry.determine_encoder_name(data)
        except NotImplementedError as error:
            if wider := python_types.widened(data):
                return wider
            if display is None and not displays.shows_itself(data):
                raise NotImplementedError(f"{error}; {python_types.advice(data)}.") from None
            encoder = DISPLAY
    if encoder == JSON and not isinstance(data, str):
        return _as_json(data)
    if encoder not in {DISPLAY, TEXT} and (wider := python_types.widened(data)) and wider.encoder == encoder:
        return wider
    return python_types.Prepared(encoder, data, {})


def _encoded(name: str, chosen: python_types.Prepared) -> tuple[dict[str, Any], dict[str, Any]]:
    scrap = encoder_registry.encode(Scrap(name, chosen.value, chosen.encoder))
    return scrapbook.data_output(scrap_to_payload(scrap, chosen.types))


def _as_json(data: Any) -> python_types.Prepared:
    from json import dumps

    simple = python_types.plain(data)
    value = dumps(simple.value) if isinstance(simple.value, str) else simple.value  # the encoder takes text for JSON
    return python_types.Prepared(JSON, value, simple.types)


def _shown(name: str, data: Any, display: Any) -> displays.Shown:
    if not isinstance(name, str):
        raise ScrapbookDataException(f"The scrap {name!r} is not valid: its name is not text.")
    mimes = {"include": display} if isinstance(display, list | tuple) else {}
    bundle, metadata = displays.shown(data, **(display if isinstance(display, dict) else mimes))
    if not bundle:
        raise ScrapbookDataException(f"{name!r}, {type(data)}, {_instead(data)}.")
    return scrapbook.display_output(name, bundle, metadata)


def _instead(data: Any) -> str:
    """Say what to do about a value of which nothing is shown."""
    if mimes := displays.shown(data)[0]:
        return f"is not shown as `display` asks for; it can be as {', '.join(sorted(mimes))}"
    return "shows nothing; glue what it is made of, or a picture or HTML of IPython.display"
