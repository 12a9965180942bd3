#!/usr/bin/env python3
"""Oracle of the verdicts: builds the frames and the expected buckets with its own code; kinds and reasons are written by hand.

Run: python3 test/vectors/make_classify.py > test/vectors/classify.txt
"""
import socket
import struct
import sys

from make_hash import bucket_hash
from make_ingress import choose_ingress, mapped

HEADER = """\
# Named packets: what one node says of one frame. Made by make_classify.py; read by the tests of TypeScript and of C++.
#
# Lines of words separated by single spaces; `#` starts a comment; blank lines mean nothing.
#   shape seed=HEX8 vmac=HEX12 mac=HEX12 vlan=none|DEC   a new shape without VIPs and rules; `mac` is the node's own MAC
#   vip HEX PREFIXLENGTH                                 an address of 4 or 16 bytes
#   rule INDEX tcp|udp FIRST LAST AFFINITY PLAN allow|deny HOLDMS    rules match in file order
#   record NAME                    begins a record: a fresh data plane with the shape above, lease open, nothing owned; NAME describes it
#   lease closed                   the lease was never started (comes first, if at all)
#   own PLAN BUCKETS | hold PLAN BUCKETS | unhold PLAN BUCKETS | forget PLAN BUCKETS
#   cut PLAN BUCKETS SERIAL
#   honour KEEPER KEY SERIAL | hold-keys KEEPER KEY SERIAL | release KEEPER KEY SERIAL | unhold-keys KEEPER KEY SERIAL
#   drop-keeper KEEPER             table operations, as in src/buckets/contract.ts; KEY is the key record of 20 bytes in hex
#   reach MODE SELF MEMBERS PLAN BUCKETS TARGETS LAST    how to answer and whom to relay to: MEMBERS are MACs, each followed by + (it
#                                  answers) or -; in BUCKETS of PLAN the members at the indexes TARGETS, that at LAST last (255: any order)
#   deliver HEX                    a frame that arrives before: it may make a flow entry, or announce fragments
#   frame HEX                      the frame to be classified, and then handled (`-`: no byte at all)
#   output none | inject HEX | answer HEX | relay HEX        what goes out when it is handled: IP packets to the stack, Ethernet frames
#                                  to the network; one line for each, in order
#   expect KIND REASON RULE PLAN BUCKET          ends the record; -1: none applies
# BUCKETS is `all`, or decimal numbers and ranges joined by commas: 0-2047,4000. Lines of a record are steps, in order.
#
# The order of checks that the records fix; the first that fits decides:
#   1. Ethernet shorter than 14 bytes, or an 802.1Q tag (0x8100) cut off: malformedEthernet.
#   2. Source MAC is our own: rejectedOwnFrame (a reflection). A vMAC as source only bumps vmacAsSource, and goes on.
#   3. VLAN: id 0 is untagged. The configured one, and none other, passes; control frames pass untagged too. Else, or with a second tag
#      (0x8100 or 0x88a8, also when it is the only one of its kind): rejectedOtherVlan.
#   4. EtherType 0x88B5: control, whatever the lease.
#   5. Lease not open: rejectedLeaseLapsed.
#   6. EtherType neither ARP, IPv4 nor IPv6: rejectedOtherProtocol.
#   7. ARP other than Ethernet/IPv4, below 28 bytes, or with a sender MAC that is a group's or zero: malformedArp. No request:
#      rejectedOtherProtocol. Target no VIP: rejectedNotOurVip. To the unicast MAC of another station:
#      rejectedOtherMac. Sender is the target (announcement): rejectedOtherProtocol. Not ours to answer: rejectedOtherAnswers (16). Else
#      answer.
#   8. IPv4: version, header length, total length (below the frame is padding, above it malformedIpv4). Destination no VIP:
#      rejectedNotOurVip. To another MAC than our own, the vMAC or the multicast vMAC (the vMAC with its group bit set):
#      rejectedOtherMac. Then the header's checksum: badChecksum.
#   9. IPv6: 40 bytes, version, payload length (not 0): malformedIpv6. At most 8 extension headers (hop-by-hop 0, routing 43,
#      fragment 44, AH 51, destination 60): a ninth is tooManyExtensionHeaders; a cut one, hop-by-hop not first, or a second
#      fragment header malformedIpv6. A fragment header with offset 0 and no more fragments: not a fragment. A neighbour
#      solicitation, no fragment, to a VIP or to a multicast address: 12. Else destination no VIP: rejectedNotOurVip; MAC as in 8:
#      rejectedOtherMac.
#  10. Non-first fragment: the key of its first fragment (IPv4: source, destination, protocol, id; IPv6: source, destination,
#      id), if known, goes on with 15; else it is held, fragmentsHeld, until a first one announces a key, which then has it
#      classified again behind itself. First fragments that got a key announce it, whatever their verdict. Then: neither TCP, UDP nor the family's own ICMP: rejectedOtherProtocol.
#  11. TCP below 20 bytes, data offset below 5 or (unless a first fragment) beyond the packet; UDP below 8 bytes, UDP length
#      below 8 or (unless a first fragment) above the IP payload: malformedTransport. ICMP below 8 bytes: malformedIcmp.
#  12. Neighbour solicitation: hop limit 255, code 0, 24 bytes, whole options, none of length 0, no group address as source or in a
#      source link-layer option; from `::` only without that option and to multicast: else malformedIcmp; its checksum: badChecksum.
#      Target no VIP: rejectedNotOurVip. To the unicast MAC of another station: rejectedOtherMac. Not ours to answer:
#      rejectedOtherAnswers (16). Else answer.
#  13. ICMP echo request: the client's `client` key in plan 0, rule -1. Errors (3, 11, 12; ICMPv6 1-4) go by the embedded packet: its
#      IP header (version, header length, total length not below it) and extension headers must be there, else malformedIcmp (a
#      ninth one: tooManyExtensionHeaders), its source must be the error's destination, else malformedIcmp. A non-first fragment:
#      rejectedFragmentUnknown. Less than 8 bytes of transport: malformedIcmp. TCP and UDP: the key of (protocol, embedded source
#      port), client = embedded destination. An embedded echo reply has the echo's key; all else, and other ICMP types:
#      rejectedIcmpType. Other lengths and checksums in it are not looked at.
#  14. No rule: rejectedNoRule. Rule denies: rejectedDenied with the rule, plan and bucket -1.
#  15. Key is an own keep: accept. Bucket pending: hold. Bucket owned: without foreign keep accept; with one that hold-keys
#      named hold, else rejectedForeignKeep. Else rejectedNotOwner. (A new key in an offered bucket and a full table: tableFull.)
#  16. With reach `relay` a question to our own MAC is ours to answer if we answer at all (+ or -), any other one if rendezvous among the
#      members that answer gives us (ingress.txt). With `flood` and `multicast` all are. The answer is the vMAC, the multicast vMAC, or our
#      own MAC.
#  17. After 15, not for frames that leave the hold ring: a frame to our own MAC that is not from a member's goes to the targets of its bucket
#      but us, as it is but for the MACs: its own if it would be rejected, which is then relay, and also if it is held.
# Where the bucket is -1 the plan means nothing, and is written -1.
# Reasons of the other kinds: accepted, held, fragmentsHeld, relayed, arpAnswered, ndAnswered, controlReceived.
"""

SEED = 0x12345678
VMAC = "02c0ffee0001"
MAC = "020000000001"
CLIENT_MAC = "02000000000c"
VIP4, VIP6 = "10.77.0.50", "fd77::50"
CLIENT4, CLIENT6 = "10.77.0.100", "fd77::100"
AFFINITY = {"client": 0, "connection": 1, "network": 2}


