#!/usr/bin/env python3
"""A second reader of modelferry's repositories, written from modelferry-repository(5) alone.

It shares no code with modelferry and reads directories by the raw pair in the environment.
Where it and modelferry disagree, the page, this file or modelferry is wrong.

usage: second-reader.py REPOSITORY versions
       second-reader.py REPOSITORY refs MODEL
       second-reader.py REPOSITORY leases|runs|lines|controls|receipts|kept
       second-reader.py REPOSITORY extract MODEL[@VERSION|@REF] DIR
       second-reader.py REPOSITORY dump OBJECT     plaintext to standard output
       second-reader.py page FILE                  check the page's own worked example
"""
import base64
import ctypes
import hashlib
import hmac
import os
import re
import struct
import sys
import tempfile

sodium = ctypes.CDLL("libsodium.so.23")
zstd = ctypes.CDLL("libzstd.so.1")
xxhash = ctypes.CDLL("libxxhash.so.0")
if sodium.sodium_init() < 0:
    sys.exit("second-reader: libsodium does not start")
zstd.ZSTD_decompress.restype = ctypes.c_size_t
zstd.ZSTD_findFrameCompressedSize.restype = ctypes.c_size_t


class Damaged(Exception):
    pass


class Refused(Exception):
    """Something this reader does not know, or a key that does not fit."""


class Absent(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Damaged(what)


# NOTATION

class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def bytes(self, n):
        need(n <= len(self.data) - self.at, "truncated")
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, form):
        return struct.unpack("<" + form, self.bytes(struct.calcsize("<" + form)))[0]

    def u8(self):
        return self.number("B")

    def u16(self):
        return self.number("H")

    def u32(self):
        return self.number("I")

    def u64(self):
        return self.number("Q")

    def i64(self):
        return self.number("q")

    def block(self, most):
        n = self.u32()
        need(n <= most, "a block that is too long")
        return self.bytes(n)

    def string(self, most=1024):
        text = self.block(most)
        need(0 not in text, "a NUL in a string")
        return text.decode("utf-8", "surrogateescape")

    def end(self):
        need(self.at == len(self.data), "bytes behind the end")

    def signed(self, words):
        """Whether it is signed, which ends it; a signature that does not fit is damage."""
        covered = words + self.data[:self.at]
        is_signed = self.u8()
        need(is_signed <= 1, "neither signed nor unsigned")
        if is_signed:
            key, signature = self.bytes(32), self.bytes(64)
            need(sodium.crypto_sign_verify_detached(
                signature, covered, ctypes.c_ulonglong(len(covered)), key) == 0,
                "a signature that does not fit")
        self.end()
        return is_signed == 1


def string(text):
    text = text.encode("utf-8", "surrogateescape")
    return struct.pack("<I", len(text)) + text


def H(*arguments):
    if len(arguments) == 1:
        return hashlib.blake2b(arguments[0], digest_size=32).digest()
    key, message = arguments
    return hashlib.blake2b(message, digest_size=32, key=key).digest()


class Hash128(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


xxhash.XXH3_128bits_withSeed.restype = Hash128
xxhash.XXH3_128bits_withSeed.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]


def xxh3(data, seed):
    h = xxhash.XXH3_128bits_withSeed(data, len(data), seed)
    return struct.pack(">QQ", h.high, h.low)


# CODEC

def unzstd(data, n):
    need(data[:4] == b"\x28\xb5\x2f\xfd", "no zstd frame")
    need(zstd.ZSTD_findFrameCompressedSize(data, ctypes.c_size_t(len(data))) == len(data),
         "not one whole zstd frame")
    out = ctypes.create_string_buffer(max(n, 1))
    got = zstd.ZSTD_decompress(out, ctypes.c_size_t(n), data, ctypes.c_size_t(len(data)))
    need(got == n, "a zstd frame of another length")
    return out.raw[:n]


# layout: [(count, width, rotated)], as the page writes them
LAYOUTS = {}
for line in """1 1x1; 2 1x2; 3 1x4; 4 1x8; 5 1x2r; 6 1x4r; 7 1x8r; 16 1x2r 16x1;
        17 1x2r 1x2r 16x1; 18 1x2r 4x1 16x1; 19 1x2r 1x2r 4x1 16x1; 20 1x2r 32x1;
        21 16x1 64x1 1x2r 1x2r; 22 32x1 64x1 12x1 1x2r; 23 1x2r 1x2r 12x1 128x1;
        24 1x2r 1x2r 12x1 32x1 128x1; 25 128x1 64x1 16x1 1x2r; 26 1x4r 256x1 16x2""".split(";"):
    number, *fields = line.split()
    fields = [re.fullmatch(r"(\d+)x(\d)(r?)", f).groups() for f in fields]
    LAYOUTS[int(number)] = [(int(n), int(w), r == "r") for n, w, r in fields]

