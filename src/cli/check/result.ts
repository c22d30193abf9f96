/** What `check`, `status` and `sink status` found out, one line each: right, worth knowing, a warning, or wrong and what to do. Pure. */
import { styleText } from 'node:util'

export type Finding = {
  readonly state: 'ok' | 'note' | 'warn' | 'wrong'
  /** What was looked at, in a word or two. */
  readonly name: string
  readonly detail: string
  readonly remedy?: string
}

const looks = {
  ok: { word: 'ok', colour: 'green' },
  note: { word: 'note', colour: 'yellow' },
  warn: { word: 'warn', colour: 'yellow' },
  wrong: { word: 'WRONG', colour: 'red' },
} as const
const NAME_WIDTH = 16
const INDENT = ' '.repeat(6 + NAME_WIDTH + 1)

/** Words and not colours alone: for pipes, logs and those who see no red. */
export function formatFinding({ state, name, detail, remedy }: Finding, hasColours: boolean): string {
  const { word, colour } = looks[state]
  const padded = word.padEnd(5)
  const shown = hasColours ? styleText(colour, padded, { validateStream: false }) : padded
  const lines = [...detail.split('\n'), ...(remedy ? [`→ ${remedy}`] : [])]
  return `${shown} ${name.padEnd(NAME_WIDTH)} ${lines.join(`\n${INDENT}`)}`
}

export const ok = (name: string, detail: string): Finding => ({ state: 'ok', name, detail })
export const note = (name: string, detail: string, remedy?: string): Finding => ({
  state: 'note',
  name,
  detail,
  ...(remedy && { remedy }),
})
export const wrong = (name: string, detail: string, remedy: string): Finding => ({
  state: 'wrong',
  name,
  detail,
  remedy,
})
export const isWrong = ({ state }: Finding): boolean => state === 'wrong'
export const isWarning = ({ state }: Finding): boolean => state === 'warn'
