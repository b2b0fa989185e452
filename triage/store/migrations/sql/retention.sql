-- The only way in which what was recorded about a person is ever removed. The service's own role may add decisions,
-- history and feedback but not change them; these functions belong to the owner of the tables and do it for it.

-- They belong to the whole city: a transaction of some districts, by mistake or by injection, is refused.
CREATE FUNCTION require_everywhere() RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = public, pg_temp
AS $$
BEGIN
  IF NOT triage_everywhere() THEN
    RAISE EXCEPTION 'only in the scope of the whole city' USING ERRCODE = 'insufficient_privilege';
  END IF;
END
$$;

-- What stays of a decision: names of units, classes, places and numbers. Quotes, explanations, demands and reasons
-- quote the citizen and go. What is kept is listed, so that a field added later goes too.
CREATE FUNCTION record_without_texts(record json)
RETURNS json
LANGUAGE sql IMMUTABLE
SET search_path = public, pg_temp
AS $$
  SELECT json_build_object(
    'id', record -> 'id',
    'unit', json_build_object(
      'candidates', coalesce(record #> '{unit,candidates}', '[]'), 'decision', record #> '{unit,decision}', 'reason', ''),
    'function', record -> 'function',
    'area', json_build_object('name', coalesce(record #> '{area,name}', '""'), 'evidence', ''),
    'category', record -> 'category',
    'type', record -> 'type',
    'risk', json_build_object(
      'level', record #> '{risk,level}', 'color', record #> '{risk,color}',
      'probabilities', coalesce(record #> '{risk,probabilities}', '[]'), 'score', record #> '{risk,score}',
      'emergency', record #> '{risk,emergency}', 'factors', coalesce(record #> '{risk,factors}', '[]'),
      'evidence', '[]'::json),
    'event', record -> 'event',
    'explanation', '[]'::json,
    'demands', '[]'::json,
    'level', json_build_object('name', coalesce(record #> '{level,name}', '""'), 'reason', ''),
    'assisting', coalesce(record -> 'assisting', '[]'),
    'route_out', CASE WHEN json_typeof(record -> 'route_out') = 'object'
      THEN json_build_object('channel', record #> '{route_out,channel}', 'reason', '') END,
    'deadline', record -> 'deadline',
    'versions', record -> 'versions',
    'anonymised', true
  )
$$;

-- Calls events after the first of the appeals that are in them now; those that have none lose their name.
CREATE FUNCTION events_renamed(ids uuid[])
RETURNS void
LANGUAGE sql VOLATILE
SET search_path = public, pg_temp
AS $$
  UPDATE events SET title = coalesce((
    SELECT title FROM appeals WHERE event_id = events.id AND title <> '' ORDER BY received_at, id LIMIT 1), '')
  WHERE id = ANY (ids)
$$;

-- Takes from appeals what tells who wrote them. With a tombstone the masked text goes as well and the tombstone stands in
-- its place (erasure on request); without one the masked text stays for statistics (anonymising by age).
CREATE FUNCTION appeals_without_person(ids uuid[], tombstone text)
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
  UPDATE links SET reason = '' WHERE (appeal_id = ANY (ids) OR other_id = ANY (ids)) AND reason <> '';
  UPDATE history SET detail = detail - '{reason,text,title,content,address,quote,evidence,record}'::text[]
  WHERE appeal_id = ANY (ids);
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

-- Erases all appeals of one appellant (keyed hash) and returns their ids.
CREATE FUNCTION appellant_erase(who bytea, tombstone text)
RETURNS uuid[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
  found uuid[];
BEGIN
  PERFORM require_everywhere();
  SELECT coalesce(array_agg(id), '{}') INTO found
  FROM (SELECT id FROM appeals WHERE appellant = who ORDER BY id FOR UPDATE) AS theirs;
  PERFORM appeals_without_person(found, tombstone);
  RETURN found;
END
$$;

-- How many appeals a run would touch; a dry run asks only this.
CREATE FUNCTION retention_due(anonymise_before timestamptz, purge_before timestamptz)
RETURNS TABLE (to_anonymise bigint, to_purge bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
  PERFORM require_everywhere();
  RETURN QUERY SELECT
    count(*) FILTER (
      WHERE received_at < anonymise_before AND anonymised_at IS NULL
        AND NOT coalesce(received_at < purge_before, false)),
    count(*) FILTER (WHERE received_at < purge_before)
  FROM appeals;
END
$$;

-- Anonymises up to `batch` appeals received from a moment on and before another; returns how many, and up to where it
-- came: the next call begins there, so that a run never walks over what it has done already.
CREATE FUNCTION retention_anonymise(since timestamptz, before timestamptz, batch integer)
RETURNS TABLE (touched integer, reached timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
  found uuid[];
BEGIN
  PERFORM require_everywhere();
  SELECT coalesce(array_agg(id), '{}'), max(received_at) INTO found, reached FROM (
    SELECT id, received_at FROM appeals
    WHERE received_at >= since AND received_at < before AND anonymised_at IS NULL
    ORDER BY received_at, id LIMIT batch FOR UPDATE SKIP LOCKED
  ) AS old;
  PERFORM appeals_without_person(found, NULL);
  touched := cardinality(found);
  RETURN NEXT;
END
$$;

-- Deletes up to `batch` appeals with everything that hangs on them; arguments and answer as above.
CREATE FUNCTION retention_purge(since timestamptz, before timestamptz, batch integer)
RETURNS TABLE (touched integer, reached timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
  found uuid[];
  theirs uuid[];
  former uuid[];
BEGIN
  PERFORM require_everywhere();
  SELECT coalesce(array_agg(id), '{}'), coalesce(array_agg(DISTINCT event_id), '{}'), max(received_at)
  INTO found, theirs, reached FROM (
    SELECT id, event_id, received_at FROM appeals WHERE received_at >= since AND received_at < before
    ORDER BY received_at, id LIMIT batch FOR UPDATE SKIP LOCKED
  ) AS old;
  former := ARRAY(SELECT event_from FROM feedback WHERE appeal_id = ANY (found) AND event_from IS NOT NULL);
  UPDATE job_items SET input = NULL, error = '' WHERE appeal_id = ANY (found);
  DELETE FROM appeals WHERE id = ANY (found);
  UPDATE events SET size = (SELECT count(*) FROM appeals WHERE event_id = events.id) WHERE id = ANY (theirs);
  PERFORM events_renamed(theirs || former);
  -- An event goes with its last appeal, and with it those that were merged into it.
  DELETE FROM events AS merged USING events AS target
  WHERE merged.merged_into = target.id AND target.id = ANY (theirs) AND target.size = 0
    AND NOT EXISTS (SELECT FROM appeals WHERE event_id = merged.id)
    AND NOT EXISTS (SELECT FROM events AS other WHERE other.merged_into = merged.id);
  DELETE FROM events WHERE id = ANY (theirs) AND size = 0
    AND NOT EXISTS (SELECT FROM alerts WHERE event_id = events.id)
    AND NOT EXISTS (SELECT FROM events AS other WHERE other.merged_into = events.id);
  touched := cardinality(found);
  RETURN NEXT;
END
$$;

-- What lies around appeals and is only wanted for a while: messages that were sent, what was posted for jobs, keys of
-- repeated posts, ended sessions. Called once per run; appeals go in batches, these tables are small.
CREATE FUNCTION retention_sweep(before timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
  PERFORM require_everywhere();
  DELETE FROM outbox WHERE created_at < before AND state IN ('sent', 'dead');
  DELETE FROM idempotency WHERE at < before;
  DELETE FROM sessions WHERE expires_at < now();
  UPDATE job_items SET input = NULL
  WHERE input IS NOT NULL AND job_id IN (SELECT id FROM jobs WHERE created_at < before);
END
$$;
