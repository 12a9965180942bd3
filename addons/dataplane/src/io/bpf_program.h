// The in-kernel pre-filter as a program, compiled by libpcap from an expression in tcpdump syntax.
#pragma once

#include <linux/filter.h>

#include <string>
#include <vector>

#include "system_error.h"

namespace covey::io {

// Empty with `error` set when the expression does not compile or is too long for the kernel.
std::vector<sock_filter> compileBpf(const std::string& expression, SystemError* error);

// Replaces the program of a packet socket atomically: no frame is lost. (pcap_setfilter on a live handle first attaches a
// filter that rejects everything, and empties the ring.)
bool attachBpf(int socket, const std::vector<sock_filter>& program, SystemError* error);

// A program that lets nothing pass.
std::vector<sock_filter> rejectAllBpf();

}  // namespace covey::io
