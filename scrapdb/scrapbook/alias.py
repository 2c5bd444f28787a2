"""`import scrapbook`, for programs that cannot be changed, or that patch scrapbook's insides.

    import scrapdb.scrapbook.alias
    scrapdb.scrapbook.alias.install()
    import scrapbook as sb  # is scrapdb

Nothing is installed on disk, and a scrapbook that is installed is not touched: it is only not found in this process.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from scrapdb.scrapbook import HOMES

NAME = "scrapbook"
_ERRORS = "scrapdb.errors"
_GLUING = "scrapdb.scrapbook.gluing"
_PAYLOAD = "scrapdb.encoders.payload"
_API = {name: HOMES[name] for name in ("glue", "read_notebook", "read_notebooks")}
_SCRAPS = {name: HOMES[name] for name in ("Scrap", "Scraps")}
_MODELS = {name: HOMES[name] for name in ("Notebook", "Scrapbook")}
_EXCEPTIONS = dict.fromkeys(
    ("ScrapbookDataException", "ScrapbookException", "ScrapbookInvalidEncoder", "ScrapbookMissingEncoder"), _ERRORS
)

# Module of scrapbook to names in it to the modules where these are at home here.
MODULES: dict[str, dict[str, str]] = {
    "": _API,
    "api": _API | {"Scrap": HOMES["Scrap"], "encoder_registry": _GLUING, "scrap_to_payload": _GLUING},
    "encoders": dict.fromkeys(
        (
            "DataEncoderRegistry",
            "DisplayEncoder",
            "JsonEncoder",
            "PandasArrowDataframeEncoder",
            "TextEncoder",
            "registry",
        ),
        "scrapdb.encoders.registration",
    ),
    "exceptions": _EXCEPTIONS,
    "log": {"logger": _PAYLOAD},
    "models": _SCRAPS | _MODELS,
    "schemas": {},
    "scraps": _SCRAPS | dict.fromkeys(("logger", "payload_to_scrap", "scrap_to_payload"), _PAYLOAD),
    "utils": {"is_kernel": _GLUING, "kernel_required": _GLUING},
    "version": {},
}
_CONSTANTS: dict[str, dict[str, Any]] = {
    "": {"__version__": "0.5.0"},
    "schemas": {
        "GLUE_PAYLOAD_PREFIX": "application/scrapbook.scrap",
        "GLUE_PAYLOAD_FMT": "application/scrapbook.scrap.{encoder}+json",
        "RECORD_PAYLOAD_PREFIX": "application/papermill.record",
        "LATEST_SCRAP_VERSION": 1,
    },
    "version": {"version": "0.5.0"},
}


class Alias(ModuleType):
    """A module whose names live elsewhere: whoever sets or deletes one, as a patch does, does it there."""

    def __init__(self, name: str, homes: dict[str, str]) -> None:
        super().__init__(name, f"{name}, by scrapdb.")
        self.__dict__["_homes"] = homes

    def __getattr__(self, name: str) -> Any:
        home = self.__dict__["_homes"].get(name)
        if home is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(import_module(home), name)

    def __setattr__(self, name: str, value: Any) -> None:
        home = self.__dict__.get("_homes", {}).get(name)
        if home is None:
            super().__setattr__(name, value)
        else:
            setattr(import_module(home), name, value)

    def __delattr__(self, name: str) -> None:
        home = self.__dict__["_homes"].get(name)
        if home is None:
            super().__delattr__(name)
        else:
            delattr(import_module(home), name)

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *self.__dict__["_homes"]})


def install() -> ModuleType:
    """Let `import scrapbook` give scrapdb's modules in this process; before that import, or instead of what it gave."""
    uninstall()
    for module, homes in MODULES.items():
        alias = Alias(f"{NAME}.{module}".rstrip("."), homes)
        alias.__dict__.update(_CONSTANTS.get(module, {}))
        sys.modules[alias.__name__] = alias
        if module:
            setattr(sys.modules[NAME], module, alias)
    sys.modules[NAME].__path__ = []  # it is a package: its modules are imported by name
    return sys.modules[NAME]


def uninstall() -> None:
    """Forget every module of the name, so that the next import finds what is installed."""
    for name in [name for name in sys.modules if name == NAME or name.startswith(f"{NAME}.")]:
        del sys.modules[name]
