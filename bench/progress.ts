/** What is being done: one line that is written over on a terminal, plain lines elsewhere, on stderr. */
export type Progress = { say(text: string): void; line(text: string): void; clear(): void }

const PLAIN_EVERY_MS = 5_000

export function createProgress(): Progress {
  const { stderr } = process
  const start = Date.now()
  let toldAt = 0
  const clear = () => void (stderr.isTTY && stderr.write('\r\x1b[2K'))
  return {
    clear,
    line(text) {
      clear()
      stderr.write(`${text}\n`)
    },
    say(text) {
      const seconds = Math.round((Date.now() - start) / 1_000)
      const line = `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}  ${text}`
      if (stderr.isTTY) stderr.write(`\r\x1b[2K${line.slice(0, stderr.columns - 1)}`)
      else if (Date.now() - toldAt > PLAIN_EVERY_MS) {
        toldAt = Date.now()
        stderr.write(`${line}\n`)
      }
    },
  }
}
