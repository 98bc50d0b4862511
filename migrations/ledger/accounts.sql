-- Opening and bounding accounts, units and months: functions of the owner, the only way in beside `post`.

-- The id of a step of a journey (kit.ids.derive): the parent's moment, then SHA-256 of both. Version 8, RFC 9562.
CREATE FUNCTION ledger.derive(parent uuid, step bytea) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT encode(substr(uuid_send(parent), 1, 6) || set_byte(set_byte(substr(sha256(uuid_send(parent) || step), 1, 10),
    0, get_byte(sha256(uuid_send(parent) || step), 0) & 15 | 128),
    2, get_byte(sha256(uuid_send(parent) || step), 2) & 63 | 128), 'hex')::uuid $$;

-- Whether the login may touch an account of this owner: the web's the party it has opened, the worker's all if it asks.
CREATE FUNCTION ledger.may_touch(owner uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT owner IS NULL OR owner = public.anhuan_party() OR session_user NOT IN ('anhuan_app', 'anhuan_work', 'anhuan_desk')
    OR (session_user = 'anhuan_work' AND public.anhuan_everybody()) $$;

-- The lane of a person or firm, fixed when it is first asked for; raising the number of lanes moves nobody. Of somebody
-- behind the wall nothing is read or kept: the answer is what a newcomer would be given.
CREATE FUNCTION ledger.shard_of(who uuid) RETURNS smallint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ledger, pg_temp AS $$
DECLARE lane smallint;
BEGIN
  IF NOT ledger.may_touch(who) THEN
    SELECT get_byte(uuid_send(who), 15) % count(*) INTO lane FROM ledger.shard_head;
    RETURN lane;
  END IF;
  SELECT o.shard INTO lane FROM ledger.owner o WHERE o.id = who;
  IF FOUND THEN RETURN lane; END IF;
  INSERT INTO ledger.owner AS o (id, shard)
    SELECT who, get_byte(uuid_send(who), 15) % count(*) FROM ledger.shard_head
    ON CONFLICT (id) DO NOTHING;
  SELECT o.shard INTO STRICT lane FROM ledger.owner o WHERE o.id = who;
  RETURN lane;
END $$;

-- Accounts by name, opened on first use without bounds; NULL for one behind the wall, an exception for an unknown unit.
CREATE FUNCTION ledger.accounts(lane smallint, units text[], kinds smallint[], owners uuid[], subs text[]) RETURNS bigint[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE found_ids bigint[]; one bigint; unit_id int;
BEGIN
  IF NOT coalesce('[1:' || cardinality(units) || ']' = ALL (ARRAY[array_dims(units), array_dims(kinds), array_dims(owners), array_dims(subs)]),
      false) OR cardinality(units) > 2000 THEN
    RAISE EXCEPTION 'one to 2,000 accounts, in arrays of one length' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  FOR i IN 1 .. cardinality(units) LOOP
    IF NOT ledger.may_touch(owners[i]) THEN found_ids[i] := NULL; CONTINUE; END IF;
    SELECT u.id INTO unit_id FROM ledger.unit u WHERE u.code = units[i];
    IF NOT FOUND THEN RAISE EXCEPTION 'no unit %', units[i] USING ERRCODE = 'foreign_key_violation'; END IF;
    IF owners[i] IS NULL THEN
      SELECT a.id INTO one FROM ledger.account a
        WHERE a.shard = lane AND a.unit = unit_id AND a.kind = kinds[i] AND a.owner IS NULL AND a.sub = subs[i];
    ELSE
      SELECT a.id INTO one FROM ledger.account a
        WHERE a.shard = lane AND a.unit = unit_id AND a.kind = kinds[i] AND a.owner = owners[i] AND a.sub = subs[i];
    END IF;
    IF NOT FOUND THEN
      IF NOT EXISTS (SELECT FROM ledger.shard_head h WHERE h.shard = lane) THEN
        RAISE EXCEPTION 'no lane %', lane USING ERRCODE = 'invalid_parameter_value';
      END IF;
      IF owners[i] IS NOT NULL AND ledger.shard_of(owners[i]) <> lane THEN
        RAISE EXCEPTION 'an account of another lane' USING ERRCODE = 'check_violation';
      END IF;
      INSERT INTO ledger.account (shard, unit, kind, owner, sub) VALUES (lane, unit_id, kinds[i], owners[i], subs[i])
        ON CONFLICT DO NOTHING RETURNING account.id INTO one;
      IF NOT FOUND THEN  -- somebody else opened it at the same moment
        SELECT a.id INTO STRICT one FROM ledger.account a
          WHERE a.shard = lane AND a.unit = unit_id AND a.kind = kinds[i] AND a.owner IS NOT DISTINCT FROM owners[i] AND a.sub = subs[i];
      END IF;
    END IF;
    found_ids[i] := one;
  END LOOP;
  RETURN found_ids;
END $$;

-- Bounds and freezes. Nobody approves those of the own account; the web's login may only tighten, and only a party's.
-- Lowering a limit below what is drawn sets `over`, and everything outgoing is refused until it is inside again.
CREATE FUNCTION ledger.set_bounds(lane smallint, which bigint, new_floor bigint, new_ceil bigint, stop_out boolean,
  stop_in boolean, why text, decision uuid, by_whom uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ledger, pg_temp AS $$
DECLARE old ledger.account;
BEGIN
  PERFORM pg_advisory_xact_lock(1818584167, lane);
  SELECT * INTO old FROM ledger.account a WHERE a.shard = lane AND a.id = which FOR NO KEY UPDATE;
  IF NOT FOUND OR NOT ledger.may_touch(old.owner) THEN
    RAISE EXCEPTION 'no such account' USING ERRCODE = 'no_data_found';
  END IF;
  IF by_whom = old.owner THEN
    RAISE EXCEPTION 'nobody approves the bounds of the own account' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF session_user = 'anhuan_app' AND (old.owner IS NULL OR old.frozen_out > stop_out OR old.frozen_in > stop_in
      OR coalesce(new_floor, -9223372036854775808) < old.floor OR coalesce(new_ceil, 9223372036854775807) > old.ceil) THEN
    RAISE EXCEPTION 'this login only tightens the bounds of a party' USING ERRCODE = 'insufficient_privilege';
  END IF;
  UPDATE ledger.account a SET floor = new_floor, ceil = new_ceil, frozen_out = stop_out, frozen_in = stop_in,
    over = coalesce(old.posted - old.held < new_floor, false) OR coalesce(old.posted + old.held_in > new_ceil, false)
    WHERE a.shard = lane AND a.id = which;
  INSERT INTO ledger.account_change (shard, account, old_floor, old_ceil, old_frozen_out, old_frozen_in,
      new_floor, new_ceil, new_frozen_out, new_frozen_in, reason, decision_id, approver)
    VALUES (lane, which, old.floor, old.ceil, old.frozen_out, old.frozen_in, new_floor, new_ceil, stop_out, stop_in,
      why, decision, by_whom);
END $$;

-- Points, coupons and quota may be opened by the application; every other book's unit comes from the owner's login.
CREATE FUNCTION ledger.open_unit(code text, digits smallint, issued_by uuid) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ledger, pg_temp AS $$
DECLARE one ledger.unit;
BEGIN
  INSERT INTO ledger.unit AS u (code, book, scale, issuer) VALUES (open_unit.code, 'benefit', digits, issued_by)
    ON CONFLICT ON CONSTRAINT unit_code_key DO NOTHING;
  SELECT * INTO STRICT one FROM ledger.unit u WHERE u.code = open_unit.code;
  IF (one.book, one.scale, one.issuer) IS DISTINCT FROM ('benefit'::text, digits, issued_by) THEN
    RAISE EXCEPTION 'the unit % is another one', code USING ERRCODE = 'unique_violation';
  END IF;
  RETURN one.id;
END $$;

-- The month of a day with its partition; months in between are opened too, so that open months are contiguous.
CREATE FUNCTION ledger.open_month(day date) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ledger, pg_temp AS $$
DECLARE
  first date := date_trunc('month', day)::date; newest date; made int := 0; name text; low uuid; high uuid;
BEGIN
  IF first > (clock_timestamp() AT TIME ZONE 'UTC')::date + 400 THEN
    RAISE EXCEPTION 'a month more than a year ahead' USING ERRCODE = 'check_violation';
  END IF;
  PERFORM pg_advisory_xact_lock(1818584167, -1);
  SELECT max(m.month) INTO newest FROM ledger.month m;
  newest := coalesce(newest, (first - interval '1 month')::date);
  WHILE newest < first LOOP
    newest := (newest + interval '1 month')::date;
    low := rpad(lpad(to_hex((extract(epoch FROM newest::timestamp AT TIME ZONE 'UTC') * 1000)::bigint), 12, '0'), 32, '0')::uuid;
    high := rpad(lpad(to_hex((extract(epoch FROM (newest + interval '1 month') AT TIME ZONE 'UTC') * 1000)::bigint), 12, '0'), 32, '0')::uuid;
    name := 'posting_' || to_char(newest, 'YYYYMM');
    EXECUTE format('CREATE TABLE ledger.%I (LIKE ledger.posting INCLUDING CONSTRAINTS)', name);
    EXECUTE format('CREATE UNIQUE INDEX ON ledger.%I (shard, src, src_seq)', name);
    EXECUTE format('CREATE UNIQUE INDEX ON ledger.%I (shard, dst, dst_seq)', name);
    EXECUTE format('CREATE INDEX ON ledger.%I USING brin (ts) WITH (pages_per_range = 32, autosummarize = on)', name);
    -- Attached, not created in place: that would wait for every batch under way, and hold up the next.
    EXECUTE format('ALTER TABLE ledger.posting ATTACH PARTITION ledger.%I FOR VALUES FROM (%L) TO (%L)', name, low, high);
    EXECUTE format('CREATE TRIGGER stays_whole BEFORE TRUNCATE ON ledger.%I EXECUTE FUNCTION ledger.stays()', name);
    EXECUTE format('ALTER TABLE ledger.%I ENABLE ROW LEVEL SECURITY', name);
    INSERT INTO ledger.month (month, from_id, to_id) VALUES (newest, low, high);
    made := made + 1;
  END LOOP;
  IF made > 0 THEN
    INSERT INTO ledger.span AS n (from_id, to_id)
      SELECT min(m.from_id::text)::uuid, max(m.to_id::text)::uuid FROM ledger.month m WHERE m.state = 'open'
      ON CONFLICT (one) DO UPDATE SET from_id = excluded.from_id, to_id = excluded.to_id;
  END IF;
  RETURN made;
END $$;

-- The balance of an account at a moment, by binary search over its entries: inside a shard time never falls as seq grows.
CREATE FUNCTION ledger.as_of(lane smallint, which bigint, moment timestamptz) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE low bigint := 0; high bigint; middle bigint; found_ts timestamptz; found_bal bigint; answer bigint := 0;
BEGIN
  SELECT a.seq INTO high FROM ledger.account a WHERE a.shard = lane AND a.id = which;
  IF NOT FOUND THEN RETURN NULL; END IF;
  WHILE low < high LOOP
    middle := (low + high + 1) / 2;
    SELECT p.ts, p.src_bal INTO found_ts, found_bal FROM ledger.posting p
      WHERE p.shard = lane AND p.src = which AND p.src_seq = middle;
    IF NOT FOUND THEN
      SELECT p.ts, p.dst_bal INTO found_ts, found_bal FROM ledger.posting p
        WHERE p.shard = lane AND p.dst = which AND p.dst_seq = middle;
    END IF;
    IF found_ts IS NULL THEN RAISE EXCEPTION 'entry % of account % is missing', middle, which USING ERRCODE = 'data_corrupted'; END IF;
    IF found_ts <= moment THEN low := middle; answer := found_bal; ELSE high := middle - 1; END IF;
  END LOOP;
  RETURN answer;
END $$;
