# ruff: noqa: RUF001 - apostrophes of these languages
"""What our letters say, in some languages; in others they are in English, as are traces. Pure."""

from __future__ import annotations

FAILED = "%(title)s: could not be made"
SKIPPED = "%(title)s: nothing to show"
CANCELLED = "%(title)s: cancelled"
ATTACHED = "The report is attached."
TOO_LARGE = "The report is too large to be attached."
OPEN = "Open the report"
SEVERAL = "%(count)s reports could not be made:"
MORE = "and %(count)s more"
_LANGUAGES: dict[str, tuple[str, ...]] = {
    "en": (FAILED, SKIPPED, CANCELLED, ATTACHED, TOO_LARGE, OPEN, SEVERAL, MORE),
    "ar": (
        "%(title)s: تعذّر إعداده",
        "%(title)s: لا يوجد ما يُعرض",
        "%(title)s: أُلغي",
        "التقرير مرفق.",
        "التقرير أكبر من أن يُرفق.",
        "فتح التقرير",
        "تعذّر إعداد %(count)s من التقارير:",
        "و%(count)s غيرها",
    ),
    "ca": (
        "%(title)s: no s’ha pogut fer",
        "%(title)s: res a mostrar",
        "%(title)s: cancel·lat",
        "L’informe és adjunt.",
        "L’informe és massa gran per adjuntar-lo.",
        "Obre l’informe",
        "No s’han pogut fer %(count)s informes:",
        "i %(count)s més",
    ),
    "de": (
        "%(title)s: konnte nicht erstellt werden",
        "%(title)s: nichts zu zeigen",
        "%(title)s: abgebrochen",
        "Der Bericht ist angehängt.",
        "Der Bericht ist zu groß, um angehängt zu werden.",
        "Bericht öffnen",
        "%(count)s Berichte konnten nicht erstellt werden:",
        "und %(count)s weitere",
    ),
    "es": (
        "%(title)s: no se ha podido hacer",
        "%(title)s: nada que mostrar",
        "%(title)s: cancelado",
        "El informe va adjunto.",
        "El informe es demasiado grande para adjuntarlo.",
        "Abrir el informe",
        "No se han podido hacer %(count)s informes:",
        "y %(count)s más",
    ),
    "fr": (
        "%(title)s : n’a pas pu être établi",
        "%(title)s : rien à montrer",
        "%(title)s : annulé",
        "Le rapport est joint.",
        "Le rapport est trop volumineux pour être joint.",
        "Ouvrir le rapport",
        "%(count)s rapports n’ont pas pu être établis :",
        "et %(count)s autres",
    ),
    "it": (
        "%(title)s: non è stato possibile prepararlo",
        "%(title)s: nulla da mostrare",
        "%(title)s: annullato",
        "Il rapporto è allegato.",
        "Il rapporto è troppo grande per essere allegato.",
        "Apri il rapporto",
        "Non è stato possibile preparare %(count)s rapporti:",
        "e altri %(count)s",
    ),
    "nl": (
        "%(title)s: kon niet worden gemaakt",
        "%(title)s: niets te tonen",
        "%(title)s: geannuleerd",
        "Het rapport is bijgevoegd.",
        "Het rapport is te groot om bij te voegen.",
        "Open het rapport",
        "%(count)s rapporten konden niet worden gemaakt:",
        "en nog %(count)s",
    ),
    "pl": (
        "%(title)s: nie udało się utworzyć",
        "%(title)s: nic do pokazania",
        "%(title)s: anulowano",
        "Raport jest w załączniku.",
        "Raport jest zbyt duży, aby go załączyć.",
        "Otwórz raport",
        "Nie udało się utworzyć raportów: %(count)s",
        "i jeszcze %(count)s",
    ),
    "pt": (
        "%(title)s: não foi possível fazer",
        "%(title)s: nada a mostrar",
        "%(title)s: cancelado",
        "O relatório segue em anexo.",
        "O relatório é grande demais para ser anexado.",
        "Abrir o relatório",
        "Não foi possível fazer %(count)s relatórios:",
        "e mais %(count)s",
    ),
}  # fmt: skip
_RIGHT = frozenset({"ar", "dv", "fa", "he", "ku", "ps", "ur", "yi"})  # read from there


def said(sentence: str, language: str, **values: object) -> str:
    """Return one of these sentences in a language, with what is put into it."""
    place = _LANGUAGES["en"].index(sentence)
    text = _LANGUAGES.get(_bare(language), _LANGUAGES["en"])[place]
    return text % values if values else text


def direction(language: str) -> str:
    """Return from where a language is read, as HTML calls it."""
    return "rtl" if _bare(language) in _RIGHT else "ltr"


def _bare(language: str) -> str:
    return language.replace("-", "_").partition("_")[0].lower()
