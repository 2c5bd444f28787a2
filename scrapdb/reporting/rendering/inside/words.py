"""What we say ourselves on a page, in some languages; a bundle's catalogue has the last word."""

from __future__ import annotations

FIRST_ROWS = "first %(first)s of %(total)s rows"
YES, NO = "yes", "no"
WORDS: dict[str, dict[str, str]] = {
    "ar": {FIRST_ROWS: "الصفوف المعروضة: %(first)s من %(total)s", YES: "نعم", NO: "لا"},
    "ca": {FIRST_ROWS: "primeres %(first)s de %(total)s files", YES: "sí", NO: "no"},
    "de": {FIRST_ROWS: "die ersten %(first)s von %(total)s Zeilen", YES: "ja", NO: "nein"},
    "es": {FIRST_ROWS: "primeras %(first)s de %(total)s filas", YES: "sí", NO: "no"},
    "fr": {FIRST_ROWS: "%(first)s premières lignes sur %(total)s", YES: "oui", NO: "non"},
    "it": {FIRST_ROWS: "prime %(first)s di %(total)s righe", YES: "sì", NO: "no"},
    "nl": {FIRST_ROWS: "eerste %(first)s van %(total)s rijen", YES: "ja", NO: "nee"},
    "pl": {FIRST_ROWS: "wiersze od 1 do %(first)s z %(total)s", YES: "tak", NO: "nie"},
    "pt": {FIRST_ROWS: "primeiras %(first)s de %(total)s linhas", YES: "sim", NO: "não"},
}