def ip(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def csum(data):
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total


def ether(ethertype, payload, dst=VMAC, src=CLIENT_MAC, vlan=None):
    tag = b"" if vlan is None else struct.pack("!HH", 0x8100, vlan)
    return bytes.fromhex(dst) + bytes.fromhex(src) + tag + struct.pack("!H", ethertype) + payload


def ipv4(proto, payload, src=CLIENT4, dst=VIP4, options=b"", ident=7, frag=0, total=None, version=4, ihl=None, bad=0):
    ihl = 5 + len(options) // 4 if ihl is None else ihl
    total = 20 + len(options) + len(payload) if total is None else total
    head = struct.pack("!BBHHHBBH4s4s", version << 4 | ihl, 0, total, ident, frag, 64, proto, 0, ip(src), ip(dst))
    value = csum(head + options) ^ bad
    return head[:10] + struct.pack("!H", value) + head[12:] + options + payload


def ipv6(nxt, payload, src=CLIENT6, dst=VIP6, length=None, hops=64, version=6):
    length = len(payload) if length is None else length
    return struct.pack("!IHBB16s16s", version << 28, length, nxt, hops, ip(src), ip(dst)) + payload


def pseudo(proto, payload, src, dst):
    a, b = ip(src), ip(dst)
    if len(a) == 4:
        return a + b + struct.pack("!BBH", 0, proto, len(payload))
    return a + b + struct.pack("!II", len(payload), proto)


def tcp(sport, dport, flags=0x02, options=b"", offset=None, data=b"", src=CLIENT4, dst=VIP4):
    offset = 5 + len(options) // 4 if offset is None else offset
    def build(check):
        return struct.pack("!HHIIBBHHH", sport, dport, 1000, 0, offset << 4, flags, 65535, check, 0) + options + data
    return build(csum(pseudo(6, build(0), src, dst) + build(0)))


def udp(sport, dport, data=b"hello", length=None, src=CLIENT4, dst=VIP4):
    length = 8 + len(data) if length is None else length
    def build(check):
        return struct.pack("!HHHH", sport, dport, length, check) + data
    return build(csum(pseudo(17, build(0), src, dst) + build(0)) or 0xFFFF)


def icmp(kind, code=0, rest=b"\0\0\0\0", data=b""):
    head = struct.pack("!BBH", kind, code, 0) + rest + data
    return head[:2] + struct.pack("!H", csum(head)) + head[4:]


def icmp6(kind, code=0, rest=b"\0\0\0\0", data=b"", src=CLIENT6, dst=VIP6, bad=0):
    head = struct.pack("!BBH", kind, code, 0) + rest + data
    value = csum(pseudo(58, head, src, dst) + head) ^ bad
    return head[:2] + struct.pack("!H", value) + head[4:]


def arp(op=1, sender=CLIENT4, target=VIP4, htype=1, ptype=0x0800, hlen=6, plen=4):
    return struct.pack("!HHBBH", htype, ptype, hlen, plen, op) + bytes.fromhex(CLIENT_MAC) + ip(sender) + bytes(6) + ip(target)


def solicited(address):
    return "ff02::1:ff" + f"{ip(address)[13]:02x}:{ip(address)[14] << 8 | ip(address)[15]:x}"


SOURCE_OPTION = b"\x01\x01" + bytes.fromhex(CLIENT_MAC)


def ns(target=VIP6, src=CLIENT6, hops=255, code=0, bad=0, cut=None, options=SOURCE_OPTION):
    dst = solicited(target)
    body = icmp6(135, code, b"\0\0\0\0", ip(target) + options, src, dst, bad)
    return ether(0x86DD, ipv6(58, body[:cut], src, dst, hops=hops), dst="3333ff000050")


def v4(payload, proto=6, **kw):
    return ether(0x0800, ipv4(proto, payload, **kw))


def v6(payload, nxt=6, **kw):
    return ether(0x86DD, ipv6(nxt, payload, **kw))


def ext(nxt, units=0):
    return struct.pack("!BB", nxt, units) + bytes(6 + 8 * units)


def fraghdr(nxt, offset, more, ident=9):
    return struct.pack("!BBHI", nxt, 0, offset << 3 | more, ident)


def hash_input(address, affinity, port=0):
    raw = ip(address)
    if affinity == "network":
        return raw[:3] if len(raw) == 4 else raw[:8]
    return raw + (struct.pack("!H", port) if affinity == "connection" else b"")


def bucket(address, affinity, port=0):
    return bucket_hash(SEED, hash_input(address, affinity, port)) % 4096


def key(plan, affinity, address, port=0):
    raw = ip(address)
    wide = len(raw) == 16
    kept = {"network": raw[:8] + bytes(8) if wide else raw[:3] + b"\0"}.get(affinity, raw)
    head = struct.pack("!BBH", plan, AFFINITY[affinity] | (4 if wide else 0), port if affinity == "connection" else 0)
    return (head + (kept if wide else bytes(10) + b"\xff\xff" + kept)).hex()


OUT = [HEADER]


def shape(vlan="none"):
    OUT.append(f"shape seed={SEED:08x} vmac={VMAC} mac={MAC} vlan={vlan}")
    OUT.append(f"vip {ip(VIP4).hex()} 24\nvip {ip(VIP6).hex()} 64")
    OUT.append("""\
rule 0 tcp 80 80 connection 0 allow 0
rule 0 tcp 443 443 connection 0 allow 0
rule 1 tcp 8000 8100 client 1 allow 300000
rule 2 udp 53 53 connection 0 allow 0
rule 3 tcp 5432 5432 client 2 allow 0
rule 4 tcp 23 23 client 0 deny 0
rule 5 udp 5000 5010 network 0 allow 0
rule 6 tcp 1 1024 client 1 allow 0
""")


def packet_of(frame):
    """The IP packet of a frame: behind a tag, without what pads it."""
    start = 18 if frame[12:14] == b"\x81\0" else 14
    wide = frame[start] >> 4 == 6
    length = 40 + struct.unpack("!H", frame[start + 4:start + 6])[0] if wide else struct.unpack("!H", frame[start + 2:start + 4])[0]
    return frame[start:start + length]


def answer_of(frame, answer=VMAC):
    """What our own MAC says to an ARP request or a neighbour solicitation: the vMAC, in the payload only (or another answer)."""
    tagged = frame[12:14] == b"\x81\0"
    # A tag of id 0 carries only a priority; the answer needs none.
    in_vlan = tagged and struct.unpack("!H", frame[14:16])[0] & 0xFFF != 0
    tag = b"\x81\0" + struct.pack("!H", struct.unpack("!H", frame[14:16])[0] & 0xFFF) if in_vlan else b""
    start = 18 if tagged else 14
    own, shared = bytes.fromhex(MAC), bytes.fromhex(answer)
    if frame[start - 2:start] == b"\x08\x06":
        asked = frame[start:start + 28]
        reply = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 2) + shared + asked[24:28] + asked[8:18]
        return (asked[8:14] + own + tag + b"\x08\x06" + reply).ljust(60, b"\0")
    at = frame.rindex(b"\x87\0", start + 40, start + 64)
    source, message = frame[start + 8:start + 24], frame[at:]
    is_probe, target = source == bytes(16), socket.inet_ntop(socket.AF_INET6, message[8:24])
    source_mac = message[26:32] if message[24:25] == b"\x01" else frame[6:12]
    to = "ff02::1" if is_probe else socket.inet_ntop(socket.AF_INET6, source)
    # RFC 4861 section 4.4: solicited (0x40) unless to a probe; no override (0x20), so that a later steering one wins.
    flags = bytes([0 if is_probe else 0x40, 0, 0, 0])
    body = icmp6(136, 0, flags, message[8:24] + b"\x02\x01" + shared, target, to)
    to_mac = bytes.fromhex("333300000001") if is_probe else source_mac
    return to_mac + own + tag + b"\x86\xdd" + ipv6(58, body, target, to, hops=255)


