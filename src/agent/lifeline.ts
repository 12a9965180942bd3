/**
 * How the supervisor learns within milliseconds that the agent is ending: a connection that the agent opens after all its other
 * files. When a process ends, the kernel closes the newest file first (task_work_run of kernel/task_work.c); to close TUN and rings
 * then takes it 60-120 ms, several RCU grace periods, and only after that the exit is told.
 *
 * The end of the connection is a hint, no proof: whoever watches it must see for himself whether the agent has ended.
 */
import { connect, createServer, type Server } from 'node:net';

/** In the abstract namespace: no file to leave behind, and gone with the supervisor. */
const nameOf = (supervisorPid: number) => `\0covey-lifeline-${supervisorPid}`;

/** Calls `onEnd` whenever a held lifeline ends. Without it deaths are told later, so no error of it is worth more. */
export function watchLifeline(supervisorPid: number, onEnd: () => void): Server {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('close', onEnd);
    socket.resume();
    socket.unref();
  });
  server.on('error', () => undefined);
  server.listen(nameOf(supervisorPid)).unref();
  return server;
}

/** To be called when all that matters is open. Held until this process ends. */
export function holdLifeline(supervisorPid: number): void {
  connect(nameOf(supervisorPid))
    .on('error', () => undefined)
    .unref();
}
