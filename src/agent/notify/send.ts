/** One attempt at one target. All of it is bounded in time, and nothing of it waits for the farm or makes it wait. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Notify } from '../../config/contract.js';
import type { Notification, Send } from './contract.js';
import { sendMail } from './email.js';
import { runHook } from './hook.js';
import { postWebhook } from './webhook.js';

/** @param baseDir what `file:` paths are relative to. Secrets are read for each attempt, so a new one counts at once. */
export function sender(baseDir: string): Send {
  const secret = (file: string | null) => (file === null ? Promise.resolve(null) : readSecret(resolve(baseDir, file)));
  return async (target: Notify, notification: Notification) => {
    switch (target.way) {
      case 'webhook':
        return postWebhook(target.url, await secret(target.secretFile), notification, target.timeoutMs);
      case 'exec':
        return runHook(target.command, notification, target.timeoutMs);
      case 'email':
        return sendMail(target, await secret(target.passwordFile), notification);
    }
  };
}

async function readSecret(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw new Error(`the secret cannot be read: ${cause.message}`, { cause });
  });
  const secret = text.trim();
  if (secret === '') throw new Error(`the secret in ${path} is empty`);
  return secret;
}
