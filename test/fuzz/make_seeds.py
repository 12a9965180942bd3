#!/usr/bin/env python3
"""Seeds for the fuzz targets from the frames of test/vectors/classify.txt. Run: python3 make_seeds.py VECTORS OUT."""
import hashlib
import pathlib
import sys


def main(vectors, out):
    for line in pathlib.Path(vectors).read_text().splitlines():
        words = line.split()
        if len(words) != 2 or words[0] not in ("frame", "deliver") or words[1] == "-":
            continue
        frame = bytes.fromhex(words[1])
        save(out, "frame", b"\0" + frame)
        kind, packet = frame[12:14].hex(), frame[14:]
        if kind == "0806":
            save(out, "arp", packet)
        if kind == "0800":
            save(out, "ipv4", packet)
            if len(packet) > 28 and packet[9] == 1:
                save(out, "icmp", b"\0" + packet[20:])
        if kind == "86dd":
            save(out, "ipv6", packet)
            if len(packet) > 48 and packet[6] == 58:
                save(out, "neighbour" if packet[40] == 135 else "icmp", packet if packet[40] == 135 else b"\1" + packet[40:])


def save(out, target, seed):
    folder = pathlib.Path(out) / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(seed).hexdigest()[:12]).write_bytes(seed)


main(sys.argv[1], sys.argv[2])
