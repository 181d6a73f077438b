"""Stripe's official SDK for Python drives the life of a Checkout Session at the pretend Stripe.

    stripe_sdk.py URL WEBHOOK_SECRET

Prints the address that webhooks are to be sent to, waits for a line, does everything, and says "all well".
"""

import http.server
import queue
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import stripe

url, secret = sys.argv[1:3]
arrived = queue.Queue()


class Webhooks(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        arrived.put((body, self.headers["stripe-signature"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Stays(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def submit(path, **fields):
    """Sends a form as a browser does; the status and where it leads."""
    request = urllib.request.Request(url + path, urllib.parse.urlencode(fields).encode(), {"origin": url})
    try:
        answer = urllib.request.build_opener(urllib.request.ProxyHandler({}), Stays).open(request)
    except urllib.error.HTTPError as answered:
        answer = answered
    return answer.status, answer.headers.get("location")


def pay(session, card):
    return submit(f"/pay/{session}", card_number=card, exp="12/34", cvc="123", email="buyer@example.com")


def refused(kind, call, **expected):
    """The call raises this exception of the SDK, and the exception says this."""
    try:
        call()
    except stripe.StripeError as error:
        assert type(error) is kind, f"{kind.__name__} expected, {error!r} raised"
        for name, value in expected.items():
            assert getattr(error, name) == value, f"{name}: {getattr(error, name)!r}"
        assert error.request_id.startswith("req_"), error.request_id
        return
    raise AssertionError(f"{kind.__name__} was not raised")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Webhooks)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"http://127.0.0.1:{server.server_port}/", flush=True)
sys.stdin.readline()

client = stripe.StripeClient("sk_test_any", base_addresses={"api": url}, max_network_retries=0)
sessions = client.v1.checkout.sessions

wish = {
    "mode": "payment",
    "line_items": [
        {"quantity": 2, "price_data": {"currency": "usd", "unit_amount": 1450, "product_data": {"name": "Rain on tin"}}}
    ],
    "success_url": "http://shop.example/orders/1?session={CHECKOUT_SESSION_ID}",
    "cancel_url": "http://shop.example/cart",
    "client_reference_id": "order-1",
    "metadata": {"order": "order-1"},
    "payment_intent_data": {"metadata": {"order": "order-1"}},
    "expires_at": int(time.time()) + 3600,
}

# Opened once, however often it is asked for.
session = sessions.create(wish, {"idempotency_key": "order-1-try-1"})
assert session.status == "open" and session.payment_status == "unpaid" and session.amount_total == 2900
again = sessions.create(wish, {"idempotency_key": "order-1-try-1"})
assert again.id == session.id
assert again.last_response.headers["idempotent-replayed"] == "true"
refused(
    stripe.IdempotencyError,
    lambda: sessions.create({**wish, "client_reference_id": "order-2"}, {"idempotency_key": "order-1-try-1"}),
    http_status=400,
)

# Paid on its page, after a card that was declined.
assert session.url == f"{url}/pay/{session.id}"
assert pay(session.id, "4000000000000002")[0] == 402
assert pay(session.id, "4242424242424242") == (303, f"http://shop.example/orders/1?session={session.id}")
paid = sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge", "line_items"]})
assert paid.status == "complete" and paid.payment_status == "paid" and paid.url is None
assert paid.customer_details.email == "buyer@example.com"
assert paid.line_items.data[0].quantity == 2 and paid.line_items.data[0].amount_total == 2900
assert paid.payment_intent.status == "succeeded" and paid.payment_intent.metadata["order"] == "order-1"
charge = paid.payment_intent.latest_charge
assert charge.paid and charge.payment_method_details.card.last4 == "4242"
assert client.v1.balance_transactions.retrieve(charge.balance_transaction).net == 2900 - 84 - 30

# The webhook that told of it.
while True:
    body, signature = arrived.get(timeout=20)
    event = client.construct_event(body, signature, secret)
    if event.type == "checkout.session.completed":
        break
assert event.data.object.id == session.id and event.data.object.metadata["order"] == "order-1"
try:
    client.construct_event(body + b" ", signature, secret)
    raise AssertionError("a changed body was believed")
except stripe.SignatureVerificationError:
    pass

# Lists and single events.
kinds = [event.type for event in client.v1.events.list({"limit": 2}).auto_paging_iter()]
assert kinds[0] == "checkout.session.completed" and "charge.failed" in kinds, kinds
assert client.v1.events.retrieve(event.id).type == event.type
since = client.v1.events.list({"types": ["checkout.session.completed"], "created": {"gte": int(time.time()) - 600}})
assert [event.data.object.id for event in since.data] == [session.id]

# One that is not paid is closed.
other = sessions.create({**wish, "metadata": {"order": "order-2"}})
assert sessions.expire(other.id).status == "expired"
assert [one.id for one in sessions.list({"status": "expired"}).data] == [other.id]
assert [one.id for one in sessions.list({"payment_intent": paid.payment_intent.id}).data] == [session.id]

# Money goes back in two parts.
refunds = client.v1.refunds
part = refunds.create({"payment_intent": paid.payment_intent.id, "amount": 900, "reason": "requested_by_customer"})
assert part.status == "succeeded" and part.charge == charge.id
refunds.create({"charge": charge.id})
assert {refund.amount for refund in refunds.list({"charge": charge.id}).data} == {900, 2000}
assert refunds.retrieve(part.id).amount == 900
assert client.v1.charges.retrieve(charge.id).refunded

# 3-D Secure, and a dispute that is lost.
secure = sessions.create({**wish, "metadata": {"order": "order-3"}})
assert pay(secure.id, "4000002760003184") == (303, f"/pay/{secure.id}/challenge")
assert submit(f"/pay/{secure.id}/challenge", answer="complete")[0] == 303
assert sessions.retrieve(secure.id).payment_status == "paid"
disputed = sessions.create({**wish, "metadata": {"order": "order-4"}})
pay(disputed.id, "4000000000000259")
while client.construct_event(*arrived.get(timeout=20), secret).type != "charge.dispute.created":
    pass
dispute = client.v1.disputes.list().data[0]
assert dispute.amount == 2900 and client.v1.disputes.close(dispute.id).status == "lost"

# Refusals come as the exceptions that the SDK's users catch.
bad = stripe.InvalidRequestError
refused(bad, lambda: sessions.retrieve("cs_test_none"), http_status=404, code="resource_missing", param="session")
refused(bad, lambda: sessions.create({"mode": "payment"}), http_status=400, param="success_url")
refused(bad, lambda: sessions.expire(session.id), http_status=400)
refused(bad, lambda: refunds.create({"charge": charge.id}), code="charge_already_refunded")
refused(bad, lambda: sessions.create({**wish, "colour": "red"}), code="parameter_unknown", param="colour")

print(f"all well with stripe {stripe.VERSION}")
