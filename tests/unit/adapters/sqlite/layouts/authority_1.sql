-- The bookkeeping tables of an authority as format 1 made them, before it noted what devices without bases had seen and who may see what.
CREATE TABLE syncline_authority_meta(name TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID;
CREATE TABLE syncline_authority_tenants(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL,
  stamp INTEGER NOT NULL, floor_seq INTEGER NOT NULL, floor_stamp INTEGER NOT NULL);
CREATE TABLE syncline_authority_incarnations(number INTEGER PRIMARY KEY, seq INTEGER NOT NULL, stamp INTEGER NOT NULL);
CREATE TABLE syncline_authority_lost(incarnation INTEGER NOT NULL, tenant INTEGER NOT NULL, seq INTEGER NOT NULL, stamp INTEGER NOT NULL,
  PRIMARY KEY(incarnation, tenant)) WITHOUT ROWID;
CREATE TABLE syncline_authority_sources(tenant INTEGER NOT NULL, principal TEXT NOT NULL, source TEXT NOT NULL, seq INTEGER, stamp INTEGER,
  seen INTEGER NOT NULL, PRIMARY KEY(tenant, principal, source)) WITHOUT ROWID;
CREATE TABLE syncline_authority_models(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, layout INTEGER NOT NULL DEFAULT 0);
CREATE TABLE syncline_authority_layouts(id INTEGER PRIMARY KEY, model INTEGER NOT NULL, fields BLOB NOT NULL, UNIQUE(model, fields));
CREATE TABLE syncline_authority_stage(seq INTEGER PRIMARY KEY, model INTEGER, key, tenant TEXT);
CREATE TABLE syncline_authority_bundles(tenant INTEGER NOT NULL, seq INTEGER NOT NULL, source TEXT NOT NULL,
  source_bundle_id INTEGER NOT NULL, row_count INTEGER NOT NULL, first_stamp INTEGER NOT NULL, first_change INTEGER NOT NULL,
  PRIMARY KEY(tenant, seq)) WITHOUT ROWID;
CREATE TABLE syncline_authority_changes(id INTEGER PRIMARY KEY, tenant INTEGER NOT NULL, model INTEGER NOT NULL, key TEXT NOT NULL,
  seq INTEGER NOT NULL, stamp INTEGER NOT NULL, op INTEGER NOT NULL, layout INTEGER NOT NULL, writer TEXT NOT NULL,
  fields BLOB NOT NULL, written_at INTEGER NOT NULL, image BLOB);
CREATE INDEX syncline_authority_changes_by_record ON syncline_authority_changes(tenant, model, key, seq);
CREATE TABLE syncline_authority_rows(tenant INTEGER NOT NULL, model INTEGER NOT NULL, key TEXT NOT NULL, change INTEGER NOT NULL,
  version INTEGER NOT NULL, stamp INTEGER NOT NULL, deleted INTEGER NOT NULL, pruned_version INTEGER NOT NULL,
  PRIMARY KEY(tenant, model, key)) WITHOUT ROWID;
CREATE INDEX syncline_authority_rows_by_stamp ON syncline_authority_rows(tenant, stamp, change);
CREATE TABLE syncline_authority_receipts(tenant INTEGER NOT NULL, principal TEXT NOT NULL, id TEXT NOT NULL, model INTEGER NOT NULL,
  key TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY(tenant, principal, id)) WITHOUT ROWID;
CREATE TABLE syncline_authority_bundle_receipts(tenant INTEGER NOT NULL, source TEXT NOT NULL, source_bundle_id INTEGER NOT NULL,
  principal TEXT NOT NULL, seq INTEGER NOT NULL, content_hash TEXT NOT NULL, row_count INTEGER NOT NULL,
  PRIMARY KEY(tenant, source, source_bundle_id)) WITHOUT ROWID;
CREATE TABLE syncline_authority_sessions(number INTEGER PRIMARY KEY, tenant INTEGER NOT NULL, id TEXT NOT NULL, principal TEXT NOT NULL,
  source TEXT NOT NULL, source_bundle_id INTEGER NOT NULL, planned_rows INTEGER NOT NULL, received_rows INTEGER NOT NULL,
  expires INTEGER NOT NULL, UNIQUE(tenant, id));
CREATE INDEX syncline_authority_sessions_by_source ON syncline_authority_sessions(tenant, source, source_bundle_id);
CREATE TABLE syncline_authority_session_mutations(session INTEGER NOT NULL, ordinal INTEGER NOT NULL, id TEXT NOT NULL,
  model INTEGER NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY(session, ordinal)) WITHOUT ROWID;
CREATE TABLE syncline_authority_snapshots(number INTEGER PRIMARY KEY, tenant INTEGER NOT NULL, id TEXT NOT NULL, principal TEXT NOT NULL,
  seq INTEGER NOT NULL, stamp INTEGER NOT NULL, row_count INTEGER NOT NULL, expires INTEGER NOT NULL, newest_write INTEGER NOT NULL,
  UNIQUE(tenant, id));
CREATE TABLE syncline_authority_snapshot_rows(snapshot INTEGER NOT NULL, ordinal INTEGER NOT NULL, model INTEGER NOT NULL,
  key TEXT NOT NULL, version INTEGER NOT NULL, layout INTEGER NOT NULL, image BLOB NOT NULL,
  PRIMARY KEY(snapshot, ordinal)) WITHOUT ROWID;
