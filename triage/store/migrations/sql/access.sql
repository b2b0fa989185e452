-- Which rows exist for whom. The service logs in as triage_app; triage_owner owns everything and is not held by this.

-- Scope of the transaction: districts joined by U+001F, or '*' for the whole city. Unset or empty: nothing is visible.
-- Policies call these two as (SELECT f()), so that they are computed once per statement and not once per row.
CREATE FUNCTION triage_everywhere() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT coalesce(current_setting('triage.districts', true) = '*', false) $$;

CREATE FUNCTION triage_districts() RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT CASE WHEN coalesce(current_setting('triage.districts', true), '') IN ('', '*') THEN '{}'::text[]
    ELSE string_to_array(current_setting('triage.districts', true), E'\x1f') END
$$;

-- What is only ever added stays as it was written, whoever tries.
CREATE FUNCTION triage_refuse_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are never changed or removed', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE ON audit
  FOR EACH ROW EXECUTE FUNCTION triage_refuse_change();
CREATE TRIGGER audit_is_not_truncated BEFORE TRUNCATE ON audit
  FOR EACH STATEMENT EXECUTE FUNCTION triage_refuse_change();

ALTER TABLE appeals ENABLE ROW LEVEL SECURITY;
ALTER TABLE vectors ENABLE ROW LEVEL SECURITY;
ALTER TABLE signatures ENABLE ROW LEVEL SECURITY;
ALTER TABLE decisions ENABLE ROW LEVEL SECURITY;
ALTER TABLE links ENABLE ROW LEVEL SECURITY;
ALTER TABLE history ENABLE ROW LEVEL SECURITY;
ALTER TABLE feedback ENABLE ROW LEVEL SECURITY;
ALTER TABLE alerts ENABLE ROW LEVEL SECURITY;
ALTER TABLE events ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency ENABLE ROW LEVEL SECURITY;
ALTER TABLE jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE job_items ENABLE ROW LEVEL SECURITY;

-- Tables with a district of their own. An appeal whose district is not known ('') belongs to the whole city.
CREATE POLICY scope ON appeals USING (
  (SELECT triage_everywhere()) OR district = ANY ((SELECT triage_districts())::text[]));
CREATE POLICY scope ON vectors USING (
  (SELECT triage_everywhere()) OR district = ANY ((SELECT triage_districts())::text[]));
CREATE POLICY scope ON signatures USING (
  (SELECT triage_everywhere()) OR district = ANY ((SELECT triage_districts())::text[]));
CREATE POLICY scope ON alerts USING (
  (SELECT triage_everywhere()) OR district = ANY ((SELECT triage_districts())::text[]));

-- Tables that hang on an appeal: visible where the appeal is (its own policy applies inside EXISTS).
CREATE POLICY scope ON decisions USING (
  (SELECT triage_everywhere()) OR EXISTS (SELECT FROM appeals WHERE appeals.id = decisions.appeal_id));
CREATE POLICY scope ON history USING (
  (SELECT triage_everywhere()) OR EXISTS (SELECT FROM appeals WHERE appeals.id = history.appeal_id));
CREATE POLICY scope ON feedback USING (
  (SELECT triage_everywhere()) OR EXISTS (SELECT FROM appeals WHERE appeals.id = feedback.appeal_id));
CREATE POLICY scope ON idempotency USING (
  (SELECT triage_everywhere()) OR EXISTS (SELECT FROM appeals WHERE appeals.id = idempotency.appeal_id));

-- A link tells that an appeal of another district exists, so both ends must be visible to touch it.
CREATE POLICY scope ON links USING (
  (SELECT triage_everywhere())
  OR EXISTS (SELECT FROM appeals WHERE appeals.id = links.appeal_id)
     AND EXISTS (SELECT FROM appeals WHERE appeals.id = links.other_id));

-- An event is visible where any of its appeals is; its size counts all of them. A new one has no appeal yet.
CREATE POLICY scope ON events USING (
  (SELECT triage_everywhere()) OR EXISTS (SELECT FROM appeals WHERE appeals.event_id = events.id))
  WITH CHECK (true);

-- A job belongs to whoever started it, with the districts that person had.
CREATE POLICY scope ON jobs USING (
  (SELECT triage_everywhere())
  OR districts <> '{}' AND districts <@ (SELECT triage_districts()));
CREATE POLICY scope ON job_items USING (
  (SELECT triage_everywhere()) OR EXISTS (SELECT FROM jobs WHERE jobs.id = job_items.job_id));
