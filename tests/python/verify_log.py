#!/usr/bin/env python3
"""Verifies proofs of a Tiendo log, without any of Tiendo's code.

Written from the specifications, with Python's standard library alone:

- RFC 6962, section 2.1: the Merkle tree, audit paths and consistency proofs (the verification here follows the
  recursive definitions of PATH and SUBPROOF, not the iterative algorithms of RFC 9162 that Tiendo uses)
- c2sp.org/signed-note and c2sp.org/tlog-checkpoint: the signed tree head
- RFC 8032, sections 5.1.1 to 5.1.7: Ed25519
- the comment of `Leaf` in proto/tiendo/v1/log.proto: how an event is hashed

    verify_log.py --key VKEY [--checkpoint FILE] PROOF...

A PROOF is what `tiendo log prove -o json` prints, a file or `-`.
For each one a line says whether it holds; the exit code is 0 if all do, 1 if one does not, 2 for wrong usage.
"""

import argparse
import base64
import binascii
import hashlib
import json
import sys


class Rejected(Exception):
    """Why a proof does not hold."""


def check(holds, why):
    if not holds:
        raise Rejected(why)


def sha256(data):
    return hashlib.sha256(data).digest()


def unbase64(text, what):
    """Decodes the one canonical form of standard base64."""
    check(isinstance(text, str), f"{what} is no text")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Rejected(f"{what} is no base64") from None
    check(base64.b64encode(data).decode() == text, f"{what} is no canonical base64")
    return data


