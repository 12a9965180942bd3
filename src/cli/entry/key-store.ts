/** The key file behind the CLI's words: ids are hex text there and numbers in the platform. */
import { formatKeyId } from '../../platform/crypto.js';
import { type FarmKey, loadKeyFile } from '../../platform/keys.js';
import { addKey, createKeyFile, findKeyId, generateKey, removeKey, useKey } from '../../platform/keys-edit.js';
import type { KeyStore, StoredKey } from '../parts.js';

const stored = ({ id, isActive, isIdentity, isRetired }: FarmKey): StoredKey => ({
  id: formatKeyId(id),
  isActive,
  isIdentity,
  isRetired,
});

export const fileKeyStore: KeyStore = {
  generate: generateKey,
  create: (path) => createKeyFile(path).map(stored),
  list: (path) => loadKeyFile(path).map(stored),
  add: (path, text) => stored(addKey(path, text)),
  use(path, id, check) {
    const found = findKeyId(path, id);
    useKey(path, found, () => check(formatKeyId(found)));
    return formatKeyId(found);
  },
  remove(path, id, usedBy) {
    const found = findKeyId(path, id);
    removeKey(path, found, usedBy(formatKeyId(found)));
    return formatKeyId(found);
  },
  format: formatKeyId,
};