def record(name, frame, expect, *steps, more=(), answer=VMAC, relayed=()):
    """`more`: early fragments that go to the stack behind the frame. `relayed`: MACs that copies of the frames go to, in order."""
    kind = expect.split()[0]
    output = ["output none"]
    if kind == "accept":
        output = [f"output inject {packet_of(each).hex()}" for each in (frame, *more)]
    if kind == "answer":
        output = [f"output answer {answer_of(frame, answer).hex()}"]
    if relayed:
        output = [f"output relay {to}{MAC}{each[12:].hex()}" for each in (frame, *more) for to in relayed]
    OUT.append("\n".join([f"record {name}", *steps, f"frame {frame.hex() or '-'}", *output, f"expect {expect}", ""]))


def reject(name, frame, reason, *steps, rule=-1, plan=-1, at=-1):
    record(name, frame, f"reject {reason} {rule} {plan} {at}", *steps)


EARLY = "hold fragmentsHeld -1 -1 -1"
OWN = tuple(f"own {plan} all" for plan in range(3))
B_WEB = bucket(CLIENT4, "connection", 40000)
B_CLIENT = bucket(CLIENT4, "client")
B_NET = bucket(CLIENT4, "network")
B_WEB6 = bucket(CLIENT6, "connection", 40000)
B_CLIENT6 = bucket(CLIENT6, "client")
B_NET6 = bucket(CLIENT6, "network")
SYN = v4(tcp(40000, 80))
ACK = v4(tcp(40000, 80, 0x10))
WEB = f"0 0 {B_WEB}"
WEB_KEY = key(0, "connection", CLIENT4, 40000)


def accepting():
    record("tcp-syn-owned", SYN, f"accept accepted {WEB}", *OWN)
    record("tcp-owned-by-one-bucket", SYN, f"accept accepted {WEB}", f"own 0 {B_WEB}")
    record("second-port-of-rule", v4(tcp(40000, 443)), f"accept accepted {WEB}", *OWN)
    record("client-affinity-ignores-port", v4(tcp(40001, 8000)), f"accept accepted 1 1 {B_CLIENT}", *OWN)
    record("last-port-of-range", v4(tcp(40001, 8100)), f"accept accepted 1 1 {B_CLIENT}", *OWN)
    record("failover-plan", v4(tcp(40001, 5432)), f"accept accepted 3 2 {B_CLIENT}", *OWN)
    record("first-match-wins", v4(tcp(40001, 81)), f"accept accepted 6 1 {B_CLIENT}", *OWN)
    record("udp-dns", v4(udp(40000, 53), 17), f"accept accepted 2 0 {B_WEB}", *OWN)
    record("network-affinity", v4(udp(40000, 5005), 17), f"accept accepted 5 0 {B_NET}", *OWN)
    record("udp-length-below-payload", v4(udp(40000, 53, b"hello", 10), 17), f"accept accepted 2 0 {B_WEB}", *OWN)
    record("ipv4-options", v4(tcp(40000, 80), options=b"\x94\x04\0\0"), f"accept accepted {WEB}", *OWN)
    record("tcp-options", v4(tcp(40000, 80, options=b"\x02\x04\x05\xb4")), f"accept accepted {WEB}", *OWN)
    record("ethernet-padding", SYN + bytes(6), f"accept accepted {WEB}", *OWN)
    record("priority-tag-is-untagged", ether(0x0800, ipv4(6, tcp(40000, 80)), vlan=0xE000), f"accept accepted {WEB}", *OWN)
    record("vmac-as-source-goes-on", ether(0x0800, ipv4(6, tcp(40000, 80)), src=VMAC), f"accept accepted {WEB}", *OWN)
    record("echo-by-client", v4(icmp(8, data=b"ping"), 1), f"accept accepted -1 0 {B_CLIENT}", *OWN)
    record("tcp6", v6(tcp(40000, 80, src=CLIENT6, dst=VIP6)), f"accept accepted 0 0 {B_WEB6}", *OWN)
    record("udp6-network", v6(udp(40000, 5000, src=CLIENT6, dst=VIP6), 17), f"accept accepted 5 0 {B_NET6}", *OWN)
    record("echo6-by-client", v6(icmp6(128), 58), f"accept accepted -1 0 {B_CLIENT6}", *OWN)
    record("ipv6-padding", v6(tcp(40000, 80, src=CLIENT6, dst=VIP6)) + bytes(4), f"accept accepted 0 0 {B_WEB6}", *OWN)
    eight = ext(43) + ext(60) + ext(60) + ext(60) + ext(60) + ext(60, 1) + ext(51) + struct.pack("!BB", 6, 1) + bytes(10)
    record("eight-extension-headers", v6(eight + tcp(40000, 80), 0), f"accept accepted 0 0 {B_WEB6}", *OWN)
    atomic = fraghdr(6, 0, 0) + tcp(40000, 80)
    record("ipv6-atomic-fragment", v6(atomic, 44), f"accept accepted 0 0 {B_WEB6}", *OWN)
    record("answer-arp", ether(0x0806, arp(), dst="ffffffffffff"), "answer arpAnswered -1 -1 -1")
    record("answer-arp-padded", ether(0x0806, arp() + bytes(18), dst="ffffffffffff"), "answer arpAnswered -1 -1 -1")
    record("answer-arp-probe", ether(0x0806, arp(sender="0.0.0.0")), "answer arpAnswered -1 -1 -1")
    record("answer-arp-priority-tagged", ether(0x0806, arp(), vlan=0xE000), "answer arpAnswered -1 -1 -1")
    record("answer-ns", ns(), "answer ndAnswered -1 -1 -1")
    record("answer-ns-unicast", v6(icmp6(135, data=ip(VIP6)), 58, hops=255), "answer ndAnswered -1 -1 -1")
    record("answer-ns-dad", ns(src="::", options=b""), "answer ndAnswered -1 -1 -1")
    control = ether(0x88B5, b"sealed", dst="ffffffffffff")
    record("answer-ns-behind-extension", ether(0x86DD, ipv6(60, ext(58) + icmp6(135, data=ip(VIP6), dst="ff02::1"), dst="ff02::1", hops=255)),
           "answer ndAnswered -1 -1 -1")
    record("tcp-options-go-on-in-next-fragment", v4(tcp(40000, 80, offset=6), frag=0x2000), f"accept accepted {WEB}", *OWN)
    record("control", control, "control controlReceived -1 -1 -1")
    record("control-while-lease-closed", control, "control controlReceived -1 -1 -1", "lease closed")


