-- What the console's dispatchers may do beyond adding rows: take back their own last word.

CREATE FUNCTION feedback_take_back(which uuid, who text, made timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
  PERFORM FROM appeals WHERE id = which AND (triage_everywhere() OR district = ANY (triage_districts()));
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such appeal' USING ERRCODE = 'insufficient_privilege';
  END IF;
  -- The last word only: what was decided after it was decided with it in mind.
  DELETE FROM feedback
  WHERE id = (SELECT max(id) FROM feedback WHERE appeal_id = which) AND actor = who AND at = made AND kind = 'confirm';
END;
$$;
REVOKE ALL ON FUNCTION feedback_take_back FROM PUBLIC;
GRANT EXECUTE ON FUNCTION feedback_take_back TO triage_app;
