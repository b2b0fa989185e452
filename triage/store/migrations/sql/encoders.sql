-- Vectors of different encoders never meet: each encoder in use has a slot, and with it a graph of its own.

GRANT SELECT, INSERT, UPDATE, DELETE ON encoders, encoder_parts TO triage_app;

-- As before (see search.sql), but through the graph of the encoder asked for. An encoder that the table does not know is that
-- of a store from before there were slots, whose vectors all lie in slot 0.
CREATE OR REPLACE FUNCTION search_dense(
    query halfvec, of_encoder text, since timestamptz, until timestamptz, wanted integer, exact_below integer
) RETURNS TABLE (appeal_id uuid, score double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp
SET hnsw.iterative_scan = 'strict_order'
SET hnsw.ef_search = 100
AS $$
DECLARE
    districts text[] := string_to_array(coalesce(current_setting('triage.districts', true), ''), E'\x1f');
    everywhere boolean := '*' = ANY (districts);
    in_slot integer := coalesce((SELECT e.slot FROM encoders e WHERE e.fingerprint = of_encoder), 0);
    -- The slot is written out: only then does the planner see that the index of that slot is enough.
    filter text := format('v.slot = %s AND v.encoder = $2', in_slot);
    passing bigint;
BEGIN
    IF NOT everywhere THEN
        filter := filter || ' AND v.district = ANY ($3)';
    END IF;
    IF since IS NOT NULL THEN
        filter := filter || ' AND v.received_at >= $4';
    END IF;
    IF until IS NOT NULL THEN
        filter := filter || ' AND v.received_at < $5';
    END IF;
    IF NOT everywhere OR since IS NOT NULL OR until IS NOT NULL THEN
        EXECUTE format('SELECT count(*) FROM (SELECT FROM vectors v WHERE %s LIMIT $6) few', filter)
            INTO passing USING query, of_encoder, districts, since, until, exact_below + 1;
        IF passing <= exact_below THEN
            RETURN QUERY EXECUTE format(
                'WITH few AS MATERIALIZED (SELECT v.appeal_id, -(v.vector <#> $1) AS score FROM vectors v WHERE %s)
                 SELECT f.appeal_id, f.score FROM few f ORDER BY f.score DESC, f.appeal_id LIMIT $6', filter)
                USING query, of_encoder, districts, since, until, wanted;
            RETURN;
        END IF;
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT v.appeal_id, -(v.vector <#> $1) FROM vectors v WHERE %s ORDER BY v.vector <#> $1 LIMIT $6', filter)
        USING query, of_encoder, districts, since, until, wanted;
END
$$;

-- Looks at the next `batch` vectors after an appeal and removes those that no encoder in use has made. Returns how many it
-- removed and up to which appeal it looked (null: there were no more), where the next call goes on.
CREATE FUNCTION vectors_forget(after uuid, batch integer)
RETURNS TABLE (removed integer, reached uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
  PERFORM require_everywhere();
  removed := 0;
  IF NOT EXISTS (SELECT FROM encoders WHERE state = 'active') THEN
    RETURN NEXT;
    RETURN;
  END IF;
  SELECT max(few.appeal_id::text)::uuid INTO reached FROM (
    SELECT v.appeal_id FROM vectors v WHERE after IS NULL OR v.appeal_id > after ORDER BY v.appeal_id LIMIT batch
  ) AS few;
  IF reached IS NOT NULL THEN
    DELETE FROM vectors v
    WHERE (after IS NULL OR v.appeal_id > after) AND v.appeal_id <= reached
      AND NOT EXISTS (SELECT FROM encoders e WHERE e.fingerprint = v.encoder AND e.state <> 'retired');
    GET DIAGNOSTICS removed = ROW_COUNT;
  END IF;
  RETURN NEXT;
END
$$;
REVOKE ALL ON FUNCTION vectors_forget FROM PUBLIC;
GRANT EXECUTE ON FUNCTION vectors_forget TO triage_app;
