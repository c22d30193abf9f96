/** What the outbox holds, line by line, as the admin API gives it out. */
import * as z from 'zod'
import type { BridgeProcess } from '../bridge-process.ts'

const Line = z.object({
  state: z.string(),
  reason: z.string().nullable(),
  raw: z.string().optional(),
  encoding: z.string().optional(),
  /** Request and place in it, of what has no identity of its own. */
  key: z.string().optional(),
  event: z.unknown().optional(),
})

export type Kept = Omit<z.infer<typeof Line>, 'event'> & {
  readonly event: { readonly id?: unknown } | undefined
  /** The event as the line has it, to the letter. */
  readonly text: string | undefined
  readonly line: string
}

export async function readExport({ api }: Pick<BridgeProcess, 'api'>): Promise<Kept[]> {
  const lines = await api<string>('/api/export')
  return lines.split('\n').filter(Boolean).map(toKept)
}

function toKept(line: string): Kept {
  const { event, ...rest } = Line.parse(JSON.parse(line))
  // The last member; in a text before it the quotes would be escaped.
  const at = line.indexOf(',"event":')
  const text = at < 0 ? undefined : line.slice(at + ',"event":'.length, -1)
  return { ...rest, event: typeof event === 'object' && event !== null ? event : undefined, text, line }
}
