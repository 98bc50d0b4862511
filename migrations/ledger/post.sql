-- ledger.post: one call, one batch (ledger.md, section 5). One result per line; a refused line changes nothing.
--
-- Order of judging a line: already there; its parent; the window of ids; amount, accounts, wall, unit, freezes, bounds.
-- The lane is locked first, by an advisory lock: a batch then sees all earlier batches of its lane. Rows carry no lock;
-- instead every write says which state it was decided on (`seq`, `batch_no`) and counts what it hit.

-- The 156 bytes of a row, big-endian, from which the chain is made (ledger.md, section 8).
CREATE FUNCTION ledger.row_bytes(shard smallint, batch_no bigint, line smallint, id uuid, kind smallint, code smallint, unit int,
  src bigint, dst bigint, amount bigint, src_seq bigint, dst_seq bigint, src_bal bigint, dst_bal bigint,
  ts timestamptz, event_at timestamptz, parent_id uuid, group_id uuid, ref uuid) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT int2send(shard) || int8send(batch_no) || int2send(line) || uuid_send(id) || int2send(kind) || int2send(code) || int4send(unit)
    || int8send(src) || int8send(dst) || int8send(amount) || int8send(src_seq) || int8send(dst_seq) || int8send(src_bal) || int8send(dst_bal)
    || timestamptz_send(ts) || timestamptz_send(coalesce(event_at, '-infinity')) || uuid_send(coalesce(parent_id, '00000000-0000-0000-0000-000000000000'))
    || uuid_send(coalesce(group_id, '00000000-0000-0000-0000-000000000000')) || uuid_send(coalesce(ref, '00000000-0000-0000-0000-000000000000')) $$;

