/** What becomes of a config that was written and not applied. */
import { beforeEach, expect, it } from 'vitest';
import { draftOf, dropDraft, keepDraft } from '../../../src/console/web/config-draft.js';

const base = { text: 'farm: web\n', hash: 'a' };
const draft = { owner: 'admin', text: 'farm: web2\n', base };

beforeEach(dropDraft);

it('is kept with what it was made from, for its owner alone', () => {
  keepDraft(draft);
  expect(draftOf('admin')).toEqual(draft);
  expect(draftOf('eve')).toBeNull();
});

it('is none once it says again what it was made from, or was dropped', () => {
  keepDraft(draft);
  keepDraft({ ...draft, text: base.text });
  expect(draftOf('admin')).toBeNull();
  keepDraft(draft);
  dropDraft();
  expect(draftOf('admin')).toBeNull();
});
