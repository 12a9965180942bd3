#include "check.h"

int main() {
  for (const check::Test& test : check::tests()) {
    // A vector file counts each of its records; then nothing is left to count for the test that reads it.
    const int before = check::tally().passed + check::tally().failed;
    test.run();
    const bool countedRecords = check::tally().passed + check::tally().failed != before;
    if (!countedRecords || check::tally().isFailing) check::finish(test.name);
  }
  std::cout << check::tally().passed << " passed, " << check::tally().failed << " failed";
  if (check::tally().skipped > 0) std::cout << ", " << check::tally().skipped << " skipped";
  std::cout << "\n";
  return check::tally().failed == 0 ? 0 : 1;
}
