#!/usr/bin/env python3
"""Oracle of the bucket hash, written from the papers and not from Covey's code. Prints test/vectors/hash.txt.

FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ (32-bit parameters). fmix32: MurmurHash3.cpp by Austin Appleby.
Run: python3 test/vectors/make_hash.py > test/vectors/hash.txt
"""
import random
import socket
import sys

MASK = 2**32 - 1


def fnv1a(seed, data):
    value = 2166136261 ^ seed
    for byte in data:
        value = ((value ^ byte) * 16777619) % 2**32
    return value


def fmix32(value):
    value ^= value >> 16
    value = value * 0x85EBCA6B & MASK
    value ^= value >> 13
    value = value * 0xC2B2AE35 & MASK
    value ^= value >> 16
    return value


def bucket_hash(seed, data):
    return fmix32(fnv1a(seed, data))


def line(seed, data):
    value = bucket_hash(seed, data)
    return f"{seed:08x} {data.hex() or '-'} {value:08x} {value % 4096}"


def self_check():
    """Published values: FNV-1a of '' , 'a' and 'foobar' (test vectors of the FNV reference), fmix32 of 0 and 1."""
    assert fnv1a(0, b"") == 0x811C9DC5
    assert fnv1a(0, b"a") == 0xE40C292C
    assert fnv1a(0, b"foobar") == 0xBF9CF968
    assert fmix32(0) == 0 and fmix32(1) == 0x514E28B7


def main():
    self_check()
    v4, v6 = (lambda a: socket.inet_pton(socket.AF_INET, a)), (lambda a: socket.inet_pton(socket.AF_INET6, a))
    out = ["# Bucket hash, version 1: FNV-1a 32 (offset basis XOR seed), then fmix32; bucket = hash mod 4096.",
           "# Made by make_hash.py. seed_hex hash_input_hex (- is empty) hash_hex bucket_dec"]
    out.append("# The empty input, single bytes, and the strings of the FNV reference.")
    for data in (b"", b"\x00", b"\xff", b"a", b"foobar"):
        for seed in (0, 1, 0xDEADBEEF, MASK):
            out.append(line(seed, data))
    out.append("# client: the address; network: /24 and /64; connection: address and port.")
    for seed in (0, 0x12345678, 0x80000000):
        for address in ("10.77.0.100", "10.77.0.101", "192.0.2.255", "0.0.0.0", "255.255.255.255"):
            out.append(line(seed, v4(address)))
            out.append(line(seed, v4(address)[:3]))
            for port in (0, 1, 40000, 40002, 65535):
                out.append(line(seed, v4(address) + port.to_bytes(2, "big")))
        for address in ("fd77::100", "2001:db8::1", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"):
            out.append(line(seed, v6(address)))
            out.append(line(seed, v6(address)[:8]))
            out.append(line(seed, v6(address) + (443).to_bytes(2, "big")))
    out.append("# Random inputs of every length a key can have.")
    rng = random.Random(20260101)
    for _ in range(64):
        data = bytes(rng.randrange(256) for _ in range(rng.choice((3, 4, 5, 6, 8, 10, 16, 18))))
        out.append(line(rng.getrandbits(32), data))
    sys.stdout.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
