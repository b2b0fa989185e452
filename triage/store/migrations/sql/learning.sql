-- Whose duty an appeal is, as people see it at last. What the service decided by itself is no label. The view runs with the
-- rights of whoever reads it, so that row-level security holds for it as for the table behind it.
CREATE VIEW unit_labels WITH (security_invoker = true) AS
  WITH judged AS (
    SELECT appeal_id, id, kind, unit_from, unit_to, at
    FROM feedback WHERE kind IN ('confirm', 'reassign', 'return') AND actor <> 'system'
  ), latest AS (
    SELECT DISTINCT ON (appeal_id) appeal_id, kind, unit_to, at FROM judged ORDER BY appeal_id, id DESC
  ), whole AS (
    SELECT appeal_id, min(at) AS first_at,
      (array_agg(unit_from ORDER BY id))[1] AS proposed,
      coalesce(array_agg(DISTINCT unit_from) FILTER (WHERE kind = 'return' AND unit_from <> ''), '{}') AS refused
    FROM judged GROUP BY appeal_id
  )
  SELECT appeal_id, latest.kind, latest.unit_to AS unit, latest.at, whole.first_at, whole.proposed, whole.refused
  FROM latest JOIN whole USING (appeal_id);

GRANT SELECT ON unit_labels TO triage_app;
