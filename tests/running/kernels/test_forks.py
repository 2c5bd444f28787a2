"""What is imported once for many runs, and what each has to import by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scrapdb.running.kernels import imports
from tests.running.kernels.comparing import by_papermill
from tests.running.kernels.comparing import by_scrapdb
from tests.running.kernels.comparing import cells
from tests.running.kernels.comparing import differences

MODULES = {
    "harmless": "def f():\n    return 1\n",
    "asking": "from IPython import get_ipython\nshell = get_ipython()\n",
    "asking_inside": "from IPython.core.getipython import get_ipython as g\nkernel = getattr(g(), 'kernel', None)\n",
    "needing": "import asking\n",
    "threading_on": "from threading import *\nThread(target=Event().wait, name='left', daemon=True).start()\n",
    "printing": "print('said')\n",
    "printing_below": "import os\nos.system('echo said by a shell')\n",
    "warning": "import warnings\nwarnings.warn('old', DeprecationWarning, stacklevel=2)\n",
    "warning_in_vain": "import warnings\nwarnings.warn('old', DeprecationWarning)\n",
    "logging_on": "import logging\nlogging.warning('logged')\n",
    "opening": "file = open(__file__)\n",
    "connecting": "import sqlite3, tempfile\nconnection = sqlite3.connect(tempfile.mkstemp()[1])\n"
    "connection.execute('create table t(a)')\n",
    "failing": "print('before')\nraise RuntimeError('it fails')\n",
    "ending": "import sys\nsys.exit('it ends')\n",
    "lacking": "import nothing_of_that_name\n",
    "setting": "import os, warnings\nos.environ['SET'] = 'yes'\nwarnings.simplefilter('ignore')\n",
    "writing": "import pathlib\npath = pathlib.Path.home() / '.cache' / 'm'\npath.mkdir(parents=True, exist_ok=True)\n"
    "(path / 'f').write_text('kept')\n",
    "reading": "import pathlib\ntext = pathlib.Path('data.txt').read_text()\n",
    "choosing": "import os\nchosen = os.environ.get('CHOICE')\n",
    "started": "import sys\nprogram = sys.argv[0]\n",
    "handling": "import logging\nlogging.getLogger('h').addHandler(logging.StreamHandler())\n",
}


@pytest.fixture
def modules(beside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have modules of their own found by all kernels."""
    (beside / "data.txt").write_text("read")
    directory = tmp_path / "modules"
    directory.mkdir()
    for name, source in MODULES.items():
        (directory / f"{name}.py").write_text(source)
    monkeypatch.setenv("PYTHONPATH", str(directory), prepend=":")
    return directory


@pytest.mark.usefixtures("modules")
@pytest.mark.parametrize(
    ("source", "refused"),
    [
        ("import harmless\nharmless.f()", {}),
        ("import asking\nasking.shell is get_ipython()", {"asking": "asks for the notebook"}),
        ("import asking_inside as a\na.kernel is get_ipython().kernel", {"asking_inside": "asks for the notebook"}),
        ("import needing\nneeding.asking.shell is get_ipython()", {"needing": "asks for the notebook"}),
        (
            "import threading_on, threading\n'left' in {thread.name for thread in threading.enumerate()}",
            {"threading_on": "leaves threads"},
        ),
        ("import printing", {"printing": "writes something"}),
        ("from asking import shell\nshell is get_ipython()", {"asking": "asks for the notebook"}),
        ("from printing_below import *\nimport time\ntime.sleep(0.5)", {"printing_below": "writes something"}),
        ("import warning", {"warning": "writes something"}),
        ("import warning_in_vain", {}),
        ("import logging_on", {"logging_on": "writes something"}),
        ("import opening\nopening.file.read()", {"opening": "leaves files"}),
        ("import connecting as c\nc.connection.execute('select * from t').fetchall()", {"connecting": "leaves files"}),
        ("import failing", {"failing": "its import fails"}),
        ("import ending", {"ending": "its import fails"}),
        ("import lacking", {"lacking": "its import fails"}),
        ("import nothing_of_that_name", {}),
        ("import setting, os, warnings\nwarnings.warn('w', DeprecationWarning)\nos.environ['SET']", {}),
        ("import writing\n(writing.path / 'f').read_text()", {}),
        ("import reading\nreading.text", {}),
        ("import os\nos.environ['CHOICE'] = 'mine'\nimport choosing\nchoosing.chosen", {}),
        ("%env CHOICE=mine\nimport choosing\nchoosing.chosen", {}),
        ("import started\nstarted.program", {}),
        ("import handling, logging, time\nlogging.getLogger('h').error('x')\ntime.sleep(0.5)", {}),
        ("import this", {"this": "writes something"}),
        ("try:\n    import printing\nexcept ImportError:\n    import harmless", {"printing": "writes something"}),
    ],
)
def test_fork_is_as_fresh_as_papermills_kernel(source: str, refused: dict[str, str], beside: Path) -> None:
    notebook = cells(source, "1", tags=["raises-exception"])
    got, record = by_scrapdb(notebook, beside)
    assert [*differences(by_papermill(notebook, beside), got)] == []
    assert record.warm
    remarks = dict(remark.split(" is imported by each run, since ") for remark in record.warnings)
    assert remarks.keys() == refused.keys()
    assert all(part in remarks[module] for module, part in refused.items())