def errors():
    reply = ipv4(6, tcp(80, 40000, 0x10), src=VIP4, dst=CLIENT4)
    router = "10.77.0.254"
    too_big = lambda inner: v4(icmp(3, 4, data=inner), 1, src=router)
    record("icmp-error-by-embedded", too_big(reply[:28]), f"accept accepted {WEB}", *OWN)
    record("icmp-time-exceeded", v4(icmp(11, data=reply[:28]), 1), f"accept accepted {WEB}", *OWN)
    record("icmp-error-embedded-udp", v4(icmp(12, data=ipv4(17, udp(53, 40000), src=VIP4, dst=CLIENT4)), 1),
           f"accept accepted 2 0 {B_WEB}", *OWN)
    record("icmp-error-embedded-echo-reply", too_big(ipv4(1, icmp(0), src=VIP4, dst=CLIENT4)),
           f"accept accepted -1 0 {B_CLIENT}", *OWN)
    reject("icmp-error-not-owner", too_big(reply[:28]), "rejectedNotOwner", rule=0, plan=0, at=B_WEB)
    reject("icmp-error-of-other-source", too_big(ipv4(6, tcp(80, 40000), src="10.77.0.51", dst=CLIENT4)), "malformedIcmp", *OWN)
    reject("icmp-error-no-rule", too_big(ipv4(6, tcp(7999, 40000), src=VIP4, dst=CLIENT4)), "rejectedNoRule", *OWN)
    reject("icmp-error-embedded-fragment", too_big(ipv4(6, bytes(8), src=VIP4, dst=CLIENT4, frag=5)), "rejectedFragmentUnknown", *OWN)
    reject("icmp-error-embedded-gre", too_big(ipv4(47, bytes(8), src=VIP4, dst=CLIENT4)), "rejectedIcmpType", *OWN)
    reject("icmp-error-embedded-echo", too_big(ipv4(1, icmp(8), src=VIP4, dst=CLIENT4)), "rejectedIcmpType", *OWN)
    reject("icmp-error-cut-header", too_big(reply[:19]), "malformedIcmp", *OWN)
    reject("icmp-error-cut-ports", too_big(reply[:27]), "malformedIcmp", *OWN)
    reject("icmp-error-embedded-total-length", too_big(ipv4(6, bytes(8), src=VIP4, dst=CLIENT4, total=19)), "malformedIcmp", *OWN)
    reject("icmp-error-embedded-version", too_big(ipv4(6, bytes(8), src=VIP4, dst=CLIENT4, version=5)), "malformedIcmp", *OWN)
    reject("icmp-too-short", v4(icmp(8)[:7], 1), "malformedIcmp", *OWN)
    reject("icmp-redirect", v4(icmp(5, data=reply[:28]), 1), "rejectedIcmpType", *OWN)
    reject("icmp-echo-reply", v4(icmp(0), 1), "rejectedIcmpType", *OWN)
    reply6 = ipv6(6, tcp(80, 40000, 0x10), src=VIP6, dst=CLIENT6)
    record("icmp6-too-big", v6(icmp6(2, data=reply6), 58), f"accept accepted 0 0 {B_WEB6}", *OWN)
    record("icmp6-embedded-extension", v6(icmp6(1, data=ipv6(60, ext(6) + tcp(80, 40000), src=VIP6, dst=CLIENT6)), 58),
           f"accept accepted 0 0 {B_WEB6}", *OWN)
    record("icmp6-embedded-echo-reply", v6(icmp6(3, data=ipv6(58, icmp6(129), src=VIP6, dst=CLIENT6)), 58),
           f"accept accepted -1 0 {B_CLIENT6}", *OWN)
    reject("icmp6-embedded-too-many-extensions", v6(icmp6(4, data=ipv6(60, ext(60) * 9, src=VIP6, dst=CLIENT6)), 58),
           "tooManyExtensionHeaders", *OWN)
    reject("icmp6-router-advertisement", v6(icmp6(134, data=bytes(8)), 58), "rejectedIcmpType", *OWN)
    reject("icmp6-cut", v6(icmp6(128)[:7], 58), "malformedIcmp", *OWN)


def parsing():
    reject("empty-frame", b"", "malformedEthernet", *OWN)
    reject("ethernet-13-bytes", SYN[:13], "malformedEthernet", *OWN)
    reject("vlan-tag-cut", ether(0x0800, b"", vlan=0)[:17], "malformedEthernet", *OWN)
    reject("other-vlan", ether(0x0800, ipv4(6, tcp(40000, 80)), vlan=7), "rejectedOtherVlan", *OWN)
    reject("two-tags", ether(0x8100, b"\0\0\x08\0" + ipv4(6, tcp(40000, 80)), vlan=0), "rejectedOtherVlan", *OWN)
    reject("service-tag", ether(0x88A8, b"\0\0\x08\0" + ipv4(6, tcp(40000, 80))), "rejectedOtherVlan", *OWN)
    reject("own-frame", ether(0x0800, ipv4(6, tcp(40000, 80)), src=MAC), "rejectedOwnFrame", *OWN)
    reject("own-frame-before-vlan", ether(0x0800, ipv4(6, tcp(40000, 80)), src=MAC, vlan=7), "rejectedOwnFrame", *OWN)
    reject("own-control-frame", ether(0x88B5, b"sealed", src=MAC), "rejectedOwnFrame")
    reject("lldp", ether(0x88CC, bytes(46)), "rejectedOtherProtocol", *OWN)
    reject("ieee-802.3-length", ether(46, bytes(46)), "rejectedOtherProtocol", *OWN)
    reject("arp-cut", ether(0x0806, arp()[:27]), "malformedArp")
    reject("arp-hardware-type", ether(0x0806, arp(htype=6)), "malformedArp")
    reject("arp-address-length", ether(0x0806, arp(plen=16)), "malformedArp")
    group = arp()[:8] + b"\x03" + arp()[9:]
    reject("arp-from-group", ether(0x0806, group), "malformedArp")
    reject("arp-from-nobody", ether(0x0806, arp()[:8] + bytes(6) + arp()[14:]), "malformedArp")
    reject("arp-for-another", ether(0x0806, arp(target="10.77.0.51")), "rejectedNotOurVip")
    reject("arp-reply", ether(0x0806, arp(op=2)), "rejectedOtherProtocol")
    reject("arp-announcement", ether(0x0806, arp(sender=VIP4)), "rejectedOtherProtocol")
    reject("arp-while-lease-closed", ether(0x0806, arp()), "rejectedLeaseLapsed", "lease closed")
    reject("ipv4-cut", SYN[:33], "malformedIpv4", *OWN)
    reject("ipv4-version", v4(tcp(40000, 80), version=6), "malformedIpv4", *OWN)
    reject("ipv4-header-length-4", v4(tcp(40000, 80), ihl=4), "malformedIpv4", *OWN)
    reject("ipv4-header-beyond-total", v4(b"", ihl=15, total=40), "malformedIpv4", *OWN)
    reject("ipv4-total-above-frame", v4(tcp(40000, 80), total=41), "malformedIpv4", *OWN)
    reject("ipv4-total-below-header", v4(tcp(40000, 80), total=19), "malformedIpv4", *OWN)
    reject("ipv4-header-checksum", v4(tcp(40000, 80), bad=1), "badChecksum", *OWN)
    reject("gre", v4(bytes(8), 47), "rejectedOtherProtocol", *OWN)
    reject("icmp6-in-ipv4", v4(icmp6(128), 58), "rejectedOtherProtocol", *OWN)
    reject("tcp-cut", v4(tcp(40000, 80)[:19]), "malformedTransport", *OWN)
    reject("tcp-data-offset-4", v4(tcp(40000, 80, offset=4)), "malformedTransport", *OWN)
    reject("tcp-data-offset-beyond", v4(tcp(40000, 80, offset=6)), "malformedTransport", *OWN)
    reject("tcp-cut-by-total-length", v4(tcp(40000, 80), total=39), "malformedTransport", *OWN)
    reject("udp-cut", v4(udp(40000, 53)[:7], 17), "malformedTransport", *OWN)
    reject("udp-length-7", v4(udp(40000, 53, length=7), 17), "malformedTransport", *OWN)
    reject("udp-length-above", v4(udp(40000, 53, length=14), 17), "malformedTransport", *OWN)
    reject("ipv6-cut", v6(tcp(40000, 80))[:53], "malformedIpv6", *OWN)
    reject("ipv6-version", v6(tcp(40000, 80), version=4), "malformedIpv6", *OWN)
    reject("ipv6-payload-above-frame", v6(tcp(40000, 80), length=21), "malformedIpv6", *OWN)
    reject("ipv6-extension-cut", v6(ext(6, 3), 0, length=8), "malformedIpv6", *OWN)
    reject("ipv6-two-fragment-headers", v6(fraghdr(44, 0, 0) + fraghdr(6, 0, 0) + tcp(40000, 80), 44), "malformedIpv6", *OWN)
    reject("nine-extension-headers", v6(ext(60) * 8 + ext(6) + tcp(40000, 80), 60), "tooManyExtensionHeaders", *OWN)
    reject("ipv6-no-next-header", v6(bytes(4), 59), "rejectedOtherProtocol", *OWN)
    reject("ipv6-payload-empty", v6(b"", 59), "malformedIpv6", *OWN)
    reject("ipv6-hop-by-hop-second", v6(ext(0) + ext(6) + tcp(40000, 80), 60), "malformedIpv6", *OWN)
    reject("icmp4-in-ipv6", v6(icmp(8), 1), "rejectedOtherProtocol", *OWN)
    reject("ns-hop-limit", ns(hops=64), "malformedIcmp")
    reject("ns-code", ns(code=1), "malformedIcmp")
    reject("ns-cut", ns(cut=23), "malformedIcmp")
    reject("ns-target-multicast", v6(icmp6(135, data=ip("ff02::1")), 58, hops=255), "rejectedNotOurVip")
    reject("ns-option-of-length-0", ns(options=b"\x01\0" + bytes(6)), "malformedIcmp")
    reject("ns-option-cut", ns(options=b"\x01\x02" + bytes(6)), "malformedIcmp")
    reject("ns-source-option-of-group", ns(options=b"\x01\x01\x33\x33" + bytes(4)), "malformedIcmp")
    reject("ns-dad-with-source-option", ns(src="::"), "malformedIcmp")
    reject("ns-from-group", ns(src="ff02::1"), "malformedIcmp")
    reject("ns-to-another-host", v6(icmp6(135, data=ip(VIP6), dst="fd77::51"), 58, dst="fd77::51", hops=255), "rejectedNotOurVip")
    reject("ns-in-fragment", v6(fraghdr(58, 0, 1) + icmp6(135, data=ip(VIP6)), 44, hops=255), "rejectedIcmpType")
    reject("ns-checksum", ns(bad=1), "badChecksum")
    reject("ns-for-another", ns(target="fd77::51"), "rejectedNotOurVip")


