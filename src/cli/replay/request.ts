/** Requests to another bridge: as many events in one as it surely takes, and patience with what passes. */
import { setTimeout as sleep } from 'node:timers/promises'
import { toCause } from '../admin-client.ts'
import { CliError } from '../terminal.ts'

/** Half of what MAX_BODY_BYTES is by default. */
const PACK_CHARACTERS = 512 * 1_024
const PACK_EVENTS = 500
const ANSWER_WITHIN_MS = 30_000
const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 30_000
/** Without one good answer for so long, a person should look. */
const PATIENCE_MS = 5 * 60_000

const isFinal = /"(signature_mismatch|shared_key_unknown|body_too_large)"/

export function* packs<T>(items: readonly T[], toText: (item: T) => string): Generator<T[], void> {
  let pack: T[] = []
  let characters = 0
  for (const item of items) {
    const more = toText(item).length
    if (pack.length > 0 && (pack.length === PACK_EVENTS || characters + more > PACK_CHARACTERS)) {
      yield pack
      pack = []
      characters = 0
    }
    pack.push(item)
    characters += more
  }
  if (pack.length > 0) yield pack
}

/**
 * The first answer that is worth having: not 429, no server error, no time-out. What only a person can set right is a 503
 * too, for Twilio's sake, but here no patience helps. Throws CliError.
 */
export async function retrying(
  request: (timeout: AbortSignal) => Promise<Response>,
  name: string,
  signal: AbortSignal,
): Promise<Response> {
  let fault = ''
  const since = Date.now()
  for (let attempt = 0; ; attempt++) {
    let waitMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt) * (0.5 + Math.random() / 2)
    try {
      const response = await request(AbortSignal.timeout(ANSWER_WITHIN_MS))
      if (response.status !== 429 && response.status < 500) return response
      const text = await response.text()
      fault = `it answers ${response.status} ${text.slice(0, 300)}`
      if (isFinal.test(text)) return new Response(text, { status: response.status })
      waitMs = Math.max(waitMs, toMs(response.headers.get('retry-after')))
    } catch (error) {
      fault = error instanceof CliError ? error.message : toCause(error)
    }
    // What is under way is finished; nothing is tried again.
    if (signal.aborted) throw new CliError(`Stopped while ${name} did not accept events: ${fault}`)
    if (Date.now() - since + waitMs > PATIENCE_MS)
      throw new CliError(`${name} does not accept events: ${fault}`)
    await sleep(waitMs, undefined, { signal }).catch(() => undefined)
  }
}

function toMs(retryAfter: string | null): number {
  const seconds = Number(retryAfter ?? 0)
  return Number.isFinite(seconds) ? Math.min(seconds * 1_000, LONGEST_RETRY_MS) : 0
}
