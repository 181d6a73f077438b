-- Nothing that is in the log is ever changed or taken out.
CREATE FUNCTION only_ever_added_to() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER consent_log_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON consent_log
    FOR EACH STATEMENT EXECUTE FUNCTION only_ever_added_to();
CREATE TRIGGER consent_nodes_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON consent_nodes
    FOR EACH STATEMENT EXECUTE FUNCTION only_ever_added_to();
CREATE TRIGGER consent_heads_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON consent_heads
    FOR EACH STATEMENT EXECUTE FUNCTION only_ever_added_to();
CREATE TRIGGER consent_notices_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON consent_notices
    FOR EACH STATEMENT EXECUTE FUNCTION only_ever_added_to();