def verdicts():
    reject("lease-closed", SYN, "rejectedLeaseLapsed", "lease closed")
    reject("lease-before-malformed", SYN[:33], "rejectedLeaseLapsed", "lease closed")
    reject("lease-before-other-protocol", ether(0x88CC, bytes(46)), "rejectedLeaseLapsed", "lease closed")
    reject("vip-before-checksum", v4(tcp(40000, 80), dst="10.77.0.51", bad=1), "rejectedNotOurVip", *OWN)
    reject("vip-before-transport", v4(tcp(40000, 80)[:19], dst="10.77.0.51"), "rejectedNotOurVip", *OWN)
    reject("extensions-before-vip", v6(ext(6, 3), 0, dst="fd77::51", length=8), "malformedIpv6", *OWN)
    reject("multicast-other-than-ns", v6(icmp6(128, dst="ff02::1"), 58, dst="ff02::1"), "rejectedNotOurVip", *OWN)
    reject("other-address", v4(tcp(40000, 80), dst="10.77.0.51"), "rejectedNotOurVip", *OWN)
    reject("other-address6", v6(tcp(40000, 80), dst="fd77::51"), "rejectedNotOurVip", *OWN)
    reject("no-rule", v4(tcp(40000, 8101)), "rejectedNoRule", *OWN)
    reject("no-rule-for-udp", v4(udp(40000, 80), 17), "rejectedNoRule", *OWN)
    reject("denied", v4(tcp(40000, 23)), "rejectedDenied", *OWN, rule=4)
    web = dict(rule=0, plan=0, at=B_WEB)
    reject("owns-nothing", SYN, "rejectedNotOwner", **web)
    reject("owns-other-plan", SYN, "rejectedNotOwner", "own 1 all", **web)
    neighbour = (B_WEB + 1) % 4096
    reject("owns-neighbour-bucket", SYN, "rejectedNotOwner", f"own 0 {neighbour}", **web)
    reject("echo-not-owner", v4(icmp(8), 1), "rejectedNotOwner", "own 1 all", plan=0, at=B_CLIENT)
    record("pending", SYN, f"hold held {WEB}", f"hold 0 {B_WEB}")
    record("own-ends-pending", SYN, f"accept accepted {WEB}", f"hold 0 {B_WEB}", "own 0 all")
    reject("unhold-ends-pending", SYN, "rejectedNotOwner", "hold 0 all", f"unhold 0 {B_WEB}", **web)
    reject("foreign-keep", SYN, "rejectedForeignKeep", *OWN, f"honour 3 {WEB_KEY} 5", **web)
    reject("foreign-keep-not-owner", SYN, "rejectedNotOwner", f"honour 3 {WEB_KEY} 5", **web)
    record("foreign-keep-pending", SYN, f"hold held {WEB}", "hold 0 all", f"honour 3 {WEB_KEY} 5")
    other = key(0, "connection", CLIENT4, 40002)
    record("foreign-keep-of-another-key", SYN, f"accept accepted {WEB}", *OWN, f"honour 3 {other} 5")
    record("foreign-keep-of-another-plan", SYN, f"accept accepted {WEB}", *OWN,
           f"honour 3 {key(1, 'connection', CLIENT4, 40000)} 5")
    record("foreign-keep-held", SYN, f"hold held {WEB}", *OWN, f"honour 3 {WEB_KEY} 5", f"hold-keys 3 {WEB_KEY} 5")
    reject("foreign-keep-unheld", SYN, "rejectedForeignKeep", *OWN, f"honour 3 {WEB_KEY} 5",
           f"hold-keys 3 {WEB_KEY} 5", f"unhold-keys 3 {WEB_KEY} 5", **web)
    record("foreign-keep-released", SYN, f"accept accepted {WEB}", *OWN, f"honour 3 {WEB_KEY} 5", f"release 3 {WEB_KEY} 5")
    reject("late-release-ignored", SYN, "rejectedForeignKeep", *OWN, f"honour 3 {WEB_KEY} 6", f"release 3 {WEB_KEY} 5", **web)
    reject("release-of-another-keeper", SYN, "rejectedForeignKeep", *OWN, f"honour 3 {WEB_KEY} 5", f"release 4 {WEB_KEY} 9", **web)
    record("keeper-gone", SYN, f"accept accepted {WEB}", *OWN, f"honour 3 {WEB_KEY} 5", "drop-keeper 3")
    record("forgotten", SYN, f"accept accepted {WEB}", *OWN, f"honour 3 {WEB_KEY} 5", "forget 0 all")
    record("own-keep", ACK, f"accept accepted {WEB}", *OWN, f"deliver {SYN.hex()}", "cut 0 all 1")
    reject("cut-without-flow", ACK, "rejectedNotOwner", *OWN, "cut 0 all 1", **web)
    record("own-keep-before-pending", ACK, f"accept accepted {WEB}", *OWN, f"deliver {SYN.hex()}", "cut 0 all 1", "hold 0 all")
    reject("honour-replaces-own-keep", ACK, "rejectedForeignKeep", *OWN, f"deliver {SYN.hex()}", "cut 0 all 1",
           f"honour 3 {WEB_KEY} 1", "own 0 all", **web)
    record("own-keep-by-client", v4(tcp(50000, 8001)), f"accept accepted 1 1 {B_CLIENT}", *OWN,
           f"deliver {v4(tcp(40001, 8000)).hex()}", "cut 1 all 1")


