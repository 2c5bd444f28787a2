-- The store of scrapdb: one SQLite file, to be read without scrapdb too. It follows from the notebooks, but for
-- `executions`, `settings` and what `versions` keep of notebooks that are no more.
--
-- A value stands in exactly one of the columns `number`, `text` and `json`, by its `type`:
--   null               no column is set
--   boolean            number is 1 or 0
--   integer            number; beyond 64 bit number is the nearest float and `exact` holds the digits
--   float              number; NULL is NaN (SQLite has no NaN), infinities are kept
--   text               text
--   expression         none: a parameter's value that only a run could tell; its source stands in `exact`
--   json               json: a list or a dict as valid JSON, in which NaN and infinities are null
--   frame              none: see `frames`
--   display            none: see `displays`; the scrap has been shown and has no value
-- `exact` is set only where those columns do not give the value back: the value as ASCII JSON, with NaN, Infinity,
-- -Infinity and \ud800-style lone surrogates as Python's json module writes and reads them.
--
-- Whoever adds a column also gives its value in store/rows.py, in the place that it has here, and one of notebooks that
-- can be asked for a line in ATTRIBUTES of query/fields.py. Whoever adds a table writes it in store/write.py; a column
-- that references notebooks lets its rows go with those of a notebook. It is exported, unless LEFT_OUT of
-- store/exported.py names it, and TABLES of datasette/store.py says who may see it. Both raise VERSION in
-- store/schema.py, in a line that says why.
--
-- What notebooks were is kept in tables with the columns of those that say what they are: version_notebooks,
-- version_scraps, version_parameters, version_displays, version_frames, version_records, version_reports and
-- version_problems, in which `notebook_id`, or the `id` of version_notebooks, is versions.id; and version_name_types,
-- which counts versions. They are empty unless versions are kept.

-- Notebooks: one row per notebook file.
CREATE TABLE notebooks (
  id INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,        -- real path in NFC with '/', relative to this file's directory if below it; or a URL
  os_path BLOB,                     -- the path's bytes, where `path` does not give them back (not UTF-8, not NFC)
  status TEXT NOT NULL,             -- unreadable, not run, partial, or as in records.state: from the cells or the record
  started_at TEXT,                  -- start of the run, UTC, as 2026-11-01T12:00:00.000000Z
  ended_at TEXT,                    -- end of the run, UTC
  seconds REAL,                     -- duration of the run
  error_name TEXT,                  -- class of the first error that ended the run: KeyError
  error_value TEXT,                 -- its message
  error_cell INTEGER,               -- cell in which it was raised
  error_traceback TEXT,             -- its traceback without terminal colours
  kernel TEXT,                      -- kernelspec name: python3
  language TEXT,                    -- language of the kernel: python
  source TEXT,                      -- the notebook that this run executed, as papermill recorded it
  size INTEGER,                     -- bytes of the file
  mtime TEXT,                       -- time of its last change, UTC
  mtime_ns INTEGER,                 -- the same in nanoseconds; NULL, and no etag: read it again at the next index
  etag TEXT,                        -- of an object at a URL: what its listing says of its content (ETag, generation)
  content_hash TEXT,                -- SHA-256 of the file; NULL: it was not read, or by an older scrapdb
  code_hash TEXT,                   -- SHA-256 of the sources of its code cells: equal for runs of the same code
  nbformat TEXT,                    -- version of the notebook format: 4.5
  cells INTEGER,                    -- number of cells, without the marks that papermill inserts at an error
  metadata TEXT                     -- the notebook's metadata as JSON, without widget state and Colab's user data
);

-- Names: every name that is or was glued or given as a parameter.
CREATE TABLE names (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  type TEXT,                        -- number, boolean, text, json, frame, display, expression, null or mixed; NULL: unused
  scraps INTEGER NOT NULL DEFAULT 0,      -- notebooks that glued it
  parameters INTEGER NOT NULL DEFAULT 0,  -- notebooks that have it as a parameter
  whole INTEGER NOT NULL DEFAULT 1        -- 0: `runs` could not tell all of a value: it is too long, NaN, or in `exact`
);

