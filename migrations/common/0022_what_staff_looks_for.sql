-- What the staff is shown is found without going through every order and every event.
CREATE INDEX orders_with_a_note ON orders (changed_at, id) WHERE note IS NOT NULL;
CREATE INDEX stripe_events_with_a_problem ON stripe_events (received_at) WHERE problem IS NOT NULL;
