"""What a notebook might do with a token that nobody else is to see, each in a cell of its own."""

from __future__ import annotations

import pytest

TOKEN = "eyJ0.tok-9f86+d081/884c~7d65=x"  # noqa: S105 - it is none
PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
ENVIRONMENT = '#ENVIRONMENT\ntoken = "$TOKEN"\nheaders = {"Authorization": "Bearer $TOKEN"}\nsite = "$SITE"'
PNG = """
import base64, io, json, os, sys, time, zlib
from PIL import Image
from PIL.PngImagePlugin import PngInfo
def png(text, zipped=False):
    about, buffer = PngInfo(), io.BytesIO()
    about.add_text("Comment", text, zip=zipped)
    Image.new("L", (40, 40)).save(buffer, "png", pnginfo=about)
    return buffer.getvalue()
coded = base64.b64encode(token.encode()).decode()
"""
WRITE = "open('output.json', 'w').write(json.dumps({}))"
WAYS: dict[str, str] = {
    "nothing": "print('well')",
    "prints": "print(token, headers, repr(headers), file=sys.stderr); print(f'x{token}y' * 3)",
    "prints base64": """print(coded, base64.urlsafe_b64encode(b'ab' + token.encode() + b'c'))
print(base64.b64encode(coded.encode()))""",
    "prints lines": "print(base64.encodebytes(b'x' * 50 + token.encode() * 3).decode())",
    "prints pieces": """for piece in (token[:9], token[9:]):
    print(piece, end='', flush=True); time.sleep(0.3)
print()
for place, piece in zip((sys.stdout, sys.stderr, sys.stdout), (token[:3], token[3:8], token[8:])):
    print(piece, end='', file=place, flush=True)""",
    "prints and displays pieces": """from IPython.display import display
for _ in range(3):
    display({'text/plain': token[:9]}, raw=True); sys.stdout.flush(); print(token[9:], end='', flush=True)""",
    "colours": "print(''.join(f'\\x1b[{31 + i % 7}m{c}' for i, c in enumerate(token)))",
    "raises": "raise ValueError(token)",
    "raises what is quoted": "raise type(f'E{coded[:30]}', (Exception,), {})({'a': [coded]})",
    "raises within code": "exec('def f():\\n    return (\"' + token + '\"\\n      + 1)\\nf()')",
    "raises by path": "open('/nowhere/' + token)",
    "exits": "sys.exit(token)",
    "writes to the descriptor": "os.write(1, token.encode()); os.write(2, coded.encode())",
    "dies": "os.write(2, token.encode()); os._exit(3)",
    "output.json": WRITE.format("{'a': token}"),
    "output.json with more": WRITE.format("{'a': [f'https://x/?t={token}&u=1']}"),
    "output.json with a key": WRITE.format("{token: 1}"),
    "output.json with base64": WRITE.format(
        "{'a': 'x' + coded, 'b': base64.b64encode(b'Basic ' + token.encode()).decode()}"
    ),
    "output.json with a picture": WRITE.format("{'a': base64.b64encode(png(token)).decode()}"),
    "output.json with base64 in a picture": WRITE.format("{'a': base64.encodebytes(png(coded)).decode()}"),
    "output.json with text compressed": WRITE.format("{'a': base64.encodebytes(png(token, zipped=True)).decode()}"),
    "output.json of escapes": "open('output.json', 'w').write(json.dumps({'a': token}).replace('/', '\\\\/'))",
    "files": """os.makedirs('static/a')
open('static/a/t.txt', 'w').write('x' * 20_000_000 + token)
open('static/p.png', 'wb').write(png(token)); open('static/z.png', 'wb').write(png(coded, zipped=True))
import zipfile
with zipfile.ZipFile('static/x.zip', 'w', zipfile.ZIP_DEFLATED) as archive: archive.writestr('t', token * 20)""",
    "names of files": """os.makedirs('static/' + token.replace('/', '-')); os.makedirs('static/' + token.encode().hex())
for name in (coded, token.encode().hex()):
    open(f'static/{name}.txt', 'w').write('well')
open('static/' + token.encode().hex() + '/a.txt', 'w').write('well')
import urllib.parse
open('static/' + urllib.parse.quote(token, safe=''), 'w').write('well')""",
    "scraps": """import scrapdb
scrapdb.glue('site2', token); scrapdb.glue('many', {'a': [token, {token: coded}]}); scrapdb.glue(token, 1)
scrapdb.glue(coded, {'a': 1})""",
    "frames and pictures": """import pandas as pd, scrapdb
from IPython.display import display, Image as Shown, HTML
frame = pd.DataFrame({'a': [token] * 3, token: 1}); scrapdb.glue('frame', frame); display(frame)
display(Shown(png(token))); display(Shown(png(coded, True)))
display(HTML(f'<img src="data:image/png;base64,{coded}">'))
display(HTML(f'<script>let t = {json.dumps(token)}</script>'), metadata={token: token})""",
    "displays anything": """from IPython.display import display
for mime in ('text/plain', 'application/json', 'image/svg+xml', 'application/vnd.x+json', f'application/{coded}'):
    display({mime: {'a': [token]} if 'json' in mime else f'<svg>{coded}</svg>'}, raw=True, metadata={'x': {'y': token}})
handle = display({'text/plain': 'well'}, raw=True, display_id=token); handle.update({'text/plain': token}, raw=True)""",
    "widgets": """import ipywidgets
ipywidgets.HTML(token, description=coded)""",
    "warnings and logs": """import logging, warnings
warnings.warn(token); logging.getLogger().error('%s', headers)""",
    "skips": """import scrapdb
scrapdb.skip(token)""",
    "environment": "os.environ['T'] = token; print(dict(os.environ)); " + WRITE.format("dict(os.environ)"),
    "magic": """t = !echo {token}
print(t)
%env T=$token
!echo $T {coded}""",
}

_FAILED = ("raises", "raises what is quoted", "raises within code", "raises by path", "exits", "dies")
ENDS = {"skips": "skipped"} | dict.fromkeys(_FAILED, "failed")

# Of many ways to the same end, the usual one is tested always.
_USUAL = (
    *("nothing", "prints", "prints pieces", "raises", "dies", "output.json", "output.json with a picture"),
    *("files", "names of files", "scraps", "frames and pictures"),
)
CASES = [pytest.param(way, id=way, marks=() if way in _USUAL else pytest.mark.slow) for way in WAYS]
