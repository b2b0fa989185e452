-- Candidates for similar appeals. These functions run as the owner of the tables, because under row-level security the
-- array and vector indexes would not be used; so they hand out ids and scores only, of rows in the caller's districts
-- (setting triage.districts, '*' for all), and whoever calls them reads the rows themselves under row-level security.

CREATE FUNCTION triage_appeal_estimate() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'public.appeals'::regclass
$$;

-- The nearest vectors of one encoder. A filter that leaves few rows (counted up to `exact_below`) is searched exactly:
-- walking the graph for a hundredth of its nodes takes longer than looking at all of these. Otherwise the graph is
-- walked until enough rows pass the filter (iterative scan).
CREATE FUNCTION search_dense(
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
    filter text := 'v.encoder = $2';
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

-- Appeals that share rare strings, names, the whole text or the appellant. A key that more than `common` appeals share
-- says nothing and is passed over.
CREATE FUNCTION search_shared(
    of_terms integer[], of_weights real[], of_places integer[], of_text bigint, of_appellant bytea,
    since timestamptz, until timestamptz, wanted integer, common integer
) RETURNS TABLE (kind text, appeal_id uuid, score double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp
SET enable_seqscan = off
SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    districts text[] := string_to_array(coalesce(current_setting('triage.districts', true), ''), E'\x1f');
    everywhere boolean := '*' = ANY (districts);
BEGIN
    RETURN QUERY
        WITH hits AS MATERIALIZED (
            SELECT w.term, w.weight, s.appeal_id, count(*) OVER (PARTITION BY w.term) AS many
            FROM unnest(of_terms, of_weights) AS w (term, weight)
            JOIN signatures s ON s.terms @> ARRAY[w.term]
            WHERE (everywhere OR s.district = ANY (districts))
              AND (since IS NULL OR s.received_at >= since) AND (until IS NULL OR s.received_at < until)
        )
        SELECT 'terms', h.appeal_id, sum(h.weight)::double precision AS total FROM hits h WHERE h.many <= common
        GROUP BY h.appeal_id ORDER BY total DESC, h.appeal_id DESC LIMIT wanted;
    RETURN QUERY
        WITH hits AS MATERIALIZED (
            SELECT w.place, s.appeal_id, s.received_at, count(*) OVER (PARTITION BY w.place) AS many
            FROM unnest(of_places) AS w (place)
            JOIN signatures s ON s.places @> ARRAY[w.place]
            WHERE (everywhere OR s.district = ANY (districts))
              AND (since IS NULL OR s.received_at >= since) AND (until IS NULL OR s.received_at < until)
        )
        SELECT 'places', h.appeal_id, sum(1 - ln(h.many) / ln(common + 1))::double precision AS total
        FROM hits h WHERE h.many <= common
        GROUP BY h.appeal_id ORDER BY total DESC, max(h.received_at) DESC, h.appeal_id DESC LIMIT wanted;
    RETURN QUERY
        SELECT 'text', s.appeal_id, 1::double precision FROM signatures s
        WHERE s.text_hash = of_text AND (everywhere OR s.district = ANY (districts))
          AND (since IS NULL OR s.received_at >= since) AND (until IS NULL OR s.received_at < until)
        ORDER BY s.received_at DESC, s.appeal_id DESC LIMIT wanted;
    IF of_appellant IS NOT NULL THEN
        RETURN QUERY
            SELECT 'appellant', a.id, 1::double precision FROM appeals a
            WHERE a.appellant = of_appellant AND (everywhere OR a.district = ANY (districts))
              AND (since IS NULL OR a.received_at >= since) AND (until IS NULL OR a.received_at < until)
            ORDER BY a.received_at DESC, a.id DESC LIMIT wanted;
    END IF;
END
$$;