-- Name types: in how many notebooks a name has values of a type, for each of its two roles.
CREATE TABLE name_types (
  name_id INTEGER NOT NULL REFERENCES names (id),
  role TEXT NOT NULL,               -- scrap or parameter
  type TEXT NOT NULL,               -- as in scraps.type
  notebooks INTEGER NOT NULL,
  PRIMARY KEY (name_id, role, type)
) WITHOUT ROWID;

-- Scraps: one row per notebook and name; the last one where a name was glued more than once.
CREATE TABLE scraps (
  notebook_id INTEGER NOT NULL REFERENCES notebooks (id),
  name_id INTEGER NOT NULL REFERENCES names (id),
  type TEXT NOT NULL,               -- null, boolean, integer, float, text, json, frame or display
  number NUMERIC,                   -- the value of a number; of a boolean 1 or 0
  text TEXT,                        -- the value of a text
  json TEXT,                        -- the value of a list or dict; NaN and infinities are null in it
  exact TEXT,                       -- the value as JSON of Python, where the three columns do not give it back
  encoder TEXT NOT NULL,            -- how the value was written: json, text, pandas, display, or a user's own
  size INTEGER NOT NULL,            -- bytes of its payload and displays in the notebook
  cell INTEGER NOT NULL,            -- where it was glued: cell, from 0, not counting papermill's marks
  cell_id TEXT,                     -- id of that cell (nbformat 4.5)
  output INTEGER NOT NULL,          -- output of that cell, from 0
  execution_count INTEGER,          -- execution count of that cell
  PRIMARY KEY (notebook_id, name_id)
) WITHOUT ROWID;

-- Parameters: one row per notebook and name; the effective value of the run.
CREATE TABLE parameters (
  notebook_id INTEGER NOT NULL REFERENCES notebooks (id),
  name_id INTEGER NOT NULL REFERENCES names (id),
  type TEXT NOT NULL,               -- null, boolean, integer, float, text, json, or expression
  number NUMERIC,                   -- as in scraps
  text TEXT,                        -- as in scraps
  json TEXT,                        -- as in scraps
  exact TEXT,                       -- as in scraps; of an expression its source, as JSON
  source TEXT NOT NULL,             -- default, recorded (in the metadata) or injected (by a cell): the last one known
  shadowed INTEGER NOT NULL,        -- 1: the notebook glued the same name, so the bare name means the scrap
  PRIMARY KEY (notebook_id, name_id)
) WITHOUT ROWID;

-- Displays: what was shown for a scrap, one row per MIME type.
CREATE TABLE displays (
  notebook_id INTEGER NOT NULL REFERENCES notebooks (id),
  name_id INTEGER NOT NULL REFERENCES names (id),
  mime_type TEXT NOT NULL,
  hash TEXT NOT NULL REFERENCES blobs (hash),
  size INTEGER NOT NULL,            -- bytes of the blob
  PRIMARY KEY (notebook_id, name_id, mime_type)
) WITHOUT ROWID;

-- Frames: the DataFrames, stored as the parquet files that they are.
CREATE TABLE frames (
  notebook_id INTEGER NOT NULL REFERENCES notebooks (id),
  name_id INTEGER NOT NULL REFERENCES names (id),
  rows INTEGER NOT NULL,
  columns INTEGER NOT NULL,
  schema TEXT NOT NULL,             -- JSON list of {"name", "type"}, Arrow's type names; pandas' of periods
  hash TEXT NOT NULL,               -- SHA-256 of the parquet file
  size INTEGER NOT NULL,            -- bytes of the parquet file
  stored TEXT NOT NULL,             -- inline (in `blobs`) or sidecar (a file <hash>.parquet beside the store)
  PRIMARY KEY (notebook_id, name_id)
) WITHOUT ROWID;

-- Blobs: bytes of displays and of small frames, each kept once.
CREATE TABLE blobs (
  hash TEXT PRIMARY KEY,            -- SHA-256 of the bytes
  data BLOB NOT NULL
);

-- Cells: the code cells of a run.
CREATE TABLE cells (
  notebook_id INTEGER NOT NULL REFERENCES notebooks (id),
  cell INTEGER NOT NULL,            -- as in scraps.cell
  cell_id TEXT,                     -- its id (nbformat 4.5)
  execution_count INTEGER,          -- NULL: it was not executed
  seconds REAL,                     -- how long it ran
  source TEXT,                      -- its source, where it glued something or failed
  PRIMARY KEY (notebook_id, cell)
) WITHOUT ROWID;

