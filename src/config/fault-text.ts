import type { Fault } from './contract.js';

/** `12:9: rules[1].affinity: "clinet" is not one of ...`: what compilers print, so that editors can jump to it. */
export function faultText({ line, column, path, message }: Fault): string {
  return `${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`;
}
