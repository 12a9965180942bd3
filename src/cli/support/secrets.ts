/** Removes secrets from text that leaves the house. Pure. */

const REMOVED = '[secret removed]';

/** Shorter ones are no secrets worth the name, and removing them would tear the text apart. */
const SHORTEST_SECRET = 4;

/** What looks like a secret, wherever it stands. What stays is in groups `before` and `after`. */
const PATTERNS: readonly RegExp[] = [
  // The farm's keys.
  /(?<before>covey-key-\d+:)[^\s"'\\]+/g,
  // Path and query of web addresses: of webhooks they are the password. First of all, while the address is whole.
  /(?<before>\bwebhook"?\s*:\s*\\?["']?https?:\/\/[^\s/"'\\?#]+[/?#])[^\s"'\\,}]+/gi,
  // Login of an address: scheme://user:password@host.
  /(?<before>[a-z][a-z0-9+.-]*:\/\/)[^\s/"'@\\]+(?<after>@)/gi,
  // KEY: value and KEY=value, in YAML, JSON, environment and commands.
  /(?<before>(?:pass(?:word|wd|phrase)?|secret|token|api[-_]?key|authorization|credential)[\w-]*\\?["']?\s*[:=]\s*(?:bearer\s+|basic\s+)?\\?["']?)(?!file:|\[secret)[^\s"',}\\]+/gi,
  // Passwords as words of commands: curl -u NAME:PASSWORD, mysql -pPASSWORD, redis-cli -a PASSWORD, sshpass -p PASSWORD.
  /(?<before>\s(?:-u|--user|--proxy-user)[\s=]\s*[^\s:"'\\]+:)[^\s"'\\]+/g,
  /(?<before>\b(?:mysql|mysqladmin|mysqldump|mariadb)\b[^\n|;&]*?\s-p)[^\s"'\\]+/g,
  /(?<before>\bredis-cli\b[^\n|;&]*?\s-a\s+)[^\s"'\\]+/g,
  /(?<before>\bsshpass\s+-p\s*)[^\s"'\\]+/g,
  // Private keys in PEM.
  /(?<before>-----BEGIN [A-Z ]*PRIVATE KEY-----)[\s\S]*?(?<after>-----END)/g,
];

/**
 * @param known secrets in full, from the files that hold them: these go wherever they stand, and so do their lines.
 */
export function secretRemover(known: readonly string[]): (text: string) => string {
  const words = [...new Set(known.flatMap((secret) => [secret.trim(), ...linesOf(secret), ...keyParts(secret)]))]
    .filter((word) => word.length >= SHORTEST_SECRET)
    .flatMap((word) => [word, JSON.stringify(word).slice(1, -1), encodeURIComponent(word)])
    .sort((a, b) => b.length - a.length);
  return (text) => {
    const cleaned = words.reduce((rest, word) => rest.replaceAll(word, REMOVED), text);
    return PATTERNS.reduce((rest, pattern) => rest.replace(pattern, replaced), cleaned);
  };
}

const linesOf = (text: string) => text.split('\n').map((line) => line.trim());

/** Of `covey-key-1:MATERIAL` the material alone. */
function keyParts(secret: string): string[] {
  return [...secret.matchAll(/covey-key-\d+:(\S+)/g)].map((match) => match[1]!);
}

function replaced(...matched: readonly unknown[]): string {
  const { before = '', after = '' } = matched.at(-1) as { readonly before?: string; readonly after?: string };
  return `${before}${REMOVED}${after}`;
}
