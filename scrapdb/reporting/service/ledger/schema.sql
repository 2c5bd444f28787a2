-- The ledger of a service of reports. Unlike a store it follows from nothing else: it is never made again.
-- Times are UTC as ISO 8601 (2026-11-30T02:28:12.000000Z), so that they sort as text.

-- Requests: reports that were asked for.
CREATE TABLE requests (
  id TEXT PRIMARY KEY,              -- of the request and of its report: voltage-1f0c9a2e
  bundle TEXT NOT NULL,             -- its name in the catalogue
  bundle_hash TEXT NOT NULL,        -- of the bundle as it was when it was asked for
  parameters TEXT NOT NULL,         -- as JSON
  language TEXT NOT NULL,           -- of the page
  pages TEXT NOT NULL,              -- kinds that are wanted, as a JSON list: html, pdf
  asker TEXT NOT NULL,              -- with whose rights it is made: of a schedule its owner
  via TEXT NOT NULL,                -- page, api, sentence, slack or schedule
  sentence TEXT,                    -- what was typed
  reply TEXT,                       -- how the asker is answered where the request came from, as JSON
  key TEXT,                         -- of idempotency, chosen by the asker
  schedule TEXT,                    -- name of the schedule that asked for it
  scheduled_for TEXT,               -- the moment of the schedule
  deliver TEXT NOT NULL,            -- where it is to go, as a JSON list of targets
  deliver_if TEXT,                  -- an expression that its scraps have to meet to be sent
  state TEXT NOT NULL,              -- queued, running, retrying, or how it ended: as reports.state of a store
  reason TEXT,                      -- why, in a sentence
  attempt INTEGER NOT NULL,         -- from 1
  cell INTEGER,                     -- which code cell is under way, from 1
  cells INTEGER,                    -- how many there are
  cancelled_by TEXT,                -- who wants it to end
  not_before TEXT,                  -- when the next attempt may begin
  worker TEXT,                      -- the file that whoever makes it has locked as long as it lives
  asked_at TEXT NOT NULL,
  started_at TEXT,                  -- when the last attempt was
  ended_at TEXT,
  told_at TEXT                      -- when its deliveries were written down, all at once
);
CREATE UNIQUE INDEX requests_by_key ON requests (asker, key) WHERE key IS NOT NULL;
CREATE UNIQUE INDEX requests_by_schedule ON requests (schedule, scheduled_for, parameters, language)
  WHERE schedule IS NOT NULL;
CREATE INDEX requests_open ON requests (state, asker, asked_at) WHERE ended_at IS NULL;
CREATE INDEX requests_by_time ON requests (asked_at DESC, id);
CREATE INDEX requests_counted ON requests (state, bundle, started_at, ended_at);
CREATE INDEX requests_by_bundle ON requests (bundle, asked_at);
CREATE INDEX requests_by_asker ON requests (asker, asked_at);
CREATE INDEX requests_untold ON requests (ended_at) WHERE ended_at IS NOT NULL AND told_at IS NULL;

-- Deliveries: a report to an address, which is sent once.
CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY,
  request TEXT NOT NULL REFERENCES requests (id) ON DELETE CASCADE,
  target TEXT NOT NULL,             -- mail, slack, webhook, url or reply
  address TEXT NOT NULL,
  letter TEXT NOT NULL,             -- what is told: report, failure (a sentence) or trace
  options TEXT NOT NULL,            -- attachments, templates, …, as JSON
  state TEXT NOT NULL,              -- to send, sending, sent, failed, unsure, not sent
  reason TEXT,                      -- why, in a sentence
  attempt INTEGER NOT NULL,         -- from 0, counted when one begins
  not_before TEXT,                  -- when the next attempt may begin
  worker TEXT,                      -- the file that whoever sends it has locked
  written_at TEXT NOT NULL,
  ended_at TEXT,
  UNIQUE (request, target, address, letter)
);
CREATE INDEX deliveries_open ON deliveries (state, not_before) WHERE ended_at IS NULL;

-- Schedules: requests that make themselves.
CREATE TABLE schedules (
  name TEXT PRIMARY KEY,
  bundle TEXT NOT NULL,
  source TEXT NOT NULL,             -- config (of the bundle, which replaces it when it changes) or command
  definition TEXT NOT NULL,         -- as JSON: cron, zone, parameters, languages, deliver, for_each, catch_up, …
  owner TEXT NOT NULL,              -- with whose rights it asks
  paused_by TEXT,                   -- who let it rest, or `scrapdb`
  reason TEXT,                      -- why it rests, or could not ask
  next_at TEXT,                     -- when it asks next
  last_at TEXT                      -- the moment for which it asked last
);
CREATE INDEX schedules_due ON schedules (next_at) WHERE paused_by IS NULL;

-- Seen: what may come once only, such as signed requests of Slack.
CREATE TABLE seen (
  what TEXT PRIMARY KEY,
  at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX seen_by_time ON seen (at);

-- Links: signed addresses of reports that were given away, until they expire or are taken back.
CREATE TABLE links (
  id TEXT PRIMARY KEY,
  request TEXT NOT NULL REFERENCES requests (id) ON DELETE CASCADE,
  recipient TEXT NOT NULL,
  made_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  revoked_by TEXT
);

-- Audit: who did what.
CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  who TEXT,                         -- NULL: nobody who is known
  via TEXT NOT NULL,                -- as in requests.via, and: link, command
  what TEXT NOT NULL,               -- ask, read, cancel, sign in, refuse, …
  request TEXT,                     -- of which report
  detail TEXT,                      -- in a sentence
  address TEXT                      -- from where
);
CREATE INDEX audit_by_time ON audit (at);