def fragments():
    whole = udp(40000, 53, bytes(64))
    first, later = v4(whole[:32], 17, frag=0x2000), v4(whole[32:], 17, frag=4)
    dns = f"2 0 {B_WEB}"
    record("first-fragment", first, f"accept accepted {dns}", *OWN)
    record("later-fragment-before-its-first-is-held", later, EARLY, *OWN)
    record("early-fragment-follows-at-once", first, f"accept accepted {dns}", *OWN, f"deliver {later.hex()}", more=[later])
    middle = v4(whole[32:48], 17, frag=0x2004)
    last = v4(whole[48:], 17, frag=6)
    record("early-fragments-in-order-of-arrival", first, f"accept accepted {dns}", *OWN, f"deliver {last.hex()}",
           f"deliver {middle.hex()}", more=[last, middle])
    other_id = v4(whole[32:], 17, frag=4, ident=8)
    record("early-fragment-of-another-id-stays", first, f"accept accepted {dns}", *OWN, f"deliver {other_id.hex()}")
    other_protocol = v4(whole[32:], 6, frag=4)
    record("early-fragment-of-another-protocol-stays", first, f"accept accepted {dns}", *OWN, f"deliver {other_protocol.hex()}")
    stranger = v4(whole[32:], 17, frag=4, src="10.77.0.101")
    record("early-fragment-of-another-client-stays", first, f"accept accepted {dns}", *OWN, f"deliver {stranger.hex()}")
    reject("early-fragment-goes-with-its-first-to-another-owner", first, "rejectedNotOwner", f"deliver {later.hex()}", rule=2, plan=0, at=B_WEB)
    record("early-fragment-waits-again-with-its-pending-first", first, f"hold held {dns}", "hold 0 all", f"deliver {later.hex()}")
    record("early-fragment-comes-once", first, f"accept accepted {dns}", *OWN, f"deliver {later.hex()}", f"deliver {first.hex()}")
    denied = v4(tcp(40000, 23, data=bytes(12)), frag=0x2000)
    reject("first-fragment-denied", denied, "rejectedDenied", *OWN, f"deliver {later.hex()}", rule=4)
    record("later-fragment-of-a-denied-first-is-held", v4(bytes(16), frag=4), EARLY, *OWN, f"deliver {denied.hex()}")
    record("later-fragment-follows", later, f"accept accepted {dns}", *OWN, f"deliver {first.hex()}")
    record("later-fragment-of-another-id", v4(whole[32:], 17, frag=4, ident=8), EARLY, *OWN, f"deliver {first.hex()}")
    record("later-fragment-of-another-protocol", v4(whole[32:], 6, frag=4), EARLY, *OWN, f"deliver {first.hex()}")
    reject("later-fragment-not-owner", later, "rejectedNotOwner", f"deliver {first.hex()}", rule=2, plan=0, at=B_WEB)
    reject("later-fragment-other-address", v4(whole[32:], 17, frag=4, dst="10.77.0.51"), "rejectedNotOurVip", *OWN)
    reject("tiny-first-fragment", v4(tcp(40000, 80)[:8], frag=0x2000), "malformedTransport", *OWN)
    first6 = v6(fraghdr(17, 0, 1) + whole[:32], 44)
    later6 = v6(fraghdr(17, 4, 0) + whole[32:], 44)
    record("first-fragment6", first6, f"accept accepted 2 0 {B_WEB6}", *OWN)
    record("later-fragment6-before-its-first-is-held", later6, EARLY, *OWN)
    record("early-fragment6-follows-at-once", first6, f"accept accepted 2 0 {B_WEB6}", *OWN, f"deliver {later6.hex()}", more=[later6])
    hopped = v6(ext(44) + fraghdr(17, 4, 0) + whole[32:], 0)
    record("early-fragment6-behind-hop-by-hop-options", first6, f"accept accepted 2 0 {B_WEB6}", *OWN, f"deliver {hopped.hex()}", more=[hopped])
    reject("later-fragment-header-checksum", v4(whole[32:], 17, frag=4, bad=1), "badChecksum", *OWN, f"deliver {first.hex()}")
    record("later-fragment-of-tcp", v4(bytes(24), frag=3), f"accept accepted {WEB}", *OWN,
           f"deliver {v4(tcp(40000, 80, 0x18, data=bytes(4)), frag=0x2000).hex()}")
    record("later-fragment6-follows", later6, f"accept accepted 2 0 {B_WEB6}", *OWN, f"deliver {first6.hex()}")
    echo = icmp(8, data=bytes(40))
    first_echo = v4(echo[:32], 1, frag=0x2000)
    record("later-fragment-of-echo", v4(echo[32:], 1, frag=4), f"accept accepted -1 0 {B_CLIENT}", *OWN, f"deliver {first_echo.hex()}")


def tagged():
    shape(5)
    record("configured-vlan", ether(0x0800, ipv4(6, tcp(40000, 80)), vlan=5), f"accept accepted {WEB}", *OWN)
    record("configured-vlan-with-priority", ether(0x0800, ipv4(6, tcp(40000, 80)), vlan=0xA005), f"accept accepted {WEB}", *OWN)
    tagged_ns = ns()
    record("configured-vlan-ns", tagged_ns[:12] + b"\x81\0\xa0\x05" + tagged_ns[12:], "answer ndAnswered -1 -1 -1")
    record("configured-vlan-arp", ether(0x0806, arp(), vlan=5), "answer arpAnswered -1 -1 -1")
    reject("untagged-where-vlan-is-configured", SYN, "rejectedOtherVlan", *OWN)
    reject("priority-tag-where-vlan-is-configured", ether(0x0800, ipv4(6, tcp(40000, 80)), vlan=0), "rejectedOtherVlan", *OWN)
    record("control-untagged-where-vlan-is-configured", ether(0x88B5, b"sealed"), "control controlReceived -1 -1 -1")
    record("control-of-configured-vlan", ether(0x88B5, b"sealed", vlan=5), "control controlReceived -1 -1 -1")
    reject("control-of-other-vlan", ether(0x88B5, b"sealed", vlan=6), "rejectedOtherVlan")


def unusual():
    """Packets that are rare, odd or hostile, and still need a verdict."""
    web = f"accept accepted {WEB}"
    for name, flags in (("syn-fin", 0x03), ("no-flags", 0x00), ("every-flag", 0xFF), ("syn-rst", 0x06), ("fin-alone", 0x01),
                        ("rst-alone", 0x04), ("syn-ack-from-a-client", 0x12), ("ecn-setup-syn", 0xC2)):
        record(f"tcp-{name}-goes-by-its-ports", v4(tcp(40000, 80, flags)), web, *OWN)
    record("tcp-fast-open-data-in-the-syn", v4(tcp(40000, 80, options=b"\x22\x06abcd\1\1", data=b"GET /")), web, *OWN)
    record("tcp-longest-header", v4(tcp(40000, 80, options=b"\1" * 40)), web, *OWN)
    record("ipv4-longest-header", v4(tcp(40000, 80), options=b"\1" * 40), web, *OWN)
    reject("ipv4-options-cut", v4(b"", ihl=6, total=24), "malformedIpv4", *OWN)
    reject("ipv4-options-checksum", v4(tcp(40000, 80), options=b"\x94\x04\0\0", bad=0x100), "badChecksum", *OWN)
    record("ipv4-dont-fragment", v4(tcp(40000, 80), frag=0x4000), web, *OWN)
    record("ipv4-reserved-fragment-bit", v4(tcp(40000, 80), frag=0x8000), web, *OWN)
    record("jumbo-tcp", v4(tcp(40000, 80, 0x18, data=bytes(8960))), web, *OWN)
    record("jumbo-udp6", v6(udp(40000, 53, bytes(8952), src=CLIENT6, dst=VIP6), 17), f"accept accepted 2 0 {B_WEB6}", *OWN)
    dns = f"accept accepted 2 0 {B_WEB}"
    record("udp-without-data", v4(udp(40000, 53, b""), 17), dns, *OWN)
    no_sum = udp(40000, 53)
    record("udp-without-checksum", v4(no_sum[:6] + b"\0\0" + no_sum[8:], 17), dns, *OWN)
    broken = tcp(40000, 80, data=b"x")[:-1] + b"y"
    record("tcp-checksum-is-the-stacks-business", v4(broken), web, *OWN)
    reject("other-destination-mac-is-not-ours", ether(0x0800, ipv4(6, tcp(40000, 80)), dst="02000000000d"), "rejectedOtherMac", *OWN)
    reject("broadcast-frame-with-the-vip", ether(0x0800, ipv4(6, tcp(40000, 80)), dst="ffffffffffff"), "rejectedOtherMac", *OWN)
    reject("subnet-broadcast", v4(udp(40000, 53, dst="10.77.0.255"), 17, dst="10.77.0.255"), "rejectedNotOurVip", *OWN)
    record("port-0-of-a-client", v4(tcp(0, 8000)), f"accept accepted 1 1 {B_CLIENT}", *OWN)
    reject("port-0-of-the-service", v4(tcp(40000, 0)), "rejectedNoRule", *OWN)
    record("port-65535-of-a-client", v4(tcp(65535, 80)), f"accept accepted 0 0 {bucket(CLIENT4, 'connection', 65535)}", *OWN)
    record("denied-port-under-a-wider-rule", v4(tcp(40000, 22)), f"accept accepted 6 1 {B_CLIENT}", *OWN)
    reject("denied6", v6(tcp(40000, 23, src=CLIENT6, dst=VIP6)), "rejectedDenied", *OWN, rule=4)
    record("failover-plan6", v6(tcp(40000, 5432, src=CLIENT6, dst=VIP6)), f"accept accepted 3 2 {B_CLIENT6}", *OWN)
    reject("failover-plan-of-another-node", v4(tcp(40000, 5432)), "rejectedNotOwner", "own 0 all", "own 1 all", rule=3, plan=2, at=B_CLIENT)
    record("network-affinity-joins-neighbours", v4(udp(40001, 5000), 17, src="10.77.0.7"), f"accept accepted 5 0 {B_NET}", *OWN)
    record("network-affinity6-joins-a-64", v6(udp(1, 5000, src="fd77::abcd", dst=VIP6), 17, src="fd77::abcd"), f"accept accepted 5 0 {B_NET6}", *OWN)
    far = "fd78::100"
    record("network-affinity6-of-another-64", v6(udp(1, 5000, src=far, dst=VIP6), 17, src=far), f"accept accepted 5 0 {bucket(far, 'network')}", *OWN)
    reject("sctp", v4(bytes(12), 132), "rejectedOtherProtocol", *OWN)
    reject("esp6", v6(bytes(16), 50), "rejectedOtherProtocol", *OWN)
    reject("mobility-header6", v6(bytes(16), 135), "rejectedOtherProtocol", *OWN)
    reject("cdp", ether(0x2000, bytes(46)), "rejectedOtherProtocol", *OWN)


