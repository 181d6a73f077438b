-- Nothing that is in the log is ever changed or taken out. A replacing insert would delete without telling a trigger, so
-- a row that is there already refuses another (notices are inserted only where there is none).
CREATE TRIGGER consent_log_no_update BEFORE UPDATE ON consent_log
BEGIN SELECT RAISE(ABORT, 'consent_log is only ever added to'); END;
CREATE TRIGGER consent_log_no_delete BEFORE DELETE ON consent_log
BEGIN SELECT RAISE(ABORT, 'consent_log is only ever added to'); END;
CREATE TRIGGER consent_log_no_replace BEFORE INSERT ON consent_log WHEN EXISTS (SELECT 1 FROM consent_log WHERE seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'consent_log is only ever added to'); END;
CREATE TRIGGER consent_nodes_no_update BEFORE UPDATE ON consent_nodes
BEGIN SELECT RAISE(ABORT, 'consent_nodes is only ever added to'); END;
CREATE TRIGGER consent_nodes_no_delete BEFORE DELETE ON consent_nodes
BEGIN SELECT RAISE(ABORT, 'consent_nodes is only ever added to'); END;
CREATE TRIGGER consent_nodes_no_replace BEFORE INSERT ON consent_nodes WHEN EXISTS (SELECT 1 FROM consent_nodes WHERE place = NEW.place)
BEGIN SELECT RAISE(ABORT, 'consent_nodes is only ever added to'); END;
CREATE TRIGGER consent_heads_no_update BEFORE UPDATE ON consent_heads
BEGIN SELECT RAISE(ABORT, 'consent_heads is only ever added to'); END;
CREATE TRIGGER consent_heads_no_delete BEFORE DELETE ON consent_heads
BEGIN SELECT RAISE(ABORT, 'consent_heads is only ever added to'); END;
CREATE TRIGGER consent_heads_no_replace BEFORE INSERT ON consent_heads WHEN EXISTS (SELECT 1 FROM consent_heads WHERE size = NEW.size AND at = NEW.at)
BEGIN SELECT RAISE(ABORT, 'consent_heads is only ever added to'); END;
CREATE TRIGGER consent_notices_no_update BEFORE UPDATE ON consent_notices
BEGIN SELECT RAISE(ABORT, 'consent_notices is only ever added to'); END;
CREATE TRIGGER consent_notices_no_delete BEFORE DELETE ON consent_notices
BEGIN SELECT RAISE(ABORT, 'consent_notices is only ever added to'); END;
