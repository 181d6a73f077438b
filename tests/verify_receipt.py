"""Verifies a consent receipt with nothing of Cuehouse: RFC 8785, RFC 6962 and RFC 8032.

    verify_receipt.py RECEIPT KEYS [ENTRIES]

RECEIPT is the file that a visitor keeps, KEYS the issuer's DID document. ENTRIES, where it is given, is the log as
/consent-log/entries shows it: the chain and the tree are computed anew from its leaves, in the plainest way, and must be
those of the receipt's head. Exits with 0 when everything follows.
"""

import hashlib
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from verify_credential import canonical, multibase


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def root_of(leaves):
    """MTH of RFC 6962, section 2.1."""
    if not leaves:
        return sha256()
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return sha256(b"\x01", root_of(leaves[:half]), root_of(leaves[half:]))


def root_from(index, size, leaf, path):
    """The root that an audit path leads to, by taking the tree apart from the top as RFC 6962 puts it together."""
    if size == 1:
        assert not path, "the path is too long"
        return leaf
    half = 1
    while half * 2 < size:
        half *= 2
    assert path, "the path is too short"
    if index < half:
        return sha256(b"\x01", root_from(index, half, leaf, path[:-1]), path[-1])
    return sha256(b"\x01", path[-1], root_from(index - half, size - half, leaf, path[:-1]))


def verify(bundle, keys, entries):
    assert bundle["type"] == "ConsentReceipt" and bundle["format"] == 1
    receipt, notice, head = bundle["receipt"], bundle["notice"], bundle["head"]
    assert sha256(canonical(notice)).hex() == receipt["notice"]["hash"], "another text was shown"
    sealed = sha256(bytes.fromhex(bundle["salt"]), canonical(receipt))
    data = sealed + receipt["action"].encode() + b"\0" + receipt["time"][:10].encode()
    leaf = sha256(b"\0", data)
    assert leaf.hex() == bundle["leaf"], "the receipt is not what its leaf was made of"
    path = [bytes.fromhex(text) for text in bundle["inclusion"]]
    assert 1 <= bundle["seq"] <= head["size"], "the head does not know the leaf"
    assert root_from(bundle["seq"] - 1, head["size"], leaf, path).hex() == head["root"], "not in the log"

    did = head["key_id"].split("#")[0]
    assert did == keys["id"], "another issuer"
    found = [m for m in keys["verificationMethod"] if m["id"] == head["key_id"]]
    assert len(found) == 1, "the key is not one of the issuer's"
    key = multibase(found[0]["publicKeyMultibase"])
    assert key[:2] == b"\xed\x01" and len(key) == 34, "not an Ed25519 key"
    signed = {name: member for name, member in head.items() if name != "sig"}
    text = b"cuehouse consent log head\n" + canonical(signed)
    Ed25519PublicKey.from_public_bytes(key[2:]).verify(bytes.fromhex(head["sig"]), text)

    if entries is not None:
        chain, leaves = bytes(32), []
        for n, entry in enumerate(entries[: head["size"]]):
            assert entry["seq"] == n + 1, "an entry is missing"
            leaves.append(bytes.fromhex(entry["leaf"]))
            chain = sha256(chain, leaves[-1])
            assert chain.hex() == entry["chain"], f"entry {n + 1} does not follow"
        assert len(leaves) == head["size"] and root_of(leaves).hex() == head["root"], "another log"
        assert chain.hex() == head["chain_head"], "another chain"
        assert entries[bundle["seq"] - 1]["leaf"] == bundle["leaf"], "another entry"


def main():
    documents = []
    for name in sys.argv[1:]:
        with open(name, encoding="utf-8") as file:
            documents.append(json.load(file))
    bundle, keys = documents[:2]
    entries = documents[2]["entries"] if len(documents) > 2 else None
    try:
        verify(bundle, keys, entries)
    except (AssertionError, InvalidSignature, KeyError, ValueError) as error:
        print(f"altered or unknown: {error!r}", file=sys.stderr)
        return 1
    print("intact", bundle["receipt"]["id"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
