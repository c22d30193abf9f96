/** What `tail` shows on a terminal, and what its keys do. Pure: keys and updates in, lines and orders out. */
import { onOneLine } from '../../event/visible.ts'
import type { Row, Update } from './feed.ts'

/** More than any terminal shows, and little memory. */
const KEPT = 1_000
const SHORTENED = 'com.twilio.'

export type Order =
  | { readonly do: 'quit' }
  | { readonly do: 'retry'; readonly key: string }
  | { readonly do: 'details'; readonly key: string }

export type Line = { readonly text: string; readonly look?: 'head' | 'selected' | Row['state'] }

export type View = {
  /** Returns what a key asks of the outside, if anything. */
  press(key: string): Order | undefined
  update(update: Update): void
  /** The page of the event asked for. */
  showDetails(lines: readonly string[]): void
  /** Below the list, until the next key. */
  say(message: string): void
  /** Of exactly so many lines. */
  render(rows: number): Line[]
}

const downs = new Set(['j', '\x1b[B', '\x1bOB'])
const ups = new Set(['k', '\x1b[A', '\x1bOA'])
const backs = new Set(['d', '\x1b', '\r'])

/** `title`: which bridge, which filter. */
export function createView(title: string): View {
  const rows = new Map<string, Row>()
  /** `undefined`: the newest, whichever it is. */
  let selected: string | undefined
  let top = 0
  let details: readonly string[] | undefined
  let scrolled = 0
  let message = ''
  let connection = 'connecting'

  const keys = () => [...rows.keys()]
  const chosen = () => selected ?? keys().at(-1)

  function move(by: number): void {
    if (details) scrolled = Math.min(Math.max(scrolled + by, 0), Math.max(details.length - 1, 0))
    else {
      const all = keys()
      const at = Math.min(Math.max(all.indexOf(chosen() ?? '') + by, 0), all.length - 1)
      selected = at === all.length - 1 ? undefined : all[at]
    }
  }

  function add(row: Row): void {
    // One that changes stays where it is.
    rows.set(row.key, row)
    const [oldest] = rows.keys()
    if (rows.size <= KEPT || oldest === undefined) return
    rows.delete(oldest)
    if (selected === oldest) selected = keys()[0]
  }

  function renderList(height: number): Line[] {
    const all = [...rows.values()]
    const at = all.findIndex(({ key }) => key === chosen())
    if (selected === undefined) top = all.length - height
    top = Math.max(0, Math.min(Math.max(top, at - height + 1), at, all.length - height))
    const shown = all.slice(top, top + height)
    return shown.map((row, index) => ({
      text: toLine(row),
      look: top + index === at ? 'selected' : row.state,
    }))
  }

  return {
    press(key) {
      message = ''
      if (key === 'q' || key === '\x03') return { do: 'quit' }
      if (downs.has(key)) move(1)
      else if (ups.has(key)) move(-1)
      else if (key === 'G') selected = undefined
      else if (details && backs.has(key)) details = undefined
      else {
        const event = chosen()
        if (event === undefined) return undefined
        if (key === 'r') return { do: 'retry', key: event }
        if (key === 'd' || key === '\r') return { do: 'details', key: event }
      }
      return undefined
    },
    update(update) {
      if (update.kind === 'events') for (const row of update.events) add(row)
      else if (update.kind === 'missed') message = MISSED
      else connection = update.kind === 'live' ? 'live' : 'connection lost, trying again'
    },
    showDetails(lines) {
      details = lines
      scrolled = 0
    },
    say(text) {
      message = text
    },
    render(height) {
      const inner = Math.max(height - 2, 1)
      const body: Line[] = details
        ? details.slice(scrolled, scrolled + inner).map(text => ({ text }))
        : renderList(inner)
      while (body.length < inner) body.push({ text: '' })
      const help = details
        ? 'j/k scroll · d back · r retry · q quit'
        : 'j/k move · G newest · d details · r retry · q quit'
      return [
        { text: `${title} · ${connection}`, look: 'head' },
        ...body,
        { text: message || help, look: 'head' },
      ]
    },
  }
}

export const MISSED = 'More events arrived at once than can be shown; some are left out.'

/** One event on one line; columns as wide as they mostly are. */
export function toLine({ key, receivedAt, state, reason, type, customer, id }: Row): string {
  const word = reason === null ? state : `${state} ${reason}`
  const name = type.startsWith(SHORTENED) ? type.slice(SHORTENED.length) : type
  const cells = [
    receivedAt.replace(/\.\d+Z$/, 'Z'),
    key.padEnd(8),
    word.padEnd(9),
    (name || '(no type)').padEnd(28),
    (customer ?? '-').padEnd(13),
    id ?? '-',
  ]
  return cells.map(onOneLine).join('  ').trimEnd()
}
