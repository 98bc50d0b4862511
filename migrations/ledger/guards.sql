-- What is written stays (ledger.md, section 7): rights first, triggers against the owner, walls between parties.
CREATE FUNCTION ledger.stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%.% is only added to', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON ledger.posting FOR EACH ROW EXECUTE FUNCTION ledger.stays();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON ledger.seal FOR EACH ROW EXECUTE FUNCTION ledger.stays();
CREATE TRIGGER stays_whole BEFORE TRUNCATE ON ledger.seal EXECUTE FUNCTION ledger.stays();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON ledger.account_change FOR EACH ROW EXECUTE FUNCTION ledger.stays();
CREATE TRIGGER stays_whole BEFORE TRUNCATE ON ledger.account_change EXECUTE FUNCTION ledger.stays();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON ledger.root FOR EACH ROW EXECUTE FUNCTION ledger.stays();
CREATE TRIGGER stays_whole BEFORE TRUNCATE ON ledger.root EXECUTE FUNCTION ledger.stays();
CREATE TRIGGER stays BEFORE DELETE ON ledger.account FOR EACH ROW EXECUTE FUNCTION ledger.stays();
CREATE TRIGGER stays_whole BEFORE TRUNCATE ON ledger.account EXECUTE FUNCTION ledger.stays();
CREATE TRIGGER balances_move_by_postings BEFORE UPDATE ON ledger.account FOR EACH ROW
  WHEN (NEW.seq <= OLD.seq AND (NEW.posted <> OLD.posted OR NEW.held <> OLD.held OR NEW.held_in <> OLD.held_in))
  EXECUTE FUNCTION ledger.stays();

CREATE VIEW ledger.entry WITH (security_invoker = true) AS
  SELECT shard, src AS account, src_seq AS seq, CASE WHEN kind IN (1, 3, 6) THEN -amount ELSE 0 END AS delta,
         src_bal AS balance, dst AS other, id, kind, code, ref, ts, coalesce(event_at, ts) AS happened_at
  FROM ledger.posting
  UNION ALL
  SELECT shard, dst, dst_seq, CASE WHEN kind IN (1, 3, 6) THEN amount ELSE 0 END,
         dst_bal, src, id, kind, code, ref, ts, coalesce(event_at, ts)
  FROM ledger.posting;
CREATE VIEW ledger.balance WITH (security_invoker = true) AS
  SELECT a.shard, a.id AS account, u.code AS unit, u.book, u.scale, a.kind, a.owner, a.sub, a.posted, a.held, a.held_in,
         a.posted - a.held AS available, a.floor, a.ceil, a.seq, a.frozen_out, a.frozen_in, a.over, a.closed_at
  FROM ledger.account a JOIN ledger.unit u ON u.id = a.unit;
CREATE VIEW ledger.house_balance WITH (security_invoker = true) AS
  SELECT unit, book, scale, kind, sub, sum(posted)::bigint AS posted, sum(held)::bigint AS held, sum(held_in)::bigint AS held_in,
         sum(seq)::bigint AS entries, count(*) AS shards
  FROM ledger.balance WHERE owner IS NULL GROUP BY unit, book, scale, kind, sub;

REVOKE ALL ON ALL TABLES IN SCHEMA ledger FROM PUBLIC, anhuan_app, anhuan_work, anhuan_desk, anhuan_audit;
GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO anhuan_app, anhuan_work, anhuan_desk, anhuan_audit;

-- Walls. A party sees its own accounts and the postings and holds that touch them; the desk sees the house's accounts
-- and those of the party it has opened, and postings by account number alone; worker (asking for everybody) and auditor all.
ALTER TABLE ledger.account ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON ledger.account FOR SELECT TO anhuan_app, anhuan_work USING (owner = (SELECT anhuan_party()));
CREATE POLICY desk_reads ON ledger.account FOR SELECT TO anhuan_desk USING (owner IS NULL OR owner = (SELECT anhuan_party()));
CREATE POLICY work_reads ON ledger.account FOR SELECT TO anhuan_work USING ((SELECT anhuan_everybody()));
CREATE POLICY audit_reads ON ledger.account FOR SELECT TO anhuan_audit USING (true);
ALTER TABLE ledger.owner ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON ledger.owner FOR SELECT TO anhuan_app, anhuan_work, anhuan_desk USING (id = (SELECT anhuan_party()));
CREATE POLICY work_reads ON ledger.owner FOR SELECT TO anhuan_work USING ((SELECT anhuan_everybody()));
CREATE POLICY audit_reads ON ledger.owner FOR SELECT TO anhuan_audit USING (true);
ALTER TABLE ledger.posting ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON ledger.posting FOR SELECT TO anhuan_app, anhuan_work USING (EXISTS (
  SELECT FROM ledger.account a WHERE a.shard = posting.shard AND a.id IN (posting.src, posting.dst)
  AND a.owner = (SELECT anhuan_party())));
CREATE POLICY work_reads ON ledger.posting FOR SELECT TO anhuan_work USING ((SELECT anhuan_everybody()));
CREATE POLICY all_read ON ledger.posting FOR SELECT TO anhuan_desk, anhuan_audit USING (true);
ALTER TABLE ledger.hold ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON ledger.hold FOR SELECT TO anhuan_app, anhuan_work USING (EXISTS (
  SELECT FROM ledger.account a WHERE a.shard = hold.shard AND a.id IN (hold.src, hold.dst)
  AND a.owner = (SELECT anhuan_party())));
CREATE POLICY work_reads ON ledger.hold FOR SELECT TO anhuan_work USING ((SELECT anhuan_everybody()));
CREATE POLICY all_read ON ledger.hold FOR SELECT TO anhuan_desk, anhuan_audit USING (true);
ALTER TABLE ledger.account_change ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON ledger.account_change FOR SELECT TO anhuan_app, anhuan_work, anhuan_desk USING (EXISTS (
  SELECT FROM ledger.account a WHERE a.shard = account_change.shard AND a.id = account_change.account));
CREATE POLICY audit_reads ON ledger.account_change FOR SELECT TO anhuan_audit USING (true);
ALTER TABLE ledger.licence ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_read ON ledger.licence FOR SELECT TO anhuan_app, anhuan_work, anhuan_desk, anhuan_audit USING (true);
ALTER TABLE ledger.unit ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_read ON ledger.unit FOR SELECT TO anhuan_app, anhuan_work, anhuan_desk, anhuan_audit USING (true);
ALTER TABLE ledger.shard_head ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_read ON ledger.shard_head FOR SELECT TO anhuan_app, anhuan_work, anhuan_desk, anhuan_audit USING (true);
ALTER TABLE ledger.seal ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_read ON ledger.seal FOR SELECT TO anhuan_app, anhuan_work, anhuan_desk, anhuan_audit USING (true);
ALTER TABLE ledger.month ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_read ON ledger.month FOR SELECT TO anhuan_app, anhuan_work, anhuan_desk, anhuan_audit USING (true);
ALTER TABLE ledger.span ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_read ON ledger.span FOR SELECT TO anhuan_app, anhuan_work, anhuan_desk, anhuan_audit USING (true);
ALTER TABLE ledger.root ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_read ON ledger.root FOR SELECT TO anhuan_app, anhuan_work, anhuan_desk, anhuan_audit USING (true);