def housekeeping():
    """What hosts, routers and switches say to each other on any link, and that is not for a service."""
    for name, kind in (("timestamp", 13), ("source-quench", 4), ("router-advertisement", 9), ("unassigned", 255)):
        reject(f"icmp-{name}", v4(icmp(kind, data=bytes(20)), 1), "rejectedIcmpType", *OWN)
    advert = icmp6(136, rest=b"\x60\0\0\0", data=ip(CLIENT6) + b"\x02\x01" + bytes.fromhex(CLIENT_MAC))
    reject("neighbour-advertisement-to-the-vip", v6(advert, 58, hops=255), "rejectedIcmpType", *OWN)
    to_all = icmp6(136, rest=b"\x20\0\0\0", data=ip(CLIENT6), dst="ff02::1")
    reject("neighbour-advertisement-to-all-nodes", v6(to_all, 58, dst="ff02::1", hops=255), "rejectedNotOurVip", *OWN)
    reject("router-solicitation", v6(icmp6(133, dst="ff02::2"), 58, dst="ff02::2", hops=255), "rejectedNotOurVip", *OWN)
    reject("icmp6-redirect", v6(icmp6(137, data=bytes(32)), 58, hops=255), "rejectedIcmpType", *OWN)
    alert = b"\x3a\0\x05\x02\0\0\1\0"
    query = icmp6(130, rest=b"\x27\x10\0\0", data=bytes(16), src="fe80::1", dst="ff02::1")
    reject("mld-general-query", v6(alert + query, 0, src="fe80::1", dst="ff02::1", hops=1), "rejectedNotOurVip", *OWN)
    group = solicited(VIP6)
    asked = icmp6(130, rest=b"\x03\xe8\0\0", data=ip(group), src="fe80::1", dst=group)
    reject("mld-query-for-the-vips-group", v6(alert + asked, 0, src="fe80::1", dst=group, hops=1), "rejectedNotOurVip", *OWN)
    report = icmp6(143, rest=b"\0\0\0\1", data=b"\4\0\0\0" + ip(group), src="fe80::1", dst="ff02::16")
    reject("mld-report-of-another-host", v6(alert + report, 0, src="fe80::1", dst="ff02::16", hops=1), "rejectedNotOurVip", *OWN)
    reject("igmp-query", v4(b"\x11\x64\xee\x9b" + bytes(4), 2, dst="224.0.0.1"), "rejectedNotOurVip", *OWN)
    reject("igmp-to-the-vip", v4(b"\x11\x64\xee\x9b" + bytes(4), 2), "rejectedOtherProtocol", *OWN)
    reject("arp-request-by-unicast-for-another", ether(0x0806, arp(target="10.77.0.1"), dst=MAC), "rejectedNotOurVip")
    record("arp-request-by-unicast", ether(0x0806, arp(), dst=VMAC), "answer arpAnswered -1 -1 -1")
    reject("arp-reply-that-claims-the-vip", ether(0x0806, arp(op=2, sender=VIP4, target=CLIENT4)), "rejectedOtherProtocol")
    reject("arp-protocol-other-than-ipv4", ether(0x0806, arp(ptype=0x86DD)), "malformedArp")
    record("answer-ns-with-nonce", ns(options=SOURCE_OPTION + b"\x0e\x01abcdef"), "answer ndAnswered -1 -1 -1")
    record("answer-ns-without-source-option", ns(options=b""), "answer ndAnswered -1 -1 -1")
    record("answer-ns-while-owning-nothing", ns(), "answer ndAnswered -1 -1 -1", *OWN, "cut 0 all 1", "cut 1 all 1", "cut 2 all 1")
    reject("ns-while-lease-closed", ns(), "rejectedLeaseLapsed", "lease closed")


def more_errors():
    quoted = ipv4(17, udp(53, 40000, bytes(100)), src=VIP4, dst=CLIENT4)
    dns = f"accept accepted 2 0 {B_WEB}"
    record("icmp-port-unreachable", v4(icmp(3, 3, data=quoted[:28]), 1), dns, *OWN)
    record("icmp-error-with-quoted-options", v4(icmp(3, 4, data=ipv4(6, tcp(80, 40000), src=VIP4, dst=CLIENT4, options=b"\1" * 8)[:36]), 1),
           f"accept accepted {WEB}", *OWN)
    record("icmp-error-quoting-all", v4(icmp(11, 0, data=quoted), 1), dns, *OWN)
    first = ipv4(17, udp(53, 40000, bytes(64))[:32], src=VIP4, dst=CLIENT4, frag=0x2000)
    record("icmp-error-quoting-a-first-fragment", v4(icmp(11, 1, data=first[:28]), 1), dns, *OWN)
    record("icmp-error-by-client-affinity", v4(icmp(3, 4, data=ipv4(6, tcp(8000, 1), src=VIP4, dst=CLIENT4)[:28]), 1, src="10.77.0.254"),
           f"accept accepted 1 1 {B_CLIENT}", *OWN)
    reject("icmp-error-denied", v4(icmp(3, 4, data=ipv4(6, tcp(23, 40000), src=VIP4, dst=CLIENT4)[:28]), 1), "rejectedDenied", *OWN, rule=4)
    reject("icmp-error-without-quote", v4(icmp(3, 4), 1), "malformedIcmp", *OWN)
    quoted6 = ipv6(17, udp(53, 40000, bytes(64)), src=VIP6, dst=CLIENT6)
    record("icmp6-port-unreachable", v6(icmp6(1, 4, data=quoted6[:48]), 58), f"accept accepted 2 0 {B_WEB6}", *OWN)
    record("icmp6-time-exceeded", v6(icmp6(3, 0, data=quoted6), 58), f"accept accepted 2 0 {B_WEB6}", *OWN)
    reject("icmp6-quote-cut-in-the-header", v6(icmp6(2, data=quoted6[:39]), 58), "malformedIcmp", *OWN)
    reject("icmp6-quote-cut-before-ports", v6(icmp6(2, data=quoted6[:47]), 58), "malformedIcmp", *OWN)
    later = ipv6(44, fraghdr(17, 4, 0) + bytes(40), src=VIP6, dst=CLIENT6)
    reject("icmp6-quoting-a-later-fragment", v6(icmp6(2, data=later), 58), "rejectedFragmentUnknown", *OWN)
    reject("icmp6-of-other-source", v6(icmp6(2, data=ipv6(6, tcp(80, 40000), src="fd77::51", dst=CLIENT6)), 58), "malformedIcmp", *OWN)
    reject("icmp6-error-foreign-keep", v6(icmp6(2, data=ipv6(6, tcp(80, 40000), src=VIP6, dst=CLIENT6)), 58), "rejectedForeignKeep", *OWN,
           f"honour 3 {key(0, 'connection', CLIENT6, 40000)} 5", rule=0, plan=0, at=B_WEB6)


