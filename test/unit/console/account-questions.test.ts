import { expect, it } from 'vitest';
import { passwordQuestion, revokeQuestion, roleQuestion } from '../../../src/console/web/account-questions.js';

const ann = { name: 'ann', role: 'admin' } as const;

it('names whose role changes, and warns whoever gives up his own', () => {
  expect(roleQuestion(ann, 'viewer', 'bob')).toMatchObject({
    title: 'Make ann viewer?',
    text: expect.stringContaining('ann is admin; as viewer, ann looks at everything'),
    isHarmful: true,
  });
  expect(roleQuestion(ann, 'viewer', 'bob').text).not.toContain('This is you');
  expect(roleQuestion(ann, 'operator', 'ann').text).toMatch(/^This is you: as operator you cannot take it back/);
  const raised = roleQuestion({ name: 'ann', role: 'viewer' }, 'admin', 'bob');
  expect(raised).toMatchObject({ verb: 'Make ann admin', isHarmful: false });
});

it('names whose password and whose token', () => {
  expect(passwordQuestion('bob').text).toContain('sessions of bob end at once');
  const token = { id: '1', name: 'backup', role: 'operator', createdBy: 'ann', createdAt: '' } as const;
  expect(revokeQuestion(token)).toMatchObject({ title: 'Revoke the token of backup?', verb: 'Revoke backup' });
});
