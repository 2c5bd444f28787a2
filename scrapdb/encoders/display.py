"""Display: what is shown is all that is glued, so there is no payload."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import Any

from scrapdb.encoders.kinds import of
from scrapdb.errors import ScrapbookDataException

NAME = "display"
_WAYS = ("mimebundle", "html", "markdown", "svg", "png", "jpeg", "pdf", "latex", "json", "javascript")
Shown = tuple[dict[str, Any], dict[str, Any]]  # a MIME bundle and its metadata


def is_display_object(value: Any) -> bool:
    """Return whether it is one of IPython's display objects, such as an Image."""
    module = sys.modules.get("IPython.display")
    return module is not None and isinstance(value, module.DisplayObject)


def shows_itself(value: Any) -> bool:
    """Return whether an object displays itself, or one of its `_repr_*_` methods gives something."""
    return _method(value, "_ipython_display_") is not None or any(_shown(value, way) for way in _WAYS)


def shown(value: Any, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> Shown:
    """Ask IPython how a value is shown.

    IPython leaves a value with the method `_ipython_display_` to it: that displays what it likes, and there is nothing
    to give a name to. Many of these, such as plotly's figures, have `_repr_mimebundle_` too, which returns the same
    without displaying it; of the others, what they display is taken.

    Args:
        value: the value.
        include: the MIME types that are wanted; all if none is named.
        exclude: the MIME types that are not wanted.

    Raises:
        ScrapbookDataException: the value displays several things that cannot be put together.
    """
    if _method(value, "_ipython_display_") is None:
        return _formatted(value, include, exclude)
    bundle, metadata = _formatted(value)
    is_rich = bool(bundle.keys() - {"text/plain"})
    if not (is_rich and _method(value, "_repr_mimebundle_")):
        displayed = _displayed(value)
        bundle, metadata = displayed if displayed[0] or not is_rich else (bundle, metadata)
    wanted = [mime for mime in bundle if mime in (include or bundle) and mime not in (exclude or ())]
    return {mime: bundle[mime] for mime in wanted}, metadata


def _formatted(value: Any, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> Shown:
    """Format a value, also one that would rather display itself."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    formatter: Any = shell.display_formatter
    _prepare_for_figures(value, shell)
    itself = formatter.ipython_display_formatter
    enabled, itself.enabled = itself.enabled, _method(value, "_ipython_display_") is None
    try:
        bundle, metadata = formatter.format(value, include, exclude)
    finally:
        itself.enabled = enabled
    return bundle, metadata


def _prepare_for_figures(value: Any, shell: Any) -> None:
    """Let IPython show a figure of matplotlib that was made without pyplot, which is what prepares it for figures."""
    figures = of("matplotlib.figure", "Figure")
    if not isinstance(value, figures):
        return
    formatters = shell.display_formatter.formatters.values()
    if not any(figure in formatter.type_printers for formatter in formatters for figure in figures):
        from IPython.core.pylabtools import select_figure_formats

        select_figure_formats(shell, {"png"})  # type: ignore[no-untyped-call]


def _displayed(value: Any) -> Shown:
    """Have a value display itself, and take what it displays."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import RichOutput
    from IPython.utils.capture import capture_output

    InteractiveShell.instance()
    with capture_output(stderr=False) as captured:
        _method(value, "_ipython_display_")(value)
    printed = RichOutput({"text/plain": captured.stdout} if captured.stdout else {})  # type: ignore[no-untyped-call]
    return _together(type(value), [printed, *captured.outputs])


def _together(class_: type, outputs: list[Any]) -> Shown:
    """Put outputs together as one: a name can hold one part of each type, and texts can be joined."""
    bundle: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    updated = {output.transient.get("display_id", place): output for place, output in enumerate(outputs)}
    for output in updated.values():
        for mime, part in output.data.items():
            if mime in bundle and not mime.startswith("text/"):
                raise ScrapbookDataException(f"{class_} displays more than one {mime}; glue them one by one.")
            bundle[mime] = f"{bundle[mime]}\n{part}" if mime in bundle else part
        metadata |= output.metadata
    return bundle, metadata


def _method(value: Any, name: str) -> Any:
    """Return a method of an object's class: a mock has every attribute, its class has not."""
    method = getattr(type(value), name, None)
    return method if callable(method) else None


def _shown(value: Any, way: str) -> Any:
    """Call a `_repr_*_` method as IPython does."""
    show = _method(value, f"_repr_{way}_")
    if show is None:
        return None
    try:
        part = show(value, include=None, exclude=None) if way == "mimebundle" else show(value)
    except Exception:  # noqa: BLE001 - it is somebody else's code, and IPython shows what else there is
        return None
    return part[0] if isinstance(part, tuple) else part  # which may have its metadata beside it