PEER, OTHER = "020000000002", "020000000003"
GROUP = "03c0ffee0001"
BROADCAST = "ffffffffffff"


def reach(mode="relay", answers="+++", targets="1", last=255, buckets="all"):
    """We, PEER and OTHER; frames of plan 0."""
    members = ",".join(mac + sign for mac, sign in zip((MAC, PEER, OTHER), answers))
    return f"reach {mode} 0 {members} 0 {buckets} {targets} {last}"


def moved(frame, dst=MAC, src=None):
    return bytes.fromhex(dst) + (frame[6:12] if src is None else bytes.fromhex(src)) + frame[12:]


def chosen(address, vip, macs=(MAC, PEER, OTHER)):
    return choose_ingress(mapped(address), mapped(vip), [(mac, True) for mac in macs], SEED)


def asker(index, wide=False):
    """An address whose questions the member at `index` answers."""
    addresses = (f"fd77::{host:x}" if wide else f"10.77.{host >> 8}.{host & 255}" for host in range(0x100, 0x400))
    return next(each for each in addresses if chosen(each, VIP6 if wide else VIP4) == index)


def reaching():
    relay, own_keep = f"relay relayed {WEB}", f"accept accepted {WEB}"
    direct, direct6 = moved(SYN), moved(v6(tcp(40000, 80, src=CLIENT6, dst=VIP6)))
    record("reach-own-mac-and-owned", direct, own_keep, *OWN, reach())
    record("reach-multicast-vmac-and-owned", moved(SYN, GROUP), own_keep, *OWN)
    reject("reach-multicast-vmac-not-owned", moved(SYN, GROUP), "rejectedNotOwner", reach(), rule=0, plan=0, at=B_WEB)
    reject("reach-vmac-is-never-relayed", SYN, "rejectedNotOwner", reach(), rule=0, plan=0, at=B_WEB)
    reject("reach-mac-of-a-member", moved(SYN, PEER), "rejectedOtherMac", *OWN, reach())
    reject("reach-other-multicast-mac", moved(SYN, "01005e4d0032"), "rejectedOtherMac", *OWN, reach())
    reject("reach-other-mac6", moved(direct6, PEER), "rejectedOtherMac", *OWN, reach())
    reject("reach-other-mac-before-the-checksum", moved(v4(tcp(40000, 80), bad=1), PEER), "rejectedOtherMac", *OWN)
    for mode in ("flood", "multicast", "relay"):
        record(f"reach-relayed-with-{mode}", direct, relay, reach(mode), relayed=[PEER])
    record("reach-relayed-ipv6", direct6, f"relay relayed 0 0 {B_WEB6}", reach(), relayed=[PEER])
    record("reach-relayed-to-several", direct, relay, reach(targets="1,2"), relayed=[PEER, OTHER])
    record("reach-relayed-to-one-last", direct, relay, reach(targets="0,1,2", last=1), relayed=[OTHER, PEER])
    record("reach-relayed-in-this-bucket", direct, relay, reach(buckets=str(B_WEB)), relayed=[PEER])
    reject("reach-no-target-in-this-bucket", direct, "rejectedNotOwner", reach(buckets=str(B_WEB ^ 1)), rule=0, plan=0, at=B_WEB)
    reject("reach-we-alone-are-the-target", direct, "rejectedNotOwner", reach(targets="0"), rule=0, plan=0, at=B_WEB)
    reject("reach-from-a-member", moved(SYN, src=OTHER), "rejectedNotOwner", reach(), rule=0, plan=0, at=B_WEB)
    record("reach-from-a-member-and-owned", moved(SYN, src=PEER), own_keep, *OWN, reach())
    record("reach-foreign-keep-is-relayed", direct, relay, *OWN, f"honour 3 {WEB_KEY} 5", reach(), relayed=[PEER])
    record("reach-held-and-relayed", direct, f"hold held {WEB}", f"hold 0 {B_WEB}", reach(), relayed=[PEER])
    record("reach-held-key-and-relayed", direct, f"hold held {WEB}", *OWN, f"honour 3 {WEB_KEY} 5", f"hold-keys 3 {WEB_KEY} 5", reach(),
           relayed=[PEER])
    record("reach-own-keep-is-not-relayed", direct, own_keep, f"own 0 {B_WEB}", f"deliver {SYN.hex()}", f"cut 0 {B_WEB} 1", reach())
    reject("reach-denied", moved(v4(tcp(40000, 23))), "rejectedDenied", reach(), rule=4)
    reject("reach-no-rule", moved(v4(udp(40000, 9), 17)), "rejectedNoRule", reach())
    reject("reach-lease-closed", direct, "rejectedLeaseLapsed", "lease closed")
    record("reach-echo-is-relayed", moved(v4(icmp(8, data=b"ping"), 1)), f"relay relayed -1 0 {B_CLIENT}", reach(), relayed=[PEER])
    datagram = udp(40000, 53, bytes(64))
    first = moved(v4(datagram[:32], 17, frag=0x2000))
    later = moved(v4(datagram[32:], 17, frag=4))
    dns = f"relay relayed 2 0 {B_WEB}"
    record("reach-first-fragment", first, dns, reach(), relayed=[PEER])
    record("reach-later-fragment", later, dns, reach(), f"deliver {first.hex()}", relayed=[PEER])
    record("reach-early-fragment-goes-behind-its-first", first, dns, reach(), f"deliver {later.hex()}", relayed=[PEER], more=[later])
    ask = lambda address, dst=BROADCAST: ether(0x0806, arp(sender=address), dst=dst)
    answered, answered6, left = "answer arpAnswered -1 -1 -1", "answer ndAnswered -1 -1 -1", "rejectedOtherAnswers"
    record("reach-arp-with-multicast", ask(CLIENT4), answered, reach("multicast"), answer=GROUP)
    record("reach-arp-with-relay", ask(asker(0)), answered, reach(), answer=MAC)
    reject("reach-arp-anothers-asker", ask(asker(1)), left, reach())
    record("reach-arp-to-our-own-mac", ask(asker(1), MAC), answered, reach(), answer=MAC)
    reject("reach-arp-while-we-drain", ask(asker(0)), left, reach(answers="-++"))
    reject("reach-arp-to-our-own-mac-while-we-drain", ask(asker(0), MAC), left, reach(answers="-++"))
    reject("reach-arp-to-a-member", ask(asker(0), PEER), "rejectedOtherMac", reach())
    reject("reach-arp-to-a-member-with-flood", ask(asker(0), PEER), "rejectedOtherMac")
    record("reach-arp-to-the-vmac-with-relay", ask(asker(0), VMAC), answered, reach(), answer=MAC)
    reject("reach-arp-to-the-vmac-anothers", ask(asker(2), VMAC), left, reach())
    record("reach-ns-with-multicast", ns(), answered6, reach("multicast"), answer=GROUP)
    record("reach-ns-with-relay", ns(src=asker(0, True)), answered6, reach(), answer=MAC)
    reject("reach-ns-anothers-asker", ns(src=asker(2, True)), left, reach())
    record("reach-ns-to-our-own-mac", moved(ns(src=asker(2, True))), answered6, reach(), answer=MAC)
    reject("reach-ns-to-a-member", moved(ns(), PEER), "rejectedOtherMac", reach())


def main():
    shape()
    for part in (reaching, accepting, errors, more_errors, parsing, verdicts, fragments, unusual, housekeeping, tagged):
        part()
    sys.stdout.write("\n".join(OUT))


if __name__ == "__main__":
    main()
