"""What `scrapdb run` makes of a notebook is what papermill makes of it, with kernels that are forked and fresh ones."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from tests import corpora
from tests.running.kernels.comparing import by_papermill
from tests.running.kernels.comparing import by_scrapdb
from tests.running.kernels.comparing import cells
from tests.running.kernels.comparing import differences

ALIKE = {
    "magics": (
        "%time sum(range(10))",
        "%%time\ny = 1\ny",
        "%%capture captured\nprint('x')\n1",
        "captured.stdout, captured.outputs",
        "%%bash\necho out",
        "%%bash\necho err >&2",
        "%%sh\nexit 3",
        "!ls; false",
        "_exit_code",
        "listed = !ls\nlisted",
        "%run script.py a b\nz",
        "%load_ext autoreload\n%autoreload 2",
        "%env FOO=1\nimport os\nos.environ['FOO']",
        "?len",
        "len??",
        "%pwd",
        "%who",
        "%lsmagic",
        "%%writefile written.py\nq = 1",
        "import written\nwritten.q",
        "%history",
        "%%html\n<b>x</b>",
        "%%latex\n$x$",
        "%%python\nprint(1)",
        "%precision 3\n3.14159",
        "%cd /tmp\n%pwd",
        "%config InlineBackend.figure_format = 'svg'",
        "%nothing",
        "%xmode Minimal\n1 / 0",
    ),
    "language": (
        "import asyncio\nawait asyncio.sleep(0.01)\n5",
        "async def g():\n    for i in range(3):\n        yield i\n[x async for x in g()]",
        "async for x in g():\n    print(x)",
        "In[:2], Out[1], _, _1, _i, _oh",
        "get_ipython()",
        "get_ipython().user_ns is globals(), get_ipython().kernel.__class__",
        "import sys, __main__\n__name__, sys.modules['__main__'] is __main__, __main__.__dict__ is globals()",
        "sorted(name for name in dir() if name.startswith('__')), hasattr(__main__, '__file__')",
        "sys.argv[0], sys.argv[1:2], sys.orig_argv[:3], sys.path, sys.executable, sys.warnoptions",
        "sys.flags.isolated, sys.flags.safe_path, sys.flags.no_user_site, sys.getrecursionlimit(), sys.gettrace()",
        "sys.stdin, sys.stdout, sys.stderr, sys.displayhook, sys.excepthook, sys.stdout.isatty(), sys.stdin.read()",
        "import warnings\nwarnings.warn('once')\nfor _ in range(3): warnings.warn('thrice', DeprecationWarning)",
        "import logging\nlogging.warning('w')\nlogging.getLogger('a').error('e')\nlogging.root.handlers",
        "print('e', file=sys.stderr)",
        "print('o', end='')",
        "import helpers, pandas as pd\nhelpers.f(), helpers.__file__, pd.read_csv('data.csv')",
        "import os\nprint(os.getcwd(), os.isatty(0))",
        "import locale, time\nlocale.getlocale(), locale.getpreferredencoding(), time.tzname, os.umask(0o22)",
        "import signal\n[signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)]",
        "signal.pthread_sigmask(signal.SIG_BLOCK, [])",
        "import gc, decimal, faulthandler\ngc.isenabled(), gc.get_threshold(), faulthandler.is_enabled()",
        "decimal.getcontext()",
        "import pickle\nclass A: pass\ntype(pickle.loads(pickle.dumps(A()))) is A, A.__module__, pickle.dumps(A())",
        "from tqdm import tqdm\nfor _ in tqdm(range(3), mininterval=9): pass",
        "from tqdm.auto import tqdm as auto\nauto",
        "raise SystemExit(0)",
    ),
    "rich": (
        "from IPython.display import *\nh = display('a', display_id='one')",
        "h.update('b')",
        "display('c', display_id='two')\nupdate_display('d', display_id='two')",
        "update_display('e', display_id='one')",
        "print(1)\nclear_output()\nprint(2)",
        "print(1)\nclear_output(wait=True)",
        "print(1)\nclear_output(wait=True)\nprint(3)",
        "HTML('x')",
        "SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"/>')",
        "display(Latex('$x$'), Markdown('*a*'), JSON({'a': [1]}), Javascript('1'), Pretty('p'))",
        "class Bundle:\n    def _repr_mimebundle_(self, **_): return {'application/a+json': {'b': 1}}, {'a': {'m': 1}}",
        "Bundle()",
        "class Shown:\n    def _repr_html_(self): return 'h'\n    def _ipython_display_(self): print('shown')\nShown()",
        "import pandas as pd\ndf = pd.DataFrame({'a': [1.5, None], 'b': ['x', 'y']})\ndf",
        "df.style.format(precision=1).set_uuid('u')",
        "display(1, 2, metadata={'x': 1})\ndisplay({'text/plain': 'raw'}, raw=True)",
        "Image(data=b'\\x89PNG\\r\\n\\x1a\\n' + b'0' * 30, format='png', width=3)",
        "1;",
        "class Bad:\n    def __repr__(self): 1 / 0\nBad()",
    ),
    "figures": (
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])",
        "figure, axes = plt.subplots()\naxes.plot([1, 3]);",
        "plt.plot([1])\nplt.show()\nplt.plot([2])\nplt.show()\nprint('x')",
        "plt.figure()\nplt.figure()",
        "figure",
        "import matplotlib\nmatplotlib.get_backend(), matplotlib.is_interactive(), plt.get_fignums()",
        "dict(matplotlib.rcParams)",
        "%config InlineBackend.figure_format = 'retina'\nplt.plot([1]);",
        "%config InlineBackend.figure_formats = ['svg']\nplt.rcParams['svg.hashsalt'] = 'x'\nplt.plot([1]);",
        "%matplotlib inline\nplt.plot([4]);",
        "plt.ioff()\nplt.plot([1]);",
    ),
    "inline": (
        "%matplotlib inline\nimport pandas as pd",
        "pd.Series([1, 2, 3]).plot();",
        "from matplotlib.figure import Figure\nfigure = Figure()\nfigure.subplots().plot([1])\nfigure",
    ),
    "agg": (
        "import matplotlib\nmatplotlib.use('Agg')\nimport matplotlib.pyplot as plt\nplt.plot([1]);\nplt.show()",
        "matplotlib.get_backend()",
    ),
    "errors": (
        "1 / 0",
        "def f():\n    def g():\n        raise KeyError('x')\n    g()\nf()",
        "try:\n    f()\nexcept KeyError as error:\n    raise ValueError('y') from error",
        "try:\n    f()\nexcept KeyError:\n    raise ValueError('z')",
        "x = (",
        "input('?')",
        "import getpass\ngetpass.getpass()",
        "raise KeyboardInterrupt",
        "import json\njson.loads('{')",
        "raise ExceptionGroup('g', [ValueError(1), TypeError('t')])",
        "import pandas as pd\npd.DataFrame({'a': [1]})['b']",
        "class E(Exception):\n    def _render_traceback_(self): return ['custom']\nraise E()",
        "import nothing_of_that_name",
        "from math import nothing",
        "await 1",
        "exec('1 / 0')",
        "%debug",
        "'\\ud800'",
        "noted = ValueError('noted')\nnoted.add_note('note')\nraise noted",
    ),
    "processes": (
        "import math, multiprocessing as mp, os, signal, sys, time",
        "def square(x): return x * x\nwith mp.get_context('fork').Pool(2) as pool: print(pool.map(square, [1, 2, 3]))",
        "with mp.get_context('spawn').Pool(1) as pool: print(pool.map(math.sqrt, [9]))",
        "with mp.get_context('forkserver').Pool(1) as pool: print(pool.map(math.sqrt, [9]))",
        "from concurrent.futures import *",
        "with ProcessPoolExecutor(2) as executor: print(*executor.map(square, [4, 9]))",
        "with ThreadPoolExecutor(2) as executor: print(*executor.map(square, [4, 9]))",
        "import threading\nthread = threading.Thread(target=lambda: print('thread'))\nthread.start()\nthread.join()",
        "import subprocess\nsubprocess.run([sys.executable, '-c', 'import pandas; print(1)'], capture_output=True)",
        "os.system('echo shell')\ntime.sleep(0.5)",
        "os.write(1, b'written\\n')\ntime.sleep(0.5)",
        "queue = mp.Queue()\nprocess = mp.Process(target=lambda: queue.put(3))\nprocess.start()\nprint(queue.get())",
        "process.join()\nprocess.exitcode",
        "def handle(*_): print('signal')\nsignal.signal(signal.SIGALRM, handle)\nsignal.alarm(1)\ntime.sleep(1.2)",
        "import asyncio\nawait (await asyncio.create_subprocess_shell('echo a', stdout=-1)).communicate()",
        "manager = mp.Manager()\nshared = manager.dict(a=1)\nprint(shared['a'])\nmanager.shutdown()",
        "lock = mp.Lock()\nlock.acquire(), os.getpid() == process._parent_pid",
        "import socket\nsocket.gethostbyname('localhost')",
        "server = socket.create_server(('localhost', 0))\nsocket.create_connection(server.getsockname()).close()",
        "import tempfile\nwith tempfile.NamedTemporaryFile() as file: print(os.path.dirname(file.name))",
    ),
    "widgets": (
        "widgets = __import__('ipywidgets')\nwidgets.IntSlider(3, description='s')",
        "out = widgets.Output()\nout",
        "with out:\n    print('in it')\n    display(1)",
        "out.append_stdout('more')\nprint('beside it')",
        "out.clear_output()\nwith out:\n    1 / 0",
        "@widgets.interact(x=3)\ndef show(x): print(x)",
        "from tqdm.notebook import tqdm\nbar = tqdm(range(2))",
        "slider = widgets.FloatSlider(value=0.5)\nslider.value = 0.7\nwidgets.VBox([slider, widgets.Text('t')])",
    ),
}
FAIL_ON = {"magics", "errors"}  # those of which cells raise
FILES = {
    "helpers.py": "def f():\n    return 'local'\n",
    "data.csv": "a,b\n1,2\n",
    "script.py": "import sys\nz = 5\nprint(__name__, __file__, sys.argv)\n",
}
BY_OTHERS = """
jupytext-1.19.6/tests/data/notebooks/inputs/ipynb_py/frozen_cell.ipynb
jupytext-1.19.6/tests/data/notebooks/inputs/ipynb_py/jupyter.ipynb
jupytext-1.19.6/tests/data/notebooks/inputs/ipynb_py/sample_rise_notebook_66.ipynb
jupytext-1.19.6/tests/data/notebooks/outputs/md_to_ipynb/jupytext_markdown.ipynb
jupytext-1.19.6/tests/data/notebooks/outputs/script_to_ipynb/python_notebook_sample.ipynb
nbconvert-5.6.1/docs/source/example.ipynb
nbconvert-5.6.1/nbconvert/exporters/tests/files/prompt_numbers.ipynb
nbconvert-5.6.1/nbconvert/preprocessors/tests/files/Clear Output.ipynb
nbconvert-5.6.1/nbconvert/preprocessors/tests/files/Factorials.ipynb
nbconvert-5.6.1/nbconvert/preprocessors/tests/files/SVG.ipynb
nbconvert-5.6.1/nbconvert/preprocessors/tests/files/update-display-id.ipynb
nbformat-5.11.1/tests/test4custom.ipynb
papermill-2.7.0/papermill/tests/notebooks/broken1.ipynb
papermill-2.7.0/papermill/tests/notebooks/simple_execute.ipynb
papermill-2.7.0/papermill/tests/notebooks/sysexit0.ipynb
papermill-2.7.0/papermill/tests/notebooks/systemexit.ipynb
ruff-0.17.6/crates/ruff/resources/test/fixtures/trailing_semicolon.ipynb
"""


@pytest.mark.parametrize("name", ALIKE)
def test_outputs_are_papermills(name: str, beside: Path) -> None:
    if name == "widgets":
        pytest.importorskip("ipywidgets")
    for file, text in FILES.items():
        (beside / file).write_text(text)
    notebook = cells(*ALIKE[name], tags=["raises-exception"] if name in FAIL_ON else ())
    expected = by_papermill(notebook, beside)
    for fresh in (False, True):
        got, record = by_scrapdb(notebook, beside, fresh=fresh)
        assert [*differences(expected, got)] == []
        assert (record.wall, record.warm) == ("bubblewrap", not fresh)


@pytest.mark.parametrize("path", BY_OTHERS.strip().splitlines())
def test_outputs_of_others_notebooks_are_papermills(path: str, beside: Path) -> None:
    notebook = nbformat.v4.upgrade(nbformat.read(corpora.fetch() / path, 4))
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    got, _ = by_scrapdb(notebook, beside)
    assert [*differences(by_papermill(notebook, beside), got)] == []
