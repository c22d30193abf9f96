/** Goes through with one request whose body has been read, in the way the fault wants it. */
import { randomBytes } from 'node:crypto'
import type { Disturbance } from './segment-faults.ts'
import { type Answer, toTextAnswer } from './segment-request.ts'

const GARBAGE_BYTES = 64 << 10

export type Exchange = {
  readonly now: () => number
  /** Accepts the events, or refuses them: the answer tells which. */
  take(): Answer
  send(answer: Answer): void
  /** Resets the connection, so that the caller sees a broken one rather than an end. */
  cut(): void
  sleep(ms: number): Promise<void>
}

export async function disturb(fault: Disturbance | undefined, exchange: Exchange): Promise<void> {
  const { take, send, cut, sleep } = exchange
  switch (fault?.kind) {
    case undefined:
      return send(take())
    case 'status':
      return send(instead(toTextAnswer(fault.status, fault.body ?? '', fault.headers), take))
    case 'pretend':
      return send(toTextAnswer(fault.status, fault.body ?? '', fault.headers))
    case 'garbage':
      return send(instead(toGarbage(fault.status), take))
    case 'throttle':
      return send(toThrottle(fault, exchange.now()))
    case 'slow':
      await sleep(fault.ms)
      return send(take())
    case 'late': {
      const answer = take()
      await sleep(fault.ms)
      return send(answer)
    }
    case 'reset-after':
      take()
      return cut()
    case 'reset-before':
    case 'refuse-after':
      return cut()
    case 'hang':
      return
  }
}

/** A 2xx says that the events were taken, so they must be; a refusal goes before it. */
function instead(answer: Answer, take: () => Answer): Answer {
  if (answer.status >= 300) return answer
  const verdict = take()
  return verdict.status >= 300 ? verdict : answer
}

function toThrottle(fault: Extract<Disturbance, { kind: 'throttle' }>, now: number): Answer {
  const { retryAfter } = fault
  const waitSeconds = typeof retryAfter === 'number' ? retryAfter : (Date.parse(retryAfter) - now) / 1000
  return toTextAnswer(429, 'Too Many Requests\n', {
    'retry-after': String(retryAfter),
    'x-ratelimit-reset': String(fault.reset ?? Math.max(0, Math.ceil(waitSeconds))),
  })
}

function toGarbage(status: number): Answer {
  return { status, headers: { 'content-type': 'application/octet-stream' }, body: randomBytes(GARBAGE_BYTES) }
}
