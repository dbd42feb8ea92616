-- One vote in PostgreSQL: dedup and count, in one statement.
\set voter random(1, 9000000000000000)
\set option random(0, 9)
WITH fresh AS (
  INSERT INTO ballots (poll, voter, option) VALUES (1, :voter, :option)
  ON CONFLICT DO NOTHING RETURNING option)
UPDATE tally SET votes = votes + 1 FROM fresh WHERE tally.option = fresh.option;
