-- Terms hang on an appeal and are visible where it is; admission lists are the city's.

ALTER TABLE terms ENABLE ROW LEVEL SECURITY;
CREATE POLICY scope ON terms USING (
  (SELECT triage_everywhere()) OR EXISTS (SELECT FROM appeals WHERE appeals.id = terms.appeal_id));

REVOKE ALL ON terms, admission FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE ON terms, admission TO triage_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO triage_app;

-- What was in hand before there were terms: the end is known, reminders run evenly. What is over already is listed and
-- alarms nobody again.
INSERT INTO terms (appeal_id, step, unit, rule, started_at, due_at, half_at, most_at, next_at, reminded)
SELECT id, 'finish', unit, '升级前登记的办结时限', received_at, finish_by,
  received_at + (finish_by - received_at) * 0.5, received_at + (finish_by - received_at) * 0.8,
  CASE WHEN finish_by > now() THEN received_at + (finish_by - received_at) * 0.5 END,
  CASE WHEN finish_by > now() THEN 0 ELSE 100 END
FROM appeals WHERE case_state IN ('waiting', 'assigned') AND finish_by IS NOT NULL;
