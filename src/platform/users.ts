/** Names of users and numbers of groups, as the files of this host have them. Names from elsewhere (LDAP) are not known here. */
import { readFileSync } from 'node:fs';

/** The name of a user; null: the host's file knows none. */
export function userName(uid: number, file = '/etc/passwd'): string | null {
  return rows(file).find((row) => row[2] === String(uid))?.[0] ?? null;
}

/** The number of a group; null: there is none of that name. */
export function groupId(name: string, file = '/etc/group'): number | null {
  const text = rows(file).find((row) => row[0] === name)?.[2];
  return text === undefined || !/^\d+$/.test(text) ? null : Number(text);
}

/** passwd(5), group(5): fields between colons, one entry a line. */
function rows(file: string): readonly (readonly string[])[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
  } catch {
    return [];
  }
}
