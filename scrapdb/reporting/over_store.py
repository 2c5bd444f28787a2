"""Reports over the store: a template and a query become one page, or a page for each row. Nothing is run."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import NamedTuple

import msgspec

from scrapdb.errors import UsageError
from scrapdb.files.whole import whole_file
from scrapdb.reporting.answers import Answers
from scrapdb.reporting.bundles import alone
from scrapdb.reporting.bundles import bundle as bundles
from scrapdb.reporting.bundles import opening
from scrapdb.reporting.bundles import parameters as typing
from scrapdb.reporting.bundles.config import Config
from scrapdb.reporting.rendering import given
from scrapdb.reporting.rendering import rendered
from scrapdb.running.rows import names
from scrapdb.running.rows import values
from scrapdb.store.connection import reading

_PAGE, _PDF = ".html", ".pdf"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is about: the rows of a query, and whether each of them gets a page of its own."""

    where: str | None = None
    columns: str | Sequence[str] | None = None
    sort: str | Sequence[str] = ()
    limit: int | None = None
    each: bool = False


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A page that was made: where it is, and what is to be remarked, in sentences."""

    path: Path
    pdf: Path | None = None
    language: str
    warnings: tuple[str, ...] = ()


class _Source(NamedTuple):
    """A template and what belongs to it; `config` is what a bundle says, and for a file of its own nothing."""

    name: str
    template: str
    files: dict[str, bytes]
    config: Config | None


def is_template(where: str) -> bool:
    """Return whether this is a template for a report over the store: an .html file, or a bundle without a notebook.

    Raises:
        BundleError: it is neither this nor another bundle.
    """
    if where.endswith(_PAGE):
        return True
    if Path(where).is_dir():
        return Path(where, bundles.TEMPLATE).is_file() and not Path(where, bundles.NOTEBOOK).exists()
    return bundles.NOTEBOOK not in opening.opened(where).files


def build(
    template: str,
    asked: Asked,
    *,
    store: Path,
    parameters: Mapping[str, Any] | None = None,
    languages: Sequence[str] = (),
    output: str | None = None,
    name: str | None = None,
    pdf: bool = False,
    wall: str | None = None,
    told: Callable[[Made], None] = lambda _: None,
) -> tuple[Made, ...]:
    """Make one report over the store, or one for each row of a query; in each of some languages.

    Args:
        template: path of an .html file, of a bundle without a notebook, or URL of such a bundle.
        asked: which rows it is about.
        store: the database file.
        parameters: that the template is given, as `parameters`.
        languages: by default the first one that the bundle has.
        output: the file to write, or with several pages the directory; by default a file here, called as the template.
        name: how to name the pages in a directory, as `{symbol}-{lang}`; `{notebook}` is the name of a row's notebook.
        pdf: whether a PDF is made beside each page.
        wall: around what renders; by default the best that this machine has.
        told: is told of each page when it is there.

    Raises:
        ExpressionError: the expression, a column or a sort key is wrong.
        TemplateError: the template cannot be rendered; it knows the line.
        UsageError: the pages cannot be named so.
        ScrapdbError: there is no store or template, or a page cannot be written.
    """
    source = _opened(template)
    languages = languages or (source.config.languages[:1] if source.config else ("en",))
    typed = _typed(source.config, parameters or {})
    with reading(store) as connection:
        answers = Answers(connection).by_name()
        runs = answers["query"](asked.where, _listed(asked.columns), _listed(asked.sort) or None, asked.limit)
        subjects = [(run, language) for run in (runs if asked.each else [None]) for language in languages]
        paths = _paths(subjects, source.name, output, name, each=asked.each)
        _spare(template, paths)
        made = []
        for (run, language), path in zip(subjects, paths, strict=True):
            about = {"bundle": source.name, "version": source.config.version if source.config else None}
            context = {"runs": runs, "parameters": typed, "report": about} | ({} if run is None else {"run": run})
            page = given.Page(
                template=source.template,
                files=source.files,
                language=language,
                context=context,
                title=source.config.title if source.config else "",
            )
            made.append(_written(page, answers, path, wall, pdf=pdf))
            told(made[-1])
    return tuple(made)


def _opened(template: str) -> _Source:
    if not template.endswith(_PAGE):
        bundle = opening.opened(template)
        return _Source(bundle.name, bundles.TEMPLATE, bundle.files, bundle.config)
    path = Path(template)
    return _Source(path.stem, path.name, alone.files(path), None)


def _typed(config: Config | None, parameters: Mapping[str, Any]) -> dict[str, Any]:
    if config is not None:
        return typing.typed(config, parameters)
    return {name: values.literal(value) if isinstance(value, str) else value for name, value in parameters.items()}


def _listed(texts: str | Sequence[str] | None) -> str | list[str] | None:
    return texts if texts is None or isinstance(texts, str) else list(texts)


def _paths(
    subjects: Sequence[tuple[given.Run | None, str]], stem: str, output: str | None, name: str | None, *, each: bool
) -> list[Path]:
    """Name the pages: one is the file that was asked for, several are below a directory."""
    is_file = output is not None and output.endswith((_PAGE, _PDF))
    if is_file and (each or len(subjects) > 1):
        raise UsageError(f"{output} is one file, and several pages are asked for: name a directory with -o.")
    if is_file or (output is None and len(subjects) == 1 and not each):
        return [Path(output or f"{stem}{_PAGE}").with_suffix(_PAGE)]
    languages = {language for _, language in subjects}
    default = ("{notebook}" if each else "{stem}") + ("-{lang}" if len(languages) > 1 else "")
    rows = [{"stem": stem, **_row(run, language)} for run, language in subjects]
    named = names.below(rows, (name or default).removesuffix(_PAGE))
    return [Path(output or ".", f"{path}{_PAGE}") for path in named]


def _spare(template: str, paths: Sequence[Path]) -> None:
    """Refuse to write a page in the place of its template."""
    files = [Path(template), Path(template, bundles.TEMPLATE)]
    if own := [
        path for path in paths if path.exists() and any(each.exists() and path.samefile(each) for each in files)
    ]:
        raise UsageError(f"{own[0]} is the template itself: name another file with -o.")


def _row(run: given.Run | None, language: str) -> dict[str, Any]:
    """Return what a pattern of names may use."""
    if run is None:
        return {"lang": language}
    notebook = run.notebook.rpartition("/")[2].removesuffix(".ipynb")
    return {**run, "notebook": notebook, "lang": language}


def _written(page: given.Page, answers: Mapping[str, Any], path: Path, wall: str | None, *, pdf: bool) -> Made:
    """Render a page and write it."""
    made = rendered.rendered(page, answers=answers, wall=wall)
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, made.html)
    at = path.with_suffix(_PDF) if pdf else None
    if at is not None:
        _write(at, rendered.pdf(made.html, _static(page.files), wall=wall))
    return Made(path=path, pdf=at, language=page.language, warnings=made.warnings)


def _static(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name.startswith(f"{bundles.STATIC}/")}


def _write(path: Path, content: bytes) -> None:
    with whole_file(path) as file:
        file.write_bytes(content)
