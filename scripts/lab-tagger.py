"""An 802.1Q interface in user space: lab-tagger.py TAP NIC VLAN

Frames of the TAP leave by NIC with the tag of VLAN; frames that NIC receives with that tag come out of the TAP without it.
All other frames of NIC are not for us. The lab uses it where the kernel has no VLAN devices.
"""
import fcntl
import os
import select
import socket
import struct
import sys

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC = 263, 1, 1
PACKET_AUXDATA, PACKET_IGNORE_OUTGOING = 8, 23
SO_RCVBUFFORCE = 33
ETH_P_ALL, ETH_P_8021Q = 0x0003, 0x8100
TP_STATUS_VLAN_VALID = 1 << 4
AUXDATA = struct.Struct("=IIIHHHH")
# Room for a burst while this process does not run.
BUFFER_BYTES = 8 << 20
FRAMES_PER_TURN = 64

tap_name, nic_name, vlan = sys.argv[1], sys.argv[2], int(sys.argv[3])
tag = struct.pack("!HH", ETH_P_8021Q, vlan)


def open_tap():
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", tap_name.encode(), IFF_TAP | IFF_NO_PI))
    return tap


def open_nic():
    nic = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    nic.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    nic.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    nic.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
    index = socket.if_nametoindex(nic_name)
    nic.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, struct.pack("iHH8s", index, PACKET_MR_PROMISC, 0, b""))
    nic.bind((nic_name, ETH_P_ALL))
    nic.setblocking(False)
    return nic


def untagged(frame, ancillary):
    """The frame without its tag, or None if it is not of our VLAN. The kernel has taken the tag off into the metadata."""
    for level, kind, data in ancillary:
        if (level, kind) != (SOL_PACKET, PACKET_AUXDATA):
            continue
        status, _, _, _, _, tci, _ = AUXDATA.unpack(data[: AUXDATA.size])
        if status & TP_STATUS_VLAN_VALID:
            return frame if tci & 0xFFF == vlan else None
    if frame[12:14] == tag[:2] and struct.unpack("!H", frame[14:16])[0] & 0xFFF == vlan:
        return frame[:12] + frame[16:]
    return None


def outward(tap, nic):
    for _ in range(FRAMES_PER_TURN):
        try:
            frame = os.read(tap, 65536)
            nic.send(frame[:12] + tag + frame[12:])
        except BlockingIOError:
            return
        except OSError:
            # The cable is pulled: the frame is lost, as on any wire.
            continue


def inward(tap, nic):
    for _ in range(FRAMES_PER_TURN):
        try:
            frame, ancillary, _, _ = nic.recvmsg(65536, 64)
        except BlockingIOError:
            return
        except OSError:
            # ENETDOWN is told once when the cable is pulled.
            continue
        inner = untagged(frame, ancillary)
        if inner is None:
            continue
        try:
            os.write(tap, inner)
        except OSError:
            # eth0 is down.
            continue


def main():
    tap, nic = open_tap(), open_nic()
    poll = select.poll()
    poll.register(tap, select.POLLIN)
    poll.register(nic, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == tap:
                outward(tap, nic)
            else:
                inward(tap, nic)


main()
