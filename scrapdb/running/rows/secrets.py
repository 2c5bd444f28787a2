"""Names of parameters that look like those of secrets."""

from __future__ import annotations

import re

_ANYWHERE = re.compile(r"passw(?:or)?d|passphrase|secret(?!ar)|credential|api_?key|private_?key|access_?key")
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
# Words beside which a token is one of a text, or a number of them.
_OF_TEXTS = re.compile("bos|cls|count|eos|ids?|index|length|limit|mask|max|min|n|num|number|pad|per|sep|size|type|unk")


def looks_secret(name: str) -> bool:
    """Return whether a name looks like that of a secret: `db_password`, `apiKey`, `authToken`; not `max_tokens`."""
    words = [word.lower() for word in _WORD.findall(name)]
    if _ANYWHERE.search("_".join(words)) or _ANYWHERE.search(name.lower()):
        return True
    return any(word.endswith("token") for word in words) and not any(map(_OF_TEXTS.fullmatch, words))
