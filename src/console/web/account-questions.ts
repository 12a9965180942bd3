/** What is asked before an account changes: whose it is, and what follows. */
import { isAtLeast, type Role, type TokenReport, type UserReport } from '../contract.js';

/** The words of a question in the page's dialog. */
interface Asked {
  readonly title: string;
  readonly text: string;
  readonly verb: string;
  readonly isHarmful: boolean;
}

export const MAY: Readonly<Record<Role, string>> = {
  viewer: 'looks at everything',
  operator: 'also starts, drains, stops and probes',
  admin: 'also changes config, users and tokens',
};

/** @param own the name of who asks. */
export function roleQuestion({ name, role }: Pick<UserReport, 'name' | 'role'>, to: Role, own: string): Asked {
  const isLess = !isAtLeast(to, role);
  const demoted = `This is you: as ${to} you cannot take it back, only another admin can.`;
  const text = `${name} is ${role}; as ${to}, ${name} ${MAY[to]}. It counts at once, on all nodes.`;
  return {
    title: `Make ${name} ${to}?`,
    text: isLess && name === own ? `${demoted} ${text}` : text,
    verb: `Make ${name} ${to}`,
    isHarmful: isLess,
  };
}

export const passwordQuestion = (name: string): Asked => ({
  title: `A new password for ${name}?`,
  text: `The one that ${name} has counts no more, and the sessions of ${name} end at once. The new one is shown once.`,
  verb: `New password for ${name}`,
  isHarmful: true,
});

export const removeQuestion = (name: string): Asked => ({
  title: `Remove ${name}?`,
  text: `The sessions of ${name} end at once.`,
  verb: `Remove ${name}`,
  isHarmful: true,
});

export const revokeQuestion = ({ name, role, createdBy }: TokenReport): Asked => ({
  title: `Revoke the token of ${name}?`,
  text: `It has the role ${role}, and was made by ${createdBy}. What uses it is refused at once, and the token cannot be brought back.`,
  verb: `Revoke ${name}`,
  isHarmful: true,
});
