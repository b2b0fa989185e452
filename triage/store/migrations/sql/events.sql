-- Events: who sees what people decided about them, what is counted of their appeals, and what erasing takes from them.

ALTER TABLE event_steps ENABLE ROW LEVEL SECURITY;
ALTER TABLE event_moves ENABLE ROW LEVEL SECURITY;
ALTER TABLE event_verdicts ENABLE ROW LEVEL SECURITY;

CREATE POLICY scope ON event_moves USING (
  (SELECT triage_everywhere()) OR EXISTS (SELECT FROM appeals WHERE appeals.id = event_moves.appeal_id));
CREATE POLICY scope ON event_verdicts USING (
  (SELECT triage_everywhere())
  OR EXISTS (SELECT FROM appeals WHERE appeals.id = event_verdicts.appeal_id)
     AND EXISTS (SELECT FROM appeals WHERE appeals.id = event_verdicts.other_id));
-- A step tells of every appeal that it moved, so a district sees it where all of them are its own. It is written before
-- its moves are.
CREATE POLICY scope ON event_steps USING (
  (SELECT triage_everywhere())
  OR EXISTS (SELECT FROM events WHERE events.id = event_steps.event_id)
     AND moved = (SELECT count(*) FROM event_moves WHERE event_moves.step_id = event_steps.id))
  WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE ON event_steps TO triage_app;
GRANT SELECT, INSERT ON event_moves, event_verdicts TO triage_app;

-- Writes what the appeals of events say about them now. The mark of high frequency (three tickets within three natural
-- days of the city; supplements are no tickets of their own) begins with the first such day.
--
-- `hot` orders events by their recent appeals without ever being computed anew as time passes: an appeal weighs
-- 1 + its risk level when it comes and half as much with every three days, and the logarithm of the sum, told as of a
-- fixed day, keeps the order of the sums (forward decay: Cormode et al., ICDE 2009). It is log2(sum of weight * 2^(t/3 d)).
CREATE FUNCTION events_recounted(ids uuid[])
RETURNS void
LANGUAGE sql VOLATILE
SET search_path = public, pg_temp
AS $$
  WITH mine AS MATERIALIZED (
    SELECT event_id, appellant, district, l1, l2, risk_level, received_at, supplements,
      (received_at AT TIME ZONE 'Asia/Shanghai')::date - DATE '2000-01-01' AS day,
      extract(epoch FROM received_at)::double precision / 259200 + log(2, 1 + risk_level)::double precision AS warmth
    FROM appeals WHERE event_id = ANY (ids)
  ), told AS (
    SELECT event_id, count(*) AS size, max(risk_level) AS risk_level,
      min(received_at) AS first_at, max(received_at) AS last_at,
      CASE WHEN min(district) = max(district) THEN min(district) ELSE '' END AS district,
      count(DISTINCT appellant) + count(*) FILTER (WHERE appellant IS NULL) AS appellants,
      coalesce(mode() WITHIN GROUP (ORDER BY l1) FILTER (WHERE l1 <> ''), '') AS l1,
      coalesce(mode() WITHIN GROUP (ORDER BY l2) FILTER (WHERE l2 <> ''), '') AS l2,
      max(warmth) AS warmest
    FROM mine GROUP BY event_id
  ), warm AS (
    -- What is 60 halvings away adds nothing that a double could hold.
    SELECT event_id, sum(power(2, greatest(warmth - warmest, -60))) AS sum
    FROM mine JOIN told USING (event_id) GROUP BY event_id
  ), days AS (
    SELECT event_id, day, count(*) AS tickets FROM mine WHERE supplements IS NULL GROUP BY event_id, day
  ), spans AS (
    SELECT event_id, day,
      sum(tickets) OVER (PARTITION BY event_id ORDER BY day RANGE BETWEEN 2 PRECEDING AND CURRENT ROW) AS tickets
    FROM days
  ), frequent AS (
    SELECT event_id, min(day) AS since, max(day) AS last FROM spans WHERE tickets >= 3 GROUP BY event_id
  )
  UPDATE events SET
    size = told.size, risk_level = told.risk_level, first_at = told.first_at, last_at = told.last_at,
    district = told.district, appellants = told.appellants, l1 = told.l1, l2 = told.l2,
    hot = told.warmest + ln(warm.sum) / ln(2::double precision),
    frequent_since = DATE '2000-01-01' + frequent.since, frequent_last = DATE '2000-01-01' + frequent.last
  FROM told JOIN warm USING (event_id) LEFT JOIN frequent USING (event_id)
  WHERE events.id = told.event_id
$$;

-- As before; and the keywords go, and both are cut anew when the next appeal comes.
CREATE OR REPLACE FUNCTION events_renamed(ids uuid[])
RETURNS void
LANGUAGE sql VOLATILE
SET search_path = public, pg_temp
AS $$
  UPDATE events SET keywords = '{}', titled = 0, title = coalesce((
    SELECT left(title, 20) FROM appeals WHERE event_id = events.id AND title <> '' ORDER BY received_at, id LIMIT 1), '')
  WHERE id = ANY (ids)
$$;

-- Takes from appeals what tells who wrote them; as before, and the reasons of what people decided about their events.
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
  UPDATE event_steps SET reason = '' WHERE reason <> '' AND (
    event_id IN (SELECT event_id FROM appeals WHERE id = ANY (ids))
    OR id IN (SELECT step_id FROM event_moves WHERE appeal_id = ANY (ids)));
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

REVOKE ALL ON FUNCTION events_recounted FROM PUBLIC;
GRANT EXECUTE ON FUNCTION events_recounted TO triage_app;
