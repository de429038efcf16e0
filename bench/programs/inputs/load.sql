-- Bulk load, index, delete, group. ROWS is replaced by how many rows.
CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, price REAL, note BLOB);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ROWS)
  INSERT INTO item SELECT i, printf('item %d', i * 7919 % 500009), i / 7.0, zeroblob(i % 90) FROM n;
CREATE INDEX by_name ON item(name);
DELETE FROM item WHERE id % 3 = 0;
SELECT count(*), round(sum(price), 2), min(name), max(name) FROM item;
SELECT substr(name, 1, 7) AS head, count(*) FROM item GROUP BY head ORDER BY 2 DESC, 1 LIMIT 5;
PRAGMA integrity_check;
