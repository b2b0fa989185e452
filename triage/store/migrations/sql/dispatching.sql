-- Automatic dispatch: who sees what it did, and what the service may do with it.

ALTER TABLE dispatches ENABLE ROW LEVEL SECURITY;
CREATE POLICY scope ON dispatches USING (
  (SELECT triage_everywhere()) OR EXISTS (SELECT FROM appeals WHERE appeals.id = dispatches.appeal_id));

GRANT SELECT, INSERT, UPDATE ON dispatches TO triage_app;
-- How the switch was turned is only ever added.
GRANT SELECT, INSERT ON dispatch_switch TO triage_app;
