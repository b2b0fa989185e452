-- Reports: who sees them, and what erasing takes from them.

ALTER TABLE reports ENABLE ROW LEVEL SECURITY;
ALTER TABLE report_quotes ENABLE ROW LEVEL SECURITY;
ALTER TABLE appeal_facets ENABLE ROW LEVEL SECURITY;

-- A report is seen by whoever may see all that it counts.
CREATE POLICY scope ON reports USING (
  (SELECT triage_everywhere()) OR districts <> '{}' AND districts <@ (SELECT triage_districts()));
CREATE POLICY scope ON report_quotes USING (
  (SELECT triage_everywhere()) OR EXISTS (SELECT FROM reports WHERE reports.id = report_quotes.report_id));
CREATE POLICY scope ON appeal_facets USING (
  (SELECT triage_everywhere()) OR district = ANY ((SELECT triage_districts())::text[]));

GRANT SELECT, INSERT, UPDATE ON reports TO triage_app;
GRANT SELECT, INSERT ON report_quotes, appeal_facets TO triage_app;

-- An appeal's text is changed by erasing alone. What was taken from it goes with it, also from reports that were made.
CREATE FUNCTION appeal_texts_gone() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
  UPDATE report_quotes SET text = '' WHERE appeal_id = NEW.id;
  UPDATE appeal_facets SET words = '{}' WHERE appeal_id = NEW.id;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION appeal_texts_gone FROM PUBLIC;

CREATE TRIGGER texts_gone AFTER UPDATE OF content ON appeals
FOR EACH ROW WHEN (OLD.content IS DISTINCT FROM NEW.content)
EXECUTE FUNCTION appeal_texts_gone();