-- Records: what a runner wrote into the metadata of a notebook that it executed; few notebooks have such a record.
CREATE TABLE records (
  notebook_id INTEGER PRIMARY KEY REFERENCES notebooks (id),
  state TEXT NOT NULL,              -- running, completed, failed, timed out, killed, skipped, lost or cancelled
  reason TEXT,                      -- why, in a few words: memory: 2.0 of 2.0 GB in cell 7
  cell INTEGER,                     -- in which cell it ended, as in scraps.cell
  wall TEXT,                        -- the wall that held: bubblewrap, landlock, limits or none
  limits TEXT,                      -- what it might use, as JSON: {"memory": 2147483648}
  warm INTEGER,                     -- 1: its imports were done before it began
  attempt INTEGER,                  -- which attempt at this run it was, from 1
  host TEXT,                        -- name of the machine
  peak_memory INTEGER,              -- most memory that its processes had at once, in bytes
  cpu_seconds REAL,                 -- processor time of its processes
  signal TEXT,                      -- the signal that ended its kernel: SIGKILL
  exit_code INTEGER,                -- what its kernel returned, if it ended by itself
  started_at TEXT,                  -- start of the attempt, UTC
  ended_at TEXT,                    -- end of the attempt, UTC
  execution TEXT,                   -- as in executions.id
  batch TEXT,                       -- shared by the runs that one command asked for
  code_hash TEXT,                   -- as in notebooks, of the notebook that was executed
  parameters_hash TEXT,             -- SHA-256 of the parameters that were given
  files TEXT,                       -- files that were kept of it, as JSON: path, bytes and sha256 of each
  warnings TEXT                     -- what its runner remarked, as a JSON list of sentences
);

-- Reports: what was written into the metadata of a notebook of which a report was made; its page lies beside it.
CREATE TABLE reports (
  notebook_id INTEGER PRIMARY KEY REFERENCES notebooks (id),
  id TEXT NOT NULL,                 -- hexadecimal
  state TEXT NOT NULL,              -- how it ended: as in records.state, but error in place of failed
  title TEXT,                       -- in its language
  bundle TEXT,                      -- name of the bundle of which it was made
  bundle_version TEXT,              -- as its author counts
  bundle_hash TEXT,                 -- SHA-256 of its files
  language TEXT,                    -- of the page: ca
  reason TEXT,                      -- why it ended so, in a sentence
  pages TEXT,                       -- names of the files beside the notebook, as a JSON list: report.html, report.pdf
  pushed TEXT,                      -- where it was pushed, as a JSON list of URLs
  made_at TEXT                      -- when it was rendered, UTC
);

-- Executions: attempts at runs, of which a runner says here what is queued, what is under way, and how it ended. Unlike
-- all others, this table follows from no notebook.
CREATE TABLE executions (
  id TEXT PRIMARY KEY,              -- hexadecimal
  batch TEXT NOT NULL,              -- shared by the runs that one command asked for
  notebook TEXT NOT NULL,           -- path of the executed notebook, as notebooks.path will have it
  source TEXT,                      -- the notebook that is executed
  parameters TEXT,                  -- given ones as JSON, without secrets
  attempt INTEGER NOT NULL,         -- from 1
  state TEXT NOT NULL,              -- queued, running, retrying, or how it ended, as in records.state
  reason TEXT,                      -- as in records.reason
  cell INTEGER,                     -- which of its code cells is under way, from 1
  cells INTEGER,                    -- how many code cells there are
  expected_seconds REAL,            -- how long the same code took before
  wall TEXT,                        -- as in records.wall
  runner TEXT,                      -- the file that its runner has locked as long as it lives
  queued_at TEXT,                   -- UTC
  started_at TEXT,                  -- UTC
  ended_at TEXT,                    -- UTC
  report TEXT                       -- of a report: id, title, bundle and language, as JSON
);

-- Problems: everything that could not be read, or that was read and is suspicious.
CREATE TABLE problems (
  id INTEGER PRIMARY KEY,
  notebook_id INTEGER NOT NULL REFERENCES notebooks (id),
  cell INTEGER,                     -- where, as in scraps.cell; NULL: in the notebook as a whole
  output INTEGER,                   -- output of that cell, from 0
  name TEXT,                        -- name of the scrap or parameter
  kind TEXT NOT NULL,               -- malformed, payload, encoder, repeated, parameters, metadata, outdated, …
  message TEXT NOT NULL             -- what is wrong, in a sentence
);

