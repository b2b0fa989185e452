-- What the service's role may do at all; runs last, when every table and function is there. Nobody else may do anything.

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO triage_app;

-- Only ever added; erasure goes through functions of the owner.
GRANT SELECT, INSERT ON decisions, history, feedback TO triage_app;
-- Rows of the audit come from audit_append alone, which computes their hashes.
GRANT SELECT ON audit TO triage_app;
-- Added and changed, never removed by the service.
GRANT SELECT, INSERT, UPDATE
  ON appeals, vectors, signatures, events, alerts, jobs, job_items, units, keys, users TO triage_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON links, outbox, idempotency, sessions, bundles, bundle_parts TO triage_app;
-- How common strings are, for search; the newest count replaces older ones.
GRANT SELECT, INSERT, DELETE ON term_counts TO triage_app;
GRANT SELECT ON alembic_version TO triage_app;

-- The queue.
GRANT SELECT, INSERT, UPDATE, DELETE
  ON procrastinate_jobs, procrastinate_events, procrastinate_periodic_defers, procrastinate_workers TO triage_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO triage_app;

-- Functions: ours and the queue's, not those of the extension, which belong to the DBA and are everybody's.
DO $$
DECLARE
  found regprocedure;
BEGIN
  FOR found IN
    SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proowner = current_user::regrole
  LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', found);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO triage_app', found);
  END LOOP;
END
$$;
-- Only steps of erasing, anonymising and purging, which are functions of the owner.
REVOKE EXECUTE ON FUNCTION appeals_without_person, events_renamed FROM triage_app;
