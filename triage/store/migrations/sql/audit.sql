-- The audit is a chain: every row's hash covers the hash before it and the row itself, so a changed, removed or
-- inserted row is found by computing the chain again (triage/store/audit.py does). Needs no pgcrypto: sha256() is built in.

-- One text for one row: each field as its length in bytes, a colon and the field, so that no two rows share a text.
CREATE FUNCTION audit_canonical(row_id bigint, moment timestamptz, who text, what text, about text, facts jsonb)
RETURNS text
LANGUAGE sql STABLE
SET search_path = public, pg_temp
AS $$
  SELECT string_agg(octet_length(convert_to(field, 'UTF8'))::text || ':' || field, ',' ORDER BY place)
  FROM unnest(ARRAY[
    row_id::text,
    to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    who, what, about, facts::text
  ]) WITH ORDINALITY AS fields(field, place)
$$;

-- Appends one row and returns its number. The lock holds until the transaction ends, so appends stand in one line and
-- a rolled back one leaves no gap; callers append last, to hold it briefly.
CREATE FUNCTION audit_append(who text, what text, about text, facts jsonb)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
  last_id bigint;
  last_hash bytea;
  moment timestamptz;
BEGIN
  PERFORM pg_advisory_xact_lock(7465726961676501);
  SELECT id, hash INTO last_id, last_hash FROM audit ORDER BY id DESC LIMIT 1;
  last_id := coalesce(last_id, 0) + 1;
  last_hash := coalesce(last_hash, decode(repeat('00', 32), 'hex'));
  moment := clock_timestamp();
  INSERT INTO audit (id, at, actor, action, subject, detail, previous, hash)
  VALUES (
    last_id, moment, who, what, about, facts, last_hash,
    sha256(last_hash || convert_to(audit_canonical(last_id, moment, who, what, about, facts), 'UTF8'))
  );
  RETURN last_id;
END
$$;
