-- Early warning: who sees why a level rose. A district reads the rows written for it; what they say of an event's other
-- districts is its level and how many appeals it has, never which or where.
--
-- Reasons hold figures and names of risk factors. `appeals_without_person` empties them like those of alerts.

ALTER TABLE escalations ENABLE ROW LEVEL SECURITY;

CREATE POLICY scope ON escalations USING (
  (SELECT triage_everywhere()) OR district = ANY ((SELECT triage_districts())::text[]));

-- Only ever added.
GRANT SELECT, INSERT ON escalations TO triage_app;