HALVED = bytes(b >> 1 for b in range(256))
LOWEST_UP = bytes((b & 1) << 7 for b in range(256))


def either(a, b):
    return (int.from_bytes(a, "little") | int.from_bytes(b, "little")).to_bytes(len(a), "little")


def rotated_right(planes):
    """Rotate all numbers right by one bit: each byte takes the lowest bit of the next."""
    return [either(p.translate(HALVED), planes[(j + 1) % len(planes)].translate(LOWEST_UP))
            for j, p in enumerate(planes)]


def unpack(data, n):
    r = Reader(data)
    base = r.u8()
    misses = r.u32()
    need(base <= 240 and misses <= n, "a packed plane out of bounds")
    misses = [(r.u32(), r.u8()) for _ in range(misses)]
    nibbles = unzstd(data[r.at:], (n + 1) // 2)
    value = bytes([0] + [base + k for k in range(1, 16)])
    plane = bytearray(2 * len(nibbles))
    plane[0::2] = nibbles.translate(bytes(value[b & 15] for b in range(256)))
    plane[1::2] = nibbles.translate(bytes(value[b >> 4] for b in range(256)))
    del plane[n:]
    last = -1
    for position, byte in misses:
        need(last < position < n, "misses out of order")
        plane[position] = byte
        last = position
    return bytes(plane)


def read_plane(r, n):
    method = r.u8()
    data = r.block(1 << 24)
    if method == 0:
        need(len(data) == n, "a raw plane of another length")
        return data
    if method == 1:
        return unzstd(data, n)
    if method == 2:
        need(len(data) == 1, "a constant plane of several bytes")
        return data * n
    if method == 3:
        return unpack(data, n)
    raise Refused("method %d of a plane" % method)


def read_group(r, block, fields, blocks):
    out = bytearray(block * blocks)
    offset = 0
    for count, width, rotated in fields:
        planes = [read_plane(r, blocks * count) for _ in range(width)]
        if rotated:
            planes = rotated_right(planes)
        for j, plane in enumerate(planes):
            for i in range(count):
                out[offset + i * width + j::block] = plane[i::count]
        offset += count * width
    return out


def unplanes(data, n):
    r = Reader(data)
    layout, lead, tail, blocks, group = r.u8(), r.u8(), r.u16(), r.u32(), r.u32()
    if layout not in LAYOUTS:
        raise Refused("layout %d" % layout)
    fields = LAYOUTS[layout]
    block = sum(count * width for count, width, _ in fields)
    need(lead < block and tail < block and blocks > 0 and lead + blocks * block + tail == n,
         "a planes frame of another length")
    need(0 < group <= 1048576 // block, "a group out of bounds")
    out = bytearray(r.bytes(lead))
    end = r.bytes(tail)
    while blocks > 0:
        out += read_group(r, block, fields, min(group, blocks))
        blocks -= min(group, blocks)
    r.end()
    return bytes(out + end)


def decode(codec, body, n):
    if codec == 0:
        need(len(body) == n, "stored bytes of another length")
        return body
    if codec == 1:
        return unzstd(body, n)
    if codec == 2:
        return unplanes(body, n)
    raise Refused("codec %d" % codec)


# KEYS, SEALED OBJECTS

(CHUNK, SEGMENT, ROOT, REF, ANNOTATION, CONDEMNED, CONTROL, RECEIPT, LEASE, RUN) = range(1, 11)
MOST = {CHUNK: 16777216, SEGMENT: 4194304, ROOT: 1048576, REF: 1048576, ANNOTATION: 1048576,
        CONDEMNED: 16777216, CONTROL: 1048576, RECEIPT: 1048576, LEASE: 1048576, RUN: 1048576}


class Keys:
    def __init__(self, cipher, floor, root0, epochs):
        self.cipher = cipher
        self.floor = floor
        self.epochs = epochs
        self.repository = H(root0, b"modelferry repository id")
        self.id_keys = {CHUNK: H(root0, b"chunk id"), SEGMENT: H(root0, b"segment id")}
        self.name_key = H(root0, b"names")
        self.seed = struct.unpack("<Q", H(root0, b"xxh seed")[:8])[0]

    def content_id(self, type_, plain):
        return H(self.id_keys[type_], plain)

    def name(self, kind, *parts):
        return H(self.name_key, b"".join(map(string, (kind,) + parts)))[:16].hex()


def decrypt_gcm(key, nonce, aad, sealed):
    crypto = ctypes.CDLL("libcrypto.so.3")
    crypto.EVP_CIPHER_CTX_new.restype = ctypes.c_void_p
    crypto.EVP_aes_256_gcm.restype = ctypes.c_void_p
    context = ctypes.c_void_p(crypto.EVP_CIPHER_CTX_new())
    body, tag = sealed[:-16], sealed[-16:]
    out = ctypes.create_string_buffer(len(body) + 16)
    n = ctypes.c_int()
    good = crypto.EVP_DecryptInit_ex(
        context, ctypes.c_void_p(crypto.EVP_aes_256_gcm()), None, key, nonce) == 1 and \
        crypto.EVP_DecryptUpdate(context, None, ctypes.byref(n), aad, len(aad)) == 1 and \
        crypto.EVP_DecryptUpdate(context, out, ctypes.byref(n), body, len(body)) == 1 and \
        crypto.EVP_CIPHER_CTX_ctrl(context, 0x11, 16, tag) == 1 and \
        crypto.EVP_DecryptFinal_ex(context, out, ctypes.byref(n)) == 1
    crypto.EVP_CIPHER_CTX_free(context)
    need(good, "fails its authentication")
    return out.raw[:len(body)]


def decrypt(cipher, key, nonce, aad, sealed):
    out = ctypes.create_string_buffer(max(len(sealed) - 16, 1))
    if cipher == 2:
        need(nonce[12:] == bytes(12), "a nonce that is too long")
        return decrypt_gcm(key, nonce[:12], aad, sealed)
    open_it = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt
    length = ctypes.c_ulonglong
    need(open_it(out, None, None, sealed, length(len(sealed)), aad, length(len(aad)), nonce,
                 key) == 0, "fails its authentication")
    return out.raw[:len(sealed) - 16]


def unseal(keys, type_, id_, sealed):
    need(len(sealed) >= 64, "truncated")
    magic, format_, is_type, cipher, flags, epoch, codec, n, padding = \
        struct.unpack("<4s4B4I", sealed[:24])
    need(magic == b"MFRY", "no sealed object")
    if format_ != 1 or flags != 0:
        raise Refused("format %d, flags %d" % (format_, flags))
    need(is_type == type_ and cipher == keys.cipher, "an object of another type or cipher")
    need(n <= MOST[type_] and padding <= len(sealed) - 64, "lengths out of bounds")
    if epoch not in keys.epochs:
        raise Refused("no key of epoch %d" % epoch)
    if type_ != CHUNK and epoch < keys.floor:
        raise Refused("epoch %d is over" % epoch)
    key = H(keys.epochs[epoch], b"modelferry object key" + bytes([type_]) + id_)
    aad = b"modelferry object v1" + sealed[:24] + keys.repository + id_
    body = decrypt(cipher, key, sealed[24:48], aad, sealed[48:])
    return decode(codec, body[:len(body) - padding], n)


# CONFIGURATION

def read_slot(r):
    start = r.at
    slot = {"id": r.bytes(8), "kind": r.u8(), "made": r.i64(), "label": r.string(64),
            "public": r.bytes(32), "passes": r.u32(), "memory": r.u64(), "salt": r.bytes(16)}
    slot["bytes"] = r.data[start:r.at]
    slot["mac"] = r.bytes(32)
    slot["sealed"] = r.block(48 + 68 + 36 * 1024)
    return slot


def public_half(private):
    out = ctypes.create_string_buffer(32)
    sodium.crypto_scalarmult_curve25519_base(out, private)
    return out.raw


def open_box(slot, private):
    sealed = slot["sealed"]
    out = ctypes.create_string_buffer(max(len(sealed) - 48, 1))
    need(sodium.crypto_box_seal_open(out, sealed, ctypes.c_ulonglong(len(sealed)),
                                     slot["public"], private) == 0, "sealed keys do not open")
    r = Reader(out.raw[:len(sealed) - 48])
    root0, root = r.bytes(32), r.bytes(32)
    epochs = [(r.u32(), r.bytes(32)) for _ in range(r.u32())]
    r.end()
    need(epochs == sorted(epochs) and len(set(n for n, _ in epochs)) == len(epochs),
         "epochs out of order")
    return root0, root, dict(epochs)


def open_configuration(data, sequence, encryption_key, hmac_key):
    r = Reader(data)
    need(r.bytes(4) == b"MFCF", "no configuration")
    format_, cipher, id_algorithm, padding = r.u8(), r.u8(), r.u8(), r.u8()
    if format_ != 1 or cipher not in (1, 2) or id_algorithm != 1 or padding > 1:
        raise Refused("a configuration of another kind")
    need(r.u64() == sequence, "a configuration under another number")
    repository, _created = r.bytes(32), r.i64()
    epoch, floor = r.u32(), r.u32()
    features = [r.string(64) for _ in range(r.u32())]
    slots = [read_slot(r) for _ in range(r.u32())]
    covered = data[:r.at]
    mac = r.bytes(32)
    r.end()
    for slot in slots:
        private = H(encryption_key, b"modelferry slot key" + slot["salt"])
        if slot["kind"] != 1 or public_half(private) != slot["public"]:
            continue
        expected = H(hmac_key, b"modelferry slot" + repository + slot["bytes"])
        if not hmac.compare_digest(expected, slot["mac"]):
            raise Refused("MODEL_HMAC_KEY does not fit")
        root0, root, epochs = open_box(slot, private)
        need(repository == H(root0, b"modelferry repository id"), "another repository's keys")
        need(mac == H(H(root, b"modelferry configuration"), covered), "the MAC does not fit")
        need(max(epochs) == epoch, "the current epoch has no key")
        if features:
            raise Refused("required feature %s" % features[0])
        return Keys(cipher, floor, root0, epochs)
    raise Refused("MODEL_ENCRYPTION_KEY opens no slot")


# NAMES: a directory, or the objects of the page's example

class Directory:
    def __init__(self, path):
        self.path = path

    def get(self, name):
        try:
            with open(os.path.join(self.path, name), "rb") as f:
                return f.read()
        except (FileNotFoundError, NotADirectoryError):
            raise Absent(name)

    def list(self, prefix):
        top = os.path.join(self.path, os.path.dirname(prefix))
        for directory, _, files in os.walk(top):
            for name in files:
                name = os.path.relpath(os.path.join(directory, name), self.path)
                if name.startswith(prefix) and re.fullmatch(r"[a-z0-9][a-z0-9./-]*", name):
                    yield name


class Example(dict):
    def get(self, name, default=None):
        if name not in self and default is None:
            raise Absent(name)
        return super().get(name, default)

    def list(self, prefix):
        return [name for name in self if name.startswith(prefix)]


# MANIFEST, REFS, ANNOTATIONS

def read_root(plain):
    r = Reader(plain)
    if r.u32() != 1:
        raise Refused("manifest format")
    v = {"repository": r.bytes(32), "model": r.string(), "version": r.string(),
         "parent": r.string(), "made": r.i64(), "scanned": r.i64(), "tool": r.string(),
         "flags": r.u32(), "entries": r.u64(), "files": r.u64(), "bytes": r.u64(),
         "chunks": r.u64()}
    if v["flags"] & ~1:
        raise Refused("manifest flags %x" % v["flags"])
    v["tags"] = {}
    for _ in range(r.u32()):
        key = r.string()
        v["tags"][key] = r.string(65536)
    v["metrics"] = {}
    for _ in range(r.u32()):
        key = r.string()
        v["metrics"][key] = r.number("d")
    v["segments"] = [(r.bytes(32), r.u64(), r.u32()) for _ in range(r.u32())]
    r.signed(b"modelferry manifest v1")
    v["digest"] = H(plain)
    v["rejected"] = False
    return v


def order(path):
    """As if '/' were 0, and all else one more."""
    return [0 if b == 0x2f else b + 1 for b in path]


def is_safe(path):
    return len(path) <= 4096 and all(0 < len(part) <= 255 and part not in (b".", b"..")
                                     for part in path.split(b"/"))


def read_entry(r, table, entries):
    x = {"type": r.u8()}
    flags = r.u8()
    x.update(mode=r.u32() & 0o7777, mtime=r.i64(), ctime=r.i64(), inode=r.u64(), size=r.u64(),
             checksum=r.bytes(16), path=r.block(4096), target=r.block(4096))
    slices = []
    for _ in range(r.u32()):
        chunk, offset, n = r.u32(), r.u32(), r.u32()
        need(chunk < len(table) and n > 0 and offset + n <= table[chunk][3], "a slice of nothing")
        slices.append((table[chunk], offset, n))
    if flags & ~1:
        raise Refused("entry flags %x" % flags)
    if flags & 1:
        need(entries and entries[-1]["path"] == x["path"] and entries[-1]["type"] == 1,
             "nothing to go on with")
        entries[-1]["slices"] += slices
        return
    if x["type"] not in (1, 2, 3, 4):
        raise Refused("entry type %d" % x["type"])
    need(is_safe(x["path"]) and 0 not in x["path"] + x["target"], "an unsafe path")
    need(x["type"] != 4 or is_safe(x["target"]), "an unsafe hard link")
    need(x["type"] != 3 or x["target"], "a symbolic link to nothing")
    need(not entries or order(entries[-1]["path"]) < order(x["path"]), "paths out of order")
    need(x["type"] == 1 or not slices, "data of no file")
    x["slices"] = slices
    entries.append(x)


def read_segment(plain, entries):
    r = Reader(plain)
    if r.u32() != 1:
        raise Refused("segment format")
    chunks, n = r.u32(), r.u32()
    need(chunks * 60 <= len(plain), "more chunks than fit")
    table = [(r.bytes(32), r.u64(), r.bytes(16), r.u32()) for _ in range(chunks)]
    need(all(0 < c[3] <= 16777216 for c in table), "a chunk of no length")
    for _ in range(n):
        read_entry(r, table, entries)
    r.end()


def read_ref(plain):
    r = Reader(plain)
    if r.u32() != 1:
        raise Refused("ref format")
    ref = {"repository": r.bytes(32), "model": r.string(), "name": r.string(),
           "sequence": r.u64(), "version": r.string(), "digest": r.bytes(32), "moved": r.i64(),
           "by": r.string()}
    r.signed(b"modelferry ref v1")
    return ref


def annotate(v, plain):
    r = Reader(plain)
    if r.u32() != 1:
        raise Refused("annotation format")
    if r.bytes(32) != v["digest"]:
        return
    r.i64()
    rejected = r.u8()
    r.string(65536)
    r.string()
    for _ in range(r.u32()):
        key = r.string()
        v["tags"][key] = r.string(65536)
        if v["tags"][key] == "":
            del v["tags"][key]
    r.end()
    if rejected:
        v["rejected"] = rejected == 1


# LEASES, RUNS OF MIGRATIONS, CONTROL RECORDS, RECEIPTS

KINDS = {1: "traffic", 2: "ref", 3: "destination"}
LINES = {1: "state", 2: "act", 3: "answer", 4: "read", 5: "control", 6: "note", 7: "end"}
VERBS = {1: "abort", 2: "promote", 3: "promote-full", 4: "pause", 5: "continue", 6: "retry"}
SERVING = {0: "unknown", 1: "served", 2: "not-served"}
FOR_EVER = (1 << 63) - 1


def begin(plain, formats=(1,)):
    """What all of these begin with."""
    r = Reader(plain)
    x = {"format": r.u32()}
    if x["format"] not in formats:
        raise Refused("record format %d" % x["format"])
    x["repository"] = r.bytes(32)
    return r, x


def word(words, number):
    if number not in words:
        raise Refused("number %d" % number)
    return words[number]


def read_lease(plain):
    r, x = begin(plain)
    x.update(kind=r.u8(), name=r.string(1024), sequence=r.u64(), token=r.u64(), duration=r.u64(),
             instance=r.bytes(16), when=r.i64(), holder=r.string(256))
    r.end()
    word(KINDS, x["kind"])
    need(x["name"] and x["token"] <= x["sequence"] and x["duration"] <= 600000000, "no lease")
    return x


def read_line(r):
    line = {"number": r.u64(), "kind": word(LINES, r.u8()), "tick": r.u64(), "of": r.u64(),
            "when": r.i64(), "phase": r.string(1024), "body": r.block(524288)}
    need(line["of"] == 0 or line["of"] < line["number"], "an answer to what is still to come")
    return line


def read_run(plain):
    r, x = begin(plain)
    x.update(run=r.string(128), sequence=r.u64(), token=r.u64())
    has_head = r.u8()
    need(x["sequence"] > 0 and has_head == (x["sequence"] == 1), "a head in the wrong place")
    if has_head:
        x["head"] = {name: r.string(1024) for name in
                     ("digest", "plan", "repository", "model", "actor", "source", "destination",
                      "previous")}
        x["head"].update(expected=r.u64(), begun=r.i64(), program=r.block(262144))
    n = r.u32()
    need(n <= 4096, "too many lines")
    x["lines"] = [read_line(r) for _ in range(n)]
    r.end()
    return x


def read_heartbeat(plain):
    r, x = begin(plain, (1, 2))
    x.update(run=r.string(128), token=r.u64(), tick=r.u64(), when=r.i64(), canary=r.u32(),
             phase=r.string(63), note=r.string(4096))
    if x["format"] == 2:
        x["program"] = r.block(262144)
    r.end()
    need(x["canary"] <= 100, "more than all of the traffic")
    return x


def read_control(plain):
    r, x = begin(plain)
    x.update(run=r.string(128), sequence=r.u64(), nonce=r.bytes(16), verb=word(VERBS, r.u8()),
             when=r.i64(), by=r.string(256), why=r.string(1024))
    x["signed"] = r.signed(b"modelferry control v1")
    return x


def read_receipt(plain):
    r, x = begin(plain)
    x.update(model=r.string(), version=r.string(), digest=r.bytes(32), site=r.string(128),
             instance=r.string(128), when=r.i64(), files=r.u64(), bytes=r.u64(),
             serving=word(SERVING, r.u8()))
    x["signed"] = r.signed(b"modelferry receipt v1")
    need(x["site"], "a receipt of no site")
    return x


# OBJECT NAMES

def sequence(name):
    """The number in .../SEQ or .../SEQ-RAND."""
    return int(name.rsplit("/", 1)[1][:16], 16)


def counting(names):
    """In order, and of each number only the lowest name."""
    lowest = {}
    for name in sorted(names):
        if re.fullmatch(".*/[0-9a-f]{16}(-[0-9a-f]{32})?", name):
            lowest.setdefault((name.rsplit("/", 1)[0], sequence(name)), name)
    return list(lowest.values())


# READING

class Repository:
    def __init__(self, store, encryption_key, hmac_key):
        self.store = store
        names = counting(store.list("config/"))
        if not names:
            raise Absent("no repository there")
        self.keys = open_configuration(store.get(names[-1]), sequence(names[-1]),
                                       encryption_key, hmac_key)
        self.last = (None, None)

    def object(self, type_, name):
        try:
            return unseal(self.keys, type_, H(name.encode()), self.store.get(name))
        except Damaged as e:
            raise Damaged("%s: %s" % (name, e))

    def content(self, type_, id_, generation):
        """A chunk's or segment's plaintext, from any generation that is whole."""
        prefix = "c/%s/%s." % (id_.hex()[:2], id_.hex())
        hint = "%s%016x" % (prefix, generation)
        why = "missing"
        for name in [hint] + [n for n in self.store.list(prefix) if n != hint]:
            try:
                plain = unseal(self.keys, type_, id_, self.store.get(name))
                need(self.keys.content_id(type_, plain) == id_, "content of another id")
                return plain
            except Absent:
                pass
            except (Damaged, Refused) as e:
                why = str(e)
        raise Damaged("%s: %s" % (hint, why))

    def version(self, tail):
        v = read_root(self.object(ROOT, "m/" + tail))
        need(v["repository"] == self.keys.repository and
             tail.startswith("%s/%s-" % (self.keys.name("model", v["model"]), self.keys.name(
                 "version", v["model"], v["version"]))), "m/%s belongs elsewhere" % tail)
        for name in sorted(self.store.list("a/" + tail.split("-")[0] + "/")):
            annotate(v, self.object(ANNOTATION, name))
        return v

    def versions(self, model=None):
        prefix = self.keys.name("model", model) + "/" if model else ""
        marks = set(name[2:] for name in self.store.list("v/" + prefix))
        roots = set(name[2:] for name in self.store.list("m/" + prefix))
        versions = {v["digest"]: v for v in map(self.version, marks & roots)}
        return sorted(versions.values(), key=lambda v: (v["model"], v["made"], v["version"]))

    def refs(self, model):
        newest = {}
        prefix = "r/%s/" % self.keys.name("model", model)
        for name in counting(self.store.list(prefix)):
            newest[name.rsplit("/", 1)[0]] = name
        for name in newest.values():
            ref = read_ref(self.object(REF, name))
            need(ref["repository"] == self.keys.repository and
                 name.rsplit("/", 1)[0] == prefix + self.keys.name("ref", model, ref["name"]) and
                 sequence(name) == ref["sequence"], "%s belongs elsewhere" % name)
            yield ref

    def record(self, type_, name, read):
        x = read(self.object(type_, name))
        need(x["repository"] == self.keys.repository, "%s belongs elsewhere" % name)
        return x

    def leases(self):
        newest = {}
        for name in counting(self.store.list("l/")):
            newest[name.rsplit("/", 1)[0]] = name
        for directory, name in newest.items():
            x = self.record(LEASE, name, read_lease)
            need(directory == "l/" + self.keys.name("lease", str(x["kind"]), x["name"]) and
                 sequence(name) == x["sequence"], "%s belongs elsewhere" % name)
            yield x

    def of_run(self, type_, prefix, read):
        """The records of each run, in the order of their names."""
        runs = {}
        for name in sorted(self.store.list(prefix)):
            x = self.record(type_, name, read)
            need(name.split("/")[1] == self.keys.name("run", x["run"]) and
                 ("sequence" not in x or sequence(name) == x["sequence"]),
                 "%s belongs elsewhere" % name)
            runs.setdefault(x["run"], []).append(x)
        return runs

    def runs(self):
        beats = self.of_run(RUN, "b/", read_heartbeat)
        for run, records in self.of_run(RUN, "j/", read_run).items():
            need("head" in records[0], "a run without a head")
            x = {"run": run, "head": records[0]["head"], "lines": [], "beat": None}
            token = number = 0
            for record in records:
                if record["token"] < token:
                    continue
                token = record["token"]
                for line in record["lines"]:
                    if line["number"] > number:
                        x["lines"].append(line)
                        number = line["number"]
            if run in beats:
                x["beat"] = beats[run][-1]
            yield x

    def controls(self):
        for records in self.of_run(CONTROL, "o/", read_control).values():
            nonces = set()
            for x in records:
                if x["nonce"] not in nonces:
                    yield x
                nonces.add(x["nonce"])

    def receipts(self):
        latest = {}
        for name in sorted(self.store.list("s/")):
            x = self.record(RECEIPT, name, read_receipt)
            _, model, version, site, time = name.split("/")
            need(model == self.keys.name("model", x["model"]) and
                 version == self.keys.name("version", x["model"], x["version"]) and
                 site == self.keys.name("site", x["site"], x["instance"]) and
                 int(time[:16], 16) == x["when"], "%s belongs elsewhere" % name)
            held = latest.get((x["model"], site))
            if held is None or held["when"] <= x["when"]:
                latest[x["model"], site] = x
        return latest.values()

    def kept(self):
        """Versions that runs keep: holds of a ref that nobody can make."""
        for name in sorted(self.store.list("h/")):
            x = self.record(REF, name, read_ref)
            need(name.startswith("h/%s/%s/" % (self.keys.name("model", x["model"]), self.keys.name(
                "version", x["model"], x["version"]))), "%s belongs elsewhere" % name)
            if x["name"].startswith(".run "):
                need(x["sequence"] == 1, "a run's hold with another number")
                yield x

    def find(self, spec):
        model, _, name = spec.partition("@")
        versions = self.versions(model)
        named = [v for v in versions if v["version"] == name]
        if named:
            return named[0]
        for ref in self.refs(model):
            if ref["name"] == (name or "production"):
                found = [v for v in versions if v["version"] == ref["version"]]
                need(found, "a ref to nothing")
                if found[0]["digest"] != ref["digest"]:
                    raise Refused("a ref to another version of that name")
                return found[0]
        if not name and len(versions) == 1:
            return versions[0]
        raise Absent("no %s" % spec)

    def entries(self, version):
        entries = []
        for id_, generation, n in version["segments"]:
            plain = self.content(SEGMENT, id_, generation)
            need(len(plain) == n, "a segment of another length")
            read_segment(plain, entries)
        need(len(entries) == version["entries"], "entries are missing")
        return entries

    def chunk(self, chunk):
        id_, generation, checksum, n = chunk
        if self.last[0] != id_:
            plain = self.content(CHUNK, id_, generation)
            need(len(plain) == n and xxh3(plain, self.keys.seed) == checksum,
                 "a chunk of another length or checksum")
            self.last = (id_, plain)
        return self.last[1]

    def file(self, entry):
        content = bytearray()
        for chunk, offset, n in entry["slices"]:
            content += self.chunk(chunk)[offset:offset + n]
        content = bytes(content)
        need(len(content) == entry["size"] and
             xxh3(content, self.keys.seed) == entry["checksum"], "a file of another content")
        return content

    def extract(self, spec, directory):
        top = os.fsencode(directory)
        entries = self.entries(self.find(spec))
        os.makedirs(top)
        for x in entries:
            path = os.path.join(top, x["path"])
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if x["type"] == 1:
                with open(path, "xb") as f:
                    f.write(self.file(x))
                os.chmod(path, x["mode"])
                os.utime(path, ns=(x["mtime"], x["mtime"]))
            elif x["type"] == 2:
                os.mkdir(path)
        for x in entries:
            path = os.path.join(top, x["path"])
            if x["type"] == 4:
                os.link(os.path.join(top, x["target"]), path)
            elif x["type"] == 3:
                os.symlink(x["target"], path)
        for x in reversed(entries):
            path = os.path.join(top, x["path"])
            if x["type"] == 2:
                os.chmod(path, x["mode"])
            if x["type"] in (2, 3):
                os.utime(path, ns=(x["mtime"], x["mtime"]), follow_symlinks=False)


def raw_key(variable):
    text = os.environ.get(variable)
    if text is None:
        raise Refused("%s is missing" % variable)
    key = base64.b64decode(text, validate=True)
    if len(key) != 32:
        raise Refused("%s is not 32 bytes" % variable)
    return key


def example_of(page):
    """The objects of the page's worked example: in displays that begin with `object`, a name
    (after one of /.- it may go on in the next line), then hex."""
    objects = Example()
    with open(page, encoding="utf-8") as f:
        displays = re.findall(r"^\.Bd [^\n]*\nobject\n(.*?)^\.Ed", f.read(), re.M | re.S)
    for display in displays:
        name, content = re.fullmatch(r"((?:\S*[/.-]\n)*\S+)\n(.*)", display, re.S).groups()
        objects[name.replace("\n", "")] = bytes.fromhex(content)
    return objects


def check_page(page):
    objects = example_of(page)
    repository = Repository(objects, bytes(range(32)), bytes(range(32, 64)))
    with tempfile.TemporaryDirectory() as directory:
        repository.extract("churn@production", directory + "/v")
        with open(directory + "/v/b", "rb") as f:
            need(f.read() == b"hello, ferry\n", "the example's file")
    print("%d objects of the page's example are as it says" % len(objects))
    frame = bytes.fromhex("05010100 04000000 03000000 aabb 0003000000 000100 0310000000"
                          "7000000000 28b52ffd2002 110000ff0e 020100000000 000100000000")
    need(unplanes(frame, 10) == bytes.fromhex("aa803f80bf003f0000bb"), "the planes example")
    print("the planes frame of the page's example is as it says")


def print_leases(x):
    print("%s %s: %s" % (KINDS[x["kind"]], x["name"],
                         "%s token=%d" % (x["holder"], x["token"]) if x["duration"] else "free"))


def print_runs(x):
    head, last = x["head"], x["lines"][-1] if x["lines"] else None
    text = "%s plan=%s model=%s version=%s previous=%s lines=%d" % (
        x["run"], head["plan"], head["model"], head["destination"], head["previous"],
        len(x["lines"]))
    if last and last["kind"] == "end":
        text += " result=%s" % last["phase"]
    if x["beat"]:
        text += " phase=%s canary=%d" % (x["beat"]["phase"], x["beat"]["canary"])
    print(text)


def print_lines(x):
    for line in x["lines"]:
        print("%s %d %s tick=%d of=%d %s" % (x["run"], line["number"], line["kind"], line["tick"],
                                             line["of"], line["phase"]))


def print_controls(x):
    print("%s %d %s: %s%s" % (x["run"], x["sequence"], x["verb"], x["why"],
                              " (signed)" * x["signed"]))


def print_receipts(x):
    print("%s@%s %s/%s files=%d bytes=%d %s%s" % (
        x["model"], x["version"], x["site"], x["instance"], x["files"], x["bytes"], x["serving"],
        " (signed)" * x["signed"]))


def print_kept(x):
    print("%s@%s %s %s" % (x["model"], x["version"], x["name"][len(".run "):],
                           "open" if x["moved"] == FOR_EVER else x["moved"]))


RECORDS = {"leases": (Repository.leases, print_leases), "runs": (Repository.runs, print_runs),
           "lines": (Repository.runs, print_lines),
           "controls": (Repository.controls, print_controls),
           "receipts": (Repository.receipts, print_receipts),
           "kept": (Repository.kept, print_kept)}


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "page":
        return check_page(arguments[1])
    if len(arguments) < 2:
        sys.exit(__doc__)
    repository = Repository(Directory(arguments[0]), raw_key("MODEL_ENCRYPTION_KEY"),
                            raw_key("MODEL_HMAC_KEY"))
    command, rest = arguments[1], arguments[2:]
    if command == "versions" and not rest:
        for v in repository.versions():
            print("%s@%s files=%d bytes=%d%s" % (v["model"], v["version"], v["files"],
                                                 v["bytes"], " rejected" * v["rejected"]))
    elif command == "refs" and len(rest) == 1:
        for ref in sorted(repository.refs(rest[0]), key=lambda ref: ref["name"]):
            print("%s@%s -> %s (%d)" % (ref["model"], ref["name"], ref["version"],
                                        ref["sequence"]))
    elif command in RECORDS and not rest:
        read, show = RECORDS[command]
        for x in read(repository):
            show(x)
    elif command == "extract" and len(rest) == 2:
        repository.extract(*rest)
    elif command == "dump" and len(rest) == 1:
        types = {"m": ROOT, "r": REF, "a": ANNOTATION, "x": CONDEMNED, "h": REF, "l": LEASE,
                 "j": RUN, "b": RUN, "o": CONTROL, "s": RECEIPT}
        name = rest[0]
        if name[0] == "c":
            id_, generation = bytes.fromhex(name[5:69]), int(name[70:], 16)
            type_ = repository.store.get(name)[5]
            sys.stdout.buffer.write(repository.content(type_, id_, generation))
        else:
            sys.stdout.buffer.write(repository.object(types[name[0]], name))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Absent as e:
        sys.exit("second-reader: not there: %s" % e)
    except Damaged as e:
        print("second-reader: damaged: %s" % e, file=sys.stderr)
        sys.exit(4)
    except Refused as e:
        print("second-reader: refused: %s" % e, file=sys.stderr)
        sys.exit(5)
