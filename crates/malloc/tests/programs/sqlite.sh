# Tables, indices, transactions and queries, and all of it dumped.
set -euo pipefail
rows=$1
sqlite3 data.db <<SQL
PRAGMA journal_mode = WAL;
CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, kind INTEGER, payload BLOB);
CREATE TABLE kind(id INTEGER PRIMARY KEY, name TEXT UNIQUE);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $rows)
INSERT INTO item SELECT i, printf('item %d', i * 7919 % 10007), i % 100, zeroblob(i % 60) FROM n;
INSERT INTO kind SELECT DISTINCT kind, 'kind ' || kind FROM item;
COMMIT;
CREATE INDEX item_name ON item(name);
CREATE INDEX item_kind ON item(kind, name);
SELECT kind.name, count(*), min(item.name), sum(length(payload)) FROM item JOIN kind ON kind.id = item.kind GROUP BY 1;
SELECT name, group_concat(id) FROM item GROUP BY name ORDER BY count(*) DESC, name LIMIT 50;
BEGIN;
UPDATE item SET payload = payload || 'more', name = name || '!' WHERE kind < 20;
ROLLBACK;
BEGIN;
DELETE FROM item WHERE kind % 3 = 0;
UPDATE item SET name = upper(name) WHERE kind % 3 = 1;
COMMIT;
VACUUM;
ANALYZE;
PRAGMA integrity_check;
SQL
sqlite3 data.db .dump
