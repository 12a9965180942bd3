#!/usr/bin/env python3
"""Oracle of who answers an asker with reach `relay` (version 1): rendezvous hashing. Prints test/vectors/ingress.txt.

Run: python3 test/vectors/make_ingress.py > test/vectors/ingress.txt
"""
import random
import socket
import sys

from make_hash import bucket_hash

NOBODY = 255


def mapped(address):
    """16 bytes; IPv4 as ::ffff:a.b.c.d."""
    if ":" in address:
        return socket.inet_pton(socket.AF_INET6, address)
    return bytes(10) + b"\xff\xff" + socket.inet_pton(socket.AF_INET, address)


def choose_ingress(asker, vip, members, seed):
    """`members`: (MAC in hex, whether it answers). The highest hash of asker, VIP and MAC wins, of equal ones the lowest MAC."""
    scores = [
        (-bucket_hash(seed, asker + vip + bytes.fromhex(mac)), mac, index)
        for index, (mac, answers) in enumerate(members)
        if answers
    ]
    return min(scores)[2] if scores else NOBODY


def line(asker, vip, members, seed):
    text = ",".join(mac + ("+" if answers else "-") for mac, answers in members) or "none"
    return f"{seed:08x} {asker.hex()} {vip.hex()} {text} {choose_ingress(asker, vip, members, seed)}"


def main():
    rng = random.Random(20261122)
    mac = lambda: "02" + bytes(rng.randrange(256) for _ in range(5)).hex()
    out = ["# Who answers: seed_hex asker_hex vip_hex members index_dec. Members are MACs, each with + (it answers) or -; 255: nobody.",
           "# Made by make_ingress.py. Addresses have 16 bytes, IPv4 as ::ffff:a.b.c.d."]
    vip4, vip6 = mapped("10.77.0.50"), mapped("fd77::50")
    three = [("020000000001", True), ("020000000002", True), ("020000000003", True)]
    out.append(line(mapped("10.77.0.100"), vip4, [], 0))
    out.append(line(mapped("10.77.0.100"), vip4, [(m, False) for m, _ in three], 0))
    for host in range(100, 130):
        out.append(line(mapped(f"10.77.0.{host}"), vip4, three, 0x12345678))
        out.append(line(mapped(f"fd77::{host}"), vip6, three, 0x12345678))
    out.append("# The same MAC twice, which must not be: the first one.")
    out.append(line(mapped("10.77.0.100"), vip4, [three[0], three[0]], 7))
    for _ in range(60):
        members = [(mac(), rng.random() < 0.8) for _ in range(rng.randrange(1, 64))]
        address = mapped(f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}")
        out.append(line(address, vip4, members, rng.getrandbits(32)))
    sys.stdout.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
