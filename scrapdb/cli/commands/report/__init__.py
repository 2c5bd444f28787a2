"""scrapdb report: bundles of notebook, template and translations become HTML. One module per command below it."""

from __future__ import annotations

from scrapdb.cli.options import Settings

COMMANDS = {
    "new": "Begin a bundle that works at once.",
    "check": "Say what is wrong with a bundle, and where.",
    "translate": "Collect texts, bring translations up to date, compile them.",
    "build-env": "Make the environment that a bundle's requirements.txt asks for.",
    "build": "Make reports of a bundle, or one over the store.",
    "ask": "Make the report that a sentence asks for.",
    "preview": "Show a bundle in a browser, again on every save.",
    "render": "Render a report again without running it.",
    "list": "List reports, queued ones and those under way among them.",
    "show": "Show a report: its record, its log, its trace, its page.",
    "push": "Push a report's pages to a URL, again or for the first time.",
    "serve": "Have reports asked for in the browser and over HTTP.",
    "deliver": "Say where a report of a service has gone, or send it again.",
    "token": "Make a token for somebody who may ask.",
    "schedule": "Have reports ask for themselves by the clock.",
    "work": "Make the reports that a service is asked for.",
}


def explain(*, settings: Settings) -> None:
    """Make reports: a notebook runs behind a wall, and a template makes HTML of what it found.

    \b
    scrapdb report new voltage
    scrapdb report build voltage -p site=north --lang en,ca
    scrapdb report build near-high.html --where "distance < 0.1" -o near-high.html
    """
    del settings
