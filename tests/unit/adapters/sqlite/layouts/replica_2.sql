-- The bookkeeping tables of a device as layout 2 made them, before rows had digests and fields their kinds.
CREATE TABLE syncline_replica_state(id INTEGER PRIMARY KEY CHECK(id=1), layout INTEGER NOT NULL, source_id TEXT NOT NULL DEFAULT '',
  next_source_bundle_id INTEGER NOT NULL DEFAULT 1, next_ordinal INTEGER NOT NULL DEFAULT 1, next_batch_id INTEGER NOT NULL DEFAULT 1,
  checkpoint INTEGER NOT NULL DEFAULT 0, epoch TEXT NOT NULL DEFAULT '', needs_hydration INTEGER NOT NULL DEFAULT 0,
  hydration_session TEXT NOT NULL DEFAULT '', hydration_position INTEGER NOT NULL DEFAULT 0, last_sync_us INTEGER NOT NULL DEFAULT 0,
  clock_us INTEGER NOT NULL DEFAULT 0);
CREATE TABLE syncline_replica_model(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, fields BLOB NOT NULL);
CREATE TABLE syncline_replica_turn(seq INTEGER PRIMARY KEY, model INTEGER NOT NULL, above INTEGER NOT NULL);
CREATE TABLE syncline_replica_base(model INTEGER NOT NULL, "key" TEXT NOT NULL, version INTEGER NOT NULL, kept INTEGER NOT NULL, image BLOB,
  provisional_version INTEGER, provisional_after TEXT, lost INTEGER NOT NULL, PRIMARY KEY(model,"key")) WITHOUT ROWID;
CREATE TABLE syncline_replica_open(model INTEGER NOT NULL, "key" TEXT NOT NULL, waiting INTEGER NOT NULL, send_class INTEGER NOT NULL,
  ordinal INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY(model,"key")) WITHOUT ROWID;
CREATE INDEX syncline_replica_open_order ON syncline_replica_open(waiting,send_class,ordinal);
CREATE TABLE syncline_replica_batch(one INTEGER PRIMARY KEY CHECK(one=1), id INTEGER NOT NULL, source_bundle_id INTEGER NOT NULL,
  state INTEGER NOT NULL, committed_seq INTEGER NOT NULL, committed_hash TEXT NOT NULL, frozen_items INTEGER NOT NULL);
CREATE TABLE syncline_replica_frozen(model INTEGER NOT NULL, "key" TEXT NOT NULL, id TEXT NOT NULL, position INTEGER NOT NULL,
  body BLOB NOT NULL, PRIMARY KEY(model,"key")) WITHOUT ROWID;
CREATE UNIQUE INDEX syncline_replica_frozen_id ON syncline_replica_frozen(id);
CREATE INDEX syncline_replica_frozen_position ON syncline_replica_frozen(position);
CREATE TABLE syncline_replica_hidden(model INTEGER NOT NULL, "key" TEXT NOT NULL, PRIMARY KEY(model,"key")) WITHOUT ROWID;
CREATE TABLE syncline_replica_quarantine(model INTEGER NOT NULL, "key" TEXT NOT NULL, version INTEGER NOT NULL, "row" BLOB, contains TEXT NOT NULL,
  code INTEGER NOT NULL, detail TEXT NOT NULL, PRIMARY KEY(model,"key")) WITHOUT ROWID;
CREATE TABLE syncline_replica_unread(model TEXT NOT NULL, "key" TEXT NOT NULL, version INTEGER NOT NULL, "row" TEXT NOT NULL,
  code INTEGER NOT NULL, detail TEXT NOT NULL, PRIMARY KEY(model,"key")) WITHOUT ROWID;
CREATE TABLE syncline_replica_lost(model INTEGER NOT NULL, "key" TEXT NOT NULL, version INTEGER NOT NULL, "row" BLOB, contains TEXT NOT NULL,
  PRIMARY KEY(model,"key")) WITHOUT ROWID;
CREATE TABLE syncline_replica_stage(model INTEGER NOT NULL, "key" TEXT NOT NULL, version INTEGER NOT NULL, "row" BLOB, contains TEXT NOT NULL,
  PRIMARY KEY(model,"key")) WITHOUT ROWID;
