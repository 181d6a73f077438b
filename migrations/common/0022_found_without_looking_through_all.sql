-- What the staff is shown, and whose a picture is, is found without going through every order, event and account.
CREATE INDEX orders_with_a_note ON orders (changed_at, id) WHERE note IS NOT NULL;
CREATE INDEX stripe_events_with_a_problem ON stripe_events (received_at) WHERE problem IS NOT NULL;
CREATE INDEX users_by_picture ON users (picture) WHERE picture IS NOT NULL;
