#!/usr/bin/env node
// Reads vitest's JSON report and prints "PASSED FAILED SKIPPED UNEXPECTED" for scripts/test.sh, then one line per skipped
// test. A skip is expected when the test's name says what was missing: "... (needs a querier)".
import { readFileSync } from 'node:fs';

const [, , reportFile, exitCode] = process.argv;
const report = JSON.parse(readFileSync(reportFile, 'utf8'));
const tests = report.testResults.flatMap((file) => file.assertionResults);
const skipped = tests.filter((test) => ['pending', 'skipped', 'todo', 'disabled'].includes(test.status));
const unexpected = skipped.filter((test) => !/\(needs [^)]+\)/.test(test.fullName));
const passed = tests.filter((test) => test.status === 'passed').length;
// A file that cannot be loaded has no tests; it counts as one failure. So does any other failure vitest itself reports.
const brokenFiles = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
const named = tests.filter((test) => test.status === 'failed').length + brokenFiles.length;
const failed = named === 0 && exitCode !== '0' ? 1 : named;
console.log(passed, failed, skipped.length, unexpected.length);
for (const test of skipped) console.log(`    skipped: ${test.fullName}`);