CREATE FUNCTION ledger.post(lane smallint, ids uuid[], kinds smallint[], srcs bigint[], dsts bigint[], amounts bigint[], codes smallint[],
  parents uuid[], groups uuid[], refs uuid[], events timestamptz[], expires timestamptz[]) RETURNS smallint[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
  most CONSTANT bigint := 9007199254740991;        -- 2^53 - 1
  edge CONSTANT bigint := 4611686018427387904;     -- 2^62
  low CONSTANT bigint := -9223372036854775807;     -- stands for no floor
  high CONSTANT bigint := 9223372036854775807;     -- stands for no ceiling
  first_moment CONSTANT timestamptz := '0001-01-03 00:00:00+00';  -- what readers can hold; infinity is none
  last_moment CONSTANT timestamptz := '9999-12-30 00:00:00+00';
  nil CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
  lines int := cardinality(ids);
  head record; now_ts timestamptz; late_id uuid; party uuid; all_open boolean;
  plain boolean; in_batch boolean; some_stored boolean;
  results smallint[]; stored_kinds smallint[]; stored_same boolean[];
  units int[];
  -- what a line's parent says: kind (NULL: no such posting), amount, and whether an open hold expires
  parent_kinds smallint[]; parent_amounts bigint[]; parent_expires boolean[];
  id_slots int[]; parent_slots int[]; by_slot int[];  -- ids of this batch and their parents, numbered; the accepted line of each
  -- accounts touched, numbered; `flags`: 1 none, 2 behind the wall, 4 frozen out, 8 frozen in
  src_slots int[]; dst_slots int[]; account_ids bigint[];
  posteds bigint[]; helds bigint[]; held_ins bigint[]; seqs bigint[]; seqs_read bigint[]; floors bigint[]; ceils bigint[]; account_units int[]; flags int[];
  src_seqs bigint[]; dst_seqs bigint[]; src_bals bigint[]; dst_bals bigint[];
  open_after boolean[];     -- lines of this batch that are holds and still open
  freed uuid[];             -- holds of earlier batches that this one resolves
  holds_made int := 0;
  first_of_group int; failed boolean; verdict smallint;
  i int; j int; k int; s int; d int; p int; amt bigint; whole bigint; new_src bigint; new_dst bigint;
  written int; moved int; wrote_head int; accepted int := 0;
BEGIN
  -- Subscripts begin at 1: where one array began elsewhere, what is judged and what is written would be two lines.
  IF lines IS NULL OR lines NOT BETWEEN 1 AND 1000 OR NOT coalesce('[1:' || lines || ']' = ALL (ARRAY[array_dims(ids), array_dims(kinds),
      array_dims(srcs), array_dims(dsts), array_dims(amounts), array_dims(codes), array_dims(parents), array_dims(groups), array_dims(refs),
      array_dims(events), array_dims(expires)]), false) THEN
    RAISE EXCEPTION 'a batch has 1 to 1,000 lines and arrays of one length' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF first_moment > ANY (events) OR last_moment < ANY (events) OR first_moment > ANY (expires) OR last_moment < ANY (expires) THEN
    RAISE EXCEPTION 'a moment that no calendar has' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'ledger.post needs READ COMMITTED' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF pg_advisory_xact_lock(1818584167, lane) IS NULL THEN NULL; END IF;
  all_open := session_user NOT IN ('anhuan_app', 'anhuan_work', 'anhuan_desk') OR (session_user = 'anhuan_work' AND public.anhuan_everybody());
  IF NOT all_open THEN party := public.anhuan_party(); END IF;

  -- One plain line, the usual case: everything it is judged by in one read, everything it writes in one statement.
  IF lines = 1 AND kinds[1] IN (1, 2) AND ids[1] <> nil AND parents[1] IS NULL AND groups[1] IS NULL AND refs[1] IS DISTINCT FROM nil THEN
    SELECT h.batch_no, h.ts, h.hash, m.from_id, m.to_id, x.id AS there,
        a.id AS src, a.unit, a.posted AS src_posted, a.held, a.seq AS src_seq, a.over AS src_over, coalesce(a.floor, low) AS floor,
        a.frozen_out OR a.closed_at IS NOT NULL AS shut_out, all_open OR a.owner IS NULL OR a.owner = party AS src_open,
        b.id AS dst, b.unit AS dst_unit, b.posted AS dst_posted, b.held_in, b.seq AS dst_seq, coalesce(b.ceil, high) AS ceil,
        b.frozen_in OR b.closed_at IS NOT NULL AS shut_in, all_open OR b.owner IS NULL OR b.owner = party AS dst_open
      INTO head FROM ledger.shard_head h CROSS JOIN ledger.span m
      LEFT JOIN ledger.posting x ON x.shard = lane AND x.id = ids[1]
      LEFT JOIN ledger.account a ON a.shard = lane AND a.id = srcs[1]
      LEFT JOIN ledger.account b ON b.shard = lane AND b.id = dsts[1]
      WHERE h.shard = lane;
    IF head.batch_no IS NULL THEN RAISE EXCEPTION 'no lane %', lane USING ERRCODE = 'invalid_parameter_value'; END IF;
    IF head.there IS NULL THEN
      amt := amounts[1];
      verdict := CASE
        WHEN ids[1] < head.from_id OR ids[1] >= head.to_id THEN 11
        WHEN ids[1] >= rpad(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint + 86400000), 12, '0'), 32, '0')::uuid THEN 11
        WHEN amt IS NULL OR amt < 1 OR amt > most THEN 23
        WHEN srcs[1] = dsts[1] THEN 22
        WHEN head.src IS NULL OR head.dst IS NULL THEN 20
        WHEN NOT (coalesce(head.src_open, false) AND coalesce(head.dst_open, false)) THEN 25
        WHEN head.unit <> head.dst_unit THEN 21
        WHEN head.shut_out OR head.shut_in THEN 24
        WHEN head.src_posted - head.held - amt < head.floor THEN 30
        WHEN head.dst_posted + head.held_in + amt > head.ceil THEN 31
        WHEN head.src_posted - head.held - amt <= -edge OR head.dst_posted + head.held_in + amt >= edge THEN 32
        ELSE 0 END;
      IF verdict <> 0 THEN RETURN ARRAY[verdict]; END IF;
      now_ts := greatest(clock_timestamp(), head.ts + interval '1 microsecond');
      new_src := CASE kinds[1] WHEN 1 THEN head.src_posted - amt ELSE head.src_posted END;
      new_dst := CASE kinds[1] WHEN 1 THEN head.dst_posted + amt ELSE head.dst_posted END;
      IF kinds[1] = 2 THEN
        INSERT INTO ledger.hold (shard, id, src, dst, unit, amount, expires_at)
          VALUES (lane, ids[1], srcs[1], dsts[1], head.unit, amt, expires[1]);
      END IF;
      WITH made AS (
        INSERT INTO ledger.posting AS m (src, dst, amount, src_seq, dst_seq, src_bal, dst_bal, batch_no, ts, event_at, unit, shard, line, kind, code, id, ref)
        VALUES (srcs[1], dsts[1], amt, head.src_seq + 1, head.dst_seq + 1, new_src, new_dst, head.batch_no + 1, now_ts, events[1],
          head.unit, lane, 1::smallint, kinds[1], codes[1], ids[1], refs[1])
        RETURNING ledger.row_bytes(m.shard, m.batch_no, m.line, m.id, m.kind, m.code, m.unit, m.src, m.dst, m.amount, m.src_seq, m.dst_seq,
          m.src_bal, m.dst_bal, m.ts, m.event_at, m.parent_id, m.group_id, m.ref) AS bytes
      ), sealed AS (
        INSERT INTO ledger.seal AS l (shard, batch_no, n, ts, prev, hash)
        SELECT lane, head.batch_no + 1, 1::smallint, now_ts, head.hash, sha256(head.hash || m.bytes) FROM made m RETURNING l.hash
      ), moves AS (
        UPDATE ledger.account a SET seq = a.seq + 1,
          posted = CASE a.id WHEN srcs[1] THEN new_src ELSE new_dst END,
          held = CASE WHEN a.id = srcs[1] AND kinds[1] = 2 THEN a.held + amt ELSE a.held END,
          held_in = CASE WHEN a.id = dsts[1] AND kinds[1] = 2 THEN a.held_in + amt ELSE a.held_in END,
          over = a.over AND CASE a.id
            WHEN srcs[1] THEN coalesce(head.src_posted - head.held - amt < a.floor, false) OR coalesce(new_src + a.held_in > a.ceil, false)
            ELSE coalesce(new_dst - a.held < a.floor, false) OR coalesce(head.dst_posted + head.held_in + amt > a.ceil, false) END
        WHERE a.shard = lane AND a.id IN (srcs[1], dsts[1]) AND a.seq = CASE a.id WHEN srcs[1] THEN head.src_seq ELSE head.dst_seq END RETURNING 1
      ), heads AS (
        UPDATE ledger.shard_head h SET batch_no = head.batch_no + 1, ts = now_ts, hash = l.hash
        FROM sealed l WHERE h.shard = lane AND h.batch_no = head.batch_no RETURNING 1
      ) SELECT (SELECT count(*) FROM moves) + (SELECT count(*) FROM heads) INTO moved;
      IF moved <> 3 THEN RAISE EXCEPTION 'somebody else wrote this lane' USING ERRCODE = 'serialization_failure'; END IF;
      RETURN ARRAY[0::smallint];
    END IF;
  END IF;

  SELECT h.batch_no, h.ts, h.hash, m.from_id, m.to_id INTO head FROM ledger.shard_head h CROSS JOIN ledger.span m WHERE h.shard = lane;
  IF NOT FOUND THEN RAISE EXCEPTION 'no lane %', lane USING ERRCODE = 'invalid_parameter_value'; END IF;
  now_ts := greatest(clock_timestamp(), head.ts + interval '1 microsecond');
  late_id := rpad(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint + 86400000), 12, '0'), 32, '0')::uuid;

  -- Bad batches: what no caller may send.
  plain := kinds <@ ARRAY[1, 2]::smallint[];
  IF array_position(kinds, NULL) IS NOT NULL OR NOT (plain OR kinds <@ ARRAY[1, 2, 3, 4, 5, 6]::smallint[])
     OR nil = ANY (parents) OR nil = ANY (groups) OR nil = ANY (refs) OR nil = ANY (ids) THEN
    RAISE EXCEPTION 'a line of no kind, or a nil uuid' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF plain THEN
    IF array_position(ids, NULL) IS NOT NULL OR cardinality(array_remove(parents, NULL)) > 0 THEN
      RAISE EXCEPTION 'posts and holds have an id and no parent' USING ERRCODE = 'invalid_parameter_value';
    END IF;
  ELSE
    FOR i IN 1 .. lines LOOP
      IF (kinds[i] <= 2) <> (parents[i] IS NULL) OR (kinds[i] <= 2 AND ids[i] IS NULL) THEN
        RAISE EXCEPTION 'line %: posts and holds have an id, the others a parent', i USING ERRCODE = 'invalid_parameter_value';
      END IF;
    END LOOP;
    -- Lines with a parent take their id, accounts and what else they do not say from it.
    SELECT array_agg(CASE WHEN u.pid IS NULL THEN ids[u.o] WHEN kinds[u.o] = 6 THEN ledger.derive(u.pid, '\x72657665727365') ELSE ledger.derive(u.pid, '\x7265736f6c7665') END ORDER BY u.o),
        array_agg(x.kind ORDER BY u.o), array_agg(x.amount ORDER BY u.o), array_agg(h.expires_at IS NOT NULL ORDER BY u.o),
        array_agg(CASE WHEN u.pid IS NULL THEN srcs[u.o] WHEN kinds[u.o] = 6 THEN x.dst ELSE x.src END ORDER BY u.o),
        array_agg(CASE WHEN u.pid IS NULL THEN dsts[u.o] WHEN kinds[u.o] = 6 THEN x.src ELSE x.dst END ORDER BY u.o),
        array_agg(coalesce(codes[u.o], x.code) ORDER BY u.o), array_agg(coalesce(refs[u.o], x.ref) ORDER BY u.o),
        array_agg(CASE WHEN u.pid IS NULL OR kinds[u.o] = 3 AND amounts[u.o] IS NOT NULL THEN amounts[u.o] ELSE x.amount END ORDER BY u.o)
      INTO ids, parent_kinds, parent_amounts, parent_expires, srcs, dsts, codes, refs, amounts
      FROM unnest(parents) WITH ORDINALITY AS u(pid, o)
      LEFT JOIN ledger.posting x ON x.shard = lane AND x.id = u.pid
      LEFT JOIN ledger.hold h ON h.shard = lane AND h.id = u.pid AND x.kind = 2;
  END IF;

  -- Is one of the ids stored already, or in this batch twice?
  SELECT count(DISTINCT u.x) < lines OR NOT plain, count(x.id) > 0 INTO in_batch, some_stored
    FROM unnest(ids) AS u(x) LEFT JOIN ledger.posting x ON x.shard = lane AND x.id = u.x;

  -- Repeated ids and parents of this very batch: number them, in order of the lines.
  IF in_batch THEN
    SELECT array_agg(r.slot ORDER BY r.o) FILTER (WHERE r.o <= lines), array_agg(r.slot ORDER BY r.o) FILTER (WHERE r.o > lines)
      INTO id_slots, parent_slots
      FROM (SELECT u.o, dense_rank() OVER (ORDER BY u.x) AS slot FROM unnest(ids || parents) WITH ORDINALITY AS u(x, o)) r;
    by_slot := array_fill(0, ARRAY[2 * lines]);
  END IF;

  -- The accounts, each read once; numbered by their id.
  SELECT array_agg(r.slot ORDER BY r.o) FILTER (WHERE r.o <= lines), array_agg(r.slot ORDER BY r.o) FILTER (WHERE r.o > lines),
      array_agg(DISTINCT r.x ORDER BY r.x)
    INTO src_slots, dst_slots, account_ids
    FROM (SELECT u.x, u.o, dense_rank() OVER (ORDER BY u.x) AS slot FROM unnest(srcs || dsts) WITH ORDINALITY AS u(x, o)) r;
  SELECT array_agg(coalesce(a.posted, 0) ORDER BY u.o), array_agg(coalesce(a.held, 0) ORDER BY u.o), array_agg(coalesce(a.held_in, 0) ORDER BY u.o),
      array_agg(coalesce(a.seq, 0) ORDER BY u.o), array_agg(coalesce(a.floor, low) ORDER BY u.o), array_agg(coalesce(a.ceil, high) ORDER BY u.o),
      array_agg(coalesce(a.unit, 0) ORDER BY u.o),
      array_agg(CASE WHEN a.id IS NULL THEN 1 ELSE
        CASE WHEN all_open OR a.owner IS NULL OR coalesce(a.owner = party, false) THEN 0 ELSE 2 END
        + CASE WHEN a.frozen_out OR a.closed_at IS NOT NULL THEN 4 ELSE 0 END + CASE WHEN a.frozen_in OR a.closed_at IS NOT NULL THEN 8 ELSE 0 END END ORDER BY u.o)
    INTO posteds, helds, held_ins, seqs, floors, ceils, account_units, flags
    FROM unnest(account_ids) WITH ORDINALITY AS u(x, o) LEFT JOIN ledger.account a ON a.shard = lane AND a.id = u.x;
  seqs_read := seqs;

  -- What is stored under these ids already, and whether it says the same.
  IF some_stored THEN
    SELECT array_agg(x.kind ORDER BY u.o), array_agg((x.kind, x.src, x.dst, x.amount, x.code, x.parent_id, x.group_id, x.ref, x.event_at) IS NOT DISTINCT FROM
          (kinds[u.o], srcs[u.o], dsts[u.o], amounts[u.o], codes[u.o], parents[u.o], groups[u.o], refs[u.o], events[u.o]) ORDER BY u.o)
      INTO stored_kinds, stored_same
      FROM unnest(ids) WITH ORDINALITY AS u(x, o) LEFT JOIN ledger.posting x ON x.shard = lane AND x.id = u.x;
  END IF;

  results := array_fill(0::smallint, ARRAY[lines]);
  units := array_fill(0, ARRAY[lines]);
  src_seqs := array_fill(0::bigint, ARRAY[lines]); dst_seqs := src_seqs; src_bals := src_seqs; dst_bals := src_seqs;
  open_after := array_fill(false, ARRAY[lines]);
  first_of_group := 0; failed := false; i := 0;
  WHILE i < lines LOOP
    i := i + 1;
    -- Groups: adjacent lines; after a refusal all lines of the group read LINKED.
    IF groups[i] IS NULL THEN
      first_of_group := 0;
    ELSIF first_of_group = 0 OR groups[i] <> groups[i - 1] THEN
      IF i > 1 AND groups[i] = ANY (groups[1 : i - 1]) THEN
        RAISE EXCEPTION 'line %: its group came before, with others between', i USING ERRCODE = 'invalid_parameter_value';
      END IF;
      first_of_group := i; failed := false;
    END IF;
    IF first_of_group > 0 AND failed THEN results[i] := 50; CONTINUE; END IF;

    verdict := 0; p := 0; k := 0; amt := amounts[i];
    IF kinds[i] >= 3 THEN
      k := coalesce(parent_kinds[i], 0); whole := parent_amounts[i];
      IF k = 0 AND by_slot[parent_slots[i]] > 0 THEN  -- the parent is a line of this batch
        p := by_slot[parent_slots[i]]; k := kinds[p]; whole := amounts[p];
        IF kinds[i] = 6 THEN
          srcs[i] := dsts[p]; dsts[i] := srcs[p]; src_slots[i] := dst_slots[p]; dst_slots[i] := src_slots[p];
        ELSE
          srcs[i] := srcs[p]; dsts[i] := dsts[p]; src_slots[i] := src_slots[p]; dst_slots[i] := dst_slots[p];
        END IF;
        codes[i] := coalesce(codes[i], codes[p]); refs[i] := coalesce(refs[i], refs[p]);
        IF kinds[i] <> 3 OR amt IS NULL THEN amt := whole; amounts[i] := amt; END IF;
      END IF;
    END IF;
    s := src_slots[i]; d := dst_slots[i];
    IF stored_kinds IS NOT NULL AND stored_kinds[i] IS NOT NULL THEN
      verdict := CASE WHEN stored_same[i] THEN 1
        WHEN kinds[i] >= 3 THEN 41 ELSE 10 END;  -- an id made of the parent's was not reused: it was resolved otherwise
    ELSIF in_batch AND by_slot[id_slots[i]] > 0 THEN
      j := by_slot[id_slots[i]];
      verdict := CASE WHEN (kinds[i], srcs[i], dsts[i], amt, codes[i], parents[i], groups[i], refs[i], events[i])
          IS NOT DISTINCT FROM (kinds[j], srcs[j], dsts[j], amounts[j], codes[j], parents[j], groups[j], refs[j], events[j]) THEN 1
        WHEN kinds[i] >= 3 THEN 41 ELSE 10 END;
    ELSIF kinds[i] = 6 THEN
      verdict := CASE WHEN k = 0 THEN 40 WHEN k NOT IN (1, 3, 6) THEN 43 ELSE 0 END;
    ELSIF kinds[i] >= 3 THEN
      verdict := CASE WHEN k <> 2 THEN 40
        WHEN kinds[i] = 5 AND NOT (CASE WHEN p > 0 THEN expires[p] IS NOT NULL ELSE parent_expires[i] END) THEN 45
        WHEN amt < 1 OR amt > most THEN 23 WHEN amt > whole THEN 42 ELSE 0 END;
    END IF;

    IF verdict = 0 AND (ids[i] < head.from_id OR ids[i] >= head.to_id OR ids[i] >= late_id) THEN verdict := 11; END IF;
    IF verdict = 0 THEN
      IF kinds[i] BETWEEN 3 AND 5 THEN
        IF flags[s] & 2 > 0 OR flags[d] & 2 > 0 THEN verdict := 25; END IF;
      ELSIF amt IS NULL OR amt < 1 OR amt > most THEN verdict := 23;
      ELSIF srcs[i] = dsts[i] THEN verdict := 22;
      ELSIF (flags[s] | flags[d]) & 1 > 0 THEN verdict := 20;
      ELSIF (flags[s] | flags[d]) & 2 > 0 THEN verdict := 25;
      ELSIF account_units[s] <> account_units[d] THEN verdict := 21;
      ELSIF flags[s] & 4 > 0 OR flags[d] & 8 > 0 THEN verdict := 24;
      ELSIF posteds[s] - helds[s] - amt < floors[s] THEN verdict := 30;
      ELSIF posteds[d] + held_ins[d] + amt > ceils[d] THEN verdict := 31;
      ELSIF posteds[s] - helds[s] - amt <= -edge OR posteds[d] + held_ins[d] + amt >= edge THEN verdict := 32;  -- a capture cannot pass it then
      END IF;
    END IF;

    IF verdict = 0 THEN
      CASE kinds[i]
        WHEN 2 THEN helds[s] := helds[s] + amt; held_ins[d] := held_ins[d] + amt; open_after[i] := true; holds_made := holds_made + 1;
        WHEN 1, 6 THEN posteds[s] := posteds[s] - amt; posteds[d] := posteds[d] + amt;
        ELSE
          helds[s] := helds[s] - whole; held_ins[d] := held_ins[d] - whole;
          IF kinds[i] = 3 THEN posteds[s] := posteds[s] - amt; posteds[d] := posteds[d] + amt; END IF;
          IF p > 0 THEN open_after[p] := false; END IF;
      END CASE;
      seqs[s] := seqs[s] + 1; seqs[d] := seqs[d] + 1;
      src_seqs[i] := seqs[s]; dst_seqs[i] := seqs[d]; src_bals[i] := posteds[s]; dst_bals[i] := posteds[d];
      units[i] := account_units[s]; accepted := accepted + 1;
      IF in_batch THEN by_slot[id_slots[i]] := i; END IF;
    ELSE
      results[i] := verdict;
      IF verdict <> 1 AND first_of_group > 0 THEN  -- undo what the group did before, newest first
        failed := true;
        FOR j IN REVERSE i - 1 .. first_of_group LOOP
          IF results[j] = 0 THEN
            s := src_slots[j]; d := dst_slots[j]; amt := amounts[j];
            CASE kinds[j]
              WHEN 2 THEN helds[s] := helds[s] - amt; held_ins[d] := held_ins[d] - amt; open_after[j] := false;
              WHEN 1, 6 THEN posteds[s] := posteds[s] + amt; posteds[d] := posteds[d] - amt;
              ELSE
                p := CASE WHEN parent_kinds[j] IS NULL THEN by_slot[parent_slots[j]] ELSE 0 END;
                whole := CASE WHEN p > 0 THEN amounts[p] ELSE parent_amounts[j] END;
                helds[s] := helds[s] + whole; held_ins[d] := held_ins[d] + whole;
                IF kinds[j] = 3 THEN posteds[s] := posteds[s] + amt; posteds[d] := posteds[d] - amt; END IF;
                IF p > 0 THEN open_after[p] := true; END IF;
            END CASE;
            seqs[s] := seqs[s] - 1; seqs[d] := seqs[d] - 1; accepted := accepted - 1;
            IF in_batch THEN by_slot[id_slots[j]] := 0; END IF;
          END IF;
          results[j] := 50;
        END LOOP;
      END IF;
    END IF;
  END LOOP;
  IF accepted = 0 THEN RETURN results; END IF;

  IF holds_made > 0 THEN
    INSERT INTO ledger.hold (shard, id, src, dst, unit, amount, expires_at)
      SELECT lane, ids[u.o], srcs[u.o], dsts[u.o], units[u.o], amounts[u.o], expires[u.o]
      FROM unnest(open_after) WITH ORDINALITY AS u(is_open, o) WHERE u.is_open;
  END IF;
  IF NOT plain THEN
    freed := ARRAY(SELECT u.x FROM unnest(parents) WITH ORDINALITY AS u(x, o)
      WHERE results[u.o] = 0 AND kinds[u.o] BETWEEN 3 AND 5 AND parent_kinds[u.o] IS NOT NULL);
    DELETE FROM ledger.hold h USING unnest(freed) AS u(x) WHERE h.shard = lane AND h.id = u.x;
    GET DIAGNOSTICS moved = ROW_COUNT;
    IF moved <> cardinality(freed) THEN RAISE EXCEPTION 'a hold went meanwhile' USING ERRCODE = 'serialization_failure'; END IF;
  END IF;
  WITH made AS (
    INSERT INTO ledger.posting AS m (src, dst, amount, src_seq, dst_seq, src_bal, dst_bal, batch_no, ts, event_at, unit, shard, line, kind, code,
        id, parent_id, group_id, ref)
      SELECT srcs[u.o], dsts[u.o], amounts[u.o], src_seqs[u.o], dst_seqs[u.o], src_bals[u.o], dst_bals[u.o], head.batch_no + 1, now_ts, events[u.o],
        units[u.o], lane, u.o::smallint, kinds[u.o], codes[u.o], ids[u.o], parents[u.o], groups[u.o], refs[u.o]
      FROM unnest(results) WITH ORDINALITY AS u(code, o) WHERE u.code = 0
      RETURNING m.line, ledger.row_bytes(m.shard, m.batch_no, m.line, m.id, m.kind, m.code, m.unit, m.src, m.dst, m.amount, m.src_seq, m.dst_seq,
        m.src_bal, m.dst_bal, m.ts, m.event_at, m.parent_id, m.group_id, m.ref) AS bytes
  ), sealed AS (
    INSERT INTO ledger.seal AS l (shard, batch_no, n, ts, prev, hash)
      SELECT lane, head.batch_no + 1, count(*)::smallint, now_ts, head.hash, sha256(head.hash || string_agg(m.bytes, ''::bytea ORDER BY m.line)) FROM made m
      RETURNING l.n, l.hash
  ), moves AS (
    UPDATE ledger.account a SET posted = posteds[u.o], held = helds[u.o], held_in = held_ins[u.o], seq = seqs[u.o],
        over = a.over AND (posteds[u.o] - helds[u.o] < floors[u.o] OR posteds[u.o] + held_ins[u.o] > ceils[u.o])
      FROM unnest(account_ids) WITH ORDINALITY AS u(x, o)
      WHERE a.shard = lane AND a.id = u.x AND a.seq = seqs_read[u.o] AND seqs[u.o] > seqs_read[u.o]
      RETURNING seqs[u.o] - seqs_read[u.o] AS steps
  ), heads AS (
    UPDATE ledger.shard_head h SET batch_no = head.batch_no + 1, ts = now_ts, hash = l.hash
      FROM sealed l WHERE h.shard = lane AND h.batch_no = head.batch_no RETURNING 1
  ) SELECT (SELECT l.n FROM sealed l), (SELECT sum(m.steps) FROM moves m), (SELECT count(*) FROM heads) INTO written, moved, wrote_head;
  IF written IS DISTINCT FROM accepted OR wrote_head <> 1 OR moved IS DISTINCT FROM 2 * accepted THEN
    RAISE EXCEPTION 'somebody else wrote this lane' USING ERRCODE = 'serialization_failure';
  END IF;
  RETURN results;
END $$;
