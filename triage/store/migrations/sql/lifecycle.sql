-- The life cycle: who sees its rows, what the service may do with them, and what erasing takes from them.

ALTER TABLE objections ENABLE ROW LEVEL SECURITY;
ALTER TABLE extensions ENABLE ROW LEVEL SECURITY;
ALTER TABLE assistance ENABLE ROW LEVEL SECURITY;
ALTER TABLE supervisions ENABLE ROW LEVEL SECURITY;
ALTER TABLE answers ENABLE ROW LEVEL SECURITY;

CREATE POLICY scope ON objections USING (
  (SELECT triage_everywhere()) OR EXISTS (SELECT FROM appeals WHERE appeals.id = objections.appeal_id));
CREATE POLICY scope ON extensions USING (
  (SELECT triage_everywhere()) OR EXISTS (SELECT FROM appeals WHERE appeals.id = extensions.appeal_id));
CREATE POLICY scope ON assistance USING (
  (SELECT triage_everywhere()) OR EXISTS (SELECT FROM appeals WHERE appeals.id = assistance.appeal_id));
CREATE POLICY scope ON supervisions USING (
  (SELECT triage_everywhere()) OR EXISTS (SELECT FROM appeals WHERE appeals.id = supervisions.appeal_id));
CREATE POLICY scope ON answers USING (
  (SELECT triage_everywhere()) OR EXISTS (SELECT FROM appeals WHERE appeals.id = answers.appeal_id));

GRANT SELECT, INSERT, UPDATE ON objections, extensions, assistance, supervisions TO triage_app;
-- What an appellant said is only ever added.
GRANT SELECT, INSERT ON answers TO triage_app;

-- The next number of a supervision order (督办单) of a year. Orders of all districts share one count, which a district's
-- transaction cannot see; the lock lasts until the order is written, so no number is given twice and none is skipped.
CREATE FUNCTION supervision_serial(of_year integer)
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
  found integer;
BEGIN
  PERFORM pg_advisory_xact_lock(x'737570657276'::bigint);
  SELECT coalesce(max(serial), 0) + 1 INTO found FROM supervisions WHERE year = of_year;
  RETURN found;
END
$$;

-- Gives an appeal, with its supplements, to another district. A district's transaction may not write rows that it
-- cannot read afterwards, so this runs as the owner; the appeal must be the caller's to give. Every table that repeats the
-- district of an appeal follows, also those made later.
CREATE FUNCTION appeal_hand_over(which uuid, target text)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
  moved uuid[];
  repeats regclass;
BEGIN
  PERFORM FROM appeals WHERE id = which AND (triage_everywhere() OR district = ANY (triage_districts())) FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such appeal' USING ERRCODE = 'insufficient_privilege';
  END IF;
  SELECT array_agg(id) INTO moved
  FROM (SELECT id FROM appeals WHERE id = which OR supplements = which ORDER BY id FOR UPDATE) AS held;
  UPDATE appeals SET district = target WHERE id = ANY (moved);
  FOR repeats IN
    SELECT c.oid FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname NOT IN ('appeals', 'alerts')
      AND 2 = (SELECT count(*) FROM pg_attribute a
               WHERE a.attrelid = c.oid AND a.attname IN ('appeal_id', 'district') AND NOT a.attisdropped)
  LOOP
    EXECUTE format('UPDATE %s SET district = $1 WHERE appeal_id = ANY ($2)', repeats) USING target, moved;
  END LOOP;
  -- One alert per event, level and district: where the target has that alert already, this one stays with the former.
  UPDATE alerts SET district = target
  WHERE appeal_id = ANY (moved) AND NOT EXISTS (
    SELECT FROM alerts AS other
    WHERE other.event_id = alerts.event_id AND other.level = alerts.level AND other.district = target);
  UPDATE events SET district = theirs.district
  FROM (
    SELECT event_id, CASE WHEN min(district) = max(district) THEN min(district) ELSE '' END AS district
    FROM appeals WHERE event_id IN (SELECT event_id FROM appeals WHERE id = ANY (moved)) GROUP BY event_id
  ) AS theirs
  WHERE events.id = theirs.event_id;
END
$$;

-- Takes from appeals what tells who wrote them; as before, and the reasons of the steps after the dispatch.
CREATE OR REPLACE FUNCTION appeals_without_person(ids uuid[], tombstone text)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
  UPDATE appeals SET
    title_raw = '', content_raw = coalesce(tombstone, ''), address_raw = '', address = '',
    title = CASE WHEN tombstone IS NULL THEN title ELSE '' END,
    content = coalesce(tombstone, content),
    appellant = NULL, anonymised_at = now()
  WHERE id = ANY (ids);
  UPDATE decisions SET record = record_without_texts(record) WHERE appeal_id = ANY (ids);
  UPDATE feedback SET reason = '' WHERE appeal_id = ANY (ids) AND reason <> '';
  UPDATE alerts SET reason = coalesce(tombstone, '已匿名') WHERE appeal_id = ANY (ids);
  UPDATE escalations SET reason = coalesce(tombstone, '已匿名') WHERE appeal_id = ANY (ids);
  UPDATE links SET reason = '' WHERE (appeal_id = ANY (ids) OR other_id = ANY (ids)) AND reason <> '';
  UPDATE history SET detail = detail - '{reason,text,title,content,address,quote,evidence,record}'::text[]
  WHERE appeal_id = ANY (ids);
  UPDATE objections SET reason = '', ruling = '' WHERE appeal_id = ANY (ids);
  UPDATE extensions SET reason = '', ruling = '' WHERE appeal_id = ANY (ids);
  UPDATE assistance SET reason = '' WHERE appeal_id = ANY (ids);
  UPDATE supervisions SET reason = '' WHERE appeal_id = ANY (ids);
  UPDATE job_items SET input = NULL, error = '' WHERE appeal_id = ANY (ids) AND input IS NOT NULL;
  DELETE FROM signatures WHERE appeal_id = ANY (ids);
  DELETE FROM idempotency WHERE appeal_id = ANY (ids);
  IF tombstone IS NOT NULL THEN
    -- An event is called after one of its appeals, and keeps that name when the appeal is moved on (merge, split).
    PERFORM events_renamed(ARRAY(
      SELECT event_id FROM appeals WHERE id = ANY (ids)
      UNION SELECT event_from FROM feedback WHERE appeal_id = ANY (ids) AND event_from IS NOT NULL));
    DELETE FROM outbox WHERE payload ->> 'appeal_id' IN (SELECT id::text FROM unnest(ids) AS id);
    DELETE FROM vectors WHERE appeal_id = ANY (ids);
    DELETE FROM links WHERE appeal_id = ANY (ids) OR other_id = ANY (ids);
  END IF;
END
$$;

REVOKE ALL ON FUNCTION supervision_serial, appeal_hand_over FROM PUBLIC;
GRANT EXECUTE ON FUNCTION supervision_serial, appeal_hand_over TO triage_app;
