"""Checks a published ledger and proofs from it, with Python's standard library
alone: RFC 6962 trees, C2SP tlog-tiles, tlog-proof and signed notes, RFC 8032.

    python ledger.py KEY

KEY is a verifier key, `<name>+<id>+<base64>`. Each line read is `ledger <folder>`,
`proof <file>` or `disclosure <file>`; each is answered with a line, `ok ...` or
`flaw ...`.
"""

import base64
import functools
import hashlib
import json
import os
import sys

WIDTH = 256


class Flaw(Exception):
    """What is wrong."""


def require(truth, what):
    if not truth:
        raise Flaw(what)


# Ed25519: RFC 8032, 5.1.

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def multiply(scalar, point):
    sum_ = (0, 1, 1, 0)
    while scalar > 0:
        if scalar & 1:
            sum_ = add(sum_, point)
        point = add(point, point)
        scalar >>= 1
    return sum_


def decompress(data):
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    require(y < P, "not a point")
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P != 0:
        x = x * ROOT % P
    require((x * x - square) % P == 0 and not (x == 0 and sign), "not a point")
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = decompress((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


@functools.lru_cache(maxsize=None)
def signed(public, text, signature):
    try:
        key, point = decompress(public), decompress(signature[:32])
    except Flaw:
        return False
    scalar = int.from_bytes(signature[32:], "little")
    if scalar >= L:
        return False
    digest = hashlib.sha512(signature[:32] + public + text).digest()
    challenge = int.from_bytes(digest, "little") % L
    left, right = multiply(scalar, BASE), add(point, multiply(challenge, key))
    same = (left[0] * right[2] - right[0] * left[2]) % P == 0
    return same and (left[1] * right[2] - right[1] * left[2]) % P == 0


# Signed notes and checkpoints.


def unbase64(text, what):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise Flaw(what) from None
    require(base64.b64encode(data).decode() == text, what)
    return data


class Key:
    def __init__(self, text):
        self.text = text
        self.name, id_, material = text.split("+", 2)
        self.id = bytes.fromhex(id_)
        data = unbase64(material, "not a key")
        require(data[0] == 1 and len(data) == 33, "not an Ed25519 key")
        self.public = data[1:]
        own = hashlib.sha256(self.name.encode() + b"\n" + data).digest()[:4]
        require(own == self.id, "not the id of the key")


def checkpoint(note, key):
    """Size and root of a checkpoint that the key signed."""
    try:
        text = note.decode()
    except UnicodeDecodeError:
        raise Flaw("not text") from None
    require("\n\n" in text and text.endswith("\n"), "not a signed note")
    end = text.rindex("\n\n") + 1
    said, lines = text[:end], text[end + 1 : -1].split("\n")
    found = False
    for line in lines:
        parts = line.split(" ")
        require(len(parts) == 3 and parts[0] == "\u2014", "not a signature line")
        data = unbase64(parts[2], "not a signature")
        require(len(data) > 4, "not a signature")
        if parts[1] == key.name and data[:4] == key.id:
            require(len(data) == 68, "not an Ed25519 signature")
            require(signed(key.public, said.encode(), data[4:]), "a false signature")
            found = True
    require(found, "not signed by the key")
    lines = said.split("\n")
    require(len(lines) == 4 and lines[0] == key.name, "not a checkpoint of the ledger")
    require(lines[1].isdigit() and str(int(lines[1])) == lines[1], "not a size")
    root = unbase64(lines[2], "not a root")
    require(len(root) == 32, "not a root")
    return int(lines[1]), root


# Trees: RFC 6962, 2.1.


def leaf_hash(leaf):
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def tree_hash(hashes):
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return node_hash(tree_hash(hashes[:split]), tree_hash(hashes[split:]))


def check_inclusion(index, size, leaf, path, root):
    require(index < size, "beyond the checkpoint")
    place, last, hash_ = index, size - 1, leaf
    for sibling in path:
        require(last > 0, "the path is too long")
        if place & 1 or place == last:
            hash_ = node_hash(sibling, hash_)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            hash_ = node_hash(hash_, sibling)
        place, last = place >> 1, last >> 1
    require(last == 0 and hash_ == root, "the path does not lead to the root")


# Files: C2SP tlog-tiles.


def read(folder, path):
    try:
        with open(os.path.join(folder, path), "rb") as file:
            return file.read()
    except OSError:
        return None


def tile_path(kind, number):
    path = f"{number % 1000:03}"
    while number >= 1000:
        number //= 1000
        path = f"x{number % 1000:03}/{path}"
    return f"tile/{kind}/{path}"


def tile(folder, kind, number, width):
    """A tile, and whether it is a partial one."""
    full = tile_path(kind, number)
    partial = width < WIDTH
    data = read(folder, f"{full}.p/{width}") if partial else None
    if data is None:
        data, partial = read(folder, full), False
    require(data is not None, f"{full}: missing")
    return data, partial


def partials(folder, kind, number, width, expected):
    """The narrower forms of a tile are its beginnings."""
    below = f"{tile_path(kind, number)}.p"
    try:
        names = os.listdir(os.path.join(folder, below))
    except OSError:
        return
    for name in names:
        if name.startswith("."):
            continue
        require(name.isdigit() and str(int(name)) == name, f"{below}/{name}: no tile")
        if 0 < int(name) <= width:
            require(read(folder, f"{below}/{name}") == expected(int(name)), f"{below}/{name}")


def split(bundle):
    entries, ends, at = [], [0], 0
    while at < len(bundle):
        length = int.from_bytes(bundle[at : at + 2], "big")
        entry = bundle[at + 2 : at + 2 + length]
        require(at + 2 <= len(bundle) and len(entry) == length, "an entry is cut short")
        entries.append(entry)
        at += 2 + length
        ends.append(at)
    return entries, ends


def pruned_by(index, entry):
    """Below which index an entry says that entries were pruned."""
    try:
        said = json.loads(entry)["entry"]
        below = said["prunes"] if said["kind"] == "pruning" else 0
    except (ValueError, TypeError, KeyError):
        return 0
    sound = isinstance(below, int) and 0 < below <= index and below % WIDTH == 0
    return below if sound else 0


def check_ledger(folder, key):
    verifier = read(folder, "verifier")
    require(verifier in (None, f"{key.text}\n".encode()), "verifier: another key")
    try:
        names = os.listdir(os.path.join(folder, "checkpoints"))
    except OSError:
        names = []
    names = [name for name in names if not name.startswith(".")]
    require(all(n.isdigit() and str(int(n)) == n for n in names), "checkpoints: no file of a ledger")
    note = read(folder, "checkpoint")
    require(note is not None, "checkpoint: missing")
    size, root = checkpoint(note, key)
    hashes, below, missing = [], 0, []
    for number in range((size + WIDTH - 1) // WIDTH):
        width = min(WIDTH, size - number * WIDTH)
        if width == WIDTH and read(folder, tile_path("entries", number)) is None:
            # Pruned, if an entry says so: the hashes lead to the root without it.
            data, _ = tile(folder, "0", number, WIDTH)
            require(len(data) == WIDTH * 32, f"{tile_path('0', number)}: too few hashes")
            hashes += [data[at : at + 32] for at in range(0, len(data), 32)]
            missing.append(number)
            continue
        bundle, partial = tile(folder, "entries", number, width)
        entries, ends = split(bundle)
        require(len(entries) == width or (len(entries) > width and not partial), "too few entries")
        partials(folder, "entries", number, width, lambda w: bundle[: ends[w]])
        for entry in entries[:width]:
            below = max(below, pruned_by(len(hashes), entry))
            hashes.append(leaf_hash(entry))
    for number in missing:
        require((number + 1) * WIDTH <= below, f"{tile_path('entries', number)}: missing")
    level, row = 0, hashes
    while row:
        for number in range((len(row) + WIDTH - 1) // WIDTH):
            expected = b"".join(row[number * WIDTH : (number + 1) * WIDTH])
            data, partial = tile(folder, level, number, len(expected) // 32)
            found = data if partial or len(expected) == WIDTH * 32 else data[: len(expected)]
            require(found == expected, f"{tile_path(level, number)}: other hashes")
            partials(folder, level, number, len(expected) // 32, lambda w: expected[: w * 32])
        full = range(0, len(row) - len(row) % WIDTH, WIDTH)
        level, row = level + 1, [tree_hash(row[at : at + WIDTH]) for at in full]
    require(tree_hash(hashes) == root, "checkpoint: another root")
    for name in names:
        require(int(name) <= size, "checkpoint: rolled back")
        kept = checkpoint(read(folder, f"checkpoints/{name}"), key)
        require(kept == (int(name), tree_hash(hashes[: int(name)])), f"checkpoints/{name}: rewritten")
    return size


def check_proof(path, key):
    with open(path, encoding="utf-8") as file:
        return prove(file.read(), key)[0]


def prove(text, key):
    """Index and bytes of the entry that a proof is of."""
    head, note = text.split("\n\n", 1)
    lines = head.split("\n")
    require(lines[0] == "c2sp.org/tlog-proof@v1", "not a proof")
    require(lines[1].startswith("extra ") and lines[2].startswith("index "), "not a proof")
    leaf = unbase64(lines[1][6:], "not an entry")
    index = int(lines[2][6:])
    require(str(index) == lines[2][6:], "not an index")
    path = [unbase64(line, "not a hash") for line in lines[3:]]
    require(all(len(hash_) == 32 for hash_ in path), "not a hash")
    size, root = checkpoint(note.encode(), key)
    check_inclusion(index, size, leaf_hash(leaf), path, root)
    return index, leaf


# Single fields of a record.


def check_disclosure(path, key):
    with open(path, encoding="utf-8") as file:
        disclosure = json.load(file)
    require(disclosure["format"] == "comity disclosure v1", "not a disclosure")
    index, leaf = prove(disclosure["proof"], key)
    roots = json.loads(leaf)["entry"]["binds"]["fields"]
    require(len(roots) == 1, "not the root of fields")
    for field in disclosure["fields"]:
        place = field["path"].encode()
        if "text" in field:
            value = field["text"].encode()
        else:
            value = unbase64(field["base64"], "not a value")
        salt = bytes.fromhex(field["salt"])
        require(len(salt) == 32, "not a salt")
        length = len(place).to_bytes(4, "big")
        hash_ = leaf_hash(b"comity field v1\0" + salt + length + place + value)
        for sibling in field["siblings"]:
            side, other = sibling.split(" ")
            other = bytes.fromhex(other)
            require(side in ("left", "right") and len(other) == 32, "not a sibling")
            hash_ = node_hash(other, hash_) if side == "left" else node_hash(hash_, other)
        require(hash_.hex() == roots[0], f"{field['path']}: no field of the entry")
    return index, " ".join(field["path"] for field in disclosure["fields"])


def main():
    key = Key(sys.argv[1])
    for line in sys.stdin:
        what, place = line.rstrip("\n").split(" ", 1)
        check = {
            "ledger": check_ledger,
            "proof": check_proof,
            "disclosure": check_disclosure,
        }[what]
        try:
            found = check(place, key)
            print("ok", *(found if isinstance(found, tuple) else (found,)), flush=True)
        except (Flaw, ValueError, IndexError, KeyError) as flaw:
            print("flaw", str(flaw).replace("\n", " "), flush=True)


main()