# Ed25519, RFC 8032 section 5.1

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_MINUS_1 = pow(2, (P - 1) // 4, P)


def point_add(a, b):
    """Section 5.1.4; a point is (X, Y, Z, T) with x = X/Z, y = Y/Z, x*y = T/Z."""
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    x, y, z, t = f - e, h - g, h + g, f + e
    return (x * y % P, z * t % P, y * z % P, x * t % P)


def point_multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar > 0:
        if scalar & 1:
            result = point_add(result, point)
        point = point_add(point, point)
        scalar >>= 1
    return result


def point_equal(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def point_decode(data):
    """Section 5.1.3."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    check(y < P, "a point of the signature is malformed")
    x2 = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P != 0:
        x = x * SQRT_MINUS_1 % P
    check((x * x - x2) % P == 0, "a point of the signature is not on the curve")
    check(not (x == 0 and sign == 1), "a point of the signature is malformed")
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE_Y = 4 * pow(5, -1, P) % P
BASE = point_decode(BASE_Y.to_bytes(32, "little"))


def ed25519_verify(public, message, signature):
    """Section 5.1.7."""
    check(len(public) == 32 and len(signature) == 64, "a key or signature has the wrong length")
    key, commitment = point_decode(public), point_decode(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    check(scalar < L, "the signature is malformed")
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    challenge = int.from_bytes(digest, "little") % L
    left = point_multiply(scalar, BASE)
    right = point_add(commitment, point_multiply(challenge, key))
    check(point_equal(left, right), "the signature does not fit the checkpoint")


# Signed notes and checkpoints


class Key:
    """A verifier key, `<name>+<hexadecimal id>+<base64 of type and key>`."""

    def __init__(self, vkey):
        parts = vkey.strip().split("+", 2)
        check(len(parts) == 3 and parts[0] != "", "the key is not of the form name+id+base64")
        self.name = parts[0]
        typed = unbase64(parts[2], "the key")
        check(len(typed) == 33 and typed[0] == 1, "the key is no Ed25519 key")
        self.public = typed[1:]
        self.id = sha256(self.name.encode() + b"\n" + typed)[:4]
        check(self.id.hex() == parts[1], "the key's id is wrong")


class Checkpoint:
    """A tree head signed by a key, or a rejection."""

    def __init__(self, note, key):
        check(isinstance(note, str), "a checkpoint is no text")
        check(all(c >= " " or c == "\n" for c in note), "a checkpoint has control characters")
        text, blank, signatures = note.rpartition("\n\n")
        check(blank != "" and signatures.endswith("\n"), "a checkpoint has no signature")
        text += "\n"
        signed = False
        for line in signatures[:-1].split("\n"):
            parts = line.split(" ")
            check(len(parts) == 3 and parts[0] == "\u2014", "a signature line is malformed")
            data = unbase64(parts[2], "a signature")
            if parts[1] == key.name and data[:4] == key.id:
                ed25519_verify(key.public, text.encode(), data[4:])
                signed = True
        check(signed, "a checkpoint is not signed by the key")
        lines = text.split("\n")[:-1]
        check(len(lines) >= 3 and "" not in lines, "a checkpoint has fewer than three lines")
        self.origin, size, root = lines[0], lines[1], lines[2]
        check(self.origin == key.name, "a checkpoint is of another log")
        check(size.isascii() and size.isdigit() and str(int(size)) == size, "a size is no number")
        self.size = int(size)
        self.root = unbase64(root, "a root")
        check(len(self.root) == 32, "a root has not 32 bytes")


# The Merkle tree, RFC 6962 section 2.1


def node(left, right):
    return sha256(b"\x01" + left + right)


def split(count):
    """The largest power of two smaller than count."""
    return 1 << ((count - 1).bit_length() - 1)


def root_of_path(leaf, index, count, path):
    """The root that an audit path leads to, by the definition of PATH(m, D[n])."""
    if count == 1:
        check(path == [], "the proof has too many hashes")
        return leaf
    check(path != [], "the proof has too few hashes")
    middle = split(count)
    if index < middle:
        return node(root_of_path(leaf, index, middle, path[:-1]), path[-1])
    return node(path[-1], root_of_path(leaf, index - middle, count - middle, path[:-1]))


def roots_of_subproof(older, newer, proof, whole, older_root):
    """Both roots that a consistency proof leads to, by the definition of SUBPROOF(m, D[n], b)."""
    if older == newer:
        if whole:
            check(proof == [], "the proof has too many hashes")
            return older_root, older_root
        check(len(proof) == 1, "the proof has another number of hashes")
        return proof[0], proof[0]
    check(proof != [], "the proof has too few hashes")
    middle = split(newer)
    if older <= middle:
        left = roots_of_subproof(older, middle, proof[:-1], whole, older_root)
        return left[0], node(left[1], proof[-1])
    right = roots_of_subproof(older - middle, newer - middle, proof[:-1], False, None)
    return node(proof[-1], right[0]), node(proof[-1], right[1])


def leaf_hash(position, known_micros, request_id, subject, payload):
    return sha256(
        b"\x00"
        + position.to_bytes(8, "big")
        + known_micros.to_bytes(8, "big", signed=True)
        + request_id
        + len(subject).to_bytes(4, "big")
        + subject
        + len(payload).to_bytes(4, "big")
        + payload
    )


# The JSON form of the messages in log.proto; a field that is missing has its default


def only(message, *fields):
    check(isinstance(message, dict), "a message is no object")
    unknown = set(message) - set(fields)
    check(not unknown, f"unknown fields: {', '.join(sorted(unknown))}")


def integer(message, field, low, high):
    value = message.get(field, 0)
    if isinstance(value, str):
        # The form that other writers of this JSON give to 64-bit numbers.
        check(value.lstrip("-").isdigit() and str(int(value)) == value, f"{field} is no number")
        value = int(value)
    check(type(value) is int and low <= value <= high, f"{field} is out of range")
    return value


def hashes_of(message):
    hashes = message.get("hashes", [])
    check(isinstance(hashes, list) and len(hashes) <= 128, "the hashes are no list")
    hashes = [unbase64(one, "a hash") for one in hashes]
    check(all(len(one) == 32 for one in hashes), "a hash has not 32 bytes")
    return hashes


def verify_inclusion(proof, key):
    only(proof, "leaf", "hashes", "checkpoint")
    leaf = proof["leaf"]
    only(leaf, "position", "knownMicros", "requestId", "subject", "payload")
    checkpoint = Checkpoint(proof.get("checkpoint", ""), key)
    position = integer(leaf, "position", 0, 2**64 - 1)
    check(1 <= position <= checkpoint.size, "the position is not in the log")
    request_id = unbase64(leaf.get("requestId", ""), "the request id")
    check(len(request_id) == 16, "the request id has not 16 bytes")
    subject = leaf.get("subject", "")
    check(isinstance(subject, str), "the subject is no text")
    hashed = leaf_hash(
        position,
        integer(leaf, "knownMicros", -(2**63), 2**63 - 1),
        request_id,
        subject.encode(),
        unbase64(leaf.get("payload", ""), "the payload"),
    )
    root = root_of_path(hashed, position - 1, checkpoint.size, hashes_of(proof))
    check(root == checkpoint.root, "the event and the proof do not lead to the signed root")
    return f"event {position} is in {checkpoint.origin} of {checkpoint.size} events", [checkpoint]


def verify_consistency(proof, key):
    only(proof, "hashes", "fromCheckpoint", "toCheckpoint")
    older = Checkpoint(proof.get("fromCheckpoint", ""), key)
    newer = Checkpoint(proof.get("toCheckpoint", ""), key)
    hashes = hashes_of(proof)
    check(older.size <= newer.size, "the older log is larger")
    if older.size == 0:
        check(hashes == [] and older.root == sha256(b""), "the empty log has another root")
    else:
        roots = roots_of_subproof(older.size, newer.size, hashes, True, older.root)
        check(roots[0] == older.root, "the proof does not lead to the older signed root")
        check(roots[1] == newer.root, "the proof does not lead to the newer signed root")
    return f"{newer.origin} only grew from {older.size} to {newer.size} events", [older, newer]


def verify(text, key, kept):
    try:
        proof = json.loads(text)
    except ValueError:
        raise Rejected("it is no JSON") from None
    check(isinstance(proof, dict), "it is no JSON object")
    shown, told = (verify_inclusion if "leaf" in proof else verify_consistency)(proof, key)
    if kept is not None:
        same = [one for one in told if one.size == kept.size]
        check(same, f"it is not about the log of {kept.size} events that was kept")
        check(same[0].root == kept.root, f"the log signed two roots over {kept.size} events")
    return shown


def read(name):
    if name == "-":
        return sys.stdin.buffer.read().decode()
    with open(name, encoding="utf-8", newline="") as file:
        return file.read()


def main():
    parser = argparse.ArgumentParser(description="Verifies proofs of a Tiendo log.")
    parser.add_argument("--key", required=True, metavar="VKEY")
    parser.add_argument("--checkpoint", metavar="FILE", help="a checkpoint that was kept")
    parser.add_argument("proofs", nargs="+", metavar="PROOF")
    arguments = parser.parse_args()
    rejected = 0
    for name in arguments.proofs:
        try:
            key = Key(arguments.key)
            kept = arguments.checkpoint
            kept = None if kept is None else Checkpoint(read(kept), key)
            print(f"{name}: holds: {verify(read(name), key, kept)}")
        except (Rejected, UnicodeError) as why:
            rejected += 1
            print(f"{name}: rejected: {why}")
    return 1 if rejected else 0


if __name__ == "__main__":
    sys.exit(main())
