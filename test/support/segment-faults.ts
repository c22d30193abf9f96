/**
 * What can be ordered to go wrong with the stand-in for Segment, and which order the next request meets.
 * Orders with `times` come first, as given; then the standing one, which a later standing one replaces.
 * Poison stands beside them all: it is about what a body holds, not about how the request goes.
 */
import * as z from 'zod'

const milliseconds = z.number().min(0)
const answerStatus = z.int().min(200).max(599)

const Bad = z.discriminatedUnion('kind', [
  /** A 2xx takes the events, anything else does not. A redirect carries its `location` in `headers`. */
  z.strictObject({
    kind: z.literal('status'),
    status: answerStatus,
    headers: z.record(z.string(), z.string()).optional(),
    body: z.string().optional(),
  }),
  /** 429 with Retry-After (seconds, or an HTTP-date) and X-RateLimit-Reset (seconds; the same wait by default). */
  z.strictObject({
    kind: z.literal('throttle'),
    retryAfter: z.union([z.number().min(0), z.string()]),
    reset: z.number().optional(),
  }),
  /** Takes the events after `ms`, then answers: also when the caller has gone meanwhile, as a real server does. */
  z.strictObject({ kind: z.literal('slow'), ms: milliseconds }),
  /** Reads, takes nothing, never answers. */
  z.strictObject({ kind: z.literal('hang') }),
  /** Takes the events at once, answers after `ms`. */
  z.strictObject({ kind: z.literal('late'), ms: milliseconds }),
  z.strictObject({ kind: z.literal('reset-before') }),
  /** Takes the events, then cuts the connection: the caller cannot know. */
  z.strictObject({ kind: z.literal('reset-after') }),
  z.strictObject({ kind: z.literal('refuse-after') }),
  /** Answers so and takes nothing, whatever the status says. */
  z.strictObject({
    kind: z.literal('pretend'),
    status: answerStatus,
    headers: z.record(z.string(), z.string()).optional(),
    body: z.string().optional(),
  }),
  /** 64 KiB of noise; with a 2xx the events are taken. */
  z.strictObject({ kind: z.literal('garbage'), status: answerStatus }),
  /** 400 for a whole body that holds one of these. */
  z.strictObject({
    kind: z.literal('poison'),
    messageIds: z.union([
      z.array(z.string()),
      z.strictObject({ prefix: z.string().min(1) }),
      z.custom<(id: string) => boolean>(value => typeof value === 'function'),
    ]),
  }),
])
type Bad = z.infer<typeof Bad>
type Poison = Extract<Bad, { kind: 'poison' }>
export type Disturbance = Exclude<Bad, Poison>
/** Whatever stands between dislikes a text: each body that holds it meets `bad`. Like poison it stands beside the others. */
const Disliked = z.strictObject({ kind: z.literal('text'), text: z.string().min(1), bad: Bad })

export const Fault = z.discriminatedUnion('kind', [
  Bad,
  Disliked,
  /** `ok` requests pass, the next `down` (1) meet `bad`, and so on. */
  z.strictObject({
    kind: z.literal('flap'),
    ok: z.int().min(0),
    down: z.int().min(1).optional(),
    bad: Bad,
  }),
])
export type Fault = z.infer<typeof Fault>

export const FaultSpan = z.strictObject({
  /** How many requests meet the fault; without it, all until `heal`. */
  times: z.int().min(1).optional(),
  /** Only each n-th request; a flap has its own rhythm and ignores it. */
  every: z.int().min(1).optional(),
})
export type FaultSpan = z.infer<typeof FaultSpan>

type Order<Kind> = {
  readonly fault: Kind
  readonly ok: number
  readonly down: number
  left: number
  seen: number
}

export function createFaults() {
  let counted: Order<Disturbance>[] = []
  let standing: Order<Disturbance> | undefined
  let poisons: Order<(id: string) => boolean>[] = []
  let disliked: { readonly text: string; readonly bad: Disturbance }[] = []

  return {
    order(fault: Fault, { times, every = 1 }: FaultSpan = {}): void {
      if (fault.kind === 'text') {
        if (fault.bad.kind === 'poison') throw new Error('Poison is about ids, not about text')
        disliked.push({ text: fault.text, bad: fault.bad })
        return
      }
      const { bad, ok, down = 1 } = fault.kind === 'flap' ? fault : { bad: fault, ok: every - 1 }
      const order = { ok, down, left: times ?? Number.POSITIVE_INFINITY, seen: 0 }
      if (bad.kind === 'poison') poisons.push({ ...order, fault: toMatcher(bad.messageIds) })
      else if (times === undefined) standing = { ...order, fault: bad }
      else counted.push({ ...order, fault: bad })
    },

    /** What the request that has just come in meets. */
    next(): Disturbance | undefined {
      const met = [...counted, ...(standing ? [standing] : [])].find(isDue)
      counted = counted.filter(order => order.left > 0)
      return met?.fault
    },

    /** What a request meets for the sake of its body. */
    dislikes(body: string): Disturbance | undefined {
      return disliked.find(({ text }) => body.includes(text))?.bad
    },

    poisoned(ids: readonly string[]): boolean {
      const met = poisons.find(order => ids.some(order.fault) && isDue(order))
      poisons = poisons.filter(order => order.left > 0)
      return met !== undefined
    },

    clear(): void {
      counted = []
      standing = undefined
      poisons = []
      disliked = []
    },
  }
}

/** Counts the request: an order is asked once for each. */
function isDue(order: Order<unknown>): boolean {
  const position = order.seen++ % (order.ok + order.down)
  if (position < order.ok) return false
  order.left--
  return true
}

function toMatcher(messageIds: Poison['messageIds']): (id: string) => boolean {
  if (typeof messageIds === 'function') return messageIds
  if ('prefix' in messageIds) return id => id.startsWith(messageIds.prefix)
  const listed = new Set(messageIds)
  return id => listed.has(id)
}
