/** `node assassin.ts <pid> <file> <delay ms>`: kills a process as soon as a file changes; so close that it cannot share a loop with anything. */
import { statSync } from 'node:fs'

const [pid = '', file = '', delayMs = '0'] = process.argv.slice(2)
const changedAt = () => statSync(file, { bigint: true }).mtimeNs
const before = changedAt()
const giveUpAt = performance.now() + 60_000
process.stdout.write('ready\n')
while (changedAt() === before) {
  if (performance.now() > giveUpAt) process.exit(1)
}
for (const at = performance.now() + Number(delayMs); performance.now() < at; );
process.kill(Number(pid), 'SIGKILL')
