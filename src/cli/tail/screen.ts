/** A whole terminal: lines are drawn over it, keys come one by one, and it is given back as it was. */
import { styleText } from 'node:util'
import { toVisible } from '../../event/visible.ts'
import type { Line } from './view.ts'

export type Screen = {
  readonly rows: number
  draw(lines: readonly Line[]): void
  close(): void
}
export type Listener = { key(key: string): void; resized(): void }
/** `undefined`: there is no terminal, or nobody at it. */
export type OpenScreen = (listener: Listener) => Screen | undefined

/** The other buffer, without cursor and without wrapping; and back. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l'
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l'
const HOME = '\x1b[H'
const CLEAR_LINE = '\x1b[2K'
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences of arrow keys begin with one
const keys = /\x1b\[[\d;]*[A-Za-z~]|\x1bO[A-Z]|./gsu

const styles = {
  head: 'bold',
  selected: 'inverse',
  pending: 'yellow',
  accepted: 'green',
  rejected: 'red',
  refused: 'red',
  skipped: 'dim',
} as const

export function openScreen(listener: Listener): Screen | undefined {
  const { stdin, stdout } = process
  if (!stdin.isTTY || !stdout.isTTY) return undefined
  const hasColours = stdout.hasColors()
  const read = (chunk: string) => {
    for (const [key] of chunk.matchAll(keys)) listener.key(key)
  }
  const restore = () => void stdout.write(LEAVE)

  stdin.setRawMode(true).setEncoding('utf8').on('data', read)
  stdout.on('resize', listener.resized)
  // Whatever ends the process.
  process.once('exit', restore)
  stdout.write(ENTER)

  return {
    get rows() {
      return stdout.rows
    },
    draw(lines) {
      const drawn = lines.map(({ text, look }) => {
        const visible = toVisible(text)
        if (look === undefined || (!hasColours && look !== 'selected')) return CLEAR_LINE + visible
        return CLEAR_LINE + styleText(styles[look], visible, { validateStream: false })
      })
      stdout.write(HOME + drawn.join('\r\n'))
    },
    close() {
      process.off('exit', restore)
      stdout.off('resize', listener.resized)
      stdin.off('data', read).setRawMode(false).pause()
      restore()
    },
  }
}