def test_what_stands_beside_a_notebook_is_imported_by_each_run(beside: Path) -> None:
    (beside / "helpers.py").write_text("print('imported')\n")
    (beside / "tqdm").mkdir()
    (beside / "tqdm" / "__init__.py").write_text("name = 'nor this'\n")
    notebook = cells("import helpers, pandas", "import tqdm\ntqdm.name")
    expected = by_papermill(notebook, beside)
    for _ in range(2):
        got, record = by_scrapdb(notebook, beside)
        assert [*differences(expected, got)] == []
        assert (record.warm, record.warnings) == (True, ())


def test_random_numbers_differ_from_run_to_run(beside: Path) -> None:
    notebook = cells(
        "import numpy, random, secrets, tempfile, uuid",
        "[random.random(), numpy.random.rand(), numpy.random.default_rng().random(), secrets.token_hex(), "
        "uuid.uuid4(), uuid.uuid1(), tempfile.mktemp()]",
    )
    one, other = (set(_result(by_scrapdb(notebook, beside)[0])) for _ in range(2))
    assert len(one | other) == 14


def _result(node: Any) -> list[str]:
    return str(node["cells"][-1]["outputs"][0]["data"]["text/plain"]).split(",\n")


def test_what_is_registered_for_the_exit_is_run(beside: Path, tmp_path: Path) -> None:
    notebook = cells("import atexit, pathlib\natexit.register(lambda: pathlib.Path('left.txt').write_text('x'))")
    for fresh in (False, True):
        _, record = by_scrapdb(notebook, beside, fresh=fresh, keep_files=("left.txt",))
        assert [(file.path, file.bytes) for file in record.files] == [("left.txt", 1)]
    assert (tmp_path / "scrapdb.files/left.txt").exists()


@pytest.mark.parametrize(
    ("sources", "modules"),
    [
        (["import a, b.c as d\nfrom e import f, g as h"], ("a", "b.c", "e", "e.f", "e.g")),
        (["from a import *", "from . import b", "from .c import d"], ("a",)),
        (["try:\n    import a\nexcept ImportError:\n    import b"], ("a",)),
        (["with open('x'):\n    import a"], ("a",)),
        (["if True:\n    import a", "def f():\n    import b", "class C:\n    import d"], ()),
        (["import sys; sys.exit()\nimport a"], ("sys", "a")),
        (["%matplotlib inline\n!ls\nimport a"], ("matplotlib.pyplot", "a")),
        (["x = (", "import a"], ("a",)),
        (["%%bash\nimport a", "%%time\nimport b"], ("b",)),
        (["import os\nos.environ['A'] = '1'\nimport a", "import b"], ("os",)),
        (["import os\nx = os.environ['A'] or os.getenv('B')\nimport a"], ("os", "a")),
        (["os.environ.update(A='1')\nimport a"], ()),
        (["import a", "%env A=1", "import b"], ("a",)),
        (["import sys\nsys.path.append('x')\nimport a", "sys.path.insert(0, 'x')", "import b"], ("sys", "a")),
        (["sys.path = ['x', *sys.path]", "import b"], ()),
        (["%%writefile a.py\nx = 1", "import a, b"], ("b",)),
        (["import helpers, package.part, a"], ("a",)),
    ],
)
def test_modules_are_found_without_running_anything(sources: list[str], modules: tuple[str, ...]) -> None:
    assert imports.imported(sources, ["/x/helpers.py", "/x/package", "/x/data.csv"]) == modules