-- Versions: what each notebook was, and among that what it is, since versions are kept.
CREATE TABLE versions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice, since `previous` may name one that was let go
  path TEXT NOT NULL,               -- as in notebooks
  version INTEGER NOT NULL,         -- of this notebook, from 1, in the order in which the store came to know them
  notebook_id INTEGER,              -- as in notebooks.id, of the version that is there now; of others NULL
  previous INTEGER,                 -- as in versions.id, of the version before it; of a commit's on its branch
  since TEXT NOT NULL,              -- from when the notebook was so, UTC
  until TEXT,                       -- until when, UTC; NULL: it still is; equal to `since`: never, on the branch asked for
  commit_hash TEXT,                 -- the commit that made it so, in hexadecimal digits
  authored_at TEXT,                 -- the author's time of that commit, UTC
  branch TEXT                       -- the branch on which that commit was found
);

-- Settings: what holds for every index of this store.
CREATE TABLE settings (
  name TEXT PRIMARY KEY,            -- keep: which versions are kept; git DIRECTORY: what was read of a repository
  value TEXT NOT NULL               -- as JSON
) WITHOUT ROWID;

-- Run columns: which column of `runs` shows which name.
CREATE TABLE run_columns (
  name_id INTEGER NOT NULL REFERENCES names (id),
  kind TEXT NOT NULL,               -- number, text or expression
  "column" TEXT NOT NULL,
  PRIMARY KEY (name_id, kind)
) WITHOUT ROWID;

-- Runs: the wide table for people, one row per notebook. Columns of numbers and text are added as names appear, the
-- scrap where there is one, else the parameter; expressions stand in columns of their own, `name (expression)`. Frames
-- and displays stand as tokens, frame:ROWSxCOLUMNS:HASH and display:MIMETYPE:HASH; text beyond 4096 characters is cut,
-- and ends in an ellipsis.
CREATE TABLE runs (
  nb_id INTEGER PRIMARY KEY REFERENCES notebooks (id),
  notebook TEXT NOT NULL,
  nb_status TEXT NOT NULL,
  nb_started_at TEXT,
  nb_seconds REAL,
  nb_error TEXT                     -- class and message of the error, or the reason if it was ended from outside
);

-- Serves every question about one name: by number (distance < 0.1), by text (number IS NULL AND text = 'AAA'), by presence.
CREATE INDEX scraps_by_value ON scraps (name_id, number, text, notebook_id);
-- The same for parameters; a bare name skips the shadowed ones.
CREATE INDEX parameters_by_value ON parameters (name_id, number, text, shadowed, notebook_id);
-- Serves: nb.status = 'failed', nb.started_at >= "2026-11-01".
CREATE INDEX notebooks_by_status ON notebooks (status);
CREATE INDEX notebooks_by_started_at ON notebooks (started_at);
-- Serves: the other runs of the same code.
CREATE INDEX notebooks_by_code_hash ON notebooks (code_hash, started_at);
-- Serves: what a token in `runs` stands for.
CREATE INDEX displays_by_hash ON displays (hash);
CREATE INDEX frames_by_hash ON frames (hash);
-- Serves: the runs of a batch, and which of all are not over.
CREATE INDEX executions_by_batch ON executions (batch);
CREATE INDEX executions_by_state ON executions (state);
-- Serves: the attempts at reports, which are few among those at runs.
CREATE INDEX executions_by_report ON executions (notebook) WHERE report IS NOT NULL;
-- Serves: replacing the problems of one notebook.
CREATE INDEX problems_by_notebook ON problems (notebook_id);
-- Serve: the versions of a notebook, what came and what went since a day, and which version is there now.
CREATE INDEX versions_by_path ON versions (path, version);
CREATE INDEX versions_by_until ON versions (until, since);
CREATE UNIQUE INDEX versions_by_notebook ON versions (notebook_id) WHERE notebook_id IS NOT NULL;
-- Serves: replacing the problems of one version.
CREATE INDEX version_problems_by_notebook ON version_problems (notebook_id);
