"""Verifies a licence certificate with nothing of Cuehouse: W3C Data Integrity, cryptosuite eddsa-jcs-2022.

    verify_credential.py CERTIFICATE KEYS

CERTIFICATE is the credential as JSON, KEYS the issuer's DID document. Exits with 0 when the signature is right and the
key is the issuer's. The canonical form is that of RFC 8785 for what a certificate holds: texts, whole numbers, booleans.
"""

import hashlib
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base58(text):
    number = 0
    for letter in text:
        number = number * 58 + BASE58.index(letter)
    body = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return b"\0" * (len(text) - len(text.lstrip("1"))) + body


def multibase(text):
    if not text.startswith("z"):
        raise ValueError("not base58btc")
    return base58(text[1:])


def by_utf16(members):
    """Members in the order RFC 8785 wants: by the UTF-16 code units of their names."""
    return {name: members[name] for name in sorted(members, key=lambda name: name.encode("utf-16-be"))}


def ordered(value):
    if isinstance(value, dict):
        return by_utf16({name: ordered(member) for name, member in value.items()})
    if isinstance(value, list):
        return [ordered(item) for item in value]
    if isinstance(value, float):
        raise ValueError("a certificate holds no fractions")
    return value


def canonical(value):
    return json.dumps(ordered(value), ensure_ascii=False, separators=(",", ":")).encode()


def verify(document, keys):
    proof = dict(document["proof"])
    signature = multibase(proof.pop("proofValue"))
    unsigned = {name: member for name, member in document.items() if name != "proof"}
    assert proof["type"] == "DataIntegrityProof" and proof["cryptosuite"] == "eddsa-jcs-2022"
    assert proof["proofPurpose"] == "assertionMethod"
    assert proof["@context"] == document["@context"]
    method = proof["verificationMethod"]
    issuer = method.split("#")[0]
    assert issuer == document["issuer"]["id"], "another issuer"
    assert issuer == keys["id"] or issuer in keys.get("alsoKnownAs", []), "not a name of this issuer"
    assert method in keys["assertionMethod"], "the key is not one the issuer asserts with"
    found = [m for m in keys["verificationMethod"] if m["id"] == method]
    assert len(found) == 1 and found[0]["type"] == "Multikey" and found[0]["controller"] == issuer
    key = multibase(found[0]["publicKeyMultibase"])
    assert key[:2] == b"\xed\x01" and len(key) == 34, "not an Ed25519 key"
    data = hashlib.sha256(canonical(proof)).digest() + hashlib.sha256(canonical(unsigned)).digest()
    Ed25519PublicKey.from_public_bytes(key[2:]).verify(signature, data)


def main():
    certificate, keys = sys.argv[1:]
    with open(certificate, encoding="utf-8") as file:
        document = json.load(file)
    with open(keys, encoding="utf-8") as file:
        document_of_keys = json.load(file)
    try:
        verify(document, document_of_keys)
    except (AssertionError, InvalidSignature, KeyError, ValueError) as error:
        print(f"altered or unknown: {error!r}", file=sys.stderr)
        return 1
    print("intact", document["credentialSubject"]["number"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
