/** `node build/sim/test/sim/hunt.js [LIVES]`: shows for each mutation the first life that catches it, and what it violates. */
import { hunt, MUTATIONS } from './mutations.js';

const lives = process.argv[2] === undefined ? undefined : Number(process.argv[2]);
for (const mutation of MUTATIONS) {
  const caught = hunt(mutation, lives);
  console.log(
    `${caught === null ? 'NOT CAUGHT' : `life ${caught.seed}`.padEnd(10)} ${mutation.name}: ${caught?.message.slice(0, 110) ?? ''}`,
  );
}
