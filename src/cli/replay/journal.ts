/**
 * How far each file of an unfinished replay was read, in DATA_DIR/replays.json: after a Ctrl-C or a crash the next run of
 * the same command goes on from there. A replay that came to its end leaves nothing, so that it can be run again.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { headOf, type Source } from './files.ts'

const Place = z.object({
  path: z.string(),
  size: z.number(),
  head: z.string(),
  /** What was asked for: another selection of the same file begins at its beginning. */
  choices: z.string(),
  end: z.number(),
  depth: z.number(),
  /** Length of the file of bad records at that time. */
  rejectedBytes: z.number(),
  done: z.boolean(),
  at: z.number(),
})
export type Place = z.infer<typeof Place>
const Places = z.array(Place)

export type Progress = Pick<Place, 'end' | 'depth' | 'rejectedBytes' | 'done'>

export type Journal = {
  find(source: Source): Progress | undefined
  /** Kept soon, not at once: what is read twice is recognised. */
  note(source: Source, progress: Progress): void
  flush(): void
  /** A replay of these files came to its end: the next one reads them all. */
  forget(sources: readonly Source[]): void
}

const SAVE_EVERY_MS = 500
const FORGOTTEN_AFTER_MS = 90 * 24 * 3_600_000

export function openJournal(folder: string, choices: unknown, { fromStart = false } = {}): Journal {
  const file = join(folder, 'replays.json')
  const asked = createHash('sha256').update(JSON.stringify(choices)).digest('hex').slice(0, 16)
  const own = new Map<string, Place>()
  let savedAt = 0
  /** Read once: a folder may hold thousands of files. */
  const before = read()

  function others(): Place[] {
    return read().filter(({ path, choices }) => !(choices === asked && own.has(path)))
  }

  function read(): Place[] {
    try {
      const places = Places.parse(JSON.parse(readFileSync(file, 'utf8')))
      return places.filter(({ at }) => Date.now() - at < FORGOTTEN_AFTER_MS)
    } catch {
      // None yet, or none that can be read: then files are read from their beginning, which costs time only.
      return []
    }
  }

  function write(places: readonly Place[]): void {
    const draft = `${file}.new`
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    writeFileSync(draft, `${JSON.stringify(places, undefined, 1)}\n`, { mode: 0o600 })
    renameSync(draft, file)
  }

  function flush(): void {
    savedAt = Date.now()
    if (own.size > 0) write([...others(), ...own.values()])
  }

  return {
    find({ path }) {
      if (path === undefined || fromStart) return undefined
      const size = statSync(path, { throwIfNoEntry: false })?.size
      const same = before.find(place => place.path === path && place.choices === asked && place.size === size)
      return same && same.head === headOf(path) ? same : undefined
    },
    note({ path, size }, progress) {
      if (path === undefined || size === undefined) return
      const head = own.get(path)?.head ?? headOf(path)
      if (head === undefined) return
      own.set(path, { path, size, head, choices: asked, ...progress, at: Date.now() })
      if (Date.now() - savedAt >= SAVE_EVERY_MS) flush()
    },
    flush,
    forget(sources) {
      // Also those that an earlier run had finished, and this one did not touch.
      const ended = new Set(sources.map(({ path }) => path))
      const places = read()
      const left = places.filter(({ path, choices }) => !(choices === asked && ended.has(path)))
      if (left.length < places.length) write(left)
      own.clear()
    },
  }
}
