// Commands and results as bytes between TypeScript (src/dataplane/codec.ts) and C++. Little endian; every message starts with
// the ABI number. A plain function of its input, so that it can be fuzzed: no length of the input is trusted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../filter/shape.h"
#include "../filter/table_ops.h"

namespace covey::io {

// Equals DATAPLANE_ABI of src/dataplane/contract.ts.
constexpr uint8_t kAbi = 4;

// Each decode gives false for bytes that are not exactly one valid message; `out` is then undefined.
bool decodeOps(const uint8_t* bytes, size_t length, std::vector<TableOp>* out);
bool decodeShape(const uint8_t* bytes, size_t length, Shape* out);

std::vector<uint8_t> encodeResults(const std::vector<TableResult>& results);
std::vector<uint8_t> encodeKept(const KeptState& kept);

}  // namespace covey::io
