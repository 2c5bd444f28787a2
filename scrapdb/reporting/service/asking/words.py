"""Words for days and ranges of days, yes and no, by language: the one table. Names of months and weekdays are Babel's.

Accents, case and gender make no difference: `darrera mes` is understood, too.
"""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """The words of a language.

    Args:
        days: of single days: how many from today.
        units: of days, weeks, months, quarters and years, one and more of them.
        this, last, next: that stand before or behind one of these, for the present, the one before, the one after.
        to_date: behind a unit, for its part up to today.
        between: what stands before, between and behind the two ends of a range.
        small: words before a day or a range that say nothing.
        number: behind the number of a quarter or a day: 1st, 1er.
        quarters: the number of a quarter in words.
        truths, lies: yes and no.
    """

    days: dict[str, int]
    units: dict[str, tuple[str, ...]]
    this: tuple[str, ...]
    last: tuple[str, ...]
    next: tuple[str, ...]
    to_date: tuple[str, ...]
    between: tuple[tuple[str, str], ...]
    small: tuple[str, ...]
    number: tuple[str, ...]
    quarters: tuple[str, str, str, str]
    truths: tuple[str, ...]
    lies: tuple[str, ...]


TABLE = {
    "en": Words(
        days={"today": 0, "yesterday": -1, "tomorrow": 1, "day before yesterday": -2},
        units={
            "day": ("day", "days"),
            "week": ("week", "weeks"),
            "month": ("month", "months"),
            "quarter": ("quarter", "quarters"),
            "year": ("year", "years"),
        },
        this=("this", "current"),
        last=("last", "previous", "past"),
        next=("next", "coming"),
        to_date=("to date", "so far"),
        between=(("from", "to"), ("from", "until"), ("from", "till"), ("from", "through"), ("between", "and")),
        small=("the", "of", "in", "for", "on", "during", "over"),
        number=("st", "nd", "rd", "th"),
        quarters=("first", "second", "third", "fourth"),
        truths=("yes", "true", "on", "with"),
        lies=("no", "false", "off", "without"),
    ),
    "ca": Words(
        days={"avui": 0, "ahir": -1, "demà": 1, "abans-d'ahir": -2, "abans d'ahir": -2},
        units={
            "day": ("dia", "dies"),
            "week": ("setmana", "setmanes"),
            "month": ("mes", "mesos"),
            "quarter": ("trimestre", "trimestres"),
            "year": ("any", "anys"),
        },
        this=("aquest", "aquesta", "actual", "en curs"),
        last=(
            *("passat", "passada", "passats", "passades", "anterior", "anteriors"),
            *("últim", "última", "últims", "últimes", "darrer", "darrera", "darrers", "darreres"),
        ),
        next=("vinent", "proper", "propera", "pròxim", "pròxima", "que ve", "següent"),
        to_date=("fins avui", "fins ara"),
        between=(("del", "al"), ("de", "a"), ("des de", "fins a"), ("des del", "fins al"), ("entre", "i")),
        small=("el", "la", "l'", "els", "les", "de", "del", "dels", "d'", "en", "durant", "a"),
        number=("r", "n", "t", "è", "er", "on"),
        quarters=("primer", "segon", "tercer", "quart"),
        truths=("sí", "cert", "amb"),
        lies=("no", "fals", "sense"),
    ),
    "es": Words(
        days={"hoy": 0, "ayer": -1, "mañana": 1, "anteayer": -2, "antes de ayer": -2},
        units={
            "day": ("día", "días"),
            "week": ("semana", "semanas"),
            "month": ("mes", "meses"),
            "quarter": ("trimestre", "trimestres"),
            "year": ("año", "años"),
        },
        this=("este", "esta", "actual", "en curso"),
        last=(
            *("pasado", "pasada", "pasados", "pasadas", "anterior", "anteriores"),
            *("último", "última", "últimos", "últimas"),
        ),
        next=("próximo", "próxima", "que viene", "siguiente"),
        to_date=("hasta hoy", "hasta ahora"),
        between=(("del", "al"), ("de", "a"), ("desde", "hasta"), ("desde el", "hasta el"), ("entre", "y")),
        small=("el", "la", "los", "las", "de", "del", "en", "durante", "a"),
        number=("º", "er", "ero", "o"),
        quarters=("primer", "segundo", "tercer", "cuarto"),
        truths=("sí", "verdadero", "cierto", "con"),
        lies=("no", "falso", "sin"),
    ),
    "de": Words(
        days={"heute": 0, "gestern": -1, "morgen": 1, "vorgestern": -2},
        units={
            "day": ("Tag", "Tage", "Tagen"),
            "week": ("Woche", "Wochen"),
            "month": ("Monat", "Monate", "Monaten", "Monats"),
            "quarter": ("Quartal", "Quartale", "Quartalen", "Quartals"),
            "year": ("Jahr", "Jahre", "Jahren", "Jahres"),
        },
        this=("dieser", "diese", "dieses", "diesen", "diesem", "aktuelle", "aktuellen", "laufende", "laufenden"),
        last=(
            *("letzter", "letzte", "letztes", "letzten", "vorige", "voriger", "voriges", "vorigen"),
            *("vergangene", "vergangener", "vergangenes", "vergangenen"),
        ),
        next=("nächster", "nächste", "nächstes", "nächsten", "kommende", "kommenden"),
        to_date=("bis heute", "bis jetzt"),
        between=(("von", "bis"), ("vom", "bis zum"), ("vom", "bis"), ("ab", "bis"), ("zwischen", "und")),
        small=("der", "die", "das", "den", "dem", "des", "im", "in", "am", "für", "vom", "von", "während"),
        number=(".",),
        quarters=("erstes", "zweites", "drittes", "viertes"),
        truths=("ja", "wahr", "an", "mit"),
        lies=("nein", "falsch", "aus", "ohne"),
    ),
    "fr": Words(
        days={"aujourd'hui": 0, "hier": -1, "demain": 1, "avant-hier": -2},
        units={
            "day": ("jour", "jours"),
            "week": ("semaine", "semaines", "semaine-ci"),
            "month": ("mois", "mois-ci"),
            "quarter": ("trimestre", "trimestres"),
            "year": ("an", "ans", "année", "années", "année-ci"),
        },
        this=("ce", "cet", "cette", "courant", "courante", "en cours"),
        last=(
            *("dernier", "dernière", "derniers", "dernières", "passé", "passée"),
            *("précédent", "précédente", "précédents", "précédentes"),
        ),
        next=("prochain", "prochaine", "suivant", "suivante"),
        to_date=("jusqu'à aujourd'hui", "jusqu'à présent"),
        between=(("du", "au"), ("de", "à"), ("depuis", "jusqu'à"), ("depuis le", "jusqu'au"), ("entre", "et")),
        small=("le", "la", "l'", "les", "de", "du", "des", "d'", "en", "pendant", "au", "durant"),
        number=("er", "re", "e", "ème", "nd"),
        quarters=("premier", "deuxième", "troisième", "quatrième"),
        truths=("oui", "vrai", "avec"),
        lies=("non", "faux", "sans"),
    ),
    "it": Words(
        days={"oggi": 0, "ieri": -1, "domani": 1, "l'altro ieri": -2, "avantieri": -2},
        units={
            "day": ("giorno", "giorni"),
            "week": ("settimana", "settimane"),
            "month": ("mese", "mesi"),
            "quarter": ("trimestre", "trimestri"),
            "year": ("anno", "anni"),
        },
        this=("questo", "questa", "quest'", "corrente", "in corso"),
        last=(
            *("scorso", "scorsa", "scorsi", "scorse", "passato", "passata", "precedente", "precedenti"),
            *("ultimo", "ultima", "ultimi", "ultime"),
        ),
        next=("prossimo", "prossima", "seguente"),
        to_date=("fino a oggi", "fino ad oggi", "finora"),
        between=(("dal", "al"), ("da", "a"), ("dall'", "all'"), ("tra", "e")),
        small=("il", "lo", "la", "l'", "i", "gli", "le", "di", "del", "della", "in", "nel", "nella", "negli"),
        number=("º", "o"),
        quarters=("primo", "secondo", "terzo", "quarto"),
        truths=("sì", "vero", "con"),
        lies=("no", "falso", "senza"),
    ),
    "pt": Words(
        days={"hoje": 0, "ontem": -1, "amanhã": 1, "anteontem": -2},
        units={
            "day": ("dia", "dias"),
            "week": ("semana", "semanas"),
            "month": ("mês", "meses"),
            "quarter": ("trimestre", "trimestres"),
            "year": ("ano", "anos"),
        },
        this=("este", "esta", "atual", "em curso"),
        last=(
            *("passado", "passada", "passados", "passadas", "anterior", "anteriores"),
            *("último", "última", "últimos", "últimas"),
        ),
        next=("próximo", "próxima", "que vem", "seguinte"),
        to_date=("até hoje", "até agora"),
        between=(("de", "a"), ("de", "até"), ("desde", "até"), ("entre", "e")),
        small=("o", "a", "os", "as", "de", "do", "da", "em", "no", "na", "nos", "nas", "durante"),
        number=("º", "o"),
        quarters=("primeiro", "segundo", "terceiro", "quarto"),
        truths=("sim", "verdadeiro", "com"),
        lies=("não", "falso", "sem"),
    ),
}


def of(language: str) -> Words:
    """Return the words of a language, `pt_BR` those of `pt`; those of a language that the table has not are English."""
    return TABLE.get(language.partition("_")[0], TABLE["en"])
